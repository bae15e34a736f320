//! What tasks do to each other: events, semaphores, queues, a mutex.
const std = @import("std");
const c = @import("common.zig");
const Io = std.Io;
const Group = Io.Group;

// ---- pingpong: an event each
const Sides = struct { there: Io.Event = .unset, back: Io.Event = .unset };
fn pong(s: *Sides, n: usize) Io.Cancelable!void {
    for (0..n) |_| {
        try s.there.wait(c.io);
        s.there.reset();
        s.back.set(c.io);
    }
}
pub fn pingpong(n: usize) void {
    var s: Sides = .{};
    var t0: i64 = 0;
    var other = c.must(c.io.concurrent(pong, .{ &s, n + n / 20 }));
    for (0..n + n / 20) |i| {
        if (i == n / 20) t0 = c.now();
        s.there.set(c.io);
        c.must(s.back.wait(c.io));
        s.back.reset();
    }
    c.out(c.name, "", c.div(c.since(t0), n), "ns");
    c.must(other.await(c.io));
}

const Sems = struct { there: Io.Semaphore = .{}, back: Io.Semaphore = .{} };
fn semPong(s: *Sems, n: usize) Io.Cancelable!void {
    for (0..n) |_| {
        try s.there.wait(c.io);
        s.back.post(c.io);
    }
}
pub fn semPingpong(n: usize) void {
    var s: Sems = .{};
    var t0: i64 = 0;
    var other = c.must(c.io.concurrent(semPong, .{ &s, n + n / 20 }));
    for (0..n + n / 20) |i| {
        if (i == n / 20) t0 = c.now();
        s.there.post(c.io);
        c.must(s.back.wait(c.io));
    }
    c.out(c.name, "", c.div(c.since(t0), n), "ns");
    c.must(other.await(c.io));
}

// ---- chan_pingpong: a queue without a buffer hands over
const Queue = Io.Queue(u64);
fn chanPong(there: *Queue, back: *Queue, n: usize) void {
    for (0..n) |_| c.must(back.putOne(c.io, c.must(there.getOne(c.io))));
}
fn roundTrips(n: usize, slots: usize) f64 {
    var room: [2][1]u64 = undefined;
    var there: Queue = .init(room[0][0..slots]);
    var back: Queue = .init(room[1][0..slots]);
    var t0: i64 = 0;
    var other = c.must(c.io.concurrent(chanPong, .{ &there, &back, n + n / 20 }));
    for (0..n + n / 20) |i| {
        if (i == n / 20) t0 = c.now();
        c.must(there.putOne(c.io, i));
        if (c.must(back.getOne(c.io)) != i) c.fail("another element came back");
    }
    const took = c.since(t0);
    other.await(c.io);
    return c.div(took, n);
}
fn outBest(hand_over: f64, one_slot: f64) void {
    c.out(c.name, "", @min(hand_over, one_slot), "ns");
    c.out(c.name, "_0", hand_over, "ns");
    c.out(c.name, "_1", one_slot, "ns");
}
pub fn chanPingpong(n: usize) void {
    const hand_over = roundTrips(n / 2, 0);
    outBest(hand_over, roundTrips(n / 2, 1));
}

// ---- chan_1_1, chan_n_1, chan_n_m
var sum: std.atomic.Value(u64) = .init(0);
var received: std.atomic.Value(usize) = .init(0);
fn sender(q: *Queue, from: usize, to: usize) void {
    for (from..to) |v| c.must(q.putOne(c.io, v));
}
fn receiver(q: *Queue) void {
    var mine: u64 = 0;
    var got: usize = 0;
    while (true) : (got += 1) {
        mine += q.getOne(c.io) catch |err| switch (err) {
            error.Closed => break,
            else => c.fail(@errorName(err)),
        };
    }
    _ = sum.fetchAdd(mine, .monotonic);
    _ = received.fetchAdd(got, .monotonic);
}
fn shared(asked: usize, senders: usize, receivers: usize) void {
    const n = asked / 64 * 64;
    var room: [64]u64 = undefined;
    var q: Queue = .init(&room);
    var from: Group = .init;
    var to: Group = .init;
    const t0 = c.now();
    for (0..senders) |i|
        c.must(from.concurrent(c.io, sender, .{ &q, i * (n / senders), (i + 1) * (n / senders) }));
    for (0..receivers) |_| c.must(to.concurrent(c.io, receiver, .{&q}));
    c.must(from.await(c.io));
    q.close(c.io);
    c.must(to.await(c.io));
    const took = c.since(t0);
    if (received.load(.monotonic) != n or sum.load(.monotonic) != n * (n - 1) / 2) c.fail("wrong sum");
    c.out(c.name, "", c.div(took, n), "ns");
}
pub fn chan11(n: usize) void {
    shared(n, 1, 1);
}
pub fn chanN1(n: usize) void {
    shared(n, 8, 1);
}
pub fn chanNM(n: usize) void {
    shared(n, 8, 8);
}

