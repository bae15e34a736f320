//! Jobs are run by coroutines that are there: each job once, none spawned for it, idle ones end.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const Atomic = std.atomic.Value;
const Pool = photonrt.Pool;

const rounds = 200;
const at_once = 4;

var ran: Atomic(u32) = .init(0);
var sum: Atomic(u32) = .init(0);
var gate: Atomic(bool) = .init(false);

fn work(n: u32) u32 {
    _ = ran.fetchAdd(1, .monotonic);
    _ = sum.fetchAdd(n, .monotonic);
    check.that(photonrt.Coroutine.current() != null);
    return n + 1;
}

fn held() void {
    while (!gate.load(.monotonic)) check.pause();
}

pub fn body() !void {
    const forever = photonrt.c.CO_FOREVER;
    var pool: Pool = try .init(.{ .max = at_once, .queue = at_once, .idle = forever });
    check.eq(0, (try pool.info()).workers);
    for (0..2 * at_once) |_| try pool.submit(.forever, work, .{1});
    try pool.wait(.forever);
    check.eq(2 * at_once, ran.load(.monotonic));
    check.ge((try pool.info()).workers, 1);
    check.ge(at_once, (try pool.info()).workers);
    // All of them at once, so that all are there; from then on one at a time.
    for (0..at_once) |_| try pool.submit(.forever, held, .{});
    gate.store(true, .monotonic);
    try pool.wait(.forever);
    const first = try pool.info();
    check.eq(at_once, first.workers);
    const spawned = check.stats().spawned;
    for (0..rounds) |round| {
        const n: u32 = @intCast(round);
        check.eq(n + 1, try pool.run(.forever, work, .{n}));
        try pool.submit(.now, work, .{1});
        try pool.wait(.forever);
    }
    check.eq(spawned, check.stats().spawned);
    check.eq(2 * at_once + 2 * rounds, ran.load(.monotonic));
    check.eq(2 * at_once + rounds + rounds * (rounds - 1) / 2, sum.load(.monotonic));
    const last = try pool.info();
    check.eq(first.workers, last.workers);
    check.eq(first.workers, last.idle);
    check.eq(3 * at_once + 2 * rounds, last.completed);
    check.eq(at_once, last.max);
    check.eq(0, last.queued + last.waiting + last.closing);
    check.eq(@backingInt(photonrt.Group.self().?), last.group);
    try pool.close(.forever);
    check.err(error.NotFound, pool.info());
    check.untilLive(1);
    // With a limit, idle workers end by themselves; the pool goes on.
    pool = try .init(.{ .max = at_once, .queue = at_once, .idle = 2 * check.ms });
    for (0..3) |_| {
        check.eq(1, try pool.run(.seconds(1), work, .{0}));
        check.eq(1, (try pool.info()).workers);
        while ((try pool.info()).workers != 0) try photonrt.sleep(.ms(1));
        check.untilLive(1);
    }
    try pool.close(.now);
}
