//! recvmsg and sendmsg: several buffers, what is cut, waiting for all of it, the error queue.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const c = photonrt.c;
const posix = std.posix;
const MSG = posix.MSG;
const Timeout = photonrt.Timeout;
const Error = photonrt.IoError;
const seed = 9;

/// 112 bytes in three buffers.
const Message = struct {
    header: c.struct_msghdr,
    buffers: [3]c.struct_iovec,
    a: [4]u8,
    b: [8]u8,
    rest: [100]u8,
    control: [256]u8 align(@alignOf(usize)),

    fn init(m: *Message) void {
        @memset(std.mem.asBytes(m), 0);
        for (&m.buffers, [_][]u8{ &m.a, &m.b, &m.rest }) |*buffer, place| {
            buffer.* = .{ .iov_base = place.ptr, .iov_len = place.len };
        }
        m.header = check.messages.of(&m.buffers);
        m.header.msg_control = &m.control;
        m.header.msg_controllen = m.control.len;
        m.header.msg_flags = 0x5555;
    }

    /// Receives as it is.
    fn receive(m: *Message, socket: net.Handle, flags: u32, timeout: Timeout) Error!usize {
        return photonrt.fd.result(c.co_io_recvmsg(socket, &m.header, @bitCast(flags), timeout.raw()));
    }

    /// Receives into all that there is.
    fn receiveAnew(m: *Message, socket: net.Handle, flags: u32, timeout: Timeout) Error!usize {
        m.init();
        return m.receive(socket, flags, timeout);
    }

    fn send(m: *const Message, socket: net.Handle) Error!usize {
        return photonrt.fd.result(c.co_io_sendmsg(socket, &m.header, 0, c.CO_FOREVER));
    }

    /// The first `n` bytes are those of the stream.
    fn same(m: *const Message, n: usize) void {
        const flat = m.a ++ m.b ++ m.rest;
        net.same(flat[0..n], seed, 0);
    }

    /// The flags that came with it.
    fn got(m: *const Message) u32 {
        return @bitCast(m.header.msg_flags);
    }
};

fn sendPieces(to: net.Handle) !void {
    for (0..7) |i| {
        var piece: [16]u8 = undefined;
        try photonrt.sleep(.us(500));
        net.fill(&piece, seed, i * piece.len);
        check.eq(piece.len, try photonrt.net.send(to, &piece, 0, .forever));
    }
}

fn streams(ends: net.Pair) !void {
    var m: Message = undefined;
    check.err(error.WouldBlock, m.receiveAnew(ends[1], 0, .now));
    check.err(error.Timeout, m.receiveAnew(ends[1], 0, .ms(2)));
    check.err(error.Timeout, m.receiveAnew(ends[1], MSG.WAITALL, .ms(2)));
    check.err(error.WouldBlock, m.receiveAnew(ends[1], MSG.DONTWAIT, .forever));
    // What there is.
    m.init();
    net.fill(&m.a, seed, 0);
    net.fill(&m.b, seed, 4);
    m.header.msg_iovlen = 2;
    m.header.msg_controllen = 0;
    check.eq(12, try m.send(ends[0]));
    check.eq(12, try m.receiveAnew(ends[1], MSG.PEEK, .forever));
    check.eq(12, try m.receiveAnew(ends[1], 0, .forever));
    m.same(12);
    check.eq(0, m.got() & ~@as(u32, MSG.EOR));
    check.eq(0, m.header.msg_controllen);
    // All of it.
    const sending = check.spawn(sendPieces, .{ends[0]});
    check.eq(112, try m.receiveAnew(ends[1], MSG.WAITALL, .forever));
    m.same(112);
    check.that(m.buffers[0].iov_base == @as(*anyopaque, &m.a) and m.header.msg_iov == &m.buffers[0]);
    check.eq(4, m.buffers[0].iov_len);
    check.eq(0, m.got() & ~@as(u32, MSG.EOR));
    check.join(sending);
    // As much as came until the time was up.
    check.eq(7, try photonrt.net.send(ends[0], "0123456", 0, .forever));
    check.eq(7, try m.receiveAnew(ends[1], MSG.WAITALL, .ms(3)));
    check.bytes("0123", &m.a);
    check.bytes("456", m.b[0..3]);
    check.eq(5, try photonrt.net.send(ends[0], "01234", 0, .forever));
    check.eq(5, try m.receiveAnew(ends[1], MSG.WAITALL, .now));
}

