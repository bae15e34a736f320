//! A migratable coroutine is sent to and fro by others while it runs, sleeps and is woken: each `migrate` without an error
//! takes it there.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

var stop: std.atomic.Value(bool) = .init(false);

fn wanderer() void {
    var i: u32 = 0;
    while (!stop.load(.seq_cst)) : (i +%= 1) switch (i % 3) {
        0 => check.must(photonrt.sleep(.us(10))),
        1 => check.must(photonrt.sleep(.now)),
        else => photonrt.yield(),
    };
}

fn waker(co: photonrt.Coroutine) void {
    while (!stop.load(.seq_cst)) {
        co.unpark() catch |e| check.eq(error.NotFound, e); // more mail for it meanwhile
        photonrt.yield();
    }
}

pub fn body() !void {
    var groups: [2]photonrt.Group = undefined;
    for (&groups) |*group| group.* = try .create(.{});
    const task = try photonrt.spawnWith(.{ .migratable = true }, wanderer, .{});
    const thread = check.thread(waker, .{task.co});
    for (0..2000) |i| {
        const to = groups[i % 2];
        try task.co.migrate(to, 0);
        while (check.info(task.co).group != @backingInt(to)) try photonrt.sleep(.us(10));
    }
    stop.store(true, .seq_cst);
    thread.join();
    try task.join();
    for (groups) |group| try group.destroy(.forever);
}
