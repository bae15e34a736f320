//! A close ends what is under way on the descriptor, in whichever coroutine, vCPU or thread, before it closes.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;

const Call = enum { receive, read, poll, accept };

fn blocked(call: Call, fd: net.Handle) void {
    var room: [16]u8 = undefined;
    const want = error.BadDescriptor;
    switch (call) {
        .receive => check.err(want, photonrt.net.receive(fd, &room, 0, .forever)),
        .read => check.err(want, photonrt.fd.read(fd, &room, .seconds(3600))),
        .poll => check.err(want, photonrt.fd.poll(fd, std.posix.POLL.IN, .forever)),
        .accept => check.err(want, photonrt.net.accept(fd, null, .forever)),
    }
}

/// vCPU 0 stands for both in turn.
fn closeUnder(fd: net.Handle, vcpu: u32, calls: []const Call) void {
    var room: [3]photonrt.Task(void) = undefined;
    const tasks = room[0..calls.len];
    for (tasks, calls, 0..) |*task, call, i| {
        task.* = check.spawnOn(if (vcpu != 0) vcpu else @intCast(i % 2 + 1), blocked, .{ call, fd });
    }
    for (tasks) |task| check.untilState(task.co, .parked);
    net.close(fd);
    for (tasks) |task| check.join(task);
    check.errno(.BADF, photonrt.c.co_io_close(fd));
}

pub fn body() !void {
    var byte: [1]u8 = undefined;
    for (0..60) |round| {
        const vcpu: u32 = @intCast(round % 3); // both, the first, the second
        const local = net.unixPair();
        closeUnder(local[1], vcpu, &.{ .receive, .read, .poll });
        check.eq(0, try photonrt.net.receive(local[0], &byte, 0, .forever)); // the peer sees the end
        net.close(local[0]);

        const tcp = net.tcpPair();
        closeUnder(tcp[0], vcpu, &.{ .receive, .receive });
        check.eq(0, try photonrt.net.receive(tcp[1], &byte, 0, .forever));
        net.close(tcp[1]);

        const pipe = net.pipe();
        closeUnder(pipe[0], vcpu, &.{ .read, .poll });
        check.err(error.BrokenPipe, photonrt.fd.write(pipe[1], "x", .forever));
        net.close(pipe[1]);

        closeUnder(net.listen(), vcpu, &.{ .accept, .accept, .poll });
    }
}
