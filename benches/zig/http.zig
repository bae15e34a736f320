//! Keep-alive server, a task a connection.
const std = @import("std");
const c = @import("common.zig");
const net = std.Io.net;

const answer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!";

/// Counts heads ("\r\n\r\n"), over however many reads.
const Feed = struct {
    state: u2 = 0,

    fn heads(f: *Feed, bytes: []const u8) usize {
        var n: usize = 0;
        for (bytes) |b| f.state = switch (b) {
            '\r' => if (f.state == 2) 3 else 1,
            '\n' => next: {
                n += @intFromBool(f.state == 3);
                break :next if (f.state == 1) 2 else 0;
            },
            else => 0,
        };
        return n;
    }
};

fn connection(stream: net.Stream) void {
    defer stream.close(c.io);
    var room: [answer.len * 16]u8 = undefined;
    var writer = stream.writer(c.io, &room);
    var feed: Feed = .{};
    var buf: [4096]u8 = undefined;
    while (true) {
        var into = [_][]u8{&buf};
        // Stream.read of 0.17.0 does not compile; this is what it calls.
        const got = stream.readWithControl(c.io, &into, &.{}) catch return;
        const n = got.data_len;
        if (n == 0) return;
        const heads = feed.heads(buf[0..n]);
        for (0..heads) |_| writer.interface.writeAll(answer) catch return;
        if (heads > 0) writer.interface.flush() catch return;
    }
}

pub fn serve(port: usize) void {
    const linux = std.os.linux;
    var most = c.must(std.posix.getrlimit(.NOFILE));
    most.cur = most.max;
    std.posix.setrlimit(.NOFILE, most) catch {};
    const address: net.IpAddress = .{ .ip4 = .loopback(@intCast(port)) };
    var server = c.must(address.listen(c.io, .{ .kernel_backlog = 1024, .reuse_address = true }));
    const one = std.mem.toBytes(@as(c_int, 1));
    // Inherited by what is accepted.
    _ = linux.setsockopt(server.socket.handle, linux.IPPROTO.TCP, linux.TCP.NODELAY, &one, one.len);
    var all: std.Io.Group = .init;
    while (true) c.must(all.concurrent(c.io, connection, .{c.must(server.accept(c.io))}));
}
