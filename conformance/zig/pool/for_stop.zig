//! A part that fails, a cancel, an interrupt, a timeout end the loop: no more parts begin, those that run are waited for; bad
//! arguments.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;
const Atomic = std.atomic.Value;

const parts = 400;
const nowhere = std.math.maxInt(u64);
const wide: photonrt.pool.ForOptions = .{ .grain = 1, .workers = 4 };

var begun: Atomic(u32) = .init(0);
var running: Atomic(u32) = .init(0);
var fail_at: Atomic(u64) = .init(nowhere);

fn part(here: *bool, begin: u64, end: u64) error{Struck}!void {
    check.that(begin < end);
    _ = begun.fetchAdd(1, .monotonic);
    _ = running.fetchAdd(1, .monotonic);
    const at = fail_at.load(.monotonic);
    photonrt.sleep(.ms(1)) catch |e| check.eq(error.Canceled, e);
    const caller: *volatile bool = here; // on the caller's stack
    caller.* = true;
    _ = running.fetchSub(1, .monotonic);
    if (begin <= at and at < end) return error.Struck;
}

fn allFail(_: void, _: u64, _: u64) error{Never}!void {
    return error.Never;
}

fn quiet() void {
    check.eq(0, running.load(.monotonic));
    check.ge(parts - 1, begun.load(.monotonic));
    begun.store(0, .monotonic);
}

fn loop(timeout: photonrt.Timeout) !void {
    var here = false;
    var options = wide;
    options.timeout = timeout;
    try photonrt.parallelFor(0, parts, options, &here, part);
}

fn isStopped(workers: u32) void {
    var here = false;
    const options: photonrt.pool.ForOptions = .{ .grain = 1, .workers = workers };
    check.err(error.Canceled, photonrt.parallelFor(0, parts * 100, options, &here, part));
    check.eq(0, running.load(.monotonic));
}

fn onThread() void {
    check.err(error.Timeout, loop(.ms(5)));
    quiet();
    fail_at.store(20, .monotonic);
    check.err(error.Struck, loop(.forever));
    quiet();
    fail_at.store(nowhere, .monotonic);
}

fn cancelled(other: photonrt.Group) !void {
    const me = photonrt.Coroutine.current().?;
    var here = false;
    try me.cancel();
    check.err(error.Canceled, loop(.forever));
    check.eq(0, begun.load(.monotonic));
    check.that(photonrt.acknowledgeCancel());
    try me.interrupt(error.NotSameFileSystem);
    check.err(error.Interrupted, photonrt.parallelFor(0, 2, .{ .grain = 1, .group = other }, &here, part));
    check.eq(0, begun.load(.monotonic));
}

fn entry(_: ?*anyopaque, _: u64, _: u64) callconv(.c) c_int {
    _ = begun.fetchAdd(1, .monotonic);
    return 0;
}

fn errors() void {
    var here = false;
    check.errno(.INVAL, c.co_parallel_for(0, 1, 1, null, &here, null, c.CO_FOREVER));
    var attr = std.mem.zeroes(c.co_for_attr_t);
    attr.size = 4;
    check.errno(.INVAL, c.co_parallel_for(0, 1, 1, entry, &here, &attr, c.CO_FOREVER));
    check.err(error.InvalidArgument, photonrt.parallelFor(1, 0, .{}, &here, part));
    const bad = [_]photonrt.pool.ForOptions{
        .{ .timeout = .ns(-2) },
        .{ .workers = 65537 },
        .{ .stack_size = std.math.maxInt(u64) },
    };
    for (bad) |options| check.err(error.InvalidArgument, photonrt.parallelFor(0, 1, options, &here, part));
    check.err(error.NotFound, photonrt.parallelFor(0, 1, .{ .group = @fromBackingInt(77777) }, &here, part));
    check.err(error.WouldBlock, photonrt.parallelFor(0, 1, .{ .timeout = .now }, &here, part));
    check.eq(0, begun.load(.monotonic));
}

fn start() !void {
    const group: photonrt.Group = try .create(.{ .vcpus = 1 });
    errors();
    for (0..3) |i| {
        fail_at.store(i * 20, .monotonic);
        check.err(error.Struck, loop(.forever));
        quiet();
    }
    fail_at.store(nowhere, .monotonic);
    check.err(error.Never, photonrt.parallelFor(0, nowhere, wide, {}, allFail));
    check.err(error.Timeout, loop(.ms(5)));
    quiet();
    check.err(error.Timeout, loop(.ns(1)));
    quiet();
    for (0..4) |i| {
        const task = check.spawn(isStopped, .{@as(u32, @intCast(i % 2 + 1))});
        while (begun.load(.monotonic) < 5) try photonrt.sleep(.us(100));
        try task.co.cancel();
        check.join(task);
        begun.store(0, .monotonic);
    }
    check.onThread(onThread, .{});
    check.join(check.spawn(cancelled, .{group}));
    // From outside of the group: the caller waits, and stops it.
    var outside: photonrt.pool.ForOptions = .{ .grain = 1, .group = group, .workers = 3, .timeout = .ms(5) };
    var here = false;
    check.err(error.Timeout, photonrt.parallelFor(0, parts, outside, &here, part));
    check.that(here);
    quiet();
    outside.timeout = .forever;
    check.err(error.Never, photonrt.parallelFor(0, parts, outside, {}, allFail));
    try group.destroy(.forever);
    check.untilLive(1);
}

pub fn plain() !void {
    var here = false;
    check.err(error.NotFound, photonrt.parallelFor(0, 1, .{ .grain = 1 }, &here, part));
    try photonrt.run(check.config(), start, .{});
}
