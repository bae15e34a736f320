//! A call's caller never leaves before its function has returned or will never be called, whatever stops it; from coroutines and
//! plain threads, also from jobs of the pool.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;
const Atomic = std.atomic.Value;
const Slept = photonrt.SleepError!void;

var pool: photonrt.Pool = undefined;
var begun: Atomic(bool) = .init(false);
var calls: Atomic(u32) = .init(0);

/// What lies on the caller's stack: null until the function has returned.
const Outcome = ?Slept;

fn thirty(out: *Outcome) Slept {
    begun.store(true, .release);
    const slept = photonrt.sleep(.ms(30));
    out.* = slept;
    return slept;
}

fn deaf(out: *Outcome) Slept {
    const shield: photonrt.Shield = .begin();
    defer shield.end();
    return thirty(out);
}

fn quick(n: u32) u32 {
    _ = calls.fetchAdd(1, .monotonic);
    return n + 1;
}

/// How a call is to end: for the caller, and in the function.
const Want = struct {
    call: anyerror!void,
    slept: anyerror!void,

    fn of(want: anyerror!void, got: anyerror!void) void {
        if (want) |_| check.eq({}, got) else |e| check.err(e, got);
    }
};

fn callsIt(comptime function: fn (*Outcome) Slept, timeout: photonrt.Timeout, want: Want) void {
    var out: Outcome = null;
    Want.of(want.call, pool.run(timeout, function, .{&out}));
    const slept = out orelse {
        // The machine had no time: it never began.
        return check.err(error.Timeout, want.call);
    };
    Want.of(want.slept, slept);
}

/// As C has it: the result says whether the function was called.
fn callsItRaw(comptime function: fn (*Outcome) Slept, timeout: photonrt.Timeout, number: std.posix.E) void {
    const Job = struct {
        fn entry(arg: ?*anyopaque) callconv(.c) ?*anyopaque {
            function(@ptrCast(@alignCast(arg.?))) catch {};
            return arg;
        }
    };
    var out: Outcome = null;
    var result: ?*anyopaque = null;
    check.errno(number, c.co_pool_call(@backingInt(pool), Job.entry, @ptrCast(&out), &result, timeout.raw()));
    check.eq(out != null, result != null);
}

fn untilBegun() void {
    while (!begun.load(.acquire)) check.pause();
    begun.store(false, .monotonic);
}

fn stopped(comptime function: fn (*Outcome) Slept, slept: anyerror!void) !void {
    const Caller = struct {
        fn once(want: anyerror, inside: anyerror!void) void {
            callsIt(function, .forever, .{ .call = want, .slept = inside });
        }
        fn raw(number: std.posix.E) void {
            callsItRaw(function, .forever, number);
        }
    };
    begun.store(false, .monotonic);
    const cancelled = check.spawn(Caller.once, .{ error.Canceled, slept });
    untilBegun();
    try cancelled.co.cancel();
    check.join(cancelled);
    const interrupted = check.spawn(Caller.once, .{ error.Interrupted, slept });
    untilBegun();
    try interrupted.co.interrupt(error.NotSameFileSystem);
    check.join(interrupted);
    const raw = check.spawn(Caller.raw, .{.XDEV});
    untilBegun();
    try raw.co.interrupt(error.NotSameFileSystem);
    check.join(raw);
    callsIt(function, .ms(3), .{ .call = error.Timeout, .slept = slept });
    callsItRaw(function, .ms(3), .TIMEDOUT);
}

fn fromThread() !void {
    callsIt(thirty, .forever, .{ .call = {}, .slept = {} });
    callsIt(thirty, .ms(3), .{ .call = error.Timeout, .slept = error.Canceled });
    for (0..20) |_| {
        check.eq(8, try pool.run(.forever, quick, .{7}));
        try pool.submit(.forever, quick, .{7});
    }
    try pool.wait(.forever);
}

fn jobThatCalls(n: u32) !u32 {
    check.eq(n + 1, try pool.run(.forever, quick, .{n}));
    check.err(error.Deadlock, pool.wait(.forever));
    check.err(error.Deadlock, pool.close(.forever));
    return n + 2;
}

fn cancelledBefore() !void {
    try photonrt.Coroutine.current().?.cancel();
    check.err(error.Canceled, pool.run(.forever, quick, .{1}));
    check.err(error.Canceled, pool.submit(.forever, quick, .{1}));
    check.err(error.Canceled, pool.wait(.forever));
    check.err(error.Canceled, pool.close(.forever));
}

fn cancels(co: photonrt.Coroutine) !void {
    try co.cancel();
}

/// Stopped between the worker's being chosen and its beginning: with one vCPU the coroutine that is spawned here runs before the
/// worker that the call wakes. How many times the function was called.
fn stoppedBetween() !u32 {
    const other = check.spawn(cancels, .{photonrt.Coroutine.current().?});
    var out: u32 = 0;
    const called = pool.run(.forever, quickInto, .{&out});
    {
        const shield: photonrt.Shield = .begin();
        defer shield.end();
        check.join(other);
    }
    if (called) |_| {
        check.that(check.vcpus() > 1); // a worker elsewhere was quicker
        check.eq(1, out);
    } else |e| check.eq(error.Canceled, e);
    check.that(photonrt.acknowledgeCancel());
    return out;
}

fn quickInto(out: *u32) void {
    out.* = 1;
    _ = quick(0);
}

pub fn body() !void {
    pool = try .init(.{ .max = 2, .idle = c.CO_FOREVER });
    callsIt(thirty, .seconds(1), .{ .call = {}, .slept = {} });
    try stopped(thirty, error.Canceled);
    try stopped(deaf, {});
    var before = calls.load(.monotonic);
    try check.onThread(fromThread, .{});
    check.eq(before + 40, calls.load(.monotonic));
    check.eq(9, try pool.run(.forever, jobThatCalls, .{7}));
    before = calls.load(.monotonic);
    check.join(check.spawn(cancelledBefore, .{}));
    check.eq(before, calls.load(.monotonic));
    for (0..20) |_| {
        before = calls.load(.monotonic);
        check.eq(before + check.join(check.spawn(stoppedBetween, .{})), calls.load(.monotonic));
        check.that(check.vcpus() > 1 or calls.load(.monotonic) == before);
    }
    try pool.close(.forever);
}
