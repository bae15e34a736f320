//! The workloads on photonrt's own Zig API, as far as they show what it costs beside C (../c/photonrt*.c does the same by the same
//! calls). direct NAME [N]
const std = @import("std");
const photonrt = @import("photonrt");
const c = @import("common.zig");
const works = @import("works.zig");

pub fn main(init: std.process.Init.Minimal) void {
    var threaded: std.Io.Threaded = .init_single_threaded;
    c.io = threaded.io();
    const given = works.arguments(init);
    const Work = struct { []const u8, usize, *const fn (usize) anyerror!void };
    const all = [_]Work{
        .{ "yield2", 50_000_000, yield2 },
        .{ "spawn_join", 5_000_000, spawnJoin },
        .{ "spawn_batch", 100_000, spawnBatch },
        .{ "pingpong", 10_000_000, pingpong },
        .{ "sem_pingpong", 10_000_000, semPingpong },
        .{ "chan_pingpong", 10_000_000, chanPingpong },
        .{ "mutex_free", 50_000_000, mutexFree },
    };
    for (all) |w| {
        if (!std.mem.eql(u8, c.name, w[0])) continue;
        return c.must(photonrt.run(.{ .vcpus = 1 }, work, .{ w[2], given orelse w[1] }));
    }
    c.skip("not in this program");
}

fn work(function: *const fn (usize) anyerror!void, n: usize) anyerror!void {
    return function(n);
}

const Two = struct { n: usize, begun: usize = 0, ended: usize = 0, t0: i64 = 0, t1: i64 = 0 };
fn yielder(two: *Two) void {
    two.begun += 1;
    if (two.begun == 2) two.t0 = c.now();
    while (@as(*volatile usize, &two.begun).* < 2) photonrt.yield();
    for (0..two.n) |_| photonrt.yield();
    two.ended += 1;
    if (two.ended == 2) two.t1 = c.now();
}
fn yield2(n: usize) anyerror!void {
    for ([_]usize{ n / 20, n }) |m| {
        var two: Two = .{ .n = m / 2 };
        const a = try photonrt.spawn(yielder, .{&two});
        const b = try photonrt.spawn(yielder, .{&two});
        try a.join();
        try b.join();
        if (m == n) c.out(c.name, "", c.div(@floatFromInt(two.t1 - two.t0), m), "ns");
    }
}

fn empty() void {}
fn spawnJoin(n: usize) anyerror!void {
    var t0: i64 = 0;
    for (0..n + n / 20) |i| {
        if (i == n / 20) t0 = c.now();
        const task = try photonrt.spawn(empty, .{});
        try task.join();
    }
    c.out(c.name, "", c.div(c.since(t0), n), "ns");
}
fn spawnBatch(n: usize) anyerror!void {
    const all = c.room(photonrt.Task(void), n);
    var best = std.math.inf(f64);
    for (0..5) |_| {
        const t0 = c.now();
        for (all) |*t| t.* = try photonrt.spawn(empty, .{});
        for (all) |t| try t.join();
        best = @min(best, c.div(c.since(t0), n));
    }
    c.out(c.name, "", best, "ns");
}

var sides: [2]photonrt.Coroutine = undefined;
fn ping(n: usize) anyerror!void {
    var t0: i64 = 0;
    for (0..n + n / 20) |i| {
        if (i == n / 20) t0 = c.now();
        try sides[1].unpark();
        try photonrt.park(.forever);
    }
    c.out(c.name, "", c.div(c.since(t0), n), "ns");
}
fn pong(n: usize) anyerror!void {
    for (0..n + n / 20) |_| {
        try photonrt.park(.forever);
        try sides[0].unpark();
    }
}
fn pingpong(n: usize) anyerror!void {
    const b = try photonrt.spawn(pong, .{n});
    sides[1] = b.co;
    const a = try photonrt.spawn(ping, .{n});
    sides[0] = a.co;
    try a.join();
    try b.join();
}

const Sems = struct { there: photonrt.Semaphore = .init, back: photonrt.Semaphore = .init };
fn semPong(s: *Sems, n: usize) anyerror!void {
    for (0..n) |_| {
        try s.there.wait();
        try s.back.post(1);
    }
}
fn semPingpong(n: usize) anyerror!void {
    var s: Sems = .{};
    var t0: i64 = 0;
    const other = try photonrt.spawn(semPong, .{ &s, n + n / 20 });
    for (0..n + n / 20) |i| {
        if (i == n / 20) t0 = c.now();
        try s.there.post(1);
        try s.back.wait();
    }
    c.out(c.name, "", c.div(c.since(t0), n), "ns");
    try other.join();
}

const Channel = photonrt.Channel(u64);
fn chanPong(there: Channel, back: Channel, n: usize) anyerror!void {
    for (0..n) |_| try back.send(try there.receive());
}
fn roundTrips(n: usize, slots: usize) anyerror!f64 {
    const there: Channel = try .init(slots);
    const back: Channel = try .init(slots);
    var t0: i64 = 0;
    const other = try photonrt.spawn(chanPong, .{ there, back, n + n / 20 });
    for (0..n + n / 20) |i| {
        if (i == n / 20) t0 = c.now();
        try there.send(i);
        if (try back.receive() != i) c.fail("another element came back");
    }
    const took = c.since(t0);
    try other.join();
    return c.div(took, n);
}
fn chanPingpong(n: usize) anyerror!void {
    const hand_over = try roundTrips(n / 2, 0);
    const one_slot = try roundTrips(n / 2, 1);
    c.out(c.name, "", @min(hand_over, one_slot), "ns");
    c.out(c.name, "_0", hand_over, "ns");
    c.out(c.name, "_1", one_slot, "ns");
}

fn mutexFree(n: usize) anyerror!void {
    var mutex: photonrt.Mutex = .init;
    var t0: i64 = 0;
    for (0..n + n / 20) |i| {
        if (i == n / 20) t0 = c.now();
        try mutex.lock();
        mutex.unlock();
    }
    c.out(c.name, "", c.div(c.since(t0), n), "ns");
}
