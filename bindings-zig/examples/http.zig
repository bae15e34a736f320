//! An HTTP server: std.http.Server, unchanged, on photonrt.Io. A task for each connection.
//!
//!     http PORT      serves until it is killed
//!     http           fetches from itself by std.http.Client, and ends
const std = @import("std");
const photonrt = @import("photonrt");
const Io = std.Io;

pub fn main(init: std.process.Init.Minimal) !void {
    var args: std.process.Args.Iterator = .init(init.args);
    _ = args.skip();
    const port = if (args.next()) |text| try std.fmt.parseInt(u16, text, 10) else null;
    try photonrt.Io.run(std.heap.smp_allocator, .{ .environ = init.environ }, serve, .{port});
}

fn serve(io: Io, port: ?u16) !void {
    const address: Io.net.IpAddress = .{ .ip4 = .loopback(port orelse 0) };
    var server = try address.listen(io, .{ .reuse_address = true, .kernel_backlog = 1024 });
    defer server.deinit(io);

    var tasks: Io.Group = .init;
    defer tasks.cancel(io);
    if (port == null) {
        try tasks.concurrent(io, acceptAll, .{ io, &server, &tasks });
        return fetchAll(io, server.socket.address.getPort());
    }
    try acceptAll(io, &server, &tasks);
}

fn acceptAll(io: Io, server: *Io.net.Server, tasks: *Io.Group) Io.Cancelable!void {
    while (true) {
        const stream = server.accept(io) catch |e| switch (e) {
            error.Canceled => return error.Canceled,
            error.ConnectionAborted => continue,
            else => return std.log.err("accept: {t}", .{e}),
        };
        tasks.concurrent(io, connection, .{ io, stream }) catch stream.close(io);
    }
}

fn connection(io: Io, stream: Io.net.Stream) Io.Cancelable!void {
    defer stream.close(io);
    var in_buffer: [4096]u8 = undefined;
    var out_buffer: [4096]u8 = undefined;
    var in = stream.reader(io, &in_buffer);
    var out = stream.writer(io, &out_buffer);
    var server: std.http.Server = .init(&in.interface, &out.interface);
    while (true) {
        var request = server.receiveHead() catch return;
        respond(&request) catch return;
        if (!request.head.keep_alive) return;
    }
}

fn respond(request: *std.http.Server.Request) !void {
    const target = request.head.target;
    if (std.mem.eql(u8, target, "/")) return request.respond("Hello, World!\n", .{});
    if (std.mem.cutPrefix(u8, target, "/greet/")) |name| {
        var room: [128]u8 = undefined;
        const text = std.fmt.bufPrint(&room, "Hello, {s}!\n", .{name}) catch "Hello!\n";
        return request.respond(text, .{ .extra_headers = &.{.{ .name = "content-type", .value = "text/plain" }} });
    }
    return request.respond("no such page\n", .{ .status = .not_found });
}

fn fetchAll(io: Io, port: u16) !void {
    var fetches: [20]Io.Future(anyerror!std.http.Status) = undefined;
    for (&fetches, 0..) |*f, i| f.* = try io.concurrent(fetch, .{ io, port, if (i % 2 == 0) "greet/you" else "nowhere" });
    var ok: usize = 0;
    for (&fetches) |*f| ok += @intFromBool(try f.await(io) == .ok);
    std.debug.print("{d} fetches, {d} of them found\n", .{ fetches.len, ok });
}

fn fetch(io: Io, port: u16, path: []const u8) anyerror!std.http.Status {
    const gpa = std.heap.smp_allocator;
    var client: std.http.Client = .{ .allocator = gpa, .io = io };
    defer client.deinit();
    var room: [64]u8 = undefined;
    const url = try std.fmt.bufPrint(&room, "http://127.0.0.1:{d}/{s}", .{ port, path });
    var body: Io.Writer.Allocating = .init(gpa);
    defer body.deinit();
    const result = try client.fetch(.{ .location = .{ .url = url }, .response_writer = &body.writer });
    const want = if (result.status == .ok) "Hello, you!\n" else "no such page\n";
    if (!std.mem.eql(u8, want, body.written())) return error.AnotherPage;
    return result.status;
}
