const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;

pub fn body() !void {
    const listener = net.listen();
    var limit: std.c.rlimit = undefined;
    _ = check.sys(std.c.getrlimit(.NOFILE, &limit));
    const saved = limit.cur;
    var clients: [3]net.Handle = undefined;
    for (&clients) |*client| client.* = net.connect(net.port(listener));
    try photonrt.sleep(.ms(1));
    const last = check.sys(std.c.dup(listener));
    limit.cur = @intCast(last + 1);
    _ = check.sys(std.c.setrlimit(.NOFILE, &limit));
    for (0..10) |_| {
        const want = error.ProcessFdQuotaExceeded;
        check.err(want, photonrt.net.accept(listener, null, .forever));
        check.err(want, photonrt.net.accept(listener, null, .now));
        check.err(want, photonrt.fd.open("/dev/null", .{}, 0, .forever));
        check.err(want, photonrt.net.createSocket(std.posix.AF.INET, std.posix.SOCK.STREAM, 0));
        check.err(want, photonrt.net.listen("127.0.0.1", 0, 0));
    }
    var byte: [1]u8 = undefined;
    check.err(error.Timeout, photonrt.net.receive(clients[0], &byte, 0, .ms(1))); // the rest goes on
    limit.cur = saved;
    _ = check.sys(std.c.setrlimit(.NOFILE, &limit));
    net.close(last);
    for (clients) |client| { // none of the waiting clients was dropped
        const server = try photonrt.net.accept(listener, null, .seconds(10));
        net.closeAll(&.{ server, client });
    }
    net.close(listener);
}
