//! Parallel fetches, of which the first good answer counts: the others are canceled, and have ended when it is used.
const std = @import("std");
const photonrt = @import("photonrt");
const Io = std.Io;

pub fn main() !void {
    try photonrt.Io.run(std.heap.smp_allocator, .{}, start, .{});
}

/// What a mirror answers, or why it does not.
const Answer = union(enum) { mirror: anyerror!usize };

fn start(io: Io) !void {
    // Three mirrors: one is slow, one is broken, one answers soon.
    var mirrors: [3]Io.net.Server = undefined;
    var tasks: Io.Group = .init;
    defer tasks.cancel(io);
    for (&mirrors, 0..) |*mirror, i| {
        const address: Io.net.IpAddress = .{ .ip4 = .loopback(0) };
        mirror.* = try address.listen(io, .{});
        try tasks.concurrent(io, serve, .{ io, mirror, i });
    }
    defer for (&mirrors) |*mirror| mirror.deinit(io);

    var room: [mirrors.len]Answer = undefined;
    var fetches: Io.Select(Answer) = .init(io, &room);
    for (&mirrors, 0..) |*mirror, i| try fetches.concurrent(.mirror, fetch, .{ io, mirror.socket.address, i });
    while (true) {
        const winner = (try fetches.await()).mirror catch |e| {
            std.debug.print("a mirror failed: {t}\n", .{e});
            continue;
        };
        // Ends the others: the slow one would have taken an hour.
        fetches.cancelDiscard();
        std.debug.print("mirror {d} was first\n", .{winner});
        return;
    }
}

fn fetch(io: Io, address: Io.net.IpAddress, number: usize) anyerror!usize {
    const stream = try address.connect(io, .{ .mode = .stream });
    defer stream.close(io);
    var buffer: [64]u8 = undefined;
    var in = stream.reader(io, &buffer);
    const line = in.interface.takeDelimiterExclusive('\n') catch |e| switch (e) {
        error.ReadFailed => return in.err.?,
        else => return e,
    };
    if (!std.mem.eql(u8, line, "here it is")) return error.AnotherAnswer;
    return number;
}

fn serve(io: Io, server: *Io.net.Server, number: usize) Io.Cancelable!void {
    const stream = server.accept(io) catch |e| switch (e) {
        error.Canceled => return error.Canceled,
        else => return,
    };
    defer stream.close(io);
    switch (number) {
        0 => try io.sleep(.fromSeconds(3600), .awake),
        1 => return, // hangs up
        else => try io.sleep(.fromMilliseconds(20), .awake),
    }
    var out = stream.writer(io, &.{});
    out.interface.writeAll("here it is\n") catch return;
}
