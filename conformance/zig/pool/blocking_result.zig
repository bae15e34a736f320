//! Another thread runs the function, this vCPU goes on, and the result comes back.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;
const Atomic = std.atomic.Value;
const thread = std.c.pthread_self;

var ran_on: std.c.pthread_t = undefined;
var self_there: ?photonrt.Coroutine = undefined;
var vcpu_there: u32 = undefined;
var turns: Atomic(u32) = .init(0);
var stop: Atomic(bool) = .init(false);

fn work(n: u32) !u32 {
    ran_on = thread();
    self_there = photonrt.Coroutine.current();
    vcpu_there = photonrt.currentVcpu();
    check.err(error.PermissionDenied, photonrt.park(.now));
    const began = photonrt.clock();
    try photonrt.sleep(.ms(20)); // as on any plain thread
    check.ge(photonrt.clock() - began, 20 * check.ms);
    return n + 1;
}

fn turning() anyerror!void {
    while (!stop.load(.monotonic)) {
        _ = turns.fetchAdd(1, .monotonic);
        try photonrt.sleep(.us(200));
    }
}

const Turning = photonrt.Task(anyerror!void);

fn spawns() Turning {
    check.eq(null, photonrt.Coroutine.current());
    return check.spawn(turning, .{}); // from the thread, as from any
}

fn joins(task: Turning) !void {
    try task.join();
}

/// More than fits into a pointer, both ways.
fn reversed(values: [5]u64) [5]u64 {
    var out = values;
    std.mem.reverse(u64, &out);
    return out;
}

fn fails() error{TooLate}!u32 {
    return error.TooLate;
}

fn nested(n: u32) !u32 {
    const result = try photonrt.blocking(.now, work, .{n}); // a plain thread: right here
    check.that(ran_on == thread());
    return result;
}

fn entry(arg: ?*anyopaque) callconv(.c) ?*anyopaque {
    return arg;
}

fn errors() void {
    check.err(error.InvalidArgument, photonrt.blocking(.ns(-2), nested, .{1}));
    check.errno(.INVAL, c.co_blocking(null, null, null, c.CO_FOREVER));
    check.errno(.INVAL, c.co_blocking(entry, null, null, -2));
}

fn onPlainThread() !void {
    check.eq(2, try photonrt.blocking(.now, nested, .{1}));
    check.eq(2, try photonrt.blocking(.ns(5), nested, .{1}));
    check.eq([5]u64{ 5, 4, 3, 2, 1 }, try photonrt.blocking(.forever, reversed, .{.{ 1, 2, 3, 4, 5 }}));
    errors();
}

fn start() !void {
    const other = check.spawnOn(1, turning, .{});
    for ([_]photonrt.Timeout{ .now, .forever }) |timeout| {
        const before = turns.load(.monotonic);
        const me = thread();
        check.eq(8, try photonrt.blocking(timeout, work, .{7}));
        check.that(me == thread());
        check.that(me != ran_on);
        check.eq(null, self_there);
        check.eq(0, vcpu_there);
        check.ge(turns.load(.monotonic), before + 2);
    }
    check.eq([5]u64{ 5, 4, 3, 2, 1 }, try photonrt.blocking(.seconds(1), reversed, .{.{ 1, 2, 3, 4, 5 }}));
    check.err(error.TooLate, photonrt.blocking(.seconds(1), fails, .{}));
    check.eq(8, try photonrt.blocking(.seconds(1), nested, .{7}));
    errors();
    const spawned = try photonrt.blocking(.forever, spawns, .{});
    stop.store(true, .monotonic);
    try photonrt.blocking(.forever, joins, .{spawned});
    check.join(other);
    try check.onThread(onPlainThread, .{});
}

pub fn plain() !void {
    try onPlainThread(); // without a runtime
    for (0..2) |_| {
        try photonrt.run(check.config(), start, .{});
        stop.store(false, .monotonic);
    }
}
