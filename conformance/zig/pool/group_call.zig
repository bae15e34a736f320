//! Group.run: runs in the other group, gives the result, waits with every outcome and never leaves before the function has; from
//! threads, into one's own group, to and fro, through a crowd.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;
const Atomic = std.atomic.Value;
const Group = photonrt.Group;

var one: Group = undefined;
var two: Group = undefined;
/// What is deaf waits for this.
var go: Atomic(bool) = .init(false);

/// In the caller's frame.
const Work = struct {
    sleeps: photonrt.Timeout = .now,
    /// Goes on after a cancel.
    deaf: bool = false,
    where: ?Group = null,
    slept: photonrt.SleepError!void = {},
    calls: u32 = 0,
    ended: bool = false,

    fn run(w: *Work) [3]u64 {
        w.where = Group.self();
        w.calls += 1;
        if (w.sleeps != .now) w.slept = photonrt.sleep(w.sleeps);
        if (w.deaf) {
            _ = photonrt.acknowledgeCancel();
            while (!go.load(.monotonic)) check.pause();
        }
        w.ended = true;
        return .{ 1, 2, 3 };
    }

    fn entry(arg: ?*anyopaque) callconv(.c) ?*anyopaque {
        const w: *Work = @ptrCast(@alignCast(arg.?));
        _ = w.run();
        return &w.sleeps;
    }

    /// The call as C has it, whose result is there after a stop too.
    fn call(w: *Work, group: Group, result: *?*anyopaque, timeout: photonrt.Timeout) c_int {
        return c.co_group_call(@backingInt(group), entry, w, result, timeout.raw());
    }
};

fn thereAndBack() !void {
    const home = Group.self();
    var w: Work = .{};
    check.eq([3]u64{ 1, 2, 3 }, try one.run(.forever, Work.run, .{&w}));
    check.eq(one, w.where);
    check.eq(home, Group.self());
    _ = try Group.run(.current, .forever, Work.run, .{&w}); // one's own, or the default group
    check.that(home == null or std.meta.eql(w.where, home));
    w.sleeps = .ms(1);
    _ = try two.run(.seconds(1), Work.run, .{&w});
    check.eq(two, w.where);
    try w.slept;
    check.eq(3, w.calls);
    var result: ?*anyopaque = null;
    check.eq(0, w.call(one, &result, .forever));
    check.eq(@as(?*anyopaque, &w.sleeps), result);
    check.err(error.Missed, one.run(.forever, misses, .{}));
}

fn misses() error{Missed}!u8 {
    return error.Missed;
}

fn onThread() !void {
    try thereAndBack();
    var w: Work = .{ .sleeps = .forever };
    check.err(error.Timeout, one.run(.ms(2), Work.run, .{&w}));
    check.that(w.ended);
    check.err(error.Canceled, w.slept);
}

fn errors() !void {
    const me = photonrt.Coroutine.current().?;
    var w: Work = .{};
    var result: ?*anyopaque = &w;
    check.errno(.INVAL, c.co_group_call(@backingInt(one), null, &w, &result, c.CO_FOREVER));
    check.err(error.InvalidArgument, one.run(.ns(-2), Work.run, .{&w}));
    check.err(error.WouldBlock, one.run(.now, Work.run, .{&w}));
    const none: Group = @fromBackingInt(std.math.maxInt(u64));
    check.err(error.NotFound, none.run(.forever, Work.run, .{&w}));
    try me.cancel();
    check.err(error.Canceled, one.run(.forever, Work.run, .{&w}));
    check.errno(.CANCELED, w.call(one, &result, .forever));
    check.that(photonrt.acknowledgeCancel());
    try me.interrupt(error.Interrupted);
    check.err(error.Interrupted, one.run(.forever, Work.run, .{&w}));
    check.eq(0, w.calls);
    check.eq(@as(?*anyopaque, &w), result);
}

