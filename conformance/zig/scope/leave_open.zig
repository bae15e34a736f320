const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

const Scope = photonrt.Scope;
var ended: std.atomic.Value(u32) = .init(0);

fn child() void {
    check.err(error.Canceled, photonrt.sleep(.forever));
    photonrt.yield();
    _ = ended.fetchAdd(1, .monotonic);
}

/// Ends with three scopes open and children in them.
fn forgets() !void {
    for (0..3) |i| {
        const s: Scope = try .open(.{ .timeout = if (i > 0) .seconds(100) else .forever });
        check.eq(0, try s.spawn(child, .{}));
        check.eq(1, try s.spawn(child, .{}));
    }
    try photonrt.sleep(.ms(1));
}

fn forgetsAndFails() !void {
    try forgets();
    return error.InputOutput;
}

fn givesResult() !u64 {
    try forgets();
    return 77;
}

fn plainCoroutine() !void {
    ended.store(0, .monotonic);
    check.eq(77, check.join(check.spawn(givesResult, .{}))); // its end waits for them
    check.eq(6, ended.load(.monotonic));
    ended.store(0, .monotonic);
    try photonrt.spawnDetached(forgets, .{}); // detached: the same
    while (ended.load(.monotonic) < 6) try photonrt.sleep(.ms(1));
}

fn asChild() !void {
    ended.store(0, .monotonic);
    const s: Scope = try .open(.{});
    check.eq(0, try s.spawn(forgets, .{}));
    check.err(error.Busy, s.wait(.forever)); // reported as its failure
    check.eq(6, ended.load(.monotonic));
    check.err(error.Busy, s.result(0));
    check.eq(1, try s.spawn(forgetsAndFails, .{}));
    check.err(error.Busy, s.wait(.forever));
    check.err(error.InputOutput, s.result(1)); // its own error comes first
    check.err(error.Busy, s.close());
    check.eq(12, ended.load(.monotonic));
}

/// Even a destructor's.
fn opens(_: *u8) void {
    const s = check.must(Scope.open(.{}));
    check.eq(0, check.must(s.spawn(child, .{})));
    check.must(photonrt.sleep(.ms(1)));
}

fn hasLocal(local: photonrt.Local(u8), place: *u8) !void {
    try local.set(place);
}

fn inDestructor() !void {
    var place: u8 = 0;
    ended.store(0, .monotonic);
    const local: photonrt.Local(u8) = try .init(opens);
    defer local.deinit();
    check.join(check.spawn(hasLocal, .{ local, &place }));
    check.eq(1, ended.load(.monotonic));
    const s: Scope = try .open(.{});
    check.eq(0, try s.spawn(hasLocal, .{ local, &place }));
    try s.wait(.forever); // waits for destructors
    check.eq(2, ended.load(.monotonic));
    try s.close();
}

pub fn body() !void {
    try plainCoroutine();
    try asChild();
    try inDestructor();
    ended.store(0, .monotonic);
    const thread = check.thread(forgets, .{});
    while (ended.load(.monotonic) < 6) try photonrt.sleep(.ms(1)); // a thread's end, too; joining it would keep them from running
    thread.join();
    check.untilLive(1);
}
