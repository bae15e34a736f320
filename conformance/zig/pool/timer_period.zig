//! Repeating timers: each period counts, none is early, nothing drifts, callbacks never overlap: one that is slower than the
//! period is told how many expiries it stands for.
const photonrt = @import("photonrt");
const check = @import("check");
const Ticks = check.timer.Ticks;
const tick = check.timer.tick;
const start = check.timer.start;

fn regular() !void {
    var t: Ticks = .{};
    const begun = photonrt.clock();
    const timer = start(.{ .delay = .ms(3), .period = 1 * check.ms }, &t, tick);
    t.untilCalls(20);
    try timer.stop(.forever);
    const first = begun + 3 * check.ms;
    const expiries: i64 = @intCast(t.expiries.load(.monotonic));
    check.ge(t.first.load(.monotonic), first);
    // As many expiries as there were periods by the last call, or by the one before (what came in between may be for the next):
    // none early, none lost, none twice.
    check.ge(@divTrunc(t.last.load(.monotonic) - first, check.ms) + 1, expiries);
    check.ge(expiries, @divTrunc(t.before.load(.monotonic) - first, check.ms));
    const calls = t.calls.load(.monotonic);
    check.ge(expiries, calls);
    check.eq(0, t.overlaps.load(.monotonic));
    try photonrt.sleep(.ms(3));
    check.eq(calls, t.calls.load(.monotonic));
}

fn slow() !void {
    var t: Ticks = .{ .hold = .ms(5) };
    const begun = photonrt.clock();
    const timer = start(.{ .period = 1 * check.ms }, &t, tick);
    t.untilCalls(4);
    try timer.stop(.forever); // waits for the callback
    check.eq(0, t.inside.load(.monotonic));
    check.eq(0, t.overlaps.load(.monotonic));
    check.eq(4, t.calls.load(.monotonic));
    const expiries = t.expiries.load(.monotonic);
    check.ge(expiries, 1 + 3 * 5); // each call but the first stands for what came during the last
    check.ge(@divTrunc(photonrt.clock() - begun, check.ms) + 1, expiries);
}

fn tiny() !void {
    var t: Ticks = .{};
    const begun = photonrt.clock();
    const timer = start(.{ .period = 1 }, &t, tick); // a nanosecond: merged, and nobody starves
    t.untilCalls(50);
    try timer.stop(.forever);
    const expiries = t.expiries.load(.monotonic);
    check.ge(t.last.load(.monotonic) - begun + 1, expiries);
    check.ge(expiries, t.calls.load(.monotonic));
}

fn reset() !void {
    var t: Ticks = .{};
    const timer = start(.{ .delay = .seconds(3600), .period = 2 * check.ms }, &t, tick);
    for (0..20) |_| { // a timeout that is put off again and again
        check.eq(true, try timer.reset(.ms(50)));
        try photonrt.sleep(.us(200));
    }
    check.eq(0, t.calls.load(.monotonic));
    const begun = photonrt.clock();
    check.eq(true, try timer.reset(.ms(1)));
    t.untilCalls(3); // and the period holds
    // Stopped first: nothing changes while it is looked at.
    try timer.stop(.forever);
    const periods: i64 = @intCast(t.expiries.load(.monotonic) - 1);
    check.ge(t.last.load(.monotonic) - begun, 1 * check.ms + 2 * periods * check.ms);
}

pub fn body() !void {
    try regular();
    try slow();
    try tiny();
    try reset();
}
