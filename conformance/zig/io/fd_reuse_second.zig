//! A transfer between two descriptors never touches what a number means after its close: another coroutine closes the
//! file, or the socket, at any moment and is given the number anew.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const c = photonrt.c;

const size = 400000;
var content: [size]u8 = undefined;

fn make(path: [*:0]const u8, seed: u64) !void {
    const fd = net.open(path, .{ .ACCMODE = .RDWR, .CREAT = true });
    net.fill(&content, seed, 0);
    check.eq(size, try photonrt.fd.pwrite(fd, &content, 0, .forever));
    net.close(fd);
}

/// One call: the next would be about whatever has the number then.
fn send(socket: net.Handle, file: net.Handle) void {
    var offset: i64 = 0;
    const n = c.co_io_sendfile(socket, file, &offset, size, c.CO_FOREVER);
    if (n < 0) check.errno(.BADF, n) else check.eq(n, offset);
}

var room: [8192]u8 = undefined;

/// Everything that comes is of the first file, as far as it goes.
fn receive(peer: net.Handle) !void {
    var received: u64 = 0;
    while (true) {
        const n = try photonrt.net.receive(peer, &room, 0, .forever);
        if (n == 0) break;
        net.same(room[0..n], 1, received);
        received += n;
    }
}

const Victim = enum { socket, file };

fn one(rng: *u64, victim: Victim) !void {
    const socket, const peer = net.unixPair();
    const file = net.open("first", .{ .ACCMODE = .RDWR });
    const spare = check.sys(std.c.dup(socket)); // so that the peer sees the end when we say so
    const receiving = check.spawnOn(2, receive, .{peer});
    const sending = check.spawnOn(1, send, .{ socket, file });
    try photonrt.sleep(.ns(@intCast(check.rand(rng) % (600 * check.us) + 1)));
    switch (victim) {
        .file => {
            net.close(file);
            const other = net.open("second", .{ .ACCMODE = .RDWR });
            check.eq(file, other); // the lowest free number
            check.join(sending);
            check.eq(0, net.position(other));
            net.closeAll(&.{ other, socket });
        },
        .socket => {
            net.close(socket);
            const other = net.unixPair();
            check.eq(socket, other[0]);
            check.join(sending);
            var byte: [1]u8 = undefined;
            check.err(error.WouldBlock, photonrt.net.receive(other[1], &byte, 0, .now));
            net.closeAll(&other);
            net.close(file);
        },
    }
    try photonrt.net.shutdown(spare, .send);
    check.join(receiving);
    net.closeAll(&.{ spare, peer });
}

pub fn body() !void {
    var rng: u64 = 7;
    try make("first", 1);
    try make("second", 2);
    for (0..150) |i| try one(&rng, if (i % 2 == 1) .file else .socket);
}
