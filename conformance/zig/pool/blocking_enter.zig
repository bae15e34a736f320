//! Brackets: counting, what the caller is in between, and what is kept for it.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;
const Bracket = photonrt.Bracket;
const thread = std.c.pthread_self;

var phase: std.atomic.Value(u32) = .init(0);
var ended: u32 = 0;

fn doubled(n: u32) !u32 {
    try photonrt.sleep(.ms(5));
    return 2 * n;
}

fn checkInside(me: photonrt.Coroutine) !void {
    const itself: photonrt.Task(void) = .{ .co = me };
    check.eq(me, photonrt.Coroutine.current());
    check.eq(0, photonrt.currentVcpu());
    check.eq(null, photonrt.Group.self());
    check.err(error.PermissionDenied, photonrt.park(.now));
    check.err(error.PermissionDenied, photonrt.pin());
    check.err(error.PermissionDenied, photonrt.unpin());
    check.errno(.PERM, c.co_cancel_shield(1));
    const shield: photonrt.Shield = .begin(); // as on a plain thread
    shield.end();
    check.err(error.Deadlock, itself.join());
    check.err(error.Deadlock, me.wait(.forever));
    check.err(error.Deadlock, photonrt.shutdown(.forever));
    check.err(error.Busy, photonrt.init(.{}));
    photonrt.yield();
    const here = thread();
    try photonrt.sleep(.ms(2));
    check.that(here == thread());
    check.eq(.running, try me.state());
    check.eq(42, try photonrt.blocking(.now, doubled, .{21})); // right here
}

fn counts(migratable: bool) !void {
    const me = photonrt.Coroutine.current().?;
    const vcpu = photonrt.currentVcpu();
    const here = thread();
    check.errno(.PERM, c.co_blocking_leave());
    for (0..3) |_| {
        const outer: Bracket = .enter();
        check.eq(1, outer.depth);
        const inner: Bracket = .enter();
        check.eq(2, inner.depth);
        check.eq(migratable, here != thread());
        try checkInside(me);
        check.eq(1, c.co_blocking_leave());
        try checkInside(me);
        const again: Bracket = .enter();
        check.eq(2, again.depth);
        again.leave();
        try checkInside(me);
        check.eq(0, c.co_blocking_leave());
        check.errno(.PERM, c.co_blocking_leave());
        check.eq(vcpu, photonrt.currentVcpu());
        check.that(here == thread());
        try photonrt.sleep(.ms(1));
    }
}

/// What is asked of it meanwhile is found when it is back.
fn asked() !void {
    {
        const bracket: Bracket = .enter();
        defer bracket.leave();
        phase.store(1, .release);
        while (phase.load(.acquire) == 1) try photonrt.sleep(.us(200));
        check.that(!photonrt.cancelPending()); // a plain thread
    }
    check.that(photonrt.cancelPending());
    check.err(error.Canceled, photonrt.sleep(.seconds(1)));
    check.that(photonrt.acknowledgeCancel());
    check.err(error.Interrupted, photonrt.sleep(.seconds(1)));
    try photonrt.park(.seconds(1)); // the unpark
}

fn asks(co: photonrt.Coroutine) void {
    while (phase.load(.acquire) != 1) check.hold(200 * check.us);
    check.eq({}, co.cancel());
    check.eq({}, co.interrupt(error.NotSameFileSystem));
    check.eq({}, co.unpark());
    check.hold(3 * check.ms); // somebody looks after its vCPU meanwhile
    phase.store(2, .release);
}

fn endsInside() void {
    check.eq(1, Bracket.enter().depth);
    check.eq(2, Bracket.enter().depth);
    ended += 1;
}

fn spawnedInside(n: u32) u32 {
    check.that(photonrt.Coroutine.current() != null);
    return n + 1;
}

fn spawns() !void {
    const bracket: Bracket = .enter();
    // Of the default group, as from any plain thread.
    const task = try photonrt.spawnWith(.{ .vcpu = check.vcpus() }, spawnedInside, .{7});
    bracket.leave();
    check.eq(8, check.join(task));
}

fn plain() void {
    check.eq(0, c.co_blocking_leave());
    const bracket: Bracket = .enter();
    check.eq(0, bracket.depth);
    check.eq(null, photonrt.Coroutine.current());
    bracket.leave();
    check.err(error.PermissionDenied, photonrt.pin());
    check.err(error.PermissionDenied, photonrt.unpin());
}

pub fn body() !void {
    for ([_]bool{ false, true }) |migratable| {
        const attr: photonrt.Attr = .{ .migratable = migratable, .save_fp = migratable };
        check.join(try photonrt.spawnWith(attr, counts, .{migratable}));
        phase.store(0, .monotonic);
        const waiting = try photonrt.spawnWith(attr, asked, .{});
        const asker = check.thread(asks, .{waiting.co});
        check.join(waiting);
        asker.join();
        check.join(try photonrt.spawnWith(attr, endsInside, .{}));
        check.join(try photonrt.spawnWith(attr, spawns, .{}));
        var kept = attr;
        kept.vcpu = 1; // kept on a vCPU is not pinned
        check.join(try photonrt.spawnWith(kept, counts, .{migratable}));
    }
    check.eq(2, ended);
    check.onThread(plain, .{});
    const bracket: Bracket = .enter(); // main too
    check.eq(1, bracket.depth);
    bracket.leave();
}
