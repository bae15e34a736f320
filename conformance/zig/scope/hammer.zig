//! A tree of scopes: each child opens one, spawns children into it, and anybody cancels anybody.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

const Scope = photonrt.Scope;
var known: [64]std.atomic.Value(u64) = @splat(.init(0));
var alive: std.atomic.Value(u64) = .init(0);
var begun: std.atomic.Value(u64) = .init(0);

fn cancelSome(seed: *u64) void {
    const s: Scope = @fromBackingInt(known[check.rand(seed) % known.len].load(.monotonic));
    s.cancel() catch |e| check.eq(error.NotFound, e);
}

fn chance(seed: *u64, of: u64) bool {
    return check.rand(seed) % of == 0;
}

fn node(n: u64) anyerror!void {
    var seed = n *% 0x9e3779b97f4a7c15 +% 1;
    const level = n % 8;
    _ = alive.fetchAdd(1, .monotonic);
    const me = begun.fetchAdd(1, .monotonic);
    if (chance(&seed, 8)) _ = photonrt.Shield.begin();
    const options: photonrt.scope.Options = .{
        .policy = @fromBackingInt(@intCast(check.rand(&seed) % 3)),
        .shielded = chance(&seed, 8),
        .timeout = if (chance(&seed, 4)) .ns(@intCast(1 + check.rand(&seed) % (2 * check.ms))) else .forever,
    };
    if (Scope.open(options)) |s| {
        known[check.rand(&seed) % known.len].store(@backingInt(s), .monotonic);
        const children = if (level > 0) check.rand(&seed) % 4 else 0;
        for (0..children) |i| {
            _ = s.spawn(node, .{me * 64 + i * 8 + level - 1}) catch |e| check.eq(error.Canceled, e);
            if (chance(&seed, 16)) cancelSome(&seed);
        }
        switch (check.rand(&seed) % 4) {
            0 => photonrt.sleep(.ns(@intCast(check.rand(&seed) % (200 * check.us)))) catch |e| check.eq(error.Canceled, e),
            1 => photonrt.yield(),
            2 => s.wait(.ns(@intCast(check.rand(&seed) % check.ms))) catch |e| check.that(usual(e) or late(e)),
            else => {},
        }
        s.close() catch |e| check.that(usual(e));
        check.err(error.NotFound, s.close());
    } else |e| check.eq(error.Canceled, e);
    _ = alive.fetchSub(1, .monotonic);
    if (chance(&seed, 10)) return error.InputOutput;
}

fn usual(e: anyerror) bool {
    return e == error.Canceled or e == error.DeadlineExpired or e == error.InputOutput;
}

fn late(e: anyerror) bool {
    return e == error.Timeout or e == error.WouldBlock;
}

fn root(n: u64) !void {
    for (0..300) |i| {
        const s: Scope = try .open(.{});
        for (0..3) |k| _ = try s.spawn(node, .{(n * 1000 + i * 3 + k) * 8 + 5});
        const result = s.wait(.forever);
        result catch |e| check.eq(error.InputOutput, e);
        check.eq(0, (try s.info()).running);
        check.eq(result, s.close());
    }
}

var threads_root_done: std.atomic.Value(bool) = .init(false);

fn rootOnThread() !void {
    try root(100);
    threads_root_done.store(true, .release);
}

var stop: std.atomic.Value(bool) = .init(false);

fn meddler() void {
    var seed: u64 = 99;
    while (!stop.load(.monotonic)) {
        cancelSome(&seed);
        photonrt.yield();
    }
}

pub fn body() !void {
    const threads = .{ check.thread(meddler, .{}), check.thread(rootOnThread, .{}) };
    var roots: [8]check.Task(root) = undefined;
    for (&roots, 0..) |*task, n| task.* = check.spawn(root, .{n});
    for (roots) |task| check.join(task);
    while (!threads_root_done.load(.acquire)) try photonrt.sleep(.ms(1));
    stop.store(true, .monotonic);
    inline for (threads) |thread| thread.join();
    check.eq(0, alive.load(.monotonic));
    check.untilLive(1);
}
