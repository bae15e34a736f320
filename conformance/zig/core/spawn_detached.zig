const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;

const n = 10_000;
var ran: std.atomic.Value(u32) = .init(0);

fn count() void {
    photonrt.yield();
    _ = ran.fetchAdd(1, .seq_cst);
}

fn parked(arg: ?*anyopaque) callconv(.c) ?*anyopaque {
    check.must(photonrt.park(.forever));
    return arg;
}

pub fn body() !void {
    for (0..n) |i| {
        try photonrt.spawnDetached(count, .{});
        if (i % 100 == 0) photonrt.yield();
    }
    check.untilLive(1);
    check.eq(n, ran.load(.seq_cst));

    // With a handle nevertheless.
    var attr = photonrt.Attr.raw(.{});
    attr.flags |= c.CO_DETACHED;
    var co: c.co_t = 0;
    check.eq(0, c.co_spawn(&co, &attr, parked, null));
    const task: photonrt.Task(void) = .{ .co = @fromBackingInt(co) };
    check.that(task.co != .none);
    check.err(error.NotFound, task.join());
    check.err(error.NotFound, task.joinTimeout(.now));
    check.err(error.NotFound, task.co.detach());
    check.untilState(task.co, .parked);
    try task.co.unpark(); // it is good for the rest
    check.untilLive(1);
    check.err(error.NotFound, task.co.unpark());
}
