const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;

const Future = photonrt.Future([3]u64);
const How = enum { completed, in_callback, failed, freed };
const three = [3]u64{ 1, 2, 3 };
var f: Future = undefined;
var out: std.atomic.Value(u32) = .init(0);

fn wanted(how: How) ?anyerror {
    return switch (how) {
        .completed, .in_callback => null,
        .failed => error.HostUnreachable,
        .freed => error.Freed,
    };
}

fn waiter(want: ?anyerror) void {
    if (want) |e| check.err(e, f.wait(.forever)) else check.eq(three, check.must(f.wait(.forever)));
    _ = out.fetchAdd(1, .monotonic);
}

extern "c" fn qsort(base: *anyopaque, n: usize, size: usize, compare: *const fn (*const u32, *const u32) callconv(.c) c_int) void;

/// A callback of somebody else's code.
fn compare(a: *const u32, b: *const u32) callconv(.c) c_int {
    f.complete(three) catch |e| check.eq(error.AlreadyComplete, e);
    return @intFromBool(a.* > b.*);
}

fn completer(how: How) void {
    var n = [2]u32{ 2, 1 };
    switch (how) {
        .completed => check.must(f.complete(three)),
        .in_callback => qsort(&n, n.len, @sizeOf(u32), compare),
        .failed => check.must(f.fail(error.HostUnreachable)),
        .freed => f.deinit(),
    }
}

fn roundOf(how: How, from_thread: bool) !void {
    const want = wanted(how);
    var tasks: [5]photonrt.Task(void) = undefined;
    out.store(0, .monotonic);
    f = try .init();
    check.err(error.WouldBlock, f.wait(.now));
    check.err(error.Timeout, f.wait(.us(100)));
    const thread = check.thread(waiter, .{want});
    for (&tasks, 0..) |*task, i| {
        task.* = check.spawnOn(@as(u32, @intCast(i)) % 2 + 1, waiter, .{want});
        check.untilState(task.co, .parked);
    }
    try photonrt.sleep(.ms(1));
    check.eq(0, out.load(.monotonic));
    if (from_thread) check.onThread(completer, .{how}) else completer(how);
    for (tasks) |task| check.join(task);
    while (out.load(.monotonic) != tasks.len + 1) try photonrt.sleep(.us(100));
    thread.join();
    // Once and for all.
    const late = if (how == .freed) error.Freed else error.AlreadyComplete;
    check.err(late, f.complete(three));
    check.err(late, f.fail(error.InputOutput));
    for (0..3) |_| {
        waiter(want);
        if (want) |e| check.err(e, f.wait(.now)) else check.eq(three, try f.wait(.now));
    }
    f.deinit();
    check.errno(.BADF, c.co_future_free(f.handle));
    check.err(error.Freed, f.wait(.forever));
}

fn stopped(want: anyerror) void {
    check.err(want, f.wait(.forever));
}

fn stoppedRaw(want: std.posix.E) void {
    var value: [3]u64 = @splat(7);
    check.errno(want, c.co_future_wait(f.handle, &value, c.CO_FOREVER));
    check.eq([3]u64{ 7, 7, 7 }, value);
}

fn stops() !void {
    f = try .init();
    check.errno(.INVAL, c.co_future_complete(f.handle, null));
    for ([_]c_int{ 0, -@as(c_int, @backingInt(std.posix.E.IO)), 4096 }) |number| {
        check.errno(.INVAL, c.co_future_fail(f.handle, number));
    }
    check.err(error.InvalidArgument, f.fail(error.NameOfNoErrno));
    check.err(error.InvalidArgument, f.wait(.ns(-2)));
    for ([_]photonrt.Task(void){ check.spawn(stopped, .{error.Canceled}), check.spawn(stoppedRaw, .{.CANCELED}) }) |task| {
        check.untilState(task.co, .parked);
        try task.co.cancel();
        check.join(task);
    }
    for ([_]photonrt.Task(void){ check.spawn(stopped, .{error.NoDevice}), check.spawn(stoppedRaw, .{.NXIO}) }) |task| {
        check.untilState(task.co, .parked);
        try task.co.interrupt(error.NoDevice);
        check.join(task);
    }
    try f.complete(three); // nobody waits any more
    waiter(null);
    f.deinit();
    check.err(error.Freed, f.complete(three)); // late
}

pub fn body() !void {
    var handle: c.co_future_t = 77;
    check.errno(.INVAL, c.co_future_new(null, 8));
    check.errno(.INVAL, c.co_future_new(&handle, c.CO_CHAN_ELEM_MAX + 1));
    check.eq(77, handle);
    for (std.enums.values(How)) |how| {
        try roundOf(how, false);
        try roundOf(how, true);
    }
    try stops();
    const signal: photonrt.Future(void) = try .init();
    check.err(error.WouldBlock, signal.wait(.now));
    try signal.complete({});
    try signal.wait(.forever);
    signal.deinit();
    for (0..64) |i| {
        const forged: photonrt.Future(void) = .{ .handle = signal.handle ^ @as(u64, 1) << @intCast(i) };
        check.err(error.Freed, forged.wait(.forever));
    }
    const none: photonrt.Future(void) = .{ .handle = 0 };
    check.err(error.Freed, none.wait(.forever));
}
