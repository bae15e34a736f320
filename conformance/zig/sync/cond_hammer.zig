//! A bounded buffer between producers and consumers of each kind. Some waits are short, some are interrupted; each number
//! comes through once. A signal that went to somebody who then reported an error would leave both sides waiting.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

const pairs = 4;
const each = 1500;
var m: photonrt.Mutex = .init;
var not_full: photonrt.Condition = .init;
var not_empty: photonrt.Condition = .init;
var buffer: [4]u64 = undefined;
var first: usize = 0;
var count: usize = 0;
var sum: std.atomic.Value(u64) = .init(0);
var number: std.atomic.Value(u64) = .init(0);

fn waitFor(cond: *photonrt.Condition, rng: *u64) !void {
    const x = check.rand(rng);
    if (photonrt.Coroutine.current()) |self| if (x % 32 == 1) try self.interrupt(error.Interrupted);
    const timeout: photonrt.Timeout = if (x % 4 != 0) .forever else .ns(@intCast((x >> 8) % (50 * check.us) + 1));
    cond.waitTimeout(&m, timeout) catch |e| switch (e) {
        error.Timeout, error.Interrupted => {},
        else => return e,
    };
    check.err(error.Deadlock, m.lockTimeout(.now));
}

fn produce() !void {
    var rng: u64 = undefined;
    rng = @intFromPtr(&rng);
    for (0..each) |_| {
        try m.lock();
        while (count == buffer.len) try waitFor(&not_full, &rng);
        buffer[(first + count) % buffer.len] = number.fetchAdd(1, .monotonic);
        count += 1;
        _ = not_empty.signal();
        m.unlock();
    }
}

fn consume() !void {
    var rng: u64 = undefined;
    rng = @intFromPtr(&rng);
    for (0..each) |_| {
        try m.lock();
        while (count == 0) try waitFor(&not_empty, &rng);
        _ = sum.fetchAdd(buffer[first], .monotonic);
        first = (first + 1) % buffer.len;
        count -= 1;
        m.unlock();
        _ = not_full.signal(); // without the mutex
    }
}

pub fn body() !void {
    for (check.crew.kinds) |kind| {
        var crew: check.Crew = .{ .kind = kind };
        sum.store(0, .monotonic);
        number.store(0, .monotonic);
        // Both roles on threads and on coroutines, where a crew is mixed.
        for (0..pairs) |i| {
            if (i % 2 == 0) crew.add(produce, .{});
            crew.add(consume, .{});
            if (i % 2 == 1) crew.add(produce, .{});
        }
        crew.end();
        const n = pairs * each;
        check.eq(n * (n - 1) / 2, sum.load(.monotonic));
        check.eq(0, count);
    }
}