fn waits(socket: net.Handle, flags: u32) Error!usize {
    var m: Message = undefined;
    return m.receiveAnew(socket, flags, .forever);
}

fn waiting(socket: net.Handle, flags: u32) photonrt.Task(Error!usize) {
    const task = check.spawnOn(2, waits, .{ socket, flags });
    check.untilState(task.co, .parked);
    return task;
}

/// Ended by a cancel, an interrupt, the peer, a close.
fn ended(flags: u32, pair: *const fn () net.Pair) !void {
    var ends = pair();
    var task = waiting(ends[1], flags);
    try task.co.cancel();
    check.err(error.Canceled, task.join());
    task = waiting(ends[1], flags);
    try task.co.interrupt(error.InputOutput);
    check.err(error.InputOutput, task.join());
    task = waiting(ends[1], flags);
    try photonrt.net.shutdown(ends[0], .send);
    check.eq(0, check.join(task));
    net.closeAll(&ends);
    ends = pair();
    task = waiting(ends[1], flags);
    net.close(ends[1]);
    check.err(error.BadDescriptor, task.join());
    net.close(ends[0]);
}

fn setOption(socket: net.Handle, level: c_int, name: c_int) void {
    const on: c_int = 1;
    check.eq(0, c.co_io_setsockopt(socket, level, name, &on, @sizeOf(c_int)));
}

fn bindUdp() !net.Handle {
    const socket = try photonrt.net.udpBind("127.0.0.1", 0);
    setOption(socket, posix.IPPROTO.IP, posix.IP.PKTINFO);
    return socket;
}

/// Cut data, cut control messages, the sender's address.
fn datagrams() !void {
    const x = try bindUdp();
    const y = try bindUdp();
    var to = net.local(net.port(y));
    var text: [200]u8 = @splat('d');
    var buffers = [_]c.struct_iovec{.{ .iov_base = &text, .iov_len = text.len }};
    var out = check.messages.of(&buffers);
    out.msg_name = &to.storage;
    out.msg_namelen = to.len;
    for (0..2) |_| check.eq(200, c.co_io_sendmsg(x, &out, 0, c.CO_FOREVER));

    var m: Message = undefined;
    var from: photonrt.net.Address = .{};
    m.init();
    m.header.msg_name = &from.storage;
    m.header.msg_namelen = from.len;
    check.eq(112, try m.receive(y, 0, .forever));
    check.eq(MSG.TRUNC, m.got());
    check.eq(@sizeOf(posix.sockaddr.in), m.header.msg_namelen);
    check.eq(net.port(x), from.port().?);
    var controls: check.messages.Controls = .of(&m.header);
    const info = controls.next().?;
    check.that(info.is(posix.IPPROTO.IP, posix.IP.PKTINFO));
    check.eq(@sizeOf(std.c.in_pktinfo), info.data().len);
    const packet = std.mem.bytesToValue(std.c.in_pktinfo, info.data()[0..@sizeOf(std.c.in_pktinfo)]);
    check.eq(std.mem.nativeToBig(u32, 0x7f000001), packet.addr);
    check.that(controls.next() == null);

    var room: [188]u8 = undefined;
    m.init();
    m.header.msg_controllen = 4;
    m.buffers[2] = .{ .iov_base = &room, .iov_len = room.len };
    check.eq(200, try m.receive(y, 0, .forever));
    check.eq(MSG.CTRUNC, m.got());
    check.err(error.WouldBlock, m.receiveAnew(y, 0, .now));
    net.closeAll(&.{ x, y });
}

fn readErrors(socket: net.Handle) !void {
    var m: Message = undefined;
    check.eq(4, try m.receiveAnew(socket, MSG.ERRQUEUE, .forever));
    check.that(m.got() & MSG.ERRQUEUE != 0);
    check.bytes("lost", &m.a);
}

