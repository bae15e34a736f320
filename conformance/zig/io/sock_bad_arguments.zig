//! What is refused, and that nothing is lost by it: descriptors that are none, no sockets, pointers to nowhere, lengths
//! beyond all memory, timeouts that are none.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const c = photonrt.c;
const posix = std.posix;
const max_usize = std.math.maxInt(usize);

const nowhere = [_]?*anyopaque{ @ptrFromInt(8), @ptrFromInt(max_usize - 4095) };

const Call = enum {
    recv,
    send,
    recvfrom,
    sendto,
    recvmsg,
    sendmsg,
    accept,
    connect,
    bind,
    getsockname,
    getpeername,
    getsockopt,
    setsockopt,

    /// Those that transfer bytes.
    const transfers = [_]Call{ .recv, .send, .recvfrom, .sendto, .recvmsg, .sendmsg };

    fn receives(which: Call) bool {
        return which == .recv or which == .recvfrom or which == .recvmsg;
    }

    fn waits(which: Call) bool {
        return @backingInt(which) <= @backingInt(Call.connect);
    }
};

/// Each call on `socket`, with `p` in the place of its memory and `n` of its length.
fn call(which: Call, socket: net.Handle, p: ?*anyopaque, n: usize, timeout: i64) i64 {
    var buffers = [_]c.struct_iovec{.{ .iov_base = p, .iov_len = n }};
    var message = check.messages.of(&buffers);
    var len: c.socklen_t = @intCast(@min(n, 128));
    const address: [*c]c.struct_sockaddr = @ptrCast(@alignCast(p));
    return switch (which) {
        .recv => c.co_io_recv(socket, p, n, 0, timeout),
        .send => c.co_io_send(socket, p, n, 0, timeout),
        .recvfrom => c.co_io_recvfrom(socket, p, n, 0, null, null, timeout),
        .sendto => c.co_io_sendto(socket, p, n, 0, null, 0, timeout),
        .recvmsg => c.co_io_recvmsg(socket, &message, 0, timeout),
        .sendmsg => c.co_io_sendmsg(socket, &message, 0, timeout),
        .accept => c.co_io_accept(socket, address, &len, 0, timeout),
        .connect => c.co_io_connect(socket, address, len, timeout),
        .bind => c.co_io_bind(socket, address, len),
        .getsockname => c.co_io_getsockname(socket, address, &len),
        .getpeername => c.co_io_getpeername(socket, address, &len),
        .getsockopt => c.co_io_getsockopt(socket, posix.SOL.SOCKET, posix.SO.TYPE, p, &len),
        .setsockopt => c.co_io_setsockopt(socket, posix.SOL.SOCKET, posix.SO.KEEPALIVE, p, len),
    };
}

fn gives(want: posix.E, which: Call, got: i64, what: []const u8) void {
    if (got != -@as(i64, @intCast(@backingInt(want)))) {
        check.fail("{t} with {s} gives {d} ({s}), expected {t}", .{ which, what, got, c.co_strerror(@intCast(@min(got, 0))), want });
    }
}

fn descriptors() !void {
    const forever = c.CO_FOREVER;
    const now = c.CO_NOW;
    const closed = 1000;
    var buffer: [128]u8 align(8) = @splat(0);
    const address = net.local(1);
    @memcpy(buffer[0..address.len], std.mem.asBytes(&address.storage)[0..address.len]);
    const file = net.open("file", .{ .ACCMODE = .RDWR, .CREAT = true });
    check.eq(closed, check.sys(std.c.dup2(file, closed)));
    net.close(closed);
    const pipe = net.pipe();
    for (std.enums.values(Call), 0..) |which, i| {
        const n: usize = if (which == .connect or which == .bind) address.len else buffer.len;
        const end = pipe[i % 2];
        gives(.BADF, which, call(which, -1, &buffer, n, forever), "fd -1");
        gives(.BADF, which, call(which, std.math.minInt(c_int), &buffer, n, forever), "the least fd");
        gives(.BADF, which, call(which, std.math.maxInt(c_int), &buffer, n, forever), "the greatest fd");
        gives(.BADF, which, call(which, closed, &buffer, n, forever), "a closed fd");
        gives(.BADF, which, call(which, closed, &buffer, n, now), "a closed fd, now");
        gives(.NOTSOCK, which, call(which, file, &buffer, n, forever), "a file");
        gives(.NOTSOCK, which, call(which, end, &buffer, n, forever), "a pipe");
        gives(.NOTSOCK, which, call(which, end, &buffer, n, now), "a pipe, now");
        if (which.waits()) gives(.INVAL, which, call(which, file, &buffer, n, -2), "timeout -2");
    }
    net.closeAll(&pipe);
    net.close(file);
}

