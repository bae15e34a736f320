//! Messages: receive and send.
const std = @import("std");
const everywhere = @import("everywhere.zig");
const Io = std.Io;
const net = Io.net;
const posix = std.posix;
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const expectError = std.testing.expectError;
const expectEqualStrings = std.testing.expectEqualStrings;

fn bound(io: Io) !net.Socket {
    const address: net.IpAddress = .{ .ip4 = .loopback(0) };
    return address.bind(io, .{ .mode = .dgram });
}

fn outgoing(to: *const net.IpAddress, bytes: []const u8) net.OutgoingMessage {
    return .{ .address = to, .data_ptr = bytes.ptr, .data_len = bytes.len };
}

test "a message comes with who sent it" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            const a = try bound(io);
            defer a.close(io);
            const b = try bound(io);
            defer b.close(io);
            var buffer: [16]u8 = undefined;
            var receiving = try io.concurrent(receive, .{ io, a, &buffer });
            try b.send(io, &a.address, "hello");
            const message = try receiving.await(io);
            try expectEqualStrings("hello", message.data);
            try expect(message.from.eql(&b.address));
            try expect(!message.flags.trunc);
        }
    }.body);
}

fn receive(io: Io, socket: net.Socket, buffer: []u8) !net.IncomingMessage {
    return socket.receive(io, buffer);
}

test "messages of nothing, into room for nothing" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            const a = try bound(io);
            defer a.close(io);
            try a.send(io, &a.address, &.{});
            try expectEqual(0, (try a.receive(io, &.{})).data.len);
            var out: [2]net.OutgoingMessage = @splat(outgoing(&a.address, &.{}));
            const failed, const sent = a.sendManyTimeout(io, &out, .{}, .none);
            try expectEqual(null, failed);
            try expectEqual(2, sent);
            for (0..2) |_| try expectEqual(0, (try a.receive(io, &.{})).data.len);
        }
    }.body);
}

test "many messages are sent and received together" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            const a = try bound(io);
            defer a.close(io);
            // More than one system call takes.
            var out: [40]net.OutgoingMessage = @splat(outgoing(&a.address, "ab"));
            out[1] = outgoing(&a.address, "");
            out[39] = outgoing(&a.address, "last");
            const failed, const sent = a.sendManyTimeout(io, &out, .{}, .none);
            try expectEqual(null, failed);
            try expectEqual(40, sent);
            try expectEqual(4, out[39].data_len);

            var in: [41]net.IncomingMessage = @splat(.init);
            var buffer: [128]u8 = undefined;
            const lost, const n = a.receiveManyTimeout(io, &in, &buffer, .{}, .none);
            try expectEqual(null, lost);
            try expectEqual(40, n);
            try expectEqualStrings("", in[1].data);
            try expectEqualStrings("ab", in[2].data);
            try expectEqualStrings("last", in[39].data);
        }
    }.body);
}

test "no datagram is received into no room" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            const a = try bound(io);
            defer a.close(io);
            try a.send(io, &a.address, "abcd");
            try a.send(io, &a.address, "efgh");
            var in: [2]net.IncomingMessage = @splat(.init);
            var buffer: [4]u8 = undefined;
            _, const first = a.receiveManyTimeout(io, &in, &buffer, .{}, .none);
            try expectEqual(1, first);
            const second = try a.receive(io, &buffer);
            try expectEqualStrings("efgh", second.data);
        }
    }.body);
}

test "a look, and what is cut" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            const a = try bound(io);
            defer a.close(io);
            try a.send(io, &a.address, "abcdef");
            var in: [2]net.IncomingMessage = @splat(.init);
            var buffer: [4]u8 = undefined;
            _, const looked = a.receiveManyTimeout(io, &in, &buffer, .{ .peek = true }, .none);
            try expectEqual(1, looked);
            try expect(in[0].flags.trunc);
            _, const took = a.receiveManyTimeout(io, in[0..1], &buffer, .{ .trunc = true }, .none);
            try expectEqual(1, took);
            try expectEqualStrings("abcd", in[0].data);
            try expect(in[0].flags.trunc);
        }
    }.body);
}

test "what a message can't" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            const a = try bound(io);
            defer a.close(io);
            const huge: [70_000]u8 = @splat(0);
            try expectError(error.MessageOversize, a.send(io, &a.address, &huge));
            // Those before it are sent.
            var out = [_]net.OutgoingMessage{ outgoing(&a.address, "ab"), outgoing(&a.address, &huge) };
            const failed, const sent = a.sendManyTimeout(io, &out, .{}, .none);
            try expectEqual(error.MessageOversize, failed.?);
            try expectEqual(1, sent);

            const everyone: net.IpAddress = .{ .ip4 = .{ .bytes = @splat(255), .port = 9 } };
            try expectError(error.AccessDenied, a.send(io, &everyone, "x"));
        }
    }.body);
}

test "an error that somebody's port is closed" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            const gone = try bound(io);
            gone.close(io);
            const peer = try gone.address.connect(io, .{ .mode = .dgram });
            defer peer.close(io);
            var data = [_][]const u8{"x"};
            _ = try io.operate(.{ .net_write = .{ .socket_handle = peer.socket.handle, .data = &data } });
            var buffer: [4]u8 = undefined;
            try expectError(error.PortUnreachable, peer.socket.receive(io, &buffer));
        }
    }.body);
}

test "receive and send are canceled, and what is sent counts" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            const a = try bound(io);
            defer a.close(io);
            var buffer: [4]u8 = undefined;
            try everywhere.expectCanceled(io, receive, .{ io, a, &buffer });
            try everywhere.expectCanceledBefore(io, send, .{ io, a });
            try everywhere.expectCanceledBefore(io, sendTwo, .{ io, a });

            // A connection that nobody empties: some are sent, then it waits.
            var server = try (net.IpAddress{ .ip4 = .loopback(0) }).listen(io, .{});
            defer server.deinit(io);
            const client = try server.socket.address.connect(io, .{ .mode = .stream });
            defer client.close(io);
            const peer = try server.accept(io);
            defer peer.close(io);
            var sending = try io.concurrent(sendUntilFull, .{ io, client.socket });
            try io.sleep(.fromMilliseconds(5), .awake);
            try sending.cancel(io);
            try everywhere.expectCanceled(io, send, .{ io, client.socket });
        }
    }.body);
}

fn send(io: Io, socket: net.Socket) !void {
    try socket.send(io, &socket.address, "x");
}

fn sendTwo(io: Io, socket: net.Socket) !void {
    var out = [_]net.OutgoingMessage{ outgoing(&socket.address, "a"), outgoing(&socket.address, "b") };
    try socket.sendMany(io, &out, .{});
}

const large: [256 << 10]u8 = @splat(0);

fn sendUntilFull(io: Io, socket: net.Socket) !void {
    var out: [64]net.OutgoingMessage = @splat(outgoing(&socket.address, &large));
    const failed, const sent = (try io.operate(.{ .net_send = .{
        .socket_handle = socket.handle,
        .messages = &out,
        .flags = .{},
    } })).net_send;
    try expectEqual(null, failed);
    try expect(sent > 0 and sent < out.len);
    try expectError(error.Canceled, io.checkCancel());
}