fn late() void {
    var w: Work = .{ .sleeps = .forever };
    const begun = photonrt.clock();
    check.err(error.Timeout, one.run(.ms(2), Work.run, .{&w}));
    check.ge(photonrt.clock() - begun, 2 * check.ms);
    check.that(w.ended);
    check.err(error.Canceled, w.slept);
    // One that takes its time is waited for, and what it returns is given.
    var deaf: Work = .{ .sleeps = .forever, .deaf = true };
    var result: ?*anyopaque = null;
    go.store(true, .monotonic);
    check.errno(.TIMEDOUT, deaf.call(two, &result, .ms(1)));
    check.that(deaf.ended);
    check.eq(@as(?*anyopaque, &deaf.sleeps), result);
}

const Caller = struct {
    work: Work,
    status: anyerror!void = {},
    again: anyerror!void = {},

    fn calls(caller: *Caller) void {
        caller.status = if (one.run(.forever, Work.run, .{&caller.work})) |_| {} else |e| e;
        caller.again = photonrt.sleep(.now);
    }

    fn start(caller: *Caller) photonrt.Task(void) {
        const task = check.spawn(calls, .{caller});
        check.untilState(task.co, .parked);
        return task;
    }
};

fn stopped() !void {
    var cancelled: Caller = .{ .work = .{ .sleeps = .forever } };
    var task = cancelled.start();
    try task.co.cancel();
    check.join(task);
    check.err(error.Canceled, cancelled.status);
    check.err(error.Canceled, cancelled.again); // it stays cancelled
    check.err(error.Canceled, cancelled.work.slept);
    check.that(cancelled.work.ended);
    var interrupted: Caller = .{ .work = .{ .sleeps = .forever } };
    task = interrupted.start();
    try task.co.interrupt(error.Interrupted);
    check.join(task);
    check.err(error.Interrupted, interrupted.status);
    try interrupted.again;
    check.err(error.Canceled, interrupted.work.slept);
    // What comes while it waits for the end is for the next call.
    var twice: Caller = .{ .work = .{ .sleeps = .forever, .deaf = true } };
    go.store(false, .monotonic);
    task = twice.start();
    try task.co.interrupt(error.Timeout);
    try photonrt.sleep(.us(500));
    try task.co.interrupt(error.InvalidArgument);
    go.store(true, .monotonic);
    check.join(task);
    check.err(error.Timeout, twice.status);
    check.err(error.InvalidArgument, twice.again);
    check.that(twice.work.ended);
}

/// A number goes down through the groups by turns, and its sum comes back.
fn sum(n: u64) anyerror!u64 {
    check.eq(if (n % 2 == 1) one else two, Group.self());
    if (n == 0) return 0;
    return n + try (if (n % 2 == 1) two else one).run(.forever, sum, .{n - 1});
}

/// No lock: one group's coroutines run one at a time.
var counter: u64 = 0;

fn increment() void {
    const seen = counter;
    std.mem.doNotOptimizeAway(seen);
    counter = seen + 1;
}

fn many(first: u64) !void {
    var seed = first;
    for (0..300) |_| try one.run(.forever, increment, .{});
    for (0..50) |_| { // stopped at any moment: the frame is not left too soon
        var w: Work = .{ .sleeps = .ns(@intCast(check.rand(&seed) % 50_000)) };
        if (two.run(.ns(@intCast(1 + check.rand(&seed) % 50_000)), Work.run, .{&w})) |_| {} else |e| check.eq(error.Timeout, e);
        check.eq(1, w.calls);
        check.that(w.ended);
        @memset(std.mem.asBytes(&w), 0xff);
    }
}

pub fn body() !void {
    one = try .create(.{});
    two = try .create(.{});
    try thereAndBack();
    try check.onThread(onThread, .{});
    try errors();
    late();
    try stopped();
    check.eq(5050, try two.run(.forever, sum, .{100}));
    var all: [8]check.Task(many) = undefined;
    for (&all, 1..) |*task, i| task.* = check.spawnOn(@intCast((i - 1) % 2 + 1), many, .{i});
    try check.onThread(many, .{99});
    for (all) |task| check.join(task);
    check.eq(9 * 300, counter);
    try one.destroy(.forever);
    try two.destroy(.forever);
}
