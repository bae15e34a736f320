//! How connections end, and what comes beside the stream: the same on every engine.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const c = photonrt.c;
const posix = std.posix;
const MSG = posix.MSG;
const POLL = posix.POLL;
const send = photonrt.net.send;
const shutdown = photonrt.net.shutdown;
const Error = photonrt.IoError;
const Timeout = photonrt.Timeout;

/// The ways to receive.
const How = enum { recv, recvmsg, recvfrom, read, recv_all };

fn receive(how: How, socket: net.Handle, buffer: []u8, timeout: Timeout) Error!usize {
    var from: photonrt.net.Address = undefined;
    var buffers = [_]c.struct_iovec{.{ .iov_base = buffer.ptr, .iov_len = buffer.len }};
    var message = check.messages.of(&buffers);
    return switch (how) {
        .recv => photonrt.net.receive(socket, buffer, 0, timeout),
        .recvmsg => photonrt.fd.result(c.co_io_recvmsg(socket, &message, 0, timeout.raw())),
        .recvfrom => photonrt.net.receiveFrom(socket, buffer, &from, timeout),
        .read => photonrt.fd.read(socket, buffer, timeout),
        .recv_all => photonrt.net.receive(socket, buffer, MSG.WAITALL, timeout),
    };
}

fn waits(how: How, socket: net.Handle) Error!usize {
    var buffer: [16]u8 = undefined;
    return receive(how, socket, &buffer, .forever);
}

fn waiting(how: How, socket: net.Handle) photonrt.Task(Error!usize) {
    const task = check.spawnOn(2, waits, .{ how, socket });
    check.untilState(task.co, .parked);
    return task;
}

/// One direction ends, the other goes on.
fn halfClose(how: How, ends: net.Pair) !void {
    var got: [64]u8 = undefined;
    var task = waiting(how, ends[1]);
    try shutdown(ends[0], .send);
    check.eq(0, check.join(task));
    check.eq(0, try receive(how, ends[1], &got, .now)); // and again
    check.eq(4, try send(ends[1], "back", 0, .forever));
    check.eq(4, try receive(how, ends[0], got[0..4], .forever));
    check.err(error.BrokenPipe, send(ends[0], "x", 0, .forever));
    // Our own receiving side: the end too, also for one that waits.
    task = waiting(how, ends[0]);
    try shutdown(ends[0], .receive);
    check.eq(0, check.join(task));
    net.closeAll(&ends);
}

/// The data before a half-close is there to the last byte.
fn dataThenEnd(how: How, ends: net.Pair) !void {
    var got: [64]u8 = undefined;
    check.eq(10, try send(ends[0], "0123456789", 0, .forever));
    net.close(ends[0]);
    check.eq(7, try receive(how, ends[1], got[0..7], .forever));
    check.eq(3, try receive(how, ends[1], got[7..], .forever));
    check.bytes("0123456789", got[0..10]);
    check.eq(0, try receive(how, ends[1], &got, .forever));
    net.close(ends[1]);
}

/// A reset: whoever waits learns of it, once.
fn reset(how: How) !void {
    var got: [64]u8 = undefined;
    const ends = net.tcpPair();
    const task = waiting(how, ends[1]);
    net.abort(ends[0]);
    check.err(error.ConnectionResetByPeer, task.join());
    check.eq(0, try receive(how, ends[1], &got, .forever));
    check.err(error.BrokenPipe, send(ends[1], "x", 0, .forever));
    net.close(ends[1]);
}

fn fill(socket: net.Handle) Error!noreturn {
    const S = struct {
        var block: [1 << 16]u8 = @splat(0);
    };
    while (true) check.ge(try send(socket, &S.block, 0, .forever), 1);
}

fn filling(socket: net.Handle) !photonrt.Task(Error!noreturn) {
    const task = check.spawnOn(2, fill, .{socket});
    try photonrt.sleep(.ms(5));
    return task;
}

fn isGone(e: anyerror) void {
    check.that(e == error.ConnectionResetByPeer or e == error.BrokenPipe);
}

/// For a sender that waits for room: the peer's reset, its own shutdown, a local peer's close.
fn blockedSender() !void {
    var ends = net.tcpPair();
    var task = try filling(ends[0]);
    net.abort(ends[1]);
    task.join() catch |e| isGone(e);
    net.close(ends[0]);
    ends = net.tcpPair();
    task = try filling(ends[0]);
    try shutdown(ends[0], .send);
    task.join() catch |e| check.eq(error.BrokenPipe, e);
    net.closeAll(&ends);
    ends = net.unixPair();
    task = try filling(ends[0]);
    net.close(ends[1]);
    task.join() catch |e| isGone(e);
    net.close(ends[0]);
}

fn urgentLater(socket: net.Handle) !void {
    try photonrt.sleep(.ms(2));
    check.eq(1, try send(socket, "!", MSG.OOB, .forever));
}

/// One urgent byte, beside the stream and in it.
fn urgent() !void {
    var byte: [1]u8 = undefined;
    var got: [64]u8 = undefined;
    const ends = net.tcpPair();
    const recv = photonrt.net.receive;
    check.err(error.InvalidArgument, recv(ends[1], &byte, MSG.OOB, .forever)); // none has been sent
    const sending = check.spawn(urgentLater, .{ends[0]});
    check.eq(POLL.PRI, try photonrt.fd.poll(ends[1], POLL.PRI, .forever));
    check.join(sending);
    check.eq(1, try recv(ends[1], &byte, MSG.OOB, .forever));
    check.bytes("!", &byte);
    check.err(error.InvalidArgument, recv(ends[1], &byte, MSG.OOB, .forever)); // taken
    check.err(error.WouldBlock, recv(ends[1], &byte, 0, .now));
    check.eq(2, try send(ends[0], "ab", 0, .forever));
    check.eq(2, try send(ends[0], "c!", MSG.OOB, .forever));
    check.eq(2, try send(ends[0], "de", 0, .forever));
    check.that(try photonrt.fd.poll(ends[1], POLL.PRI | POLL.IN, .forever) & POLL.PRI != 0);
    byte[0] = 0;
    var buffers = [_]c.struct_iovec{.{ .iov_base = &byte, .iov_len = 1 }};
    var message = check.messages.of(&buffers);
    check.eq(1, c.co_io_recvmsg(ends[1], &message, MSG.OOB, c.CO_FOREVER));
    check.bytes("!", &byte);
    check.that(message.msg_flags & MSG.OOB != 0);
    check.eq(3, try recv(ends[1], got[0..3], MSG.WAITALL, .forever));
    check.bytes("abc", got[0..3]);
    check.eq(2, try recv(ends[1], &got, 0, .forever));
    check.bytes("de", got[0..2]);
    net.closeAll(&ends);
}

/// Without somebody else's help: what a plain thread can see by itself.
fn onThread() !void {
    var got: [64]u8 = undefined;
    for (std.enums.values(How)) |how| {
        try dataThenEnd(how, net.tcpPair());
        const ends = net.tcpPair();
        net.abort(ends[0]);
        check.err(error.ConnectionResetByPeer, receive(how, ends[1], &got, .forever));
        check.eq(0, try receive(how, ends[1], &got, .forever));
        net.close(ends[1]);
    }
    try urgent();
}

pub fn body() !void {
    for (std.enums.values(How)) |how| {
        try halfClose(how, net.tcpPair());
        try halfClose(how, net.unixPair());
        try dataThenEnd(how, net.tcpPair());
        try dataThenEnd(how, net.unixPair());
        try reset(how);
    }
    try blockedSender();
    try urgent();
    try check.onThread(onThread, .{});
}
