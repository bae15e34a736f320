//! Pins count, and what a pinned coroutine does not do.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;
const Atomic = std.atomic.Value;
const Group = photonrt.Group;
const thread = std.c.pthread_self;

var stop: Atomic(bool) = .init(false);
var phase: Atomic(u32) = .init(0);

fn counts() !void {
    check.err(error.InvalidArgument, photonrt.unpin());
    for (0..2) |_| {
        check.eq(1, c.co_pin());
        check.eq(2, c.co_pin());
        check.eq(1, c.co_unpin());
        try photonrt.pin();
        check.eq(3, c.co_pin());
        check.eq(2, c.co_unpin());
        try photonrt.unpin();
        check.eq(0, c.co_unpin());
        check.err(error.InvalidArgument, photonrt.unpin());
    }
    for (1..65536) |_| try photonrt.pin();
    check.err(error.Overflow, photonrt.pin());
    // Pinned still: the next in its control block is not.
}

fn stays() !void {
    const me = photonrt.Coroutine.current().?;
    const last = check.vcpus();
    const here = photonrt.currentVcpu();
    const on = thread();
    try photonrt.pin();
    check.err(error.Busy, me.migrate(.current, if (here == 1) last else 1));
    {
        const bracket: photonrt.Bracket = .enter(); // keeps the thread, though migratable
        defer bracket.leave();
        check.that(on == thread());
    }
    for (0..20) |i| {
        try photonrt.sleep(if (i % 2 == 1) .now else .us(100));
        check.eq(here, photonrt.currentVcpu());
        check.that(on == thread());
    }
    try photonrt.unpin();
    try me.migrate(.current, last);
    check.eq(last, photonrt.currentVcpu());
}

/// Told to move while it is pinned, in each state: it does so when it no longer is.
fn movesLater(group: Group) !void {
    const before = Group.self().?;
    var on = thread();
    try photonrt.pin();
    try photonrt.pin();
    phase.store(1, .release);
    try photonrt.park(.forever);
    while (phase.load(.acquire) != 2) photonrt.yield();
    try photonrt.sleep(.ms(1));
    try photonrt.unpin();
    check.eq(before, Group.self());
    check.that(on == thread());
    try photonrt.unpin();
    check.eq(group, Group.self());
    check.that(on != thread());

    // The same in brackets.
    on = thread();
    {
        const bracket: photonrt.Bracket = .enter();
        defer bracket.leave();
        check.eq(1, bracket.depth);
        phase.store(3, .release);
        while (phase.load(.acquire) != 4) try photonrt.sleep(.us(100));
    }
    // The order may still be on its way.
    while (Group.self().? != before) try photonrt.sleep(.us(100));
}

fn wanders() !void {
    const on = thread();
    try photonrt.pin();
    var i: u32 = 0;
    while (!stop.load(.monotonic)) : (i += 1) {
        if (i % 3 != 0) photonrt.yield() else try photonrt.sleep(.us(10));
        check.that(on == thread());
    }
}

fn until(n: u32) !void {
    while (phase.load(.acquire) != n) try photonrt.sleep(.us(100));
}

pub fn body() !void {
    const home = Group.self().?;
    const group: Group = try .create(.{});
    check.join(try photonrt.spawnWith(.{}, counts, .{}));
    check.join(try photonrt.spawnWith(.{ .migratable = true }, counts, .{}));
    check.join(try photonrt.spawnWith(.{ .migratable = true }, counts, .{}));
    check.join(try photonrt.spawnWith(.{ .migratable = true }, stays, .{}));

    const mover = try photonrt.spawnWith(.{ .migratable = true }, movesLater, .{group});
    try until(1);
    check.untilState(mover.co, .parked);
    try mover.co.migrate(group, 1);
    try mover.co.unpark();
    try photonrt.sleep(.ms(1));
    try mover.co.migrate(group, 1); // in its turn
    phase.store(2, .release);
    try until(3);
    try mover.co.migrate(home, 1);
    phase.store(4, .release);
    check.join(mover);

    // Others have nothing to do, and take what they can get.
    var all: [200]check.Task(wanders) = undefined;
    for (&all) |*task| task.* = try photonrt.spawnWith(.{ .migratable = true }, wanders, .{});
    try photonrt.sleep(.ms(20));
    stop.store(true, .monotonic);
    for (all) |task| check.join(task);
    try group.destroy(.forever);
}