fn sendSoon(to: net.Handle) !void {
    try photonrt.sleep(.ms(1));
    check.eq(1, try photonrt.net.send(to, "x", 0, .forever));
}

/// The byte that is there, or comes, stays for a call that can take it.
fn pointers(ends: net.Pair, later: bool) !void {
    var byte: [1]u8 = undefined;
    for (nowhere) |p| for (Call.transfers) |which| {
        if (!which.receives()) {
            gives(.FAULT, which, call(which, ends[0], p, 16, c.CO_FOREVER), "a bad pointer");
            continue;
        }
        const sending = check.spawn(sendSoon, .{ends[0]});
        if (!later) check.join(sending);
        gives(.FAULT, which, call(which, ends[1], p, 16, c.CO_FOREVER), "a bad pointer");
        if (later) check.join(sending);
        check.eq(1, try photonrt.net.receive(ends[1], &byte, 0, .forever));
        check.bytes("x", &byte);
    };
    for (std.enums.values(Call)) |which| {
        if (@backingInt(which) < @backingInt(Call.connect)) continue;
        for (nowhere) |p| gives(.FAULT, which, call(which, ends[0], p, 16, c.CO_FOREVER), "a bad pointer");
    }
    var room: photonrt.net.Address = .{};
    const p: *c.struct_sockaddr = @ptrCast(&room.storage);
    const bad_len: *c.socklen_t = @ptrCast(@alignCast(nowhere[0]));
    check.errno(.FAULT, c.co_io_getsockname(ends[0], p, bad_len));
    check.errno(.FAULT, c.co_io_getsockopt(ends[0], posix.SOL.SOCKET, posix.SO.TYPE, p, null));
    check.errno(.FAULT, c.co_io_socketpair(posix.AF.UNIX, posix.SOCK.STREAM, 0, @ptrCast(@alignCast(nowhere[0]))));
    net.closeAll(&ends);
}

/// An address that can't be written: the connection, the datagram is gone, as with the system's calls.
fn badAddresses() !void {
    const bad: [*c]c.struct_sockaddr = @ptrCast(@alignCast(nowhere[0]));
    var len: c.socklen_t = @sizeOf(posix.sockaddr.in);
    const listener = net.listen();
    const client = net.connect(net.port(listener));
    check.errno(.FAULT, c.co_io_accept(listener, bad, &len, 0, c.CO_FOREVER));
    check.err(error.Timeout, photonrt.net.accept(listener, null, .ms(2)));
    net.closeAll(&.{ client, listener });

    var byte: [1]u8 = undefined;
    const socket = try photonrt.net.udpBind("127.0.0.1", 0);
    const own = net.local(net.port(socket));
    check.eq(1, try photonrt.net.sendTo(socket, "x", &own, .forever));
    len = @sizeOf(posix.sockaddr.in);
    check.errno(.FAULT, c.co_io_recvfrom(socket, &byte, 1, 0, bad, &len, c.CO_FOREVER));
    check.eq(1, try photonrt.net.sendTo(socket, "x", &own, .forever));
    var from: photonrt.net.Address = .{};
    check.errno(.FAULT, c.co_io_recvfrom(socket, &byte, 1, 0, @ptrCast(&from.storage), @ptrCast(@alignCast(nowhere[0])), c.CO_FOREVER));
    check.errno(.FAULT, c.co_io_sendto(socket, "x", 1, 0, bad, own.len, c.CO_FOREVER));
    var wrong = own;
    wrong.len = 3;
    check.err(error.InvalidArgument, photonrt.net.sendTo(socket, "x", &wrong, .forever));
    wrong.len = 1 << 20;
    check.err(error.InvalidArgument, photonrt.net.sendTo(socket, "x", &wrong, .forever));
    check.err(error.WouldBlock, photonrt.net.receive(socket, &byte, 0, .now));
    net.close(socket);
}

