//! Every index once, whatever the range, the grain, the workers; parts within their bounds; nested; from plain threads; into
//! another group.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;
const Atomic = std.atomic.Value;

const n = 20_000;
const max = std.math.maxInt(u64);

var seen: [n]Atomic(u8) = @splat(.init(0));
var parts: Atomic(u64) = .init(0);

fn mark(grain: u64, begin: u64, end: u64) void {
    check.that(begin < end and end <= n);
    for (seen[begin..end]) |*place| check.eq(0, place.fetchAdd(1, .monotonic));
    check.that(end - begin >= grain or end == n);
    _ = parts.fetchAdd(1, .monotonic);
}

fn allOnce(begin: u64) void {
    for (&seen, 0..) |*place, i| check.eq(@intFromBool(i >= begin), place.swap(0, .monotonic));
}

fn add(sum: *Atomic(u64), begin: u64, end: u64) void {
    var s: u64 = 0;
    for (begin..end) |i| s +%= i;
    _ = sum.fetchAdd(s, .monotonic);
}

/// Not below 0: as 0.
fn addsAndGivesOne(arg: ?*anyopaque, begin: u64, end: u64) callconv(.c) c_int {
    add(@ptrCast(@alignCast(arg.?)), begin, end);
    return 1;
}

fn inner(sum: *Atomic(u64), begin: u64, end: u64) !void {
    for (begin..end) |i| try photonrt.parallelFor(i * 100, (i + 1) * 100, .{ .grain = 7 }, sum, add);
}

/// Only the ends are looked at, in steps of 2^58.
fn huge(sum: *Atomic(u64), begin: u64, end: u64) void {
    check.that(begin < end);
    check.that(end - begin >= 1 << 57 or end == max);
    _ = sum.fetchAdd(end - begin, .monotonic);
}

/// Notes the threads, and keeps parts until there are as many threads, and parts at once, as there should be.
const Meeting = struct {
    group: photonrt.Group,
    threads_wanted: u32,
    parts_wanted: u32,
    lock: Atomic(bool) = .init(false),
    threads: [64]std.c.pthread_t = undefined,
    count: Atomic(u32) = .init(0),
    inside: Atomic(u32) = .init(0),
    most: Atomic(u32) = .init(0),

    fn part(m: *Meeting, _: u64, _: u64) !void {
        const limit = photonrt.clock() + 20 * check.sec;
        const now = m.inside.fetchAdd(1, .monotonic) + 1;
        check.eq(m.group, photonrt.Group.self());
        {
            const me = std.c.pthread_self();
            while (m.lock.swap(true, .acquire)) std.atomic.spinLoopHint();
            defer m.lock.store(false, .release);
            const count = m.count.load(.monotonic);
            if (std.mem.findScalar(std.c.pthread_t, m.threads[0..count], me) == null) {
                m.threads[count] = me;
                m.count.store(count + 1, .monotonic);
            }
        }
        _ = m.most.fetchMax(now, .monotonic);
        while (m.count.load(.monotonic) < m.threads_wanted or m.most.load(.monotonic) < m.parts_wanted) {
            if (photonrt.clock() >= limit) break;
            try photonrt.sleep(.us(200));
        }
        _ = m.inside.fetchSub(1, .monotonic);
    }
};

fn onAll(group: photonrt.Group, workers: u32, threads: u32, at_once: u32) !void {
    var meeting: Meeting = .{
        .group = if (group == .current) photonrt.Group.self().? else group,
        .threads_wanted = threads,
        .parts_wanted = at_once,
    };
    try photonrt.parallelFor(0, 400, .{ .grain = 1, .group = group, .workers = workers }, &meeting, Meeting.part);
    check.eq(threads, meeting.count.load(.monotonic));
    check.eq(at_once, meeting.most.load(.monotonic));
}

fn fromThread() !void {
    var sum: Atomic(u64) = .init(0);
    try photonrt.parallelFor(0, 1000, .{}, &sum, add);
    check.eq(499_500, sum.load(.monotonic));
    try photonrt.parallelFor(0, 1000, .{ .timeout = .seconds(1) }, &sum, add);
    try photonrt.parallelFor(5, 5, .{ .timeout = .now }, &sum, add);
    check.err(error.WouldBlock, photonrt.parallelFor(5, 6, .{ .timeout = .now }, &sum, add));
    check.eq(2 * 499_500, sum.load(.monotonic));
}

pub fn body() !void {
    for ([_]u64{ 0, 1, 2, 7, 100, 3000, n, n + 1, max }, 0..) |grain, i| {
        for (0..5) |workers| {
            const begin = i * workers;
            parts.store(0, .monotonic);
            try photonrt.parallelFor(begin, n, .{ .grain = grain, .workers = @intCast(workers) }, grain, mark);
            allOnce(begin);
            if (grain >= n) check.eq(1, parts.load(.monotonic));
        }
    }
    try photonrt.parallelFor(0, 0, .{}, @as(u64, 0), mark);
    try photonrt.parallelFor(max, max, .{ .grain = 1, .timeout = .now }, @as(u64, 0), mark);
    var sum: Atomic(u64) = .init(0);
    try photonrt.parallelFor(0, max, .{ .grain = 1 << 57 }, &sum, huge);
    check.eq(max, sum.load(.monotonic));
    sum.store(0, .monotonic);
    try photonrt.parallelFor(max - 10, max, .{ .grain = 3 }, &sum, add);
    check.eq(@as(u64, max) *% 10 -% 55, sum.load(.monotonic));
    sum.store(0, .monotonic);
    try photonrt.parallelFor(0, 50, .{ .grain = 1 }, &sum, inner);
    check.eq(5000 * 4999 / 2, sum.load(.monotonic));
    sum.store(0, .monotonic);
    check.eq(0, c.co_parallel_for(0, 100, 1, addsAndGivesOne, &sum, null, c.CO_FOREVER));
    check.eq(4950, sum.load(.monotonic));
    try check.onThread(fromThread, .{});
    // Every vCPU of another group takes part, and of this one; more workers than vCPUs.
    const group: photonrt.Group = try .create(.{ .vcpus = 2 });
    try onAll(group, 0, 2, 2);
    try onAll(group, 20, 2, 20);
    try group.destroy(.forever);
    try onAll(.current, 0, check.vcpus(), check.vcpus());
    try onAll(.current, 40, check.vcpus(), 40);
    check.untilLive(1);
}
