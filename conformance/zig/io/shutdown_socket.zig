const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const receive = photonrt.net.receive;
const send = photonrt.net.send;
const shutdown = photonrt.net.shutdown;

fn inReceive(socket: net.Handle) !void {
    var buffer: [8]u8 = undefined;
    check.eq(0, try receive(socket, &buffer, 0, .forever));
}

pub fn body() !void {
    var buffer: [8]u8 = undefined;
    for (0..40) |round| {
        const ends = if (round % 2 == 1) net.tcpPair() else net.unixPair();
        // Our own shutdown of the receiving side ends a receive that waits; the peer's of its sending side does too.
        const task = check.spawnOn(@intCast(round / 2 % 2 + 1), inReceive, .{ends[1]});
        check.untilState(task.co, .parked);
        if (round % 4 < 2) try shutdown(ends[1], .receive) else try shutdown(ends[0], .send);
        check.join(task);
        if (round % 4 >= 2) { // the other direction is open
            check.eq(3, try send(ends[1], "abc", 0, .forever));
            check.eq(3, try receive(ends[0], &buffer, 0, .forever));
            check.err(error.BrokenPipe, send(ends[0], "x", 0, .forever));
        }
        check.errno(.INVAL, photonrt.c.co_io_shutdown(ends[0], 77));
        try shutdown(ends[1], .both);
        net.closeAll(&ends);
    }
    const idle = net.socket();
    check.err(error.SocketUnconnected, shutdown(idle, .send));
    check.err(error.SocketUnconnected, receive(idle, buffer[0..1], 0, .forever));
    net.close(idle);
}
