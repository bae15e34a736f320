//! What the tests of photonrt.Io share. They go by std's public API.
//!
//! `everywhere`: the same body on one vCPU and on two; in a coroutine whose vCPU is the test's thread, which
//! may move as well; and on a plain thread.
const std = @import("std");
const c = @import("c");
const Io = @import("../../Io.zig");
const noted = @import("coverage.zig").noted;

pub const gpa = std.testing.allocator;

/// Runs `body(io)` in all the ways.
pub fn everywhere(comptime body: fn (std.Io) anyerror!void) !void {
    try inCoroutines(body);
    for ([_]u32{ 1, 2 }) |vcpus| {
        var rt: Io = undefined;
        try rt.init(gpa, .{ .vcpus = vcpus });
        defer rt.deinit();
        try body(noted(rt.io()));
    }
}

/// Runs `body(io)` in a coroutine, for what plain threads don't have.
pub fn inCoroutines(comptime body: fn (std.Io) anyerror!void) !void {
    const Main = struct {
        fn main(io: std.Io) anyerror!void {
            return body(noted(io));
        }
    };
    for ([_]u32{ 1, 2 }) |vcpus| try Io.run(gpa, .{ .vcpus = vcpus }, Main.main, .{});
    try Io.run(gpa, .{ .vcpus = 2, .migratable = true }, Main.main, .{});
}

/// Until coroutine `co` waits for something.
pub fn untilParked(co: c.co_t) void {
    var info = std.mem.zeroes(c.co_info_t);
    info.size = @sizeOf(c.co_info_t);
    while (c.co_info(co, &info) == 0 and info.state != c.CO_STATE_PARKED) _ = c.co_sleep(20_000);
}

/// A task that is known to wait for something inside of `body`.
pub fn Blocked(comptime R: type) type {
    return struct {
        future: std.Io.Future(R),
        co: std.atomic.Value(c.co_t) = .init(0),

        const Self = @This();

        pub fn start(self: *Self, io: std.Io, comptime body: anytype, args: anytype) !void {
            const Main = struct {
                fn main(s: *Self, a: @TypeOf(args)) R {
                    s.co.store(c.co_self(), .release);
                    return @call(.auto, body, a);
                }
            };
            self.co = .init(0);
            self.future = try io.concurrent(Main.main, .{ self, args });
            while (self.co.load(.acquire) == 0) _ = c.co_sleep(20_000);
            untilParked(self.co.raw);
        }
    };
}
