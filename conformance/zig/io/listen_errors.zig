const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const listen = photonrt.net.listen;

fn option(fd: net.Handle, name: c_int) c_int {
    var on: c_int = 0;
    var len: photonrt.c.socklen_t = @sizeOf(c_int);
    check.eq(0, photonrt.c.co_io_getsockopt(fd, std.posix.SOL.SOCKET, name, &on, &len));
    return on;
}

pub fn body() !void {
    for ([_][*:0]const u8{
        "",           " ",            "a b",   "999.1.1.1", "1.2.3",    "1.2.3.4.5",
        "127.0.0.1 ", "127.0.0.1:80", "[::1]", ":::",       "12345::1", "host/",
    }) |bad| {
        if (listen(bad, 0, 0)) |_| check.fail("\"{s}\" is taken for an address", .{bad}) else |e| {
            if (e != error.InvalidArgument) check.fail("\"{s}\": {t}", .{ bad, e });
        }
    }
    check.err(error.AddressUnavailable, listen("203.0.113.7", 0, 0)); // set aside for documentation: nobody's

    const fd = net.listen();
    check.that(net.closesOnExec(fd));
    check.that(option(fd, std.posix.SO.REUSEADDR) != 0);
    check.that(option(fd, std.posix.SO.ACCEPTCONN) != 0);
    const port = net.port(fd);
    check.err(error.AddressInUse, listen("127.0.0.1", port, 1));
    // The port can be had again at once, although a connection of it is in TIME_WAIT.
    const client = net.connect(port);
    net.closeAll(&.{ net.accept(fd), client, fd });
    const again = try listen("127.0.0.1", port, 1);
    check.eq(port, net.port(again));
    net.close(again);
    const any = try listen(null, 0, -1);
    net.closeAll(&.{ net.connect(net.port(any)), any });
}
