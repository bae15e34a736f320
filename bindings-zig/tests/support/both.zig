//! Where the tests of the API run what they test.
const photonrt = @import("photonrt");

/// Runs `body` as a coroutine on two vCPUs, then on a plain thread beside them.
pub fn both(comptime body: fn () anyerror!void) !void {
    try photonrt.run(.{ .vcpus = 2 }, body, .{});
    try photonrt.init(.{ .vcpus = 2 });
    defer photonrt.deinit();
    try body();
}
