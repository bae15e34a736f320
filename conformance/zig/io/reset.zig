//! A peer that resets the connection ends a waiting receive with `ConnectionResetByPeer`, and a send with `BrokenPipe`.
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;

fn inReceive(socket: net.Handle) void {
    var buffer: [8]u8 = undefined;
    check.err(error.ConnectionResetByPeer, photonrt.net.receive(socket, &buffer, 0, .forever));
}

pub fn body() !void {
    for (0..40) |round| {
        const ends = net.tcpPair();
        if (round % 2 == 1) {
            const task = check.spawnOn(@intCast(round / 2 % 2 + 1), inReceive, .{ends[1]});
            check.untilState(task.co, .parked);
            net.abort(ends[0]);
            check.join(task);
        } else {
            net.abort(ends[0]);
            inReceive(ends[1]);
        }
        check.err(error.BrokenPipe, photonrt.net.send(ends[1], "x", 0, .forever));
        net.close(ends[1]);
    }
}
