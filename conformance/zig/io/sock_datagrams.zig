//! Datagrams over UDP and over local sockets: addresses, what is cut, what is empty, what is refused.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const c = photonrt.c;
const posix = std.posix;
const MSG = posix.MSG;
const Address = photonrt.net.Address;
const Timeout = photonrt.Timeout;

const Udp = struct { socket: net.Handle, address: Address };

fn bindUdp() !Udp {
    const socket = try photonrt.net.createSocket(posix.AF.INET, posix.SOCK.DGRAM, 0);
    const any_port = net.local(0);
    try photonrt.net.bind(socket, &any_port);
    const address = try photonrt.net.localAddress(socket);
    check.eq(@sizeOf(posix.sockaddr.in), address.len);
    return .{ .socket = socket, .address = address };
}

fn sameAddress(want: *const Address, got: *const Address) void {
    check.eq(want.len, got.len);
    check.bytes(std.mem.asBytes(&want.storage)[0..want.len], std.mem.asBytes(&got.storage)[0..want.len]);
}

fn sendLater(from: net.Handle, to: Address) !void {
    try photonrt.sleep(.ms(2));
    check.eq(4, try photonrt.net.sendTo(from, "late", &to, .forever));
}

fn addresses() !void {
    var got: [256]u8 = undefined;
    var from: Address = undefined;
    const x = try bindUdp();
    const y = try bindUdp();
    const receiveFrom = photonrt.net.receiveFrom;
    const receive = photonrt.net.receive;
    check.err(error.WouldBlock, receiveFrom(y.socket, &got, &from, .now));
    check.err(error.Timeout, receiveFrom(y.socket, &got, &from, .ms(2)));
    check.errno(.TIMEDOUT, c.co_io_recvfrom(y.socket, &got, got.len, 0, null, null, 2 * check.ms));
    check.errno(.AGAIN, c.co_io_recvfrom(y.socket, &got, got.len, MSG.DONTWAIT, null, null, c.CO_FOREVER));
    // Somebody else sends while it waits.
    var sending = check.spawn(sendLater, .{ x.socket, y.address });
    check.eq(4, try receiveFrom(y.socket, &got, &from, .forever));
    check.bytes("late", got[0..4]);
    sameAddress(&x.address, &from);
    check.join(sending);
    sending = check.spawn(sendLater, .{ x.socket, y.address });
    check.eq(4, c.co_io_recvfrom(y.socket, &got, got.len, 0, null, null, c.CO_FOREVER));
    check.join(sending);
    // An address that is cut says how long it was.
    check.eq(3, try photonrt.net.sendTo(x.socket, "cut", &y.address, .forever));
    @memset(std.mem.asBytes(&from.storage), 0x55);
    from.len = 4;
    check.eq(3, c.co_io_recvfrom(y.socket, &got, got.len, 0, @ptrCast(&from.storage), &from.len, c.CO_FOREVER));
    check.eq(x.address.len, from.len);
    check.eq(x.address.port().?, from.port().?);
    const in: *const posix.sockaddr.in = @ptrCast(@alignCast(&from.storage));
    check.eq(0x55555555, in.addr);
    // Peeked at, it is still there; cut, the rest is gone; with TRUNC the length is the whole one.
    for (0..3) |_| check.eq(10, try photonrt.net.sendTo(x.socket, "0123456789", &y.address, .forever));
    check.eq(4, try receive(y.socket, got[0..4], MSG.PEEK, .forever));
    check.eq(10, c.co_io_recvfrom(y.socket, &got, 4, MSG.TRUNC, null, null, c.CO_FOREVER));
    check.eq(4, try receiveFrom(y.socket, got[0..4], &from, .forever));
    check.eq(10, c.co_io_recvfrom(y.socket, &got, got.len, MSG.WAITALL, null, null, c.CO_FOREVER));
    // Empty ones count.
    check.eq(0, try photonrt.net.sendTo(x.socket, &.{}, &y.address, .forever));
    check.eq(1, try photonrt.net.sendTo(x.socket, "z", &y.address, .forever));
    check.eq(0, try receiveFrom(y.socket, &got, &from, .forever));
    check.eq(1, try receive(y.socket, &got, 0, .forever));
    check.eq(0, try photonrt.net.sendTo(x.socket, &.{}, &y.address, .forever));
    check.eq(0, try receive(y.socket, &.{}, 0, .forever));
    // Without an address there is nowhere to go; too long is too long.
    check.errno(.DESTADDRREQ, c.co_io_sendto(x.socket, "q", 1, 0, null, 0, c.CO_FOREVER));
    const S = struct {
        var big: [70_000]u8 = @splat(0);
    };
    check.err(error.MessageTooBig, photonrt.net.sendTo(x.socket, &S.big, &y.address, .forever));
    net.closeAll(&.{ x.socket, y.socket });
}

