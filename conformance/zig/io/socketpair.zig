const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const MSG = std.posix.MSG;
const send = photonrt.net.send;
const receive = photonrt.net.receive;

fn stream() !void {
    var buffer: [16]u8 = undefined;
    const ends = net.unixPair();
    check.eq(5, try send(ends[0], "hello", 0, .forever));
    check.eq(2, try receive(ends[1], buffer[0..2], MSG.PEEK, .forever));
    check.eq(5, try receive(ends[1], &buffer, MSG.PEEK, .forever));
    check.eq(2, try receive(ends[1], buffer[0..2], 0, .forever)); // part, then the rest
    check.bytes("he", buffer[0..2]);
    check.eq(3, try receive(ends[1], &buffer, 0, .forever));
    check.bytes("llo", buffer[0..3]);
    check.err(error.WouldBlock, receive(ends[1], &buffer, 0, .now));
    check.err(error.WouldBlock, receive(ends[1], &buffer, MSG.DONTWAIT, .forever)); // as recv(2)
    check.err(error.InvalidArgument, receive(ends[1], &buffer, 0, .ns(-2)));
    check.err(error.InvalidArgument, send(ends[1], &buffer, 0, .ns(-2)));
    check.eq(0, try send(ends[0], "", 0, .forever)); // nothing, at once

    check.eq(4, try send(ends[0], "last", 0, .forever));
    net.close(ends[0]);
    check.eq(4, try receive(ends[1], &buffer, 0, .forever)); // what was sent comes before the end
    check.eq(0, try receive(ends[1], &buffer, 0, .forever));
    check.eq(0, try receive(ends[1], &buffer, 0, .now));
    net.brokenPipeKills(true);
    check.err(error.BrokenPipe, send(ends[1], "x", 0, .forever)); // and no signal
    net.brokenPipeKills(false);
    check.err(error.BrokenPipe, photonrt.fd.write(ends[1], "x", .forever));
    net.close(ends[1]);
}

fn datagrams() !void {
    var buffer: [16]u8 = undefined;
    const ends = net.localPair(std.posix.SOCK.DGRAM);
    check.eq(5, try send(ends[0], "first", 0, .forever));
    check.eq(0, try send(ends[0], "", 0, .forever));
    check.eq(5, try send(ends[0], "third", 0, .forever));
    check.eq(5, try receive(ends[1], &buffer, 0, .forever)); // each one by itself
    check.eq(0, try receive(ends[1], &buffer, 0, .forever)); // an empty one is no end
    check.eq(2, try receive(ends[1], buffer[0..2], 0, .forever)); // cut
    check.err(error.WouldBlock, receive(ends[1], &buffer, 0, .now));
    net.closeAll(&ends);
}

pub fn body() !void {
    for (0..50) |_| {
        try stream();
        try datagrams();
    }
}
