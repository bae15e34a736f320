//! A descriptor's own mode is left as it is, and one in blocking mode does not block the vCPU.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const AF = std.posix.AF;
const SOCK = std.posix.SOCK;

var ticks: std.atomic.Value(u32) = .init(0);
var stop: std.atomic.Value(bool) = .init(false);

fn tick() !void {
    while (!stop.load(.acquire)) {
        _ = ticks.fetchAdd(1, .monotonic);
        try photonrt.sleep(.us(200));
    }
}

fn sameMode(fds: []const net.Handle, nonblocking: bool) void {
    for (fds) |fd| check.eq(nonblocking, net.mode(fd).NONBLOCK);
}

const Kind = enum { pipe, socket };

fn exercise(kind: Kind, in: net.Handle, out: net.Handle, nonblocking: bool) !void {
    var room: [4]u8 = undefined;
    const before = ticks.load(.monotonic);
    check.err(error.Timeout, photonrt.fd.read(in, room[0..1], .ms(3)));
    check.ge(ticks.load(.monotonic), before + 1); // another ran on this vCPU meanwhile
    sameMode(&.{in}, nonblocking);
    if (kind == .socket) {
        check.err(error.Timeout, photonrt.net.receive(in, room[0..1], 0, .ms(3)));
        check.eq(1, try photonrt.net.send(out, "a", 0, .forever));
        check.eq(1, try photonrt.net.receive(in, &room, 0, .forever));
        sameMode(&.{ in, out }, nonblocking);
    }
    const IN = std.posix.POLL.IN;
    check.eq(2, try photonrt.fd.write(out, "ab", .forever));
    check.eq(IN, try photonrt.fd.poll(in, IN, .forever));
    check.eq(2, try photonrt.fd.read(in, &room, .forever));
    check.err(error.WouldBlock, photonrt.fd.read(in, &room, .now));
    sameMode(&.{ in, out }, nonblocking);
}

/// A socket as libc makes it.
fn socket(kind: c_uint) net.Handle {
    return check.sys(std.c.socket(AF.INET, kind, 0));
}

pub fn body() !void {
    const ticking = check.spawnOn(photonrt.currentVcpu(), tick, .{});
    for ([_]bool{ false, true }) |nonblocking| {
        const kind: u32 = SOCK.STREAM | @as(u32, if (nonblocking) SOCK.NONBLOCK else 0);
        const pipe = net.pipe();
        if (nonblocking) for (pipe) |fd| net.setNonblocking(fd);
        try exercise(.pipe, pipe[0], pipe[1], nonblocking);
        net.closeAll(&pipe);
        const local = net.localPair(kind);
        try exercise(.socket, local[0], local[1], nonblocking);
        net.closeAll(&local);

        const listener = socket(kind | SOCK.CLOEXEC);
        const client = socket(kind | SOCK.CLOEXEC);
        const any = net.local(0);
        _ = check.sys(std.c.bind(listener, @ptrCast(any.sockaddr()), any.len));
        _ = check.sys(std.c.listen(listener, 8));
        check.err(error.Timeout, photonrt.net.accept(listener, null, .ms(2)));
        try photonrt.net.connectTo(client, &net.local(net.port(listener)), .forever);
        const server = try photonrt.net.acceptWith(.{ .nonblocking = nonblocking }, listener, null, .forever);
        sameMode(&.{ listener, client, server }, nonblocking);
        try exercise(.socket, server, client, nonblocking);
        net.closeAll(&.{ listener, server, client });
    }
    stop.store(true, .release);
    check.join(ticking);
}
