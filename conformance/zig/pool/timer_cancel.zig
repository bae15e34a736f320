//! Cancel: what has not been called for does not happen; the timer can be armed again; from the callback itself; and against an
//! expiry that is just happening, from coroutines and threads.
const photonrt = @import("photonrt");
const check = @import("check");
const Ticks = check.timer.Ticks;
const Timer = photonrt.Timer;
const tick = check.timer.tick;
const start = check.timer.start;

fn beforeItExpires() !void {
    var t: Ticks = .{};
    const timer = start(.{ .delay = .ms(1), .period = 1 * check.ms }, &t, tick);
    check.eq(false, try timer.cancel());
    check.eq(false, try timer.cancel());
    try photonrt.sleep(.ms(3));
    check.eq(0, t.calls.load(.monotonic));
    check.eq(false, try timer.reset(.now));
    t.untilCalls(3);
    try timer.stop(.forever);
}

fn whileRunning() !void {
    var t: Ticks = .{ .gate = .init(true) };
    const timer = start(.{ .period = 1 * check.ms }, &t, tick);
    t.untilInside();
    check.eq(true, try timer.cancel());
    t.gate.store(false, .release);
    while (t.inside.load(.acquire) != 0) check.pause();
    try photonrt.sleep(.ms(2));
    check.eq(1, t.calls.load(.monotonic));
    check.eq(false, try timer.cancel());
    try timer.stop(.now);
}

fn itself(timer: Timer, expiries: u64, t: *Ticks) void {
    tick(timer, expiries, t);
    switch (t.calls.load(.monotonic) % 3) {
        0 => check.eq(true, timer.cancel()),
        1 => _ = timer.reset(.us(200)) catch |e| check.fail("reset: {t}", .{e}),
        else => {},
    }
}

fn fromTheCallback() !void {
    var t: Ticks = .{};
    const timer = start(.{ .period = 100 * check.us }, &t, itself);
    for ([_]u64{ 3, 6, 9 }) |calls| {
        t.untilCalls(calls);
        try photonrt.sleep(.ms(1));
        check.eq(calls, t.calls.load(.monotonic));
        check.eq(false, try timer.reset(.now));
    }
    try timer.stop(.forever);
}

/// After a cancel that says that the callback is not running, it is not called.
fn races(first: u64) !void {
    var seed = first;
    var t: Ticks = .{};
    const timer = start(.{ .delay = .forever }, &t, tick);
    for (0..300) |_| {
        _ = try timer.reset(.ns(@intCast(check.rand(&seed) % 60_000)));
        try photonrt.sleep(.ns(@intCast(check.rand(&seed) % 60_000)));
        const active = try timer.cancel();
        const calls = t.calls.load(.acquire);
        if (!active) {
            try photonrt.sleep(.ns(@intCast(check.rand(&seed) % 30_000)));
            check.eq(calls, t.calls.load(.acquire));
        }
    }
    try timer.stop(.forever);
}

pub fn body() !void {
    try beforeItExpires();
    try whileRunning();
    try fromTheCallback();
    var all: [3]check.Task(races) = undefined;
    for (&all, 1..) |*task, i| task.* = check.spawnOn(@intCast(i), races, .{i});
    try check.onThread(races, .{9});
    for (all) |task| check.join(task);
}
