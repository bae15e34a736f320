const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;

fn text(buffer: []u8, port: u16) ![:0]u8 {
    return std.fmt.bufPrintSentinel(buffer, "[::1]:{d}", .{port}, 0);
}

fn connect6(port: u16) !net.Handle {
    var room: [64]u8 = undefined;
    const fd = try photonrt.net.createSocket(std.posix.AF.INET6, std.posix.SOCK.STREAM, 0);
    try photonrt.net.connectTo(fd, &try .parse(try text(&room, port)), .forever);
    return fd;
}

pub fn body() !void {
    {
        const listener = try photonrt.net.listen("::1", 0, 5);
        const client = try connect6(net.port(listener));
        var peer: photonrt.net.Address = undefined;
        const server = try photonrt.net.accept(listener, &peer, .forever);
        check.eq(@sizeOf(std.posix.sockaddr.in6), peer.len);
        check.eq(std.posix.AF.INET6, peer.storage.ss_family);
        var want: [64]u8 = undefined;
        var got: [64]u8 = undefined;
        check.bytes(try text(&want, net.port(client)), try peer.print(&got));
        net.closeAll(&.{ server, client, listener });
    }
    // null listens on every address of both families.
    const listener = try photonrt.net.listen(null, 0, 0);
    const clients: net.Pair = .{ try connect6(net.port(listener)), net.connect(net.port(listener)) };
    for (clients) |_| net.close(try photonrt.net.accept(listener, null, .seconds(10)));
    net.closeAll(&clients);
    net.close(listener);
}
