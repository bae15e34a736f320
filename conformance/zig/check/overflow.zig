//! The overflow cases: a stack of the size that the case gives, among neighbours, is overrun.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("../check.zig");

fn parked() void {
    check.must(photonrt.park(.forever));
}

fn deeper(above: ?*volatile u8, n: u32) u8 {
    var frame: [512]u8 = undefined;
    const bottom: *volatile u8 = &frame[0];
    bottom.* = if (above) |a| a.* else 1;
    const below = if (n < std.math.maxInt(u32)) @call(.never_inline, deeper, .{ bottom, n + 1 }) else 0;
    return below +% bottom.*;
}

fn greedy() void {
    const text = "greedy overflows\n";
    _ = std.c.write(1, text, text.len);
    std.mem.doNotOptimizeAway(deeper(null, 0));
}

/// Neighbours on either side, then the one that needs more than it has.
fn crowd(stack_size: u64) !void {
    for (0..50) |i| {
        _ = try photonrt.spawnWith(.{ .stack_size = stack_size, .name = "neighbour" }, parked, .{});
        if (i == 25) try photonrt.spawnDetachedWith(.{ .stack_size = stack_size, .name = "greedy one" }, greedy, .{});
    }
    try photonrt.sleep(.seconds(10));
    check.fail("the overflow went unnoticed", .{});
}

/// On the plain main thread: what the runtime's handler passes the signal on to must be the system's default, since the
/// handler that std has installed ends the process in another way.
pub fn run(stack_size: u64) !void {
    const default: std.posix.Sigaction = .{ .handler = .{ .handler = std.posix.SIG.DFL }, .mask = std.posix.sigemptyset(), .flags = 0 };
    std.posix.sigaction(.SEGV, &default, null);
    std.posix.sigaction(.BUS, &default, null);
    try photonrt.run(check.config(), crowd, .{stack_size});
}
