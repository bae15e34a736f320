//! Never more at work than `max`; what is beyond waits in order, is refused, or times out; a cancelled or interrupted submitter
//! has brought nothing.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const Atomic = std.atomic.Value;

const max = 3;
const queue = 2;
const jobs = 60;
const submitters = 6;

var pool: photonrt.Pool = undefined;
var inside: Atomic(u32) = .init(0);
var most: Atomic(u32) = .init(0);
var ran: Atomic(u32) = .init(0);
var wrong: Atomic(u32) = .init(0);
var begun: Atomic(usize) = .init(0);
var order: [16]Atomic(usize) = @splat(.init(0));
var gate: Atomic(bool) = .init(false);

fn held() void {
    _ = inside.fetchAdd(1, .monotonic);
    while (!gate.load(.monotonic)) check.pause();
    _ = inside.fetchSub(1, .monotonic);
}

fn noted(i: usize) usize {
    order[i].store(begun.fetchAdd(1, .monotonic), .monotonic);
    return i + 1;
}

fn never() void {
    _ = wrong.fetchAdd(1, .monotonic);
}

fn counted(i: usize) photonrt.SleepError!void {
    _ = most.fetchMax(inside.fetchAdd(1, .monotonic) + 1, .monotonic);
    try photonrt.sleep(.us(@intCast(i % 3 * 200)));
    _ = inside.fetchSub(1, .monotonic);
    _ = ran.fetchAdd(1, .monotonic);
}

fn submits() !void {
    for (0..jobs / submitters) |i| {
        if (i % 2 == 1) try pool.submit(.forever, counted, .{i}) else try pool.run(.forever, counted, .{i});
    }
}

/// A submission, or a call.
fn brings(i: usize, calls: bool) !void {
    if (calls) check.eq(i + 1, try pool.run(.forever, noted, .{i})) else try pool.submit(.forever, noted, .{i});
}

fn isStopped(calls: bool, want: anyerror) void {
    check.err(want, if (calls) pool.run(.forever, never, .{}) else pool.submit(.forever, never, .{}));
}

fn stopOne(calls: bool, want: anyerror) !void {
    const task = check.spawn(isStopped, .{ calls, want });
    check.untilState(task.co, .parked);
    if (want == error.Canceled) try task.co.cancel() else try task.co.interrupt(error.NotSameFileSystem);
    check.join(task);
}

fn untilInside(n: u32) void {
    while (inside.load(.monotonic) != n) check.pause();
}

fn refused() void {
    check.err(error.WouldBlock, pool.submit(.now, never, .{}));
    check.err(error.Timeout, pool.submit(.ms(2), never, .{}));
    check.err(error.WouldBlock, pool.run(.now, never, .{}));
    check.err(error.Timeout, pool.run(.ms(2), never, .{}));
}

const Bringing = check.Task(brings);

fn full() !void {
    gate.store(false, .monotonic);
    for (0..max) |_| try pool.submit(.now, held, .{});
    untilInside(max);
    try pool.submit(.now, noted, .{0});
    try pool.submit(.now, noted, .{1});
    var tasks: [6]Bringing = undefined;
    for (&tasks, 2..) |*task, i| { // calls and submissions in turn, all of them beyond the queue
        task.* = check.spawnOn(1, brings, .{ i, i % 2 == 1 });
        check.untilState(task.co, .parked);
        if (i == 4) for ([_]bool{ false, true }) |calls| {
            try stopOne(calls, error.Canceled);
            try stopOne(calls, error.Interrupted);
        };
    }
    refused();
    check.onThread(refused, .{});
    check.err(error.WouldBlock, pool.wait(.now));
    check.err(error.Timeout, pool.wait(.ms(1)));
    const info = try pool.info();
    check.eq(max, info.workers);
    check.eq(0, info.idle);
    check.eq(queue, info.queued);
    check.eq(6, info.waiting);
    check.eq(0, begun.load(.monotonic));
    gate.store(true, .monotonic);
    for (tasks) |task| check.join(task);
    try pool.wait(.forever);
    check.eq(8, begun.load(.monotonic));
}

/// One worker: what has waited is run in the order in which it came.
fn inOrder() !void {
    begun.store(0, .monotonic);
    gate.store(false, .monotonic);
    try pool.submit(.now, held, .{});
    untilInside(1);
    try pool.submit(.now, noted, .{0});
    var tasks: [15]Bringing = undefined;
    for (&tasks, 1..) |*task, i| {
        task.* = check.spawnOn(1, brings, .{ i, i % 3 == 0 });
        while (true) : (check.pause()) switch (try task.co.state()) {
            .parked, .ended => break,
            else => {},
        };
    }
    gate.store(true, .monotonic);
    for (tasks) |task| check.join(task);
    try pool.wait(.forever);
    for (&order, 0..) |*place, i| check.eq(i, place.load(.monotonic));
}

pub fn body() !void {
    pool = try .init(.{ .max = max, .queue = queue });
    var tasks: [submitters]check.Task(submits) = undefined;
    for (&tasks) |*task| task.* = check.spawn(submits, .{});
    for (tasks) |task| check.join(task);
    try pool.wait(.forever);
    check.eq(jobs, ran.load(.monotonic));
    check.eq(max, most.load(.monotonic));
    try full();
    try pool.close(.forever);
    pool = try .init(.{ .max = 1, .queue = queue });
    try inOrder();
    try pool.close(.forever);
    check.eq(0, wrong.load(.monotonic));
}