// ---- select8: std.Io selects among tasks, so a task for each queue that takes one element, again and again
fn feed(q: *Queue, v: u64, n: usize) void {
    for (0..n) |_| c.must(q.putOne(c.io, v));
}
fn take(q: *Queue, v: u64) u64 {
    const got = c.must(q.getOne(c.io));
    if (got != v) c.fail("another element came");
    return got;
}
fn selected(n: usize, slots: usize) f64 {
    var room: [8][1]u64 = undefined;
    var queues: [8]Queue = undefined;
    var got: [8]usize = @splat(0);
    var feeders: Group = .init;
    const U = union(enum) { from: u64 };
    var results: [8]U = undefined;
    var s: Io.Select(U) = .init(c.io, &results);
    const each = (n + n / 20) / 8;
    for (&queues, &room, 0..) |*q, *r, i| {
        q.* = .init(r[0..slots]);
        c.must(feeders.concurrent(c.io, feed, .{ q, i, each }));
        c.must(s.concurrent(.from, take, .{ q, i }));
    }
    var t0: i64 = 0;
    for (0..each * 8) |k| {
        if (k == n / 20) t0 = c.now();
        const i: usize = @intCast(c.must(s.await()).from);
        got[i] += 1;
        if (got[i] < each) c.must(s.concurrent(.from, take, .{ &queues[i], i }));
    }
    const took = c.since(t0);
    c.must(feeders.await(c.io));
    c.must(s.group.await(c.io));
    for (got) |g| if (g != each) c.fail("an element was lost");
    return c.div(took, each * 8 - n / 20);
}
pub fn select8(n: usize) void {
    const hand_over = selected(n / 2, 0);
    outBest(hand_over, selected(n / 2, 1));
}

// ---- mutex_free, mutex64, mutex64_fair
var mutex: Io.Mutex = .init;
var count: usize = 0;
inline fn turn() void {
    c.must(mutex.lock(c.io));
    count += 1;
    mutex.unlock(c.io);
}
pub fn mutexFree(n: usize) void {
    var t0: i64 = 0;
    for (0..n + n / 20) |i| {
        if (i == n / 20) t0 = c.now();
        turn();
    }
    c.out(c.name, "", c.div(c.since(t0), n), "ns");
    if (count != n + n / 20) c.fail("wrong count");
}
fn locker(n: usize) void {
    for (0..n) |_| turn();
}
pub fn mutex64(n: usize) void {
    var all: Group = .init;
    const t0 = c.now();
    for (0..64) |_| c.must(all.concurrent(c.io, locker, .{n / 64}));
    c.must(all.await(c.io));
    const took = c.since(t0);
    if (count != n / 64 * 64) c.fail("wrong count");
    c.out(c.name, "", c.div(took, count), "ns");
}
var begun: std.atomic.Value(usize) = .init(0);
var over: std.atomic.Value(bool) = .init(false);
fn racer(begin: *Io.Event, turns: *usize) void {
    _ = begun.fetchAdd(1, .release);
    c.must(begin.wait(c.io));
    var mine: usize = 0;
    while (!over.load(.monotonic)) : (mine += 1) turn();
    turns.* = mine;
}
pub fn mutex64Fair(ms: usize) void {
    var turns: [64]usize = undefined;
    var begin: Io.Event = .unset;
    var all: Group = .init;
    for (&turns) |*t| c.must(all.concurrent(c.io, racer, .{ &begin, t }));
    while (begun.load(.acquire) < 64) c.must(c.sleepMs(1));
    begin.set(c.io);
    const t0 = c.now();
    c.must(c.sleepMs(@intCast(ms)));
    over.store(true, .monotonic);
    const took = c.since(t0);
    c.must(all.await(c.io));
    const least, const most = std.mem.minMax(usize, &turns);
    c.out(c.name, "", c.div(@floatFromInt(least), most), "x");
    c.out(c.name, "_turn", c.div(took, count), "ns");
}
