//! One thread at most: what does not get one waits in order, and can be stopped until it begins.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const Atomic = std.atomic.Value;

const queued = 6;

var gate: Atomic(bool) = .init(false);
var running: Atomic(u32) = .init(0);
var begun: Atomic(usize) = .init(0);
var refused: Atomic(u32) = .init(0);
var order: [queued]Atomic(usize) = @splat(.init(0));

fn held(n: u32) !u32 {
    _ = running.fetchAdd(1, .monotonic);
    while (!gate.load(.monotonic)) try photonrt.sleep(.us(200));
    _ = running.fetchSub(1, .monotonic);
    return n + 1;
}

fn never() void {
    _ = refused.fetchAdd(1, .monotonic);
}

fn noted(i: usize) usize {
    order[i].store(begun.fetchAdd(1, .monotonic), .monotonic);
    return i + 1;
}

fn holder() !void {
    check.eq(3, try photonrt.blocking(.forever, held, .{2}));
}

fn queues(i: usize) !void {
    check.eq(i + 1, try photonrt.blocking(.forever, noted, .{i}));
}

fn stopped(want: anyerror) void {
    check.err(want, photonrt.blocking(.forever, never, .{}));
}

fn cancelledLate() !void {
    check.eq(8, try photonrt.blocking(.ms(10), held, .{7})); // it has begun: neither time nor cancel ends it
    check.that(photonrt.cancelPending());
    check.err(error.Canceled, photonrt.blocking(.forever, never, .{}));
    check.that(photonrt.acknowledgeCancel());
    check.err(error.Interrupted, photonrt.sleep(.seconds(1))); // the interrupt has stayed too
    _ = try photonrt.blocking(.forever, noted, .{0});
}

fn untilRunning(n: u32) !void {
    while (running.load(.monotonic) != n) try photonrt.sleep(.us(200));
}

fn late() !void {
    gate.store(false, .monotonic);
    const task = check.spawn(cancelledLate, .{});
    try untilRunning(1);
    try task.co.cancel();
    try task.co.interrupt(error.NotSameFileSystem);
    try photonrt.sleep(.ms(15));
    check.eq(.parked, try task.co.state());
    gate.store(true, .monotonic);
    check.join(task);
}

fn parked(task: anytype) @TypeOf(task) {
    check.untilState(task.co, .parked);
    return task;
}

fn start() !void {
    const first = check.spawn(holder, .{});
    try untilRunning(1);
    check.err(error.WouldBlock, photonrt.blocking(.now, never, .{}));
    check.err(error.Timeout, photonrt.blocking(.ms(2), never, .{}));
    var others: [queued]check.Task(queues) = undefined;
    for (&others, 0..) |*task, i| {
        task.* = parked(check.spawnOn(1, queues, .{i}));
        if (i == 2) { // one in the middle of the queue leaves it
            const leaves = parked(check.spawn(stopped, .{error.Canceled}));
            try leaves.co.cancel();
            check.join(leaves);
        }
    }
    const interrupted = parked(check.spawn(stopped, .{error.Interrupted}));
    try interrupted.co.interrupt(error.NotSameFileSystem);
    check.join(interrupted);
    check.eq(0, begun.load(.monotonic));
    gate.store(true, .monotonic);
    for (others) |task| check.join(task);
    check.join(first);
    for (&order, 0..) |*place, i| check.eq(i, place.load(.monotonic));
    try late();
    check.eq(0, refused.load(.monotonic));
}

pub fn plain() !void {
    var config = check.config();
    config.blocking_max = 1;
    try photonrt.run(config, start, .{});
}
