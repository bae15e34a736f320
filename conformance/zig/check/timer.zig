//! What the timer cases share: a callback that counts.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("../check.zig");
const Atomic = std.atomic.Value;

pub const Ticks = struct {
    calls: Atomic(u64) = .init(0),
    expiries: Atomic(u64) = .init(0),
    /// When it was called first, last, and the time before.
    first: Atomic(i64) = .init(0),
    last: Atomic(i64) = .init(0),
    before: Atomic(i64) = .init(0),
    /// How long a call takes.
    hold: photonrt.Timeout = .now,
    /// While it is true a call stays.
    gate: Atomic(bool) = .init(false),
    inside: Atomic(u32) = .init(0),
    overlaps: Atomic(u32) = .init(0),

    pub fn untilCalls(t: *Ticks, calls: u64) void {
        while (t.calls.load(.acquire) < calls) check.pause();
    }

    pub fn untilInside(t: *Ticks) void {
        while (t.inside.load(.acquire) == 0) check.pause();
    }
};

/// The callback.
pub fn tick(timer: photonrt.Timer, expiries: u64, t: *Ticks) void {
    const now = photonrt.clock();
    check.that(@backingInt(timer) != 0 and photonrt.Coroutine.current() != null);
    check.ge(expiries, 1);
    if (t.inside.fetchAdd(1, .acquire) != 0) _ = t.overlaps.fetchAdd(1, .monotonic);
    t.before.store(t.last.load(.monotonic), .monotonic);
    t.last.store(now, .monotonic);
    _ = t.expiries.fetchAdd(expiries, .monotonic);
    if (t.calls.load(.monotonic) == 0) t.first.store(now, .monotonic);
    _ = t.calls.fetchAdd(1, .release);
    // The runtime's end cancels it.
    if (t.hold != .now) photonrt.sleep(t.hold) catch |e| check.eq(error.Canceled, e);
    while (t.gate.load(.acquire)) check.pause();
    _ = t.inside.fetchSub(1, .release);
}

/// A timer that must be had.
pub fn start(
    options: photonrt.timer.Options,
    context: anytype,
    comptime function: fn (timer: photonrt.Timer, expiries: u64, context: @TypeOf(context)) void,
) photonrt.Timer {
    const timer = photonrt.Timer.start(options, context, function) catch |e| check.fail("co_timer_start: {t}", .{e});
    check.that(@backingInt(timer) != 0);
    return timer;
}
