//! A close of what is received or accepted ahead: calls end, what nobody took is gone, the peer sees the end at once,
//! and the number's next life has nothing of the last.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const Handle = net.Handle;
const receiveLent = photonrt.net.receiveLent;

fn inReceive(fd: Handle) void {
    check.err(error.BadDescriptor, receiveLent(fd, .{ .ahead = true }, .forever));
}

fn inAccept(fd: Handle) void {
    check.err(error.BadDescriptor, photonrt.net.acceptWith(.{ .ahead = true }, fd, null, .forever));
}

/// vCPU 0 stands for both in turn.
fn closeUnder(comptime call: fn (Handle) void, fd: Handle, vcpu: u32) void {
    var tasks: [3]photonrt.Task(void) = undefined;
    for (&tasks, 0..) |*task, i| {
        task.* = check.spawnOn(if (vcpu != 0) vcpu else @intCast(i % 2 + 1), call, .{fd});
        check.untilState(task.co, .parked);
    }
    net.close(fd);
    for (tasks) |task| check.join(task);
}

fn expect(fd: Handle, text: []const u8) !void {
    const lent = try receiveLent(fd, .{ .ahead = true }, .forever);
    check.bytes(text, lent.bytes());
    lent.release();
}

fn receives(vcpu: u32) !void {
    var byte: [1]u8 = undefined;
    {
        const fds = net.tcpPair();
        closeUnder(inReceive, fds[1], vcpu);
        check.eq(0, try photonrt.net.receive(fds[0], &byte, 0, .forever));
        net.close(fds[0]);
    }
    // With something untaken.
    const fds = net.unixPair();
    check.err(error.Timeout, receiveLent(fds[1], .{ .ahead = true }, .ms(1)));
    net.sendAll(fds[0], "untaken");
    try photonrt.sleep(.ms(1));
    net.close(fds[1]);
    const again = net.unixPair();
    for (again) |fd| check.err(error.WouldBlock, receiveLent(fd, .{ .ahead = true }, .now));
    net.sendAll(again[0], "new");
    try expect(again[1], "new");
    net.closeAll(&again);
    net.close(fds[0]);
}

/// The next one to be accepted is the other end of `client`.
fn is(server: Handle, client: Handle) void {
    var byte: [1]u8 = undefined;
    net.sendAll(client, "c");
    net.receiveAll(server, &byte);
    net.close(server);
}

fn accepts(vcpu: u32) !void {
    const acceptWith = photonrt.net.acceptWith;
    const ahead: photonrt.net.AcceptOptions = .{ .ahead = true };
    var byte: [1]u8 = undefined;
    const listener = net.listen();
    const port = net.port(listener);
    check.err(error.WouldBlock, acceptWith(ahead, listener, null, .now));
    check.err(error.Timeout, acceptWith(ahead, listener, null, .ms(1)));
    {
        const client = net.connect(port);
        var peer: photonrt.net.Address = undefined;
        const server = try acceptWith(ahead, listener, &peer, .forever);
        check.eq(@sizeOf(std.posix.sockaddr.in), peer.len);
        check.eq(net.port(client), peer.port().?);
        check.that(net.closesOnExec(server));
        net.sendAll(server, "s");
        net.receiveAll(client, &byte);
        net.closeAll(&.{ client, server });
    }
    // Many at once, in order.
    var clients: [40]Handle = undefined;
    for (&clients) |*client| client.* = net.connect(port);
    for (clients[0..20]) |client| is(try acceptWith(ahead, listener, null, .forever), client);
    // Without the option: what has come already first.
    for (clients[20..35]) |client| is(try photonrt.net.accept(listener, null, .forever), client);
    net.close(try acceptWith(ahead, listener, null, .forever));
    try photonrt.sleep(.ms(1));
    // Four are left, accepted ahead or not: the close ends them all.
    net.close(listener);
    for (clients) |client| {
        if (photonrt.net.receive(client, &byte, 0, .forever)) |n| {
            check.eq(0, n);
        } else |e| check.eq(error.ConnectionResetByPeer, e);
        net.close(client);
    }
    closeUnder(inAccept, net.listen(), vcpu);
}

/// What a coroutine receives ahead a plain thread doesn't; it does so on its own, without being ahead.
fn plain(fds: net.Pair) !void {
    var buffer: [16]u8 = undefined;
    check.err(error.Busy, receiveLent(fds[0], .{}, .forever));
    check.err(error.Busy, photonrt.net.receive(fds[0], &buffer, 0, .forever));
    net.sendAll(fds[1], "x");
    const own = net.unixPair();
    check.err(error.Timeout, receiveLent(own[0], .{ .ahead = true }, .ms(2)));
    net.sendAll(own[1], "plain");
    try expect(own[0], "plain");
    net.closeAll(&own);
}

fn plainThread(fds: net.Pair) void {
    plain(fds) catch |e| check.fail("{t}", .{e});
}

pub fn body() !void {
    for (0..12) |round| {
        try receives(@intCast(round % 3));
        try accepts(@intCast(round % 3));
    }
    const fds = net.tcpPair();
    check.err(error.Timeout, receiveLent(fds[0], .{ .ahead = true }, .ms(1)));
    const thread = check.thread(plainThread, .{fds});
    try expect(fds[0], "x");
    thread.join();
    net.closeAll(&fds);
}