/// Lengths are cut, not believed.
fn lengths() !void {
    var buffer: [16]u8 align(8) = undefined;
    const ends = net.unixPair();
    for (Call.transfers) |which| {
        if (!which.receives()) continue;
        net.sendAll(ends[0], "0123");
        check.eq(4, call(which, ends[1], &buffer, std.math.maxInt(isize), c.CO_FOREVER));
        net.sendAll(ends[0], "0123");
        const got = call(which, ends[1], &buffer, max_usize, c.CO_FOREVER);
        if (which == .recvmsg) {
            check.errno(.INVAL, got); // an iovec's is checked
            check.eq(4, try photonrt.net.receive(ends[1], buffer[0..4], 0, .forever));
        } else check.eq(4, got);
    }
    net.closeAll(&ends);
}

fn socketPair(family: u32, kind: u32) photonrt.IoError!net.Pair {
    var ends: net.Pair = undefined;
    _ = try photonrt.fd.result(c.co_io_socketpair(@intCast(family), @intCast(kind), 0, &ends));
    return ends;
}

fn others() !void {
    check.errno(.BADF, c.co_io_listen(-1, 5));
    check.err(error.BadDescriptor, photonrt.net.shutdown(-1, .send));
    check.err(error.OperationUnsupported, socketPair(posix.AF.INET, posix.SOCK.STREAM));
    check.err(error.InvalidArgument, socketPair(posix.AF.UNIX, 99));
    const ends = try socketPair(posix.AF.UNIX, posix.SOCK.SEQPACKET | posix.SOCK.NONBLOCK);
    check.that(net.mode(ends[0]).NONBLOCK);
    check.that(net.closesOnExec(ends[1]));
    check.errno(.INVAL, c.co_io_listen(ends[0], 5));
    check.errno(.NOPROTOOPT, c.co_io_setsockopt(ends[0], posix.SOL.SOCKET, 9999, &ends, @sizeOf(net.Pair)));
    var value: c_int = 0;
    var len: c.socklen_t = @sizeOf(c_int);
    check.eq(0, c.co_io_getsockopt(ends[0], posix.SOL.SOCKET, posix.SO.TYPE, &value, &len));
    check.eq(posix.SOCK.SEQPACKET, value);
    net.closeAll(&ends);

    const listener = net.socket();
    check.err(error.SocketUnconnected, photonrt.net.peerAddress(listener));
    const any_port = net.local(0);
    try photonrt.net.bind(listener, &any_port);
    check.err(error.InvalidArgument, photonrt.net.bind(listener, &any_port));
    check.eq(0, c.co_io_listen(listener, 5));
    const client = net.connect(net.port(listener));
    const server = net.accept(listener);
    check.eq(net.port(client), (try photonrt.net.peerAddress(server)).port().?);
    net.closeAll(&.{ server, client, listener });
}

fn all() !void {
    try descriptors();
    for ([_]bool{ false, true }) |later| {
        try pointers(net.unixPair(), later);
        try pointers(net.tcpPair(), later);
    }
    try badAddresses();
    try lengths();
    try others();
}

pub fn body() !void {
    try all();
    try check.onThread(all, .{});
}
