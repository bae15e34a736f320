const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const AF = std.posix.AF;
const SOCK = std.posix.SOCK;
const connectTo = photonrt.net.connectTo;
const createSocket = photonrt.net.createSocket;

pub fn body() !void {
    const listener = net.listen();
    const to = net.local(net.port(listener));
    {
        const fd = net.socket();
        check.that(net.closesOnExec(fd));
        check.err(error.InvalidArgument, connectTo(fd, &to, .ns(-2)));
        var short = to;
        short.len = 3;
        check.err(error.InvalidArgument, connectTo(fd, &short, .forever));
        try connectTo(fd, &to, .seconds(10));
        check.err(error.AlreadyConnected, connectTo(fd, &to, .forever));
        net.close(fd);
    }
    net.close(listener); // nobody listens there any more
    for (0..20) |i| {
        const fd = try createSocket(AF.INET, SOCK.STREAM | @as(u32, if (i % 2 == 1) SOCK.NONBLOCK else 0), 0);
        check.err(error.ConnectionRefused, connectTo(fd, &to, .forever));
        net.close(fd);
    }
    const datagrams = try createSocket(AF.INET, SOCK.DGRAM, 0);
    try connectTo(datagrams, &to, .now); // at once
    net.close(datagrams);
    check.err(error.InvalidArgument, createSocket(AF.INET, 77, 0));
    check.err(error.AddressFamilyUnsupported, createSocket(7777, SOCK.STREAM, 0));
}
