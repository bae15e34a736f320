const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

const Channel = photonrt.Channel(i32);
var full: Channel = undefined;
var empty: Channel = undefined;

fn blocked(sends: bool) !void {
    if (sends) try full.send(1) else _ = try empty.receive();
}

fn shielded() !void {
    const shield: photonrt.Shield = .begin();
    check.eq(42, try empty.receive());
    check.eq(0, shield.before);
    shield.end();
    check.err(error.Canceled, empty.sendTimeout(42, .now));
    check.err(error.Canceled, full.receiveTimeout(.now));
}

fn timeouts() void {
    for (1..11) |i| {
        const time: i64 = @as(i64, @intCast(i)) * 50 * check.us;
        var before = photonrt.clock();
        check.err(error.Timeout, full.sendTimeout(1, .ns(time)));
        check.ge(photonrt.clock() - before, time);
        before = photonrt.clock();
        check.err(error.Timeout, empty.receiveTimeout(.ns(time)));
        check.ge(photonrt.clock() - before, time);
    }
    check.err(error.InvalidArgument, full.sendTimeout(1, .ns(-2)));
    check.err(error.InvalidArgument, empty.receiveTimeout(.ns(std.math.minInt(i64))));
}

/// A coroutine that has made many calls without waiting gives way in one of them: here in the very call that is to wait, for
/// some number of calls before it. A cancel that comes just then counts.
var arrived: std.atomic.Value(bool) = .init(false);

fn givesWay(calls: usize) !void {
    for (0..calls) |_| {
        try empty.sendTimeout(1, .now);
        _ = try empty.receiveTimeout(.now);
    }
    arrived.store(true, .release);
    check.err(error.Canceled, empty.receive());
}

pub fn body() !void {
    full = try .init(1);
    try full.sendTimeout(7, .now);
    empty = try .init(1);
    timeouts();
    check.onThread(timeouts, .{});
    for ([_]bool{ false, true }) |sends| {
        const cancelled = check.spawn(blocked, .{sends});
        check.untilState(cancelled.co, .parked);
        try cancelled.co.cancel();
        check.err(error.Canceled, cancelled.join());
        const interrupted = check.spawn(blocked, .{sends});
        check.untilState(interrupted.co, .parked);
        try interrupted.co.interrupt(error.NoDevice);
        check.err(error.Interrupted, interrupted.join());
    }
    const task = check.spawn(shielded, .{});
    check.untilState(task.co, .parked);
    try task.co.cancel();
    try photonrt.sleep(.ms(1));
    check.eq(photonrt.State.parked, try task.co.state());
    try empty.send(42);
    check.join(task);
    for (0..300) |calls| {
        arrived.store(false, .release);
        const gives_way = check.spawn(givesWay, .{calls});
        while (!arrived.load(.acquire)) photonrt.yield();
        try gives_way.co.cancel();
        check.join(gives_way);
    }
    check.eq(1, try full.len());
    check.eq(0, try empty.len());
    check.eq(7, try full.receiveTimeout(.now));
    check.err(error.WouldBlock, full.receiveTimeout(.now));
    full.deinit();
    empty.deinit();
}
