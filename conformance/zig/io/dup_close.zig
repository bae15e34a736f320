//! Closing one number of a socket that has two leaves a call on the other alone.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;

fn receive(fd: net.Handle) !void {
    var room: [8]u8 = undefined;
    check.eq(3, try photonrt.net.receive(fd, &room, 0, .forever));
    check.bytes("abc", room[0..3]);
}

pub fn body() !void {
    for (0..100) |round| {
        const fds = net.unixPair();
        const kept = check.sys(std.c.dup(fds[1]));
        const task = check.spawnOn(@intCast(round % 2 + 1), receive, .{kept});
        check.untilState(task.co, .parked);
        net.close(fds[1]);
        check.err(error.Timeout, task.co.wait(.us(200)));
        check.eq(3, try photonrt.net.send(fds[0], "abc", 0, .forever));
        check.join(task);
        net.closeAll(&.{ kept, fds[0] });
    }
}
