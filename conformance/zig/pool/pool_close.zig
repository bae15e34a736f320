//! Closing in each state: who waits to bring a job is refused, what has been taken is done, then the handle is stale; several
//! that close; a close that is stopped goes on; the group's and the runtime's end.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;
const Atomic = std.atomic.Value;
const Pool = photonrt.Pool;

var pool: Pool = @fromBackingInt(0);
var gate: Atomic(bool) = .init(false);
var inside: Atomic(u32) = .init(0);
var ran: Atomic(u32) = .init(0);
var refused: Atomic(u32) = .init(0);
var closed: Atomic(u32) = .init(0);
var late: Atomic(u32) = .init(0);

fn held() void {
    _ = inside.fetchAdd(1, .monotonic);
    while (!gate.load(.monotonic)) check.pause();
    _ = inside.fetchSub(1, .monotonic);
    _ = ran.fetchAdd(1, .monotonic);
}

fn submitRefused() void {
    check.err(error.Closed, pool.submit(.forever, held, .{}));
    _ = refused.fetchAdd(1, .monotonic);
}

fn callRefused() void {
    check.err(error.Closed, pool.run(.forever, held, .{}));
    _ = refused.fetchAdd(1, .monotonic);
}

fn waits(jobs: u32) !void {
    try pool.wait(.forever);
    check.eq(jobs, ran.load(.monotonic));
}

fn closes() void {
    if (pool.close(.forever)) |_| {
        _ = closed.fetchAdd(1, .monotonic);
    } else |e| {
        check.eq(error.NotFound, e);
        _ = late.fetchAdd(1, .monotonic);
    }
}

fn closeCancelled() void {
    check.err(error.Canceled, pool.close(.forever));
}

fn untilInside(n: u32) void {
    while (inside.load(.monotonic) != n) check.pause();
}

fn stale() void {
    check.err(error.NotFound, pool.submit(.forever, held, .{}));
    check.err(error.NotFound, pool.submit(.now, held, .{}));
    check.err(error.NotFound, pool.run(.forever, held, .{}));
    check.err(error.NotFound, pool.wait(.forever));
    check.err(error.NotFound, pool.close(.forever));
    check.err(error.NotFound, pool.info());
}

fn onThread() void {
    closes();
    stale();
}

fn parked(task: anytype) @TypeOf(task) {
    check.untilState(task.co, .parked);
    return task;
}

fn inEachState(vcpus: u32) !void {
    const options: photonrt.pool.Options = .{ .max = 1, .queue = 2, .vcpus = vcpus };
    pool = try .init(options); // never used
    try pool.close(.forever);
    stale();
    pool = try .init(options); // used and idle; by a plain thread
    gate.store(true, .monotonic);
    try pool.run(.forever, held, .{});
    check.onThread(onThread, .{});
    stale();
    pool = try .init(options); // at work, with a queue, and with those that wait
    gate.store(false, .monotonic);
    ran.store(0, .monotonic);
    refused.store(0, .monotonic);
    for (0..3) |_| {
        try pool.submit(.now, held, .{});
        untilInside(1);
    }
    const submitter = parked(check.spawn(submitRefused, .{}));
    const caller = parked(check.spawn(callRefused, .{}));
    const waiter = parked(check.spawn(waits, .{3}));
    var info = try pool.info();
    check.eq(2, info.queued);
    check.eq(2, info.waiting);
    check.eq(0, info.closing);
    check.err(error.WouldBlock, pool.close(.now));
    check.join(submitter);
    check.join(caller);
    check.eq(2, refused.load(.monotonic));
    info = try pool.info();
    check.eq(1, info.closing);
    check.err(error.Closed, pool.submit(.forever, held, .{}));
    check.err(error.Closed, pool.run(.forever, held, .{}));
    check.err(error.Timeout, pool.close(.ms(2)));
    const cancelled = parked(check.spawn(closeCancelled, .{}));
    try cancelled.co.cancel();
    check.join(cancelled);
    closed.store(0, .monotonic);
    late.store(0, .monotonic);
    var closing: [3]photonrt.Task(void) = undefined;
    for (&closing) |*task| task.* = parked(check.spawn(closes, .{}));
    check.eq(0, ran.load(.monotonic));
    gate.store(true, .monotonic);
    for (closing) |task| check.join(task);
    check.join(waiter);
    check.eq(3, ran.load(.monotonic));
    check.eq(1, closed.load(.monotonic));
    check.eq(2, late.load(.monotonic));
    stale();
}

fn groupEnds() !void {
    const group: photonrt.Group = try .create(.{ .vcpus = 1 });
    pool = try .init(.{ .idle = c.CO_FOREVER, .group = group });
    gate.store(false, .monotonic);
    try pool.submit(.forever, held, .{});
    untilInside(1);
    check.err(error.Timeout, group.destroy(.ms(2)));
    gate.store(true, .monotonic);
    for (0..3) |_| try pool.run(.forever, held, .{}); // the pool goes on
    try group.destroy(.forever); // idle workers do not keep it
    stale();
}

fn start() !void {
    try inEachState(0);
    try inEachState(1);
    try groupEnds();
    // Left open: an idle pool keeps the runtime no longer than a group.
    gate.store(true, .monotonic);
    for (0..2) |vcpus| {
        pool = try .init(.{ .idle = c.CO_FOREVER, .vcpus = @intCast(vcpus) });
        try pool.run(.forever, held, .{});
    }
}

pub fn plain() !void {
    check.err(error.NotFound, Pool.init(.{}));
    stale();
    for ([_]bool{ false, true }) |cancel_rest| {
        var config = check.config();
        config.cancel_rest = cancel_rest;
        try photonrt.run(config, start, .{});
        stale();
    }
    check.init();
    pool = try .init(.{}); // from a plain thread
    try pool.run(.forever, held, .{});
    gate.store(false, .monotonic);
    try pool.submit(.forever, held, .{});
    check.err(error.Timeout, photonrt.shutdown(.ms(2)));
    gate.store(true, .monotonic);
    try pool.run(.forever, held, .{});
    try photonrt.shutdown(.forever);
    stale();
}
