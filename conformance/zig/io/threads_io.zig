//! Every call from plain threads: they block the thread, with the same answers.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const c = photonrt.c;
const fd = photonrt.fd;
const POLL = std.posix.POLL;
const receive = photonrt.net.receive;

fn echo(socket: net.Handle) !void {
    var buffer: [64]u8 = undefined;
    while (true) {
        const n = try receive(socket, &buffer, 0, .forever);
        if (n == 0) return;
        net.sendAll(socket, buffer[0..n]);
    }
}

fn sockets(socket: net.Handle) !void {
    var buffer: [64]u8 = undefined;
    const before = photonrt.clock();
    check.err(error.Timeout, receive(socket, buffer[0..1], 0, .ms(2)));
    check.ge(photonrt.clock() - before, 2 * check.ms);
    check.err(error.Timeout, fd.read(socket, buffer[0..1], .ms(2)));
    check.err(error.WouldBlock, receive(socket, buffer[0..1], 0, .now));
    check.err(error.InvalidArgument, receive(socket, buffer[0..1], 0, .ns(-2)));
    check.err(error.WouldBlock, fd.poll(socket, POLL.IN, .now));
    check.err(error.Timeout, fd.poll(socket, POLL.IN, .ms(1)));
    for (0..200) |i| {
        check.eq(4, try photonrt.net.send(socket, "ping", 0, .forever));
        if (i % 2 == 1) check.eq(POLL.IN, try fd.poll(socket, POLL.IN, .forever));
        check.eq(4, try fd.read(socket, buffer[0..4], .forever));
        check.bytes("ping", buffer[0..4]);
    }
    check.that(!net.mode(socket).NONBLOCK);
    try photonrt.net.shutdown(socket, .send);
}

fn connections(listener: net.Handle) !void {
    var from: photonrt.net.Address = undefined;
    check.err(error.WouldBlock, photonrt.net.accept(listener, null, .now));
    check.err(error.Timeout, photonrt.net.accept(listener, null, .ms(2)));
    const client = net.connect(net.port(listener));
    const server = try photonrt.net.accept(listener, &from, .forever);
    check.eq(net.port(client), from.port().?);
    const in: *const std.posix.sockaddr.in = @ptrCast(@alignCast(&from.storage));
    check.eq(std.mem.nativeToBig(u32, 0x7f000001), in.addr);
    net.sendAll(client, "x");
    net.closeAll(&.{ server, client });
}

fn files() !void {
    var buffer: [16]u8 = undefined;
    const file = net.open("file", .{ .ACCMODE = .RDWR, .CREAT = true, .TRUNC = true });
    check.eq(7, try fd.write(file, "content", .forever));
    check.eq(4, try fd.pread(file, &buffer, 3, .forever));
    check.bytes("tent", buffer[0..4]);
    check.eq(1, try fd.pwrite(file, "!", 7, .forever));
    check.errno(.INVAL, c.co_io_pread(file, &buffer, 1, -1, c.CO_FOREVER));
    try fd.sync(file, .forever);
    net.close(file);
    check.errno(.BADF, c.co_io_close(file));
    check.err(error.FileNotFound, fd.open("absent", .{}, 0, .forever));
    check.err(error.BadDescriptor, fd.read(-1, buffer[0..1], .forever));
}

fn onThread(socket: net.Handle, listener: net.Handle) !void {
    check.eq(null, photonrt.Coroutine.current());
    try sockets(socket);
    try connections(listener);
    try files();
}

pub fn body() !void {
    for (0..5) |_| {
        const ends = net.unixPair();
        const listener = net.listen();
        const answering = check.spawn(echo, .{ends[1]});
        try check.onThread(onThread, .{ ends[0], listener });
        check.join(answering);
        net.close(listener);
        net.closeAll(&ends);
    }
}
