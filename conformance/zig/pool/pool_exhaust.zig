//! Without memory for one more stack: what needs a worker is told so and nothing has changed, what has one goes on; and when
//! there is memory again, so does everything.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;
const Atomic = std.atomic.Value;

const big = 8 << 20;
const Parked = photonrt.Task(photonrt.ParkError!void);

var parked: [100_000]Parked = undefined;
var ran: Atomic(u32) = .init(0);
var gate: Atomic(bool) = .init(false);

fn parks() photonrt.ParkError!void {
    try photonrt.park(.forever);
}

fn work() void {
    _ = ran.fetchAdd(1, .monotonic);
}

fn held() void {
    while (!gate.load(.monotonic)) check.pause();
    work();
}

fn part(sum: *Atomic(u64), begin: u64, end: u64) void {
    _ = sum.fetchAdd(end - begin, .monotonic);
}

/// Takes stacks until there are no more.
fn fill() []Parked {
    for (&parked, 0..) |*task, n| {
        task.* = photonrt.spawnWith(.{ .stack_size = big }, parks, .{}) catch |e| {
            check.eq(error.OutOfMemory, e);
            return parked[0..n];
        };
    }
    check.fail("no end of memory", .{});
}

fn release(tasks: []Parked) !void {
    try photonrt.sleep(.ms(1));
    for (tasks) |task| try task.co.unpark();
    for (tasks) |task| check.join(task);
}

fn without(pool: photonrt.Pool) !void {
    for (0..3) |_| {
        check.err(error.OutOfMemory, pool.submit(.forever, work, .{}));
        check.err(error.OutOfMemory, pool.run(.forever, work, .{}));
        try pool.wait(.now);
    }
    check.eq(0, (try pool.info()).workers);
    check.eq(1, ran.load(.monotonic));
}

pub fn body() !void {
    const options: photonrt.pool.Options = .{ .max = 2, .queue = 1, .stack_size = big, .idle = c.CO_FOREVER };
    const group: photonrt.Group = try .create(.{});
    const with: photonrt.Pool = try .init(options);
    const empty: photonrt.Pool = try .init(options);
    try with.run(.forever, work, .{}); // it has a worker
    check.memory.limit(256 << 20);
    const all = fill();
    try without(empty);
    try with.submit(.forever, held, .{});
    check.err(error.OutOfMemory, with.submit(.forever, work, .{}));
    check.err(error.OutOfMemory, with.submit(.now, work, .{}));
    gate.store(true, .monotonic);
    try with.wait(.forever);
    try with.run(.forever, work, .{});
    // The caller does it all; from outside of the group nobody could.
    var sum: Atomic(u64) = .init(0);
    var loop: photonrt.pool.ForOptions = .{ .grain = 1, .workers = 4, .stack_size = big };
    try photonrt.parallelFor(0, 100, loop, &sum, part);
    check.eq(100, sum.load(.monotonic));
    loop.group = group;
    check.err(error.OutOfMemory, photonrt.parallelFor(0, 100, loop, &sum, part));
    check.eq(100, sum.load(.monotonic));
    try release(all);
    check.memory.limit(null);
    try empty.run(.forever, work, .{});
    try photonrt.parallelFor(0, 100, loop, &sum, part);
    check.eq(200, sum.load(.monotonic));
    try with.close(.forever);
    try empty.close(.forever);
    try group.destroy(.forever);
    check.untilLive(1);
}
