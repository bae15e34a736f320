//! A number is closed while a call waits on it, and used again at once: the old call fails and gets none of the new
//! descriptor's data.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;

const rounds = 2000;

fn oldCall(fd: net.Handle) void {
    var room: [64]u8 = @splat(0xaa);
    check.err(error.BadDescriptor, photonrt.net.receive(fd, &room, 0, .forever));
    for (room) |b| check.eq(0xaa, b);
}

pub fn body() !void {
    var reused: u32 = 0;
    for (0..rounds) |round| {
        const fds = net.unixPair();
        const fd = fds[1];
        const task = check.spawnOn(@intCast(round % 2 + 1), oldCall, .{fd});
        check.untilState(task.co, .parked);
        net.close(fd);
        const fresh = net.unixPair();
        if (fresh[0] == fd or fresh[1] == fd) reused += 1;
        for (fresh, 0..) |from, k| {
            var out: [64]u8 = undefined;
            var in: [64]u8 = undefined;
            net.fill(&out, round, 0);
            net.sendAll(from, &out);
            check.eq(in.len, try photonrt.net.receive(fresh[1 - k], &in, 0, .seconds(10)));
            net.same(&in, round, 0);
        }
        check.join(task);
        net.closeAll(&fresh);
        net.close(fds[0]);
    }
    check.ge(reused, rounds / 2);
}
