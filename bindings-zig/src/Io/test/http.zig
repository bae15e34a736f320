//! `std.http.Server` and `std.http.Client`, as they are.
const std = @import("std");
const everywhere = @import("everywhere.zig");
const Io = std.Io;
const http = std.http;
const expectEqual = std.testing.expectEqual;
const expectEqualStrings = std.testing.expectEqualStrings;

fn serve(io: Io, server: *Io.net.Server, connections: usize) !void {
    for (0..connections) |_| {
        const stream = try server.accept(io);
        defer stream.close(io);
        var in: [4096]u8 = undefined;
        var out: [4096]u8 = undefined;
        var reader = stream.reader(io, &in);
        var writer = stream.writer(io, &out);
        var connection: http.Server = .init(&reader.interface, &writer.interface);
        while (true) {
            var request = connection.receiveHead() catch |e| switch (e) {
                error.HttpConnectionClosing => break,
                else => return e,
            };
            try request.respond(request.head.target, .{});
        }
    }
}

fn fetch(client: *http.Client, port: u16, path: []const u8) !void {
    var url: [64]u8 = undefined;
    var body: [64]u8 = undefined;
    var writer: Io.Writer = .fixed(&body);
    const result = try client.fetch(.{
        .location = .{ .url = try std.fmt.bufPrint(&url, "http://127.0.0.1:{d}{s}", .{ port, path }) },
        .response_writer = &writer,
    });
    try expectEqual(.ok, result.status);
    try expectEqualStrings(path, writer.buffered());
}

test "requests over connections that are kept" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            const address: Io.net.IpAddress = .{ .ip4 = .loopback(0) };
            var server = try address.listen(io, .{});
            defer server.deinit(io);
            var serving = try io.concurrent(serve, .{ io, &server, 1 });
            {
                var client: http.Client = .{ .allocator = std.testing.allocator, .io = io };
                defer client.deinit();
                for ([_][]const u8{ "/a", "/b", "/c" }) |path| try fetch(&client, server.socket.address.getPort(), path);
            }
            try serving.await(io);
        }
    }.body);
}
