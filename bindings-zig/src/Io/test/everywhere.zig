//! What the tests of I/O share: a body is run on each engine, with one vCPU and with two, as a task and
//! on a plain thread.
const std = @import("std");
const c = @import("c");
const Runtime = @import("../../Io.zig");
const noted = @import("coverage.zig").noted;
const Io = std.Io;

/// The request of ioctl for how much there is to read.
pub const FIONREAD: u32 = if (@hasDecl(std.posix.T, "FIONREAD")) std.posix.T.FIONREAD else 0x4004667f;

/// Runs `body(io)` everywhere.
pub fn run(comptime body: fn (Io) anyerror!void) !void {
    for ([_]Runtime.Engine{ .uring, .ready, .offload }) |engine| for ([_]u32{ 1, 2 }) |vcpus| {
        var rt: Runtime = undefined;
        rt.init(std.testing.allocator, .{ .vcpus = vcpus, .engine = engine }) catch |e| switch (e) {
            error.EngineUnavailable => continue,
            else => return e,
        };
        defer rt.deinit();
        errdefer std.debug.print("on {t}, {d} vCPUs\n", .{ engine, vcpus });
        const io = noted(rt.io());
        {
            errdefer std.debug.print("as a task, ", .{});
            var task = try io.concurrent(body, .{io});
            try task.await(io);
        }
        errdefer std.debug.print("on a plain thread, ", .{});
        try body(io);
    };
}

/// Runs `body(io)` as a task, with the engine that is the best here.
pub fn once(comptime body: fn (Io) anyerror!void) !void {
    try Runtime.run(std.testing.allocator, .{ .vcpus = 1 }, body, .{});
}

/// Expects `function(args...)` to block, and to end with `error.Canceled` when its task is canceled, while
/// it blocks or before; and that it hears of a request once.
pub fn expectCanceled(io: Io, comptime function: anytype, args: std.meta.ArgsTuple(@TypeOf(function))) !void {
    var waiting = try io.concurrent(function, args);
    try io.sleep(.fromMilliseconds(2), .awake);
    try expectError(waiting.cancel(io));
    try expectCanceledBefore(io, function, args);
}

/// The same for what does not block.
pub fn expectCanceledBefore(io: Io, comptime function: anytype, args: std.meta.ArgsTuple(@TypeOf(function))) !void {
    const Before = struct {
        fn task(i: Io, a: std.meta.ArgsTuple(@TypeOf(function))) !void {
            i.recancel();
            try expectError(@call(.auto, function, a));
            try i.checkCancel();
        }
    };
    var requested = try io.concurrent(Before.task, .{ io, args });
    try requested.await(io);
}

fn expectError(result: anytype) !void {
    try std.testing.expectError(error.Canceled, result);
}

/// A pipe: `[0]` to read from, `[1]` to write to.
pub fn pipe() ![2]Io.File {
    var fds: [2]c_int = undefined;
    if (c.co_io_pipe(&fds, 0) < 0) return error.NoPipe;
    return .{
        .{ .handle = fds[0], .flags = .{ .nonblocking = false } },
        .{ .handle = fds[1], .flags = .{ .nonblocking = false } },
    };
}

/// Two connected local sockets.
pub fn pair() ![2]Io.net.Stream {
    var fds: [2]c_int = undefined;
    if (c.co_io_socketpair(std.posix.AF.UNIX, std.posix.SOCK.STREAM, 0, &fds) < 0) return error.NoSockets;
    return .{
        .{ .socket = .{ .handle = fds[0], .address = .{ .ip4 = .loopback(0) } } },
        .{ .socket = .{ .handle = fds[1], .address = .{ .ip4 = .loopback(0) } } },
    };
}

/// Writes until there is no room.
pub fn fill(fd: std.posix.fd_t) void {
    const bytes: [4096]u8 = @splat('x');
    while (c.co_io_write(fd, &bytes, bytes.len, c.CO_NOW) > 0) {}
    while (c.co_io_write(fd, &bytes, 1, c.CO_NOW) > 0) {}
}
