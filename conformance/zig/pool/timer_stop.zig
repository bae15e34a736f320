//! Stop: waits for the callback, with every outcome; of two that stop a timer one does; not from the callback; afterwards the
//! handle is stale and the context is not touched.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const Ticks = check.timer.Ticks;
const Timer = photonrt.Timer;
const tick = check.timer.tick;
const start = check.timer.start;

fn deadlock(timer: Timer, expiries: u64, t: *Ticks) void {
    check.err(error.Deadlock, timer.stop(.forever));
    check.err(error.Deadlock, timer.stop(.now));
    tick(timer, expiries, t);
}

const Stopped = photonrt.timer.StopError!void;

fn stopper(timer: Timer) Stopped {
    return timer.stop(.forever);
}

fn stale(timer: Timer) void {
    check.err(error.NotFound, timer.stop(.forever));
    check.err(error.NotFound, timer.cancel());
    check.err(error.NotFound, timer.reset(.now));
}

fn waits() !void {
    var t: Ticks = .{ .gate = .init(true) };
    const timer = start(.{ .period = 1 * check.ms }, &t, tick);
    t.untilInside();
    check.err(error.WouldBlock, timer.stop(.now));
    const begun = photonrt.clock();
    check.err(error.Timeout, timer.stop(.us(500)));
    check.ge(photonrt.clock() - begun, 500 * check.us);
    const cancelled = check.spawn(stopper, .{timer});
    const interrupted = check.spawn(stopper, .{timer});
    check.untilState(cancelled.co, .parked);
    check.untilState(interrupted.co, .parked);
    try cancelled.co.cancel();
    check.err(error.Canceled, try cancelled.joinTimeout(.forever));
    try interrupted.co.interrupt(error.NotSameFileSystem);
    check.err(error.Interrupted, try interrupted.joinTimeout(.forever));
    check.eq(1, t.calls.load(.monotonic));
    check.eq(1, t.inside.load(.monotonic));
    t.gate.store(false, .release);
    try timer.stop(.forever);
    check.eq(0, t.inside.load(.monotonic));
    check.eq(1, t.calls.load(.monotonic));
    stale(timer);
}

fn several() !void {
    var t: Ticks = .{ .hold = .ms(2) };
    const timer = start(.{}, &t, deadlock);
    t.untilInside();
    var all: [4]photonrt.Task(Stopped) = undefined;
    for (&all) |*task| task.* = check.spawn(stopper, .{timer});
    var results: [5]Stopped = undefined;
    results[4] = check.onThread(stopper, .{timer});
    for (all, results[0..4]) |task, *result| result.* = try task.joinTimeout(.forever);
    var done: u32 = 0;
    for (results) |result| {
        if (result) |_| done += 1 else |e| check.eq(error.NotFound, e);
    }
    check.eq(1, done);
    stale(timer);
}

/// Stopped while it expires, with a context that is gone afterwards.
fn races(first: u64) !void {
    var seed = first;
    for (0..300) |i| {
        const t = try std.heap.c_allocator.create(Ticks);
        defer std.heap.c_allocator.destroy(t);
        t.* = .{};
        const period: i64 = if (i % 2 == 1) @intCast(check.rand(&seed) % 30_000) else 0;
        const timer = start(.{ .delay = .ns(@intCast(check.rand(&seed) % 50_000)), .period = period }, t, tick);
        if (i % 3 != 0) try photonrt.sleep(.ns(@intCast(check.rand(&seed) % 60_000)));
        try timer.stop(.forever);
        check.eq(0, t.inside.load(.monotonic));
        check.eq(0, t.overlaps.load(.monotonic));
        @memset(std.mem.asBytes(t), 0xff);
    }
}

pub fn body() !void {
    try waits();
    try several();
    var all: [3]check.Task(races) = undefined;
    for (&all, 1..) |*task, i| task.* = check.spawnOn(@intCast(i), races, .{i});
    try check.onThread(races, .{9});
    for (all) |task| check.join(task);
}
