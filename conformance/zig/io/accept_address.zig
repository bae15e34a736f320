const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const c = photonrt.c;
const SOCK = std.posix.SOCK;

fn ipv4() !void {
    const listener = net.listen();
    const port = net.port(listener);
    {
        var peer: photonrt.net.Address = undefined;
        const client = net.connect(port);
        const server = try photonrt.net.acceptWith(.{ .nonblocking = true }, listener, &peer, .forever);
        check.eq(@sizeOf(std.posix.sockaddr.in), peer.len);
        check.eq(std.posix.AF.INET, peer.storage.ss_family);
        check.eq(net.port(client), peer.port().?);
        var got: [64]u8 = undefined;
        var want: [64]u8 = undefined;
        check.bytes(try std.fmt.bufPrint(&want, "127.0.0.1:{d}", .{net.port(client)}), try peer.print(&got));
        check.that(net.mode(server).NONBLOCK);
        check.that(net.closesOnExec(server));
        net.closeAll(&.{ server, client });
    }
    {
        // Too little room: cut, and the length that it would have had.
        var room: [@sizeOf(std.posix.sockaddr.in)]u8 align(@alignOf(c.struct_sockaddr)) = @splat(0xaa);
        var len: c.socklen_t = 4;
        const client = net.connect(port);
        const server = check.ok(c.co_io_accept(listener, @ptrCast(&room), &len, SOCK.CLOEXEC, c.CO_FOREVER));
        check.eq(room.len, len);
        for (room[4..]) |b| check.eq(0xaa, b);
        check.that(!net.mode(server).NONBLOCK);
        check.that(net.closesOnExec(server));
        net.closeAll(&.{ server, client });
    }
    const client = net.connect(port);
    check.errno(.INVAL, c.co_io_accept(listener, null, null, 1 << 29, c.CO_FOREVER)); // no such flag
    const server = net.accept(listener);
    check.that(net.closesOnExec(server));
    check.that(!net.mode(server).NONBLOCK);
    net.closeAll(&.{ server, client, listener });
}

fn local() !void {
    const connectTo = photonrt.net.connectTo;
    const address: photonrt.net.Address = try .parse("unix:socket");
    const listener = try photonrt.net.createSocket(std.posix.AF.UNIX, SOCK.STREAM, 0);
    const client = try photonrt.net.createSocket(std.posix.AF.UNIX, SOCK.STREAM, 0);
    check.err(error.FileNotFound, connectTo(client, &address, .forever));
    try photonrt.net.bind(listener, &address);
    check.err(error.ConnectionRefused, connectTo(client, &address, .forever));
    check.eq(0, c.co_io_listen(listener, 4));
    try connectTo(client, &address, .forever);
    var peer: photonrt.net.Address = undefined;
    const server = try photonrt.net.accept(listener, &peer, .forever);
    check.eq(@sizeOf(std.posix.sa_family_t), peer.len); // the client has no name
    check.eq(std.posix.AF.UNIX, peer.storage.ss_family);
    check.eq(null, peer.port());
    net.closeAll(&.{ server, client, listener });
}

pub fn body() !void {
    try ipv4();
    try local();
}
