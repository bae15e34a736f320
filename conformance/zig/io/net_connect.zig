//! Connecting and listening by names and services; several addresses of one name, of which the first to be connected wins.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const resolver = check.resolver;
const c = photonrt.c;
const posix = std.posix;
const connect = photonrt.net.connect;
const Timeout = photonrt.Timeout;

fn connectTo(host: [*:0]const u8, service: ?[*:0]const u8) photonrt.IoError!net.Handle {
    return @intCast(try photonrt.fd.result(c.co_tcp_connect_to(host, service, c.CO_FOREVER)));
}

fn listenOn(host: ?[*:0]const u8, service: ?[*:0]const u8, timeout: Timeout) photonrt.IoError!net.Handle {
    return @intCast(try photonrt.fd.result(c.co_tcp_listen_on(host, service, 5, timeout.raw())));
}

fn countOnce() usize {
    var n: usize = 0;
    const next = check.sys(std.c.dup(0));
    var i: c_int = 0;
    while (i < next + 200) : (i += 1) n += @intFromBool(std.c.fcntl(i, posix.F.GETFD) >= 0);
    _ = check.sys(std.c.close(next));
    return n;
}

extern "c" fn usleep(us: c_uint) c_int;

/// Descriptors that are open. The runtime's monitor reads a file of /proc now and then, for some microseconds.
fn countOpen() usize {
    var least = countOnce();
    for (0..4) |_| {
        _ = check.sys(usleep(100));
        least = @min(least, countOnce());
    }
    return least;
}

fn noDelay(socket: net.Handle) bool {
    var value: c_int = 0;
    var len: posix.socklen_t = @sizeOf(c_int);
    _ = check.sys(std.c.getsockopt(socket, posix.IPPROTO.TCP, posix.TCP.NODELAY, &value, &len));
    return value != 0;
}

/// A connection that works, of the kind that is promised.
fn checkConnection(listener: net.Handle, client: net.Handle) !void {
    check.that(!net.mode(client).NONBLOCK);
    check.that(net.closesOnExec(client));
    check.that(noDelay(client));
    const server = try photonrt.net.accept(listener, null, .seconds(10));
    check.that(noDelay(server));
    var got: [3]u8 = undefined;
    net.sendAll(client, "abc");
    net.receiveAll(server, &got);
    net.sendAll(server, &got);
    @memset(&got, 0);
    net.receiveAll(client, &got);
    check.bytes("abc", &got);
    net.closeAll(&.{ client, server });
}

fn byName() !void {
    var text: [8]u8 = undefined;
    var listener = try photonrt.net.listen("localhost", 0, 0);
    var port = net.port(listener);
    const service = try std.fmt.bufPrintSentinel(&text, "{d}", .{port}, 0);
    try checkConnection(listener, try connect("localhost", port, .seconds(10)));
    try checkConnection(listener, try connectTo("localhost", service));
    net.close(listener);

    listener = try listenOn("127.0.0.1", "0", .forever);
    port = net.port(listener);
    try checkConnection(listener, try connect("127.0.0.1", port, .forever));
    net.close(listener);
    check.err(error.ConnectionRefused, connect("127.0.0.1", port, .forever));
    check.err(error.ConnectionRefused, connect("localhost", port, .forever));

    listener = try listenOn(null, "0", .now);
    try checkConnection(listener, try connect("127.0.0.1", net.port(listener), .forever));
    net.close(listener);
}

fn refused() !void {
    for ([_][*:0]const u8{ "", "1.2.3", "::1:", "a b", "127.0.0.1:80" }) |host| {
        check.err(error.InvalidArgument, connect(host, 80, .forever));
        check.err(error.InvalidArgument, photonrt.net.listen(host, 80, 0));
        check.err(error.InvalidArgument, listenOn(host, "80", .forever));
        check.err(error.InvalidArgument, photonrt.net.udpConnect(host, 80, .forever));
    }
    check.errno(.INVAL, c.co_tcp_connect(null, 80, c.CO_FOREVER));
    check.err(error.InvalidArgument, connect("127.0.0.1", 80, .ns(-2)));
    check.err(error.InvalidArgument, connectTo("127.0.0.1", null));
    check.err(error.InvalidArgument, connectTo("127.0.0.1", ""));
    check.err(error.InvalidArgument, connectTo("127.0.0.1", "65536"));
    check.err(error.ProtocolUnsupported, connectTo("127.0.0.1", "no-such-service"));
    check.err(error.InvalidArgument, listenOn("127.0.0.1", null, .forever));
    check.err(error.ProtocolUnsupported, listenOn("127.0.0.1", "no-such-service", .forever));
    check.err(error.HostUnreachable, listenOn("again.test", "80", .forever));
    check.err(error.HostUnreachable, connect("again.test", 80, .forever));
    check.err(error.WouldBlock, connect("localhost", 80, .now));
    check.err(error.Timeout, connect("slow.test", 80, .ms(5)));
    check.err(error.Timeout, listenOn("slow.test", "80", .ms(5)));
}

