//! An echo server on std.Io: a task for each connection.
//!
//!     echo PORT      serves until it is killed
//!     echo           serves a hundred clients of its own, and ends
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
    var server = try address.listen(io, .{ .reuse_address = true });
    defer server.deinit(io);

    var tasks: Io.Group = .init;
    defer tasks.cancel(io);
    if (port == null) {
        try tasks.concurrent(io, acceptAll, .{ io, &server, &tasks });
        return clients(io, server.socket.address);
    }
    try acceptAll(io, &server, &tasks);
}

fn acceptAll(io: Io, server: *Io.net.Server, tasks: *Io.Group) Io.Cancelable!void {
    while (true) {
        const stream = server.accept(io) catch |e| switch (e) {
            error.Canceled => return error.Canceled,
            // This one is gone; the next may be there already.
            error.ConnectionAborted => continue,
            else => return std.log.err("accept: {t}", .{e}),
        };
        tasks.concurrent(io, echo, .{ io, stream }) catch |e| {
            std.log.err("a connection is refused: {t}", .{e});
            stream.close(io);
        };
    }
}

fn echo(io: Io, stream: Io.net.Stream) Io.Cancelable!void {
    defer stream.close(io);
    var in_buffer: [4096]u8 = undefined;
    var in = stream.reader(io, &in_buffer);
    var out = stream.writer(io, &.{});
    // Whatever has come goes back at once, without another buffer in between.
    while (true) {
        const bytes = in.interface.peekGreedy(1) catch return;
        out.interface.writeAll(bytes) catch return;
        in.interface.toss(bytes.len);
    }
}

fn clients(io: Io, address: Io.net.IpAddress) !void {
    var lines: [100]Io.Future(anyerror!usize) = undefined;
    for (&lines, 0..) |*f, i| f.* = try io.concurrent(client, .{ io, address, i });
    var sum: usize = 0;
    for (&lines) |*f| sum += try f.await(io);
    std.debug.print("{d} clients, {d} lines echoed\n", .{ lines.len, sum });
}

fn client(io: Io, address: Io.net.IpAddress, number: usize) anyerror!usize {
    const stream = try address.connect(io, .{ .mode = .stream });
    defer stream.close(io);
    var in_buffer: [256]u8 = undefined;
    var in = stream.reader(io, &in_buffer);
    var out_buffer: [256]u8 = undefined;
    var out = stream.writer(io, &out_buffer);
    for (0..100) |i| {
        try out.interface.print("client {d}, line {d}\n", .{ number, i });
        try out.interface.flush();
        const line = try in.interface.takeDelimiterExclusive('\n');
        in.interface.toss(1);
        var room: [64]u8 = undefined;
        const want = try std.fmt.bufPrint(&room, "client {d}, line {d}", .{ number, i });
        if (!std.mem.eql(u8, want, line)) return error.AnotherLine;
    }
    return 100;
}
