//! The workloads on std.Io, for whoever implements it. Tasks are made by `concurrent`, which promises that they get on beside each
//! other; `async` may run a function in place.
const std = @import("std");
const c = @import("common.zig");
const sync = @import("sync.zig");
const waits = @import("waits.zig");
const http = @import("http.zig");

const Future = std.Io.Future(void);

fn empty() void {}

fn spawnJoin(n: usize) void {
    var t0: i64 = 0;
    for (0..n + n / 20) |i| {
        if (i == n / 20) t0 = c.now();
        var f = c.must(c.io.concurrent(empty, .{}));
        f.await(c.io);
    }
    c.out(c.name, "", c.div(c.since(t0), n), "ns");
}

fn spawnBatch(n: usize) void {
    const all = c.room(Future, n);
    var best = std.math.inf(f64);
    for (0..5) |_| {
        const t0 = c.now();
        for (all) |*f| f.* = c.must(c.io.concurrent(empty, .{}));
        for (all) |*f| f.await(c.io);
        best = @min(best, c.div(c.since(t0), n));
    }
    c.out(c.name, "", best, "ns");
}

/// Tasks of a group, which is then awaited.
fn spawnGroup(n: usize) void {
    var best = std.math.inf(f64);
    for (0..5) |_| {
        var group: std.Io.Group = .init;
        const t0 = c.now();
        for (0..n) |_| c.must(group.concurrent(c.io, empty, .{}));
        c.must(group.await(c.io));
        best = @min(best, c.div(c.since(t0), n));
    }
    c.out(c.name, "", best, "ns");
}

var left: std.atomic.Value(usize) = .init(0);
fn tiny() void {
    _ = left.fetchSub(1, .release);
}
/// Joins by the hundred, for the number of threads is bounded.
fn spawner(n: usize) void {
    var todo = n;
    while (todo > 0) {
        var group: std.Io.Group = .init;
        const some = @min(todo, 100);
        for (0..some) |_| c.must(group.concurrent(c.io, tiny, .{}));
        c.must(group.await(c.io));
        todo -= some;
    }
}
fn spawnMt(n: usize) void {
    for ([_]usize{ n / 10, n }) |m| {
        left.store(m / 2 * 2, .monotonic);
        const t0 = c.now();
        var a = c.must(c.io.concurrent(spawner, .{m / 2}));
        var b = c.must(c.io.concurrent(spawner, .{m / 2}));
        a.await(c.io);
        b.await(c.io);
        const took = c.since(t0);
        if (left.load(.acquire) != 0) c.fail("a task did not run");
        if (m == n) c.out(c.name, "", c.div(took, n), "ns");
    }
}

// ---- skynet: twice, the first to warm up
fn sky(num: u64, size: u64) u64 {
    if (size == 1) return num;
    var kids: [10]std.Io.Future(u64) = undefined;
    for (&kids, 0..) |*kid, i| kid.* = c.must(c.io.concurrent(sky, .{ num + i * (size / 10), size / 10 }));
    var sum: u64 = 0;
    for (&kids) |*kid| sum += kid.await(c.io);
    return sum;
}
fn skynet(n: usize) void {
    for (0..2) |round| {
        const t0 = c.now();
        var root = c.must(c.io.concurrent(sky, .{ 0, n }));
        if (root.await(c.io) != n * (n - 1) / 2) c.fail("wrong sum");
        if (round == 1) c.out(c.name, "", c.since(t0) / 1e6, "ms");
    }
}

/// Runs the workload `c.name` on `c.io`, and ends the process.
pub fn main(given: ?usize) noreturn {
    const Work = struct { []const u8, usize, *const fn (usize) void };
    const works = [_]Work{
        .{ "spawn_join", 200_000, spawnJoin },
        .{ "spawn_batch", 10_000, spawnBatch },
        .{ "spawn_group", 100_000, spawnGroup },
        .{ "spawn_mt", 100_000, spawnMt },
        .{ "skynet", 1_000_000, skynet },
        .{ "pingpong", 200_000, sync.pingpong },
        .{ "pingpong_x", 100_000, sync.pingpong },
        .{ "sem_pingpong", 200_000, sync.semPingpong },
        .{ "chan_pingpong", 200_000, sync.chanPingpong },
        .{ "chan_pingpong_x", 100_000, sync.chanPingpong },
        .{ "chan_1_1", 1_000_000, sync.chan11 },
        .{ "chan_n_1", 1_000_000, sync.chanN1 },
        .{ "chan_n_m", 1_000_000, sync.chanNM },
        .{ "select8", 100_000, sync.select8 },
        .{ "mutex_free", 50_000_000, sync.mutexFree },
        .{ "mutex64", 6_400_000, sync.mutex64 },
        .{ "mutex64_fair", 1000, sync.mutex64Fair },
        .{ "timers", 10_000, waits.timers },
        .{ "cancel_storm", 10_000, waits.cancelStorm },
        .{ "blocking64", 1000, waits.blocking64 },
        .{ "parked", 1_000_000, waits.parked },
        .{ "parked30k", 30_000, waits.parked },
        .{ "http", 8080, http.serve },
    };
    for (works) |w| {
        if (!std.mem.eql(u8, c.name, w[0])) continue;
        w[2](given orelse w[1]);
        std.process.exit(0);
    }
    if (std.mem.startsWith(u8, c.name, "yield")) c.skip("std.Io has no yield");
    if (std.mem.eql(u8, c.name, "offload")) c.skip("code that blocks is simply called");
    c.skip("not in this program");
}

/// Sets `c.name`, and gives the number on the command line.
pub fn arguments(init: std.process.Init.Minimal) ?usize {
    var args = init.args.iterate();
    _ = args.skip();
    c.name = args.next() orelse std.process.exit(2);
    return if (args.next()) |text| c.must(std.fmt.parseInt(usize, text, 10)) else null;
}