/// An address whose listener's queue is full: a connection to it comes to nothing, neither well nor ill.
const Silent = struct {
    listener: net.Handle,
    port: u16,
    in_queue: [8]net.Handle,

    fn open(host: [*:0]const u8) !Silent {
        var silent: Silent = undefined;
        silent.listener = try photonrt.net.listen(host, 0, 1);
        const address = try photonrt.net.localAddress(silent.listener);
        silent.port = address.port().?;
        for (&silent.in_queue) |*waiting| {
            waiting.* = check.sys(std.c.socket(posix.AF.INET, posix.SOCK.STREAM | posix.SOCK.NONBLOCK, 0));
            _ = std.c.connect(waiting.*, @ptrCast(address.sockaddr()), address.len);
        }
        return silent;
    }

    fn close(silent: Silent) void {
        for (silent.in_queue) |waiting| _ = check.sys(std.c.close(waiting));
        net.close(silent.listener);
    }
};

fn dialling(port: u16, want: anyerror) void {
    check.err(want, connect("many.test", port, .forever));
}

fn several() !void {
    // The first refuses: the second is tried at once.
    const listener = try photonrt.net.listen("127.0.0.3", 0, 0);
    const port = net.port(listener);
    const open = countOpen();
    resolver.many = &.{ "127.0.0.1", "127.0.0.2", "127.0.0.3" };
    const before = photonrt.clock();
    try checkConnection(listener, try connect("many.test", port, .forever));
    const took = photonrt.clock() - before;
    if (took > 240 * check.ms) check.fail("after two refusals it takes {d} ms", .{@divTrunc(took, check.ms)});
    resolver.many = &.{ "127.0.0.1", "127.0.0.2" };
    check.err(error.ConnectionRefused, connect("many.test", port, .forever));
    resolver.many = &.{};
    check.err(error.FileNotFound, connect("many.test", port, .forever));
    check.eq(open, countOpen());
    net.close(listener);
}

fn silence() !void {
    const silent: Silent = try .open("127.0.0.2");
    const answering = try photonrt.net.listen("127.0.0.1", silent.port, 0);
    const open = countOpen();
    // The first says nothing: the second has its turn after a quarter of a second, and wins.
    resolver.many = &.{ "127.0.0.2", "127.0.0.1" };
    var before = photonrt.clock();
    try checkConnection(answering, try connect("many.test", silent.port, .seconds(10)));
    check.ge(photonrt.clock() - before, 240 * check.ms);
    // The second refuses: the first is still waited for, to the end.
    resolver.many = &.{ "127.0.0.2", "127.0.0.4" };
    before = photonrt.clock();
    check.err(error.Timeout, connect("many.test", silent.port, .ms(270)));
    check.ge(photonrt.clock() - before, 270 * check.ms);
    check.err(error.WouldBlock, connect("many.test", silent.port, .now));
    resolver.many = &.{ "127.0.0.2", "127.0.0.2", "127.0.0.2" };
    for ([_]anyerror{ error.Canceled, error.DeadlineExpired }) |want| {
        const task = check.spawnOn(2, dialling, .{ silent.port, want });
        while (true) {
            try photonrt.sleep(.ms(2));
            if (countOpen() != open) break;
        }
        if (want == error.Canceled) try task.co.cancel() else try task.co.interrupt(want);
        check.join(task);
    }
    check.eq(open, countOpen());
    check.err(error.Timeout, connect("127.0.0.2", silent.port, .ms(5)));
    check.eq(open, countOpen());
    net.close(answering);
    silent.close();
}

pub fn body() !void {
    resolver.need();
    try byName();
    try refused();
    try check.onThread(byName, .{});
    try check.onThread(refused, .{});
    try several();
    try check.onThread(several, .{});
    try silence();
    resolver.gate.store(true, .release);
    try resolver.allFreed();
}
