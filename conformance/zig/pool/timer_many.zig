//! 100,000 armed timers: a small block each and no stack; each fires once, none early, none is lost, and stopping them all leaves
//! nothing.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

const One = struct {
    due: i64,
    timer: photonrt.Timer,
    calls: u32 = 0,
};

var all: [100_000]One = undefined;
var called: std.atomic.Value(u32) = .init(0);

fn fired(timer: photonrt.Timer, expiries: u64, one: *One) void {
    check.eq(one.timer, timer);
    check.eq(1, expiries);
    check.eq(0, one.calls);
    one.calls += 1;
    check.ge(photonrt.clock(), one.due);
    _ = called.fetchAdd(1, .release);
}

pub fn body() !void {
    var seed: u64 = 5;
    const stacks = check.stats().stacks_used;
    // All exist before the first of them is due.
    for (&all) |*one| one.* = .{ .due = 0, .timer = check.timer.start(.{ .delay = .forever }, one, fired) };
    for (&all, 0..) |*one, i| {
        // Half of them will not fire.
        const delay: i64 = if (i % 2 == 1) @intCast(check.rand(&seed) % (200 * check.ms)) else 3600 * check.sec;
        one.due = photonrt.clock() + delay;
        check.eq(false, try one.timer.reset(.ns(delay)));
    }
    check.ge(stacks + 1000, check.stats().stacks_used);
    while (called.load(.acquire) < all.len / 2) try photonrt.sleep(.ms(1));
    for (&all, 0..) |*one, i| {
        try one.timer.stop(.forever);
        check.eq(@as(u32, @intFromBool(i % 2 == 1)), one.calls);
    }
    check.untilLive(1);
}
