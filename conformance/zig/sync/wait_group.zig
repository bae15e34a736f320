//! A count, who waits for none to be left, and another round.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;

var wg: photonrt.WaitGroup = .init;
var started: photonrt.WaitGroup = .init;
var results: [8]u32 = undefined;
var next: std.atomic.Value(u32) = .init(0);

fn work(mine: *u32) !void {
    try photonrt.sleep(.us(next.fetchAdd(1, .monotonic) % 3 * 100));
    mine.* += 1; // seen by who waits
    wg.done();
}

fn waitAll() !void {
    started.done();
    try wg.wait();
}

fn roundOf(kind: check.crew.Kind) !void {
    var crew: check.Crew = .{ .kind = kind };
    var waiters: check.Crew = .{ .kind = kind };
    @memset(&results, 0);
    try wg.add(results.len);
    try started.add(3);
    for (0..3) |_| waiters.add(waitAll, .{});
    try started.wait();
    for (&results) |*mine| crew.add(work, .{mine});
    try wg.wait();
    for (results) |n| check.eq(1, n);
    waiters.end();
    crew.end();
}

pub fn body() !void {
    const max = std.math.maxInt(i32);
    check.errno(.INVAL, c.co_wg_add(null, 1));
    check.errno(.INVAL, c.co_wg_done(null));
    check.errno(.INVAL, c.co_wg_wait(null, c.CO_NOW));
    try wg.waitTimeout(.now);
    check.errno(.INVAL, c.co_wg_done(&wg.raw));
    try wg.add(3);
    check.err(error.InvalidArgument, wg.add(-4));
    check.err(error.InvalidArgument, wg.add(std.math.minInt(i32)));
    try wg.add(-2);
    try wg.add(0);
    check.err(error.WouldBlock, wg.waitTimeout(.now));
    wg.done();
    try wg.wait();

    var full: photonrt.WaitGroup = .init;
    try full.add(max);
    try full.add(max);
    try full.add(1); // 2^32 - 1
    check.err(error.Overflow, full.add(1));
    try full.add(-max);
    try full.add(-max);
    check.err(error.Timeout, full.waitTimeout(.ms(1)));
    full.done();
    try full.waitTimeout(.now);

    for (0..3) |_| for (check.crew.kinds) |kind| try roundOf(kind);
}
