//! Numbers, order, overflow; and permits that are neither lost nor made when waits end by time, cancel and interrupt.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;

const max = std.math.maxInt(u32);
const permits = 3;
var sem: photonrt.Semaphore = .init;
var room: photonrt.Semaphore = .init;
var inside: std.atomic.Value(u32) = .init(0);
var order: std.atomic.Value(u32) = .init(0);

fn take(n: u32) !void {
    try sem.waitTimeout(n, .forever);
    _ = order.fetchAdd(1, .monotonic);
}

fn numbers() !void {
    check.errno(.INVAL, c.co_sem_wait(null, 1, c.CO_NOW));
    check.errno(.INVAL, c.co_sem_post(null, 1));
    check.err(error.WouldBlock, sem.waitTimeout(1, .now));
    check.that(!sem.tryWait(1));
    check.that(sem.tryWait(0));
    try sem.post(5);
    check.err(error.WouldBlock, sem.waitTimeout(6, .now));
    try sem.waitTimeout(5, .forever);
    try sem.post(max);
    check.err(error.Overflow, sem.post(1));
    check.that(sem.tryWait(max));

    // One that wants many is not overtaken by one that wants few; if it gives up, that one goes on.
    const many = check.spawnOn(1, take, .{10});
    check.untilState(many.co, .parked);
    const few = check.spawnOn(1, take, .{1});
    check.untilState(few.co, .parked);
    try sem.post(2);
    check.that(!sem.tryWait(1));
    try photonrt.sleep(.ms(1));
    check.eq(0, order.load(.monotonic));
    try sem.post(9);
    check.join(many);
    check.join(few);
    check.eq(2, order.load(.monotonic));
    check.that(!sem.tryWait(1));
}

fn givesUp() void {
    check.err(error.Canceled, sem.waitTimeout(10, .forever));
}

fn inTheWay() !void {
    const many = check.spawnOn(2, givesUp, .{});
    check.untilState(many.co, .parked);
    const few = check.spawnOn(1, take, .{2});
    check.untilState(few.co, .parked);
    try sem.post(2);
    try many.co.cancel();
    check.join(few);
    check.join(many);
}

fn work() !void {
    var rng: u64 = undefined;
    rng = @intFromPtr(&rng);
    for (0..800) |_| {
        const x = check.rand(&rng);
        const n: u32 = @intCast((x >> 40) % permits + 1);
        if (photonrt.Coroutine.current()) |self| if (x % 32 == 1) try self.interrupt(error.Interrupted);
        const timeout: photonrt.Timeout = if (x % 3 != 0) .forever else .ns(@intCast((x >> 8) % (30 * check.us)));
        room.waitTimeout(n, timeout) catch |e| switch (e) {
            error.Interrupted, error.Timeout, error.WouldBlock => continue,
            else => return e,
        };
        check.ge(permits, inside.fetchAdd(n, .monotonic) + n);
        if (x % 8 == 0) photonrt.yield();
        _ = inside.fetchSub(n, .monotonic);
        try room.post(n);
    }
}

pub fn body() !void {
    try numbers();
    try inTheWay();
    try room.post(permits);
    for (check.crew.kinds) |kind| {
        check.Crew.run(kind, 8, work, .{});
        check.that(room.tryWait(permits));
        check.that(!room.tryWait(1));
        try room.post(permits);
    }
}
