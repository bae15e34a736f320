//! Destroying a group that a host is polling, without a limit, on another thread: the poll comes back, and the group is gone. By a
//! coroutine, which goes on as one afterwards.
const photonrt = @import("photonrt");
const std = @import("std");
const check = @import("check");
const Group = photonrt.Group;

fn onReady(_: ?*anyopaque, _: u64, _: u64) callconv(.c) void {}

fn poller(group: Group) void {
    while (group.poll(.forever)) |n| {
        check.eq(0, n);
        std.Thread.yield() catch {};
    } else |e| check.eq(error.NotFound, e);
}

fn destroyer(group: Group) !void {
    try group.destroy(.forever);
}

pub fn body() !void {
    for (0..20) |i| {
        const me = photonrt.Coroutine.current();
        const group: Group = try .create(.{
            .policy = if (i % 2 == 1) .{ .custom = .{ .on_ready = onReady } } else .external,
        });
        const thread = check.thread(poller, .{group});
        if (i % 3 != 0) try photonrt.sleep(.ms(1));
        if (i % 4 < 2) try destroyer(group) else try check.onThread(destroyer, .{group});
        check.eq(me, photonrt.Coroutine.current());
        try photonrt.sleep(.us(10)); // as a coroutine
        thread.join();
    }
}