/// A connected socket learns that nobody is there: once, from the next call.
fn refused() !void {
    var got: [256]u8 = undefined;
    var from: Address = undefined;
    const x = try bindUdp();
    const y = try bindUdp();
    try photonrt.net.connectTo(x.socket, &y.address, .forever);
    net.close(y.socket);
    check.eq(1, try photonrt.net.send(x.socket, "q", 0, .forever));
    check.err(error.ConnectionRefused, photonrt.net.receive(x.socket, &got, 0, .forever));
    check.err(error.Timeout, photonrt.net.receive(x.socket, &got, 0, .ms(2)));
    check.eq(1, c.co_io_sendto(x.socket, "q", 1, 0, null, 0, c.CO_FOREVER));
    check.err(error.ConnectionRefused, photonrt.net.receiveFrom(x.socket, &got, &from, .forever));
    check.eq(1, try photonrt.net.send(x.socket, "q", 0, .forever));
    _ = try photonrt.fd.poll(x.socket, posix.POLL.IN, .forever);
    check.err(error.ConnectionRefused, photonrt.net.send(x.socket, "q", 0, .forever));
    net.close(x.socket);
}

fn drain(socket: net.Handle) !usize {
    var got: [256]u8 = undefined;
    var n: usize = 0;
    try photonrt.sleep(.ms(2));
    while (photonrt.net.receive(socket, &got, 0, .ms(20))) |len| {
        check.eq(100, len);
        n += 1;
    } else |e| check.eq(error.Timeout, e);
    return n;
}

fn sendInSomeWay(way: usize, socket: net.Handle, bytes: []const u8) !usize {
    var buffers = [_]c.struct_iovec{.{ .iov_base = @constCast(bytes.ptr), .iov_len = bytes.len }};
    const message = check.messages.of(&buffers);
    return switch (way % 5) {
        0 => photonrt.net.send(socket, bytes, 0, .forever),
        1 => photonrt.fd.result(c.co_io_sendto(socket, bytes.ptr, bytes.len, 0, null, 0, c.CO_FOREVER)),
        2 => photonrt.fd.result(c.co_io_sendmsg(socket, &message, 0, c.CO_FOREVER)),
        3 => photonrt.fd.writev(socket, &.{.{ .base = bytes.ptr, .len = bytes.len }}, .forever),
        else => photonrt.fd.write(socket, bytes, .forever),
    };
}

/// Local ones: a full queue makes the sender wait, and nothing is lost.
fn local() !void {
    var got: [256]u8 = undefined;
    var text: [64]u8 = undefined;
    const bytes: [100]u8 = @splat('f');
    const a: Address = try .parse("unix:a");
    const b: Address = try .parse("unix:b");
    const x = try photonrt.net.createSocket(posix.AF.UNIX, posix.SOCK.DGRAM, 0);
    const y = try photonrt.net.createSocket(posix.AF.UNIX, posix.SOCK.DGRAM, 0);
    check.err(error.FileNotFound, photonrt.net.sendTo(x, "q", &b, .forever));
    try photonrt.net.bind(x, &a);
    try photonrt.net.bind(y, &b);
    var from: Address = undefined;
    check.eq(1, try photonrt.net.sendTo(x, "q", &b, .forever));
    check.eq(1, try photonrt.net.receiveFrom(y, &got, &from, .forever));
    check.bytes("unix:a", try from.print(&text));
    var n: usize = 0;
    while (photonrt.net.sendTo(x, &bytes, &b, .now)) |len| {
        check.eq(100, len);
        n += 1;
    } else |e| check.eq(error.WouldBlock, e);
    check.err(error.Timeout, photonrt.net.sendTo(x, &bytes, &b, .ms(2)));
    try photonrt.net.connectTo(x, &b, .forever);
    const draining = check.spawn(drain, .{y});
    for (0..20) |way| check.eq(100, try sendInSomeWay(way, x, &bytes));
    check.eq(n + 20, check.join(draining));
    net.close(y);
    check.err(error.ConnectionRefused, photonrt.net.send(x, "q", 0, .forever));
    net.close(x);
    _ = check.sys(std.c.unlink("a"));
    _ = check.sys(std.c.unlink("b"));
}

fn all() !void {
    try addresses();
    try refused();
    try local();
}

pub fn body() !void {
    try all();
    try all();
    try check.onThread(all, .{});
}
