const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;

const Channel = photonrt.Channel(i64);
var a: Channel = undefined;
var b: Channel = undefined;
var f: photonrt.Future(i64) = undefined;
var event: photonrt.Event = .init;
var cases: [5]photonrt.Case = undefined;
var in: i64 = undefined;
var out: i64 = undefined;
var value: i64 = undefined;

/// Send into a, receive from b, a future, an event, a time.
fn prepare() []photonrt.Case {
    in = -1;
    value = -1;
    out = 11;
    cases = .{ a.onSend(&out), b.onReceive(&in), f.on(&value), .event(&event), .after(.forever) };
    for (&cases) |*case| case.raw.result = 99;
    return &cases;
}

fn noneDone() !void {
    for (cases) |case| check.eq(99, case.raw.result);
    check.eq(-1, in);
    check.eq(-1, value);
    check.eq(0, try b.len());
}

/// The others are as before.
fn done(i: usize) !void {
    check.eq(@as(i64, if (i == 1) 22 else -1), in);
    check.eq(@as(i64, if (i == 2) 33 else -1), value);
    for (cases, 0..) |case, k| if (k == i) try case.result() else check.eq(99, case.raw.result);
}

/// What another one does while the select waits.
fn helper(i: usize) !void {
    try photonrt.sleep(.us(200));
    switch (i) {
        0 => check.eq(11, try a.receive()),
        1 => try b.send(22),
        2 => try f.complete(33),
        3 => event.set(),
        else => unreachable,
    }
}

fn fresh() !void {
    a = try .init(0);
    b = try .init(0);
    f = try .init();
    event = .init;
}

fn release() void {
    a.deinit();
    b.deinit();
    f.deinit();
}

/// Each case by itself, while the select waits; helpers are coroutines or threads.
fn each(threads: bool) !void {
    for (0..4) |i| {
        try fresh();
        defer release();
        if (threads) {
            const thread = check.thread(helper, .{i});
            check.eq(i, try photonrt.select(prepare(), .forever));
            thread.join();
        } else {
            const task = check.spawnOn(2, helper, .{i});
            check.eq(i, try photonrt.select(prepare(), .forever));
            check.join(task);
        }
        try done(i);
        // Nothing of the select is left behind.
        check.err(error.WouldBlock, a.receiveTimeout(.now));
        check.err(error.WouldBlock, b.sendTimeout(out, .now));
    }
}

fn sender(n: i64) !void {
    try b.send(n);
}

fn receiver(n: i64) !void {
    check.eq(n, try a.receive());
}

/// Ready before: done at once, whatever the timeout.
fn atOnce(timeout: photonrt.Timeout) !void {
    try fresh();
    defer release();
    const receives = check.spawn(receiver, .{11});
    check.untilState(receives.co, .parked);
    check.eq(0, try photonrt.select(prepare(), timeout));
    try done(0);
    check.join(receives);
    const sends = check.spawn(sender, .{22});
    check.untilState(sends.co, .parked);
    check.eq(1, try photonrt.select(prepare(), timeout));
    try done(1);
    check.join(sends);
    event.set();
    check.eq(3, try photonrt.select(prepare(), timeout));
    try done(3);
    event.reset();
    try f.complete(33);
    for (0..3) |_| {
        check.eq(2, try photonrt.select(prepare(), timeout));
        try done(2);
    }
}

fn never() !void {
    try fresh();
    defer release();
    check.err(error.WouldBlock, photonrt.select(prepare(), .now));
    try noneDone();
    for (1..5) |i| {
        const time: i64 = @as(i64, @intCast(i)) * 100 * check.us;
        var before = photonrt.clock();
        check.err(error.Timeout, photonrt.select(prepare(), .ns(time)));
        check.ge(photonrt.clock() - before, time);
        try noneDone();
        before = photonrt.clock();
        prepare()[4].raw.timeout_ns = time;
        check.eq(4, try photonrt.select(&cases, if (i % 2 == 1) .forever else .seconds(1)));
        check.ge(photonrt.clock() - before, time);
        try done(4);
    }
    prepare()[4].raw.timeout_ns = 0;
    check.eq(4, try photonrt.select(&cases, .forever));
    prepare()[4].raw.timeout_ns = check.sec;
    check.err(error.Timeout, photonrt.select(&cases, .us(100)));
    try noneDone();
    // Nothing to wait for but time.
    check.err(error.WouldBlock, photonrt.select(&.{}, .now));
    check.err(error.Timeout, photonrt.select(&.{}, .us(100)));
    check.errno(.AGAIN, c.co_select(null, 0, c.CO_NOW));
    for (prepare()[0..3]) |*case| case.raw.handle = 0;
    cases[3].raw.elem = null;
    check.err(error.Timeout, photonrt.select(&cases, .us(100)));
    try noneDone();
    var off: [3]photonrt.Case = @splat(.never);
    check.err(error.Timeout, photonrt.select(&off, .us(100)));
}

fn bad() !void {
    try fresh();
    defer release();
    check.errno(.INVAL, c.co_select(null, 1, c.CO_FOREVER));
    check.err(error.InvalidArgument, photonrt.select(prepare(), .ns(-2)));
    check.errno(.INVAL, c.co_select(@ptrCast(&cases), std.math.maxInt(usize), c.CO_FOREVER));
    for ([_]u32{ 0, 6 }) |kind| {
        cases[1].raw.kind = kind;
        check.err(error.InvalidArgument, photonrt.select(&cases, .forever));
    }
    prepare()[4].raw.timeout_ns = -2;
    check.err(error.InvalidArgument, photonrt.select(&cases, .forever));
    try noneDone();
    prepare()[0].raw.elem = null; // a case that can go on, to its failure
    check.eq(0, try photonrt.select(&cases, .forever));
    check.err(error.InvalidArgument, cases[0].result());
    for (cases[1..]) |case| check.eq(99, case.raw.result);
}

fn onThread() !void {
    try never();
    try bad();
}

pub fn body() !void {
    try each(false);
    try each(true);
    try atOnce(.now);
    try atOnce(.forever);
    try atOnce(.seconds(1));
    try onThread();
    try check.onThread(onThread, .{});
    try check.onThread(each, .{false});
    try check.onThread(each, .{true});
}
