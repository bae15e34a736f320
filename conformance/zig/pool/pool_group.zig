//! A pool with vCPUs of its own runs its jobs on as many OS threads; in another group; on all vCPUs of a group; submitters are
//! coroutines and plain threads.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const Atomic = std.atomic.Value;
const Coroutine = photonrt.Coroutine;
const Group = photonrt.Group;
const Pool = photonrt.Pool;

const jobs = 60;

var threads: [64]std.c.pthread_t = undefined;
var thread_count: Atomic(u32) = .init(0);
var lock: Atomic(bool) = .init(false);
var done: Atomic(u32) = .init(0);
var together: Atomic(u32) = .init(0);
var most: Atomic(u32) = .init(0);
var seen: Atomic(u64) = .init(0);

fn noteThread() void {
    const me = std.c.pthread_self();
    while (lock.swap(true, .acquire)) std.atomic.spinLoopHint();
    defer lock.store(false, .release);
    const n = thread_count.load(.monotonic);
    if (n < threads.len and std.mem.findScalar(std.c.pthread_t, threads[0..n], me) == null) {
        threads[n] = me;
        thread_count.store(n + 1, .monotonic);
    }
}

fn noteGroup() void {
    seen.store(@backingInt(Group.self().?), .monotonic);
}

/// Keeps its thread until as many are inside as there should be, or for a while.
fn meet(want: u32) void {
    const now = together.fetchAdd(1, .monotonic) + 1;
    noteThread();
    noteGroup();
    _ = most.fetchMax(now, .monotonic);
    const until = photonrt.clock() + 100 * check.ms;
    while (most.load(.monotonic) < want and photonrt.clock() < until) std.Thread.yield() catch {};
    _ = together.fetchSub(1, .monotonic);
    _ = done.fetchAdd(1, .monotonic);
}

fn sleeps() void {
    noteThread();
    check.eq({}, photonrt.sleep(.ms(1)));
    _ = done.fetchAdd(1, .monotonic);
}

fn submits(pool: Pool) photonrt.pool.SubmitError!void {
    for (0..jobs / 3) |_| try pool.submit(.forever, sleeps, .{});
}

fn leaves(group: Group) !void {
    try Coroutine.current().?.migrate(group, 0);
    check.eq(group, Group.self());
}

fn findIdle(info: *const photonrt.c.co_info_t, idle: *Coroutine) bool {
    const named = std.mem.eql(u8, "comes back", std.mem.sliceTo(&info.name, 0));
    if (named and info.state == photonrt.c.CO_STATE_PARKED) idle.* = @fromBackingInt(info.co);
    return true;
}

fn inGroup(group: Group) void {
    check.eq(@backingInt(group), seen.load(.monotonic));
}

/// Jobs that may migrate do so, and idle workers are sent elsewhere: the next job is at home again.
fn comesBack() !void {
    const home = Group.self().?;
    const group: Group = try .create(.{});
    const pool: Pool = try .init(.{ .max = 1, .migratable = true, .name = "comes back" });
    for (0..5) |_| {
        try pool.run(.forever, leaves, .{group});
        try pool.run(.forever, noteGroup, .{});
        inGroup(home);
        var idle: Coroutine = .none;
        photonrt.forEach(&idle, findIdle);
        if (idle != .none) try idle.migrate(group, 0);
        try pool.run(.forever, noteGroup, .{});
        inGroup(home);
    }
    try group.destroy(.forever);
    try pool.close(.forever);
}

/// Jobs that hold their threads: each thread has one. (A vCPU that is just about to sleep may miss its chance, so not in each
/// round.)
fn meets(pool: Pool, n: u32) !void {
    for (0..100) |_| {
        try photonrt.sleep(.ms(2));
        most.store(0, .monotonic);
        done.store(0, .monotonic);
        thread_count.store(0, .monotonic);
        for (0..n) |_| try pool.submit(.forever, meet, .{n});
        try pool.wait(.forever);
        check.eq(n, done.load(.monotonic));
        if (most.load(.monotonic) == n and thread_count.load(.monotonic) == n) return;
    }
    check.fail("{d} jobs never ran at once", .{n});
}

fn ofItsOwn() !void {
    const groups = check.stats().groups;
    const pool: Pool = try .init(.{ .vcpus = 3, .max = 12, .name = "mine" });
    check.eq(groups + 1, check.stats().groups);
    const group: Group = @fromBackingInt((try pool.info()).group);
    check.eq(3, try group.vcpuCount());
    try meets(pool, 3);
    inGroup(group);
    check.that(group != Group.self().?);
    for (0..5) |_| try meets(pool, 3); // again, with workers that are there and anywhere
    done.store(0, .monotonic);
    const thread = check.thread(submits, .{pool});
    const a = check.spawn(submits, .{pool});
    const b = check.spawn(submits, .{pool});
    check.join(a);
    check.join(b);
    while (done.load(.monotonic) < jobs) try photonrt.sleep(.ms(1));
    thread.join();
    try pool.wait(.forever);
    try pool.close(.forever);
    check.eq(groups, check.stats().groups);
    check.err(error.NotFound, group.vcpuCount());
}

pub fn body() !void {
    try ofItsOwn();
    try comesBack();
    // The caller's group, and one that it names.
    var pool: Pool = try .init(.{});
    for (0..5) |_| try meets(pool, check.vcpus());
    try pool.run(.forever, meet, .{1});
    inGroup(Group.self().?);
    try pool.close(.forever);
    const group: Group = try .create(.{ .vcpus = 1 });
    pool = try .init(.{ .group = group });
    try pool.run(.forever, meet, .{1});
    inGroup(group);
    try pool.close(.forever);
    try group.destroy(.forever);
}
