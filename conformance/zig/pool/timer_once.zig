//! One-shot timers: never early, once, at once without a delay; reset arms them again; from plain threads too; one without a
//! handle goes by itself.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const Ticks = check.timer.Ticks;
const Timer = photonrt.Timer;
const Timeout = photonrt.Timeout;
const tick = check.timer.tick;
const start = check.timer.start;

fn once() !void {
    var t: Ticks = .{};
    var begun = photonrt.clock();
    const timer = start(.{ .delay = .ms(2) }, &t, tick);
    t.untilCalls(1);
    check.ge(t.first.load(.monotonic) - begun, 2 * check.ms);
    try photonrt.sleep(.ms(4));
    check.eq(1, t.calls.load(.monotonic));
    check.eq(1, t.expiries.load(.monotonic));

    for (2..5) |calls| {
        begun = photonrt.clock();
        check.eq(false, try timer.reset(.us(500))); // it was not armed
        t.untilCalls(calls);
        check.ge(t.last.load(.monotonic) - begun, 500 * check.us);
    }
    check.eq(false, try timer.reset(.seconds(3600)));
    begun = photonrt.clock();
    check.eq(true, try timer.reset(.ms(1))); // it was: brought forward
    t.untilCalls(5);
    check.ge(t.last.load(.monotonic) - begun, 1 * check.ms);
    check.eq(false, try timer.reset(.seconds(3600)));
    begun = photonrt.clock();
    check.eq(true, try timer.reset(.ms(5)));
    t.untilCalls(6);
    check.ge(t.last.load(.monotonic) - begun, 5 * check.ms);
    try timer.stop(.forever);
    check.eq(0, t.overlaps.load(.monotonic));
}

fn defaults() !void {
    var t: Ticks = .{};
    const at_once = start(.{}, &t, tick);
    t.untilCalls(1);
    try at_once.stop(.forever);
    const unarmed = start(.{ .delay = .forever }, &t, tick);
    try photonrt.sleep(.ms(2));
    check.eq(1, t.calls.load(.monotonic));
    check.eq(false, try unarmed.reset(.now));
    t.untilCalls(2);
    try unarmed.stop(.forever);
    const longest: Timeout = .ns(std.math.maxInt(i64)); // for ever, nearly
    const distant = start(.{ .delay = longest }, &t, tick);
    check.eq(true, try distant.reset(longest));
    try distant.stop(.now);
    check.eq(2, t.calls.load(.monotonic));
}

var seen: std.atomic.Value(u64) = .init(0);

fn byItself(timer: Timer, expiries: u64, t: *Ticks) void {
    seen.store(@backingInt(timer), .monotonic);
    tick(timer, expiries, t);
    if (t.calls.load(.monotonic) == 3) check.eq(true, timer.cancel()); // the last one
}

fn withoutHandle() !void {
    var t: Ticks = .{};
    try Timer.startDetached(.{ .delay = .us(100) }, &t, byItself);
    t.untilCalls(1);
    var timer: Timer = @fromBackingInt(seen.load(.monotonic));
    while (timer.cancel()) |_| check.pause() else |e| check.eq(error.NotFound, e);
    check.eq(1, t.calls.load(.monotonic));
    var u: Ticks = .{};
    try Timer.startDetached(.{ .delay = .us(100), .period = 100 * check.us }, &u, byItself);
    u.untilCalls(3);
    timer = @fromBackingInt(seen.load(.monotonic));
    while (timer.reset(.seconds(3600))) |_| check.pause() else |e| check.eq(error.NotFound, e);
    check.eq(3, u.calls.load(.monotonic));
}

fn onThread() !void {
    try once();
    try defaults();
}

pub fn body() !void {
    try once();
    try defaults();
    try withoutHandle();
    try check.onThread(onThread, .{});
}