/// With ERRQUEUE the wait is for an error.
fn errorQueue() !void {
    const x = try bindUdp();
    const y = try bindUdp();
    setOption(x, posix.IPPROTO.IP, posix.IP.RECVERR);
    const to = net.local(net.port(y));
    try photonrt.net.connectTo(x, &to, .forever);
    var m: Message = undefined;
    check.err(error.WouldBlock, m.receiveAnew(x, MSG.ERRQUEUE, .now));
    check.err(error.Timeout, m.receiveAnew(x, MSG.ERRQUEUE, .ms(2)));
    net.close(y);
    const reading = check.spawn(readErrors, .{x});
    try photonrt.sleep(.ms(1));
    check.eq(4, try photonrt.net.send(x, "lost", 0, .forever));
    check.join(reading);
    net.close(x);
}

fn bad(ends: net.Pair) !void {
    var m: Message = undefined;
    const nowhere: *anyopaque = @ptrFromInt(8);
    for ([_]c_int{ 0, MSG.WAITALL }) |flags| {
        check.eq(1, try photonrt.net.send(ends[0], "x", 0, .forever));
        check.errno(.FAULT, c.co_io_recvmsg(ends[1], @ptrCast(@alignCast(nowhere)), flags, c.CO_FOREVER));
        check.errno(.FAULT, c.co_io_recvmsg(ends[1], null, flags, c.CO_FOREVER));
        m.init();
        m.header.msg_iov = @ptrCast(@alignCast(nowhere));
        check.err(error.BadAddress, m.receive(ends[1], @bitCast(flags), .forever));
        m.init();
        m.header.msg_iovlen = 1025;
        check.err(error.MessageTooBig, m.receive(ends[1], @bitCast(flags), .forever));
        m.init();
        m.buffers[0].iov_base = nowhere;
        check.err(error.BadAddress, m.receive(ends[1], @bitCast(flags), .forever));
        m.init();
        m.header.msg_iovlen = 1;
        m.buffers[0].iov_len = 1;
        check.eq(1, try m.receive(ends[1], @bitCast(flags), .forever));
        check.bytes("x", m.a[0..1]);
    }
    check.errno(.FAULT, c.co_io_sendmsg(ends[1], null, 0, c.CO_FOREVER));
    m.init();
    m.buffers[1].iov_base = nowhere;
    m.header.msg_controllen = 0;
    if (m.send(ends[1])) |n| { // a stream may take what it can read
        check.eq(4, n);
        check.eq(4, try photonrt.net.receive(ends[0], &m.a, 0, .forever));
    } else |e| check.eq(error.BadAddress, e);
    m.init();
    check.err(error.BadDescriptor, m.receive(-1, 0, .forever));
    check.err(error.BadDescriptor, m.send(-1));
    check.err(error.InvalidArgument, m.receive(ends[1], 0, .ns(-2)));
    const file = net.open("file", .{ .ACCMODE = .RDWR, .CREAT = true });
    const pipe = net.pipe();
    var from: photonrt.net.Address = undefined;
    check.err(error.NotSocket, m.receive(file, 0, .forever));
    check.err(error.NotSocket, m.send(file));
    check.err(error.NotSocket, m.receive(pipe[0], MSG.WAITALL, .forever));
    check.err(error.NotSocket, photonrt.net.receiveFrom(pipe[0], &m.a, &from, .forever));
    net.closeAll(&pipe);
    net.close(file);
}

fn onThread(ends: net.Pair) !void {
    try streams(ends);
    try datagrams();
    try errorQueue();
    try bad(ends);
}

pub fn body() !void {
    for ([_]*const fn () net.Pair{ net.unixPair, net.tcpPair }) |pair| {
        const ends = pair();
        try streams(ends);
        try bad(ends);
        try ended(0, pair);
        try ended(MSG.WAITALL, pair);
        try check.onThread(onThread, .{ends});
        net.closeAll(&ends);
    }
    try datagrams();
    try errorQueue();
}
