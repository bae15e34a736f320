//! A receive into a buffer of the runtime's: what it gives and refuses, with and without receiving ahead; who mixes is
//! told; a call without the option ends it and loses nothing.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const c = photonrt.c;
const Options = photonrt.net.LentOptions;
const receiveLent = photonrt.net.receiveLent;

/// By the C function, which says more: it empties what is given back, takes an empty one, refuses a copy.
fn release(lent: photonrt.net.Lent) void {
    var raw = lent.raw;
    check.eq(0, c.co_buf_release(&raw));
    check.that(raw.data == null and raw.len == 0 and raw.id == 0);
    check.eq(0, c.co_buf_release(&raw));
    var copy = lent.raw;
    check.errno(.INVAL, c.co_buf_release(&copy));
}

fn expect(socket: net.Handle, options: Options, text: []const u8) !void {
    var rest = text;
    while (rest.len > 0) {
        const lent = try receiveLent(socket, options, .forever);
        const got = lent.bytes();
        check.ge(got.len, 1);
        check.ge(rest.len, got.len);
        check.bytes(rest[0..got.len], got);
        @memset(got, 0xee);
        rest = rest[got.len..];
        release(lent);
    }
}

fn streams(options: Options, tcp: bool) !void {
    const fds = if (tcp) net.tcpPair() else net.unixPair();
    var raw: c.co_buf_t = .{ .id = 12345 };
    const flags = if (options.ahead) c.CO_IO_AHEAD else 0;
    check.errno(.AGAIN, c.co_io_recv_buf(fds[1], &raw, flags, c.CO_NOW));
    check.that(raw.data == null and raw.id == 0);
    check.err(error.Timeout, receiveLent(fds[1], options, .ms(2)));
    check.err(error.InvalidArgument, receiveLent(fds[1], options, .ns(-2)));
    net.sendAll(fds[0], "hello");
    try expect(fds[1], options, "hello");
    net.sendAll(fds[0], "world");
    const lent = try receiveLent(fds[1], options, if (tcp) .forever else .now);
    check.bytes("world", lent.bytes());
    release(lent);
    check.err(error.WouldBlock, receiveLent(fds[1], options, .now));
    net.sendAll(fds[0], "!");
    try photonrt.net.shutdown(fds[0], .send);
    try expect(fds[1], options, "!");
    for (0..3) |_| check.eq(0, (try receiveLent(fds[1], options, .forever)).bytes().len);
    net.sendAll(fds[1], "back"); // the other direction is open
    var back: [4]u8 = undefined;
    net.receiveAll(fds[0], &back);
    net.closeAll(&fds);
    check.err(error.BadDescriptor, receiveLent(fds[1], options, .forever));
}

fn reset(options: Options) !void {
    const fds = net.tcpPair();
    check.err(error.Timeout, receiveLent(fds[1], options, .ms(1)));
    const now: std.c.linger = .{ .onoff = 1, .linger = 0 };
    check.eq(0, c.co_io_setsockopt(fds[0], std.posix.SOL.SOCKET, std.posix.SO.LINGER, &now, @sizeOf(@TypeOf(now))));
    net.close(fds[0]);
    check.err(error.ConnectionResetByPeer, receiveLent(fds[1], options, .forever));
    check.eq(0, (try receiveLent(fds[1], options, .forever)).bytes().len);
    net.close(fds[1]);
}

var big: [40000]u8 = undefined;

fn datagrams(options: Options) !void {
    const fds = net.localPair(std.posix.SOCK.DGRAM);
    for (0..5) |n| check.eq(n, try photonrt.net.send(fds[0], "datagram"[0..n], 0, .forever));
    for (0..5) |n| {
        const lent = try receiveLent(fds[1], options, .forever);
        check.bytes("datagram"[0..n], lent.bytes());
        lent.release();
    }
    check.eq(big.len, try photonrt.net.send(fds[0], &big, 0, .forever));
    check.eq(4, try photonrt.net.send(fds[0], "next", 0, .forever));
    const cut = try receiveLent(fds[1], options, .forever);
    check.eq(16384, cut.bytes().len);
    release(cut);
    try expect(fds[1], options, "next");
    net.closeAll(&fds);
}

fn errors(options: Options) !void {
    const pipes = net.pipe();
    const listener = net.listen();
    check.err(error.NotSocket, receiveLent(pipes[0], options, .forever));
    check.err(error.SocketUnconnected, receiveLent(listener, options, .forever));
    check.err(error.BadDescriptor, receiveLent(-1, options, .forever));
    check.err(error.BadDescriptor, receiveLent(1000000, options, .forever));
    var raw: c.co_buf_t = .{ .id = 12345 };
    check.errno(.INVAL, c.co_io_recv_buf(listener, &raw, std.posix.MSG.PEEK, c.CO_FOREVER));
    check.errno(.INVAL, c.co_io_recv_buf(listener, null, if (options.ahead) c.CO_IO_AHEAD else 0, c.CO_FOREVER));
    check.errno(.INVAL, c.co_buf_release(null));
    raw = .{ .id = 12345 };
    check.errno(.INVAL, c.co_buf_release(&raw));
    net.closeAll(&pipes);
    net.close(listener);
}

fn mixing() !void {
    var buffer: [16]u8 = undefined;
    const fds = net.tcpPair();
    net.sendAll(fds[0], "one");
    try expect(fds[1], .{ .ahead = true }, "one");
    check.err(error.Busy, photonrt.net.receive(fds[1], &buffer, 0, .forever));
    check.err(error.Busy, photonrt.net.receive(fds[1], &buffer, 0, .now));
    check.err(error.Busy, photonrt.fd.read(fds[1], &buffer, .forever));
    net.sendAll(fds[0], "twothree");
    try photonrt.sleep(.ms(2)); // received ahead, where that is done
    try expect(fds[1], .{}, "twothree");
    check.err(error.WouldBlock, receiveLent(fds[1], .{}, .now)); // no more than was sent
    net.sendAll(fds[0], "four");
    net.receiveAll(fds[1], buffer[0..4]);
    check.bytes("four", buffer[0..4]);
    net.sendAll(fds[0], "five");
    try expect(fds[1], .{ .ahead = true }, "five");
    // Ended while it waits: without the option a call waits in the ordinary way.
    check.err(error.Timeout, receiveLent(fds[1], .{}, .ms(2)));
    net.sendAll(fds[0], "six");
    net.receiveAll(fds[1], buffer[0..3]);
    check.bytes("six", buffer[0..3]);
    net.closeAll(&fds);
}

pub fn body() !void {
    for ([_]Options{ .{}, .{ .ahead = true } }) |options| {
        try streams(options, false);
        try streams(options, true);
        try reset(options);
        try datagrams(options);
        try errors(options);
    }
    try mixing();
}
