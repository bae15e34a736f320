//! Between plain threads and coroutines: either closes what the other waits on.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;

var entered: std.atomic.Value(bool) = .init(false);

fn receive(fd: net.Handle) void {
    var room: [16]u8 = undefined;
    entered.store(true, .release);
    check.err(error.BadDescriptor, photonrt.net.receive(fd, &room, 0, .forever));
}

fn untilBlocked() !void {
    while (!entered.load(.acquire)) check.pause();
    try photonrt.sleep(.ms(2)); // it has most likely blocked; if not, it meets a number that is closed
}

pub fn body() !void {
    for (0..50) |round| {
        const fds = net.unixPair();
        entered.store(false, .release);
        if (round % 2 == 1) {
            const thread = check.thread(receive, .{fds[1]});
            try untilBlocked();
            net.close(fds[1]);
            thread.join();
        } else {
            const task = check.spawn(receive, .{fds[1]});
            try untilBlocked();
            check.onThread(net.close, .{fds[1]});
            check.join(task);
        }
        net.close(fds[0]);
    }
}
