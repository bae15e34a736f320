const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;

const Channel = photonrt.Channel(i32);
var ch: Channel = undefined;
var out: std.atomic.Value(u32) = .init(0);

fn sendOne(want: anyerror) void {
    check.err(want, ch.send(99));
    _ = out.fetchAdd(1, .monotonic);
}

fn receiveOne(want: anyerror) void {
    check.err(want, ch.receive());
    _ = out.fetchAdd(1, .monotonic);
}

fn close(of: Channel) void {
    check.must(of.close());
}

/// Coroutines and a plain thread wait; `end` sends them away.
fn waiting(comptime function: fn (anyerror) void, comptime end: fn (Channel) void, want: anyerror) !void {
    var tasks: [4]photonrt.Task(void) = undefined;
    const thread = check.thread(function, .{want});
    out.store(0, .monotonic);
    for (&tasks, 0..) |*task, i| {
        task.* = check.spawnOn(1 + @as(u32, @intCast(i)) % 2, function, .{want});
        check.untilState(task.co, .parked);
    }
    try photonrt.sleep(.ms(2));
    check.eq(0, out.load(.monotonic));
    end(ch);
    for (tasks) |task| check.join(task);
    while (out.load(.monotonic) != tasks.len + 1) try photonrt.sleep(.us(100));
    thread.join();
}

fn drained(room: usize, left: usize) !void {
    ch = try .init(room);
    for (0..left) |n| try ch.sendTimeout(@intCast(n), .now);
    if (room == left) try waiting(sendOne, close, error.Closed) else try ch.close();
    check.err(error.Closed, ch.close());
    check.err(error.Closed, ch.sendTimeout(1, .now));
    check.err(error.Closed, ch.send(1));
    check.eq(left, try ch.len());
    for (0..left) |i| check.eq(i, try ch.receiveTimeout(if (i % 2 == 1) .now else .forever));
    check.err(error.Closed, ch.receiveTimeout(.now));
    check.err(error.Closed, ch.receive());
    ch.deinit();
}

fn stale(handle: c.co_chan_t) void {
    const old: Channel = .{ .handle = handle };
    check.err(error.Freed, old.send(3));
    check.err(error.Freed, old.receive());
    check.err(error.Freed, old.close());
    check.err(error.Freed, old.len());
    check.err(error.Freed, old.capacity());
    old.deinit();
    var n: i32 = 3;
    check.errno(.BADF, c.co_chan_recv(handle, &n, c.CO_FOREVER));
    check.errno(.BADF, c.co_chan_free(handle));
    check.eq(3, n);
}

pub fn body() !void {
    try drained(0, 0);
    try drained(1, 1);
    try drained(20, 20);
    try drained(20, 7);
    try drained(photonrt.unbounded, 2000);
    ch = try .init(3);
    try waiting(receiveOne, close, error.Closed);
    ch.deinit();
    ch = try .init(3);
    try waiting(receiveOne, Channel.deinit, error.Freed);
    stale(ch.handle);
    ch = try .init(1);
    try ch.sendTimeout(0, .now);
    try waiting(sendOne, Channel.deinit, error.Freed);
    stale(ch.handle);
    for ([_]u64{ 0, 1, std.math.maxInt(u64), 1 << 32 }) |handle| stale(handle);
    for (1..64) |i| stale(ch.handle +% (@as(u64, i) << 32));
    for (0..64) |i| stale(ch.handle ^ @as(u64, 1) << @intCast(i));
}
