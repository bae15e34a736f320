//! Submissions, calls, stops, waits, loops and closes from coroutines and threads at once: every job that was taken is run exactly
//! once, none that was not.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const Atomic = std.atomic.Value;
const Pool = photonrt.Pool;

const steps = 400;

var pools: [3]Pool = undefined;
var taken: Atomic(u64) = .init(0);
var ran: Atomic(u64) = .init(0);
var stops: Atomic(u64) = .init(0);
var over: Atomic(bool) = .init(false);
var threads_done: Atomic(u32) = .init(0);

fn job(r: u64) u64 {
    _ = ran.fetchAdd(1, .monotonic);
    if (r % 3 == 0) {
        photonrt.yield();
    } else if (r % 16 == 1) {
        photonrt.sleep(.us(@intCast(r % 64))) catch |e| check.eq(error.Canceled, e);
    }
    return r;
}

/// For a call: whether it was run is there after a stop too.
fn called(r: u64, was: *bool) u64 {
    was.* = true;
    return job(r);
}

fn part(n: *Atomic(u64), begin: u64, end: u64) void {
    _ = n.fetchAdd(end - begin, .monotonic);
}

/// What a step may end with.
fn allowed(got: anyerror!void) void {
    got catch |e| switch (e) {
        error.WouldBlock, error.Timeout, error.Interrupted => {},
        else => check.fail("a step gives {t}", .{e}),
    };
}

fn step(rng: *u64) void {
    const r = check.rand(rng);
    const pool = pools[r % 3];
    const timeout: photonrt.Timeout = switch (r >> 8 & 3) {
        0 => .now,
        1 => .ns(@intCast(r >> 16 & 0xffff)),
        else => .forever,
    };
    const arg = r >> 24;
    switch (r >> 12 & 7) {
        0 => {
            var n: Atomic(u64) = .init(0);
            const got = photonrt.parallelFor(0, r & 255, .{}, &n, part);
            allowed(got);
            if (got) |_| check.eq(r & 255, n.load(.monotonic)) else |_| {}
        },
        1 => allowed(pool.wait(timeout)),
        2, 3 => {
            var was = false;
            if (pool.run(timeout, called, .{ arg, &was })) |result| {
                check.eq(arg, result);
                check.that(was);
            } else |e| allowed(e);
            _ = taken.fetchAdd(@intFromBool(was), .monotonic);
        },
        else => if (pool.submit(timeout, job, .{arg})) |_| {
            _ = taken.fetchAdd(1, .monotonic);
        } else |e| allowed(e),
    }
}

fn actor(number: u64) void {
    var rng = number * 77 + 1;
    for (0..steps) |_| step(&rng);
}

fn onThread(number: u64) void {
    actor(number);
    _ = threads_done.fetchAdd(1, .release);
}

var actors: [8]photonrt.Task(void) = undefined;

fn stopper() !void {
    var rng: u64 = 5;
    while (!over.load(.monotonic)) {
        if (actors[check.rand(&rng) % actors.len].co.interrupt(error.NotSameFileSystem)) |_| {
            _ = stops.fetchAdd(1, .monotonic);
        } else |e| check.eq(error.NotFound, e);
        try photonrt.sleep(.us(30));
    }
}

pub fn body() !void {
    pools[0] = try .init(.{ .max = 3, .queue = 2, .idle = 100 * check.us });
    pools[1] = try .init(.{ .max = 3, .idle = 100 * check.us });
    pools[2] = try .init(.{ .max = 3, .vcpus = 2 });
    for (0..3) |round| {
        var threads: [2]std.Thread = undefined;
        threads_done.store(0, .monotonic);
        for (&threads, 0..) |*thread, i| thread.* = check.thread(onThread, .{100 * round + 50 + i});
        for (&actors, 0..) |*task, i| task.* = check.spawn(actor, .{100 * round + i});
        over.store(false, .monotonic);
        const stop = check.spawn(stopper, .{});
        for (actors) |task| check.join(task);
        over.store(true, .monotonic);
        check.join(stop);
        // Threads may still wait for a pool that we are in the way of: not while we sleep.
        while (threads_done.load(.acquire) < threads.len) try photonrt.sleep(.us(100));
        for (threads) |thread| thread.join();
        for (pools) |pool| try pool.wait(.forever);
        check.eq(taken.load(.monotonic), ran.load(.monotonic));
    }
    check.ge(stops.load(.monotonic), 1);
    for (pools) |pool| try pool.close(.forever);
}
