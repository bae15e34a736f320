//! The smallest program: main, with an std.Io.Threaded, which ends at once.
const std = @import("std");

pub fn main(init: std.process.Init.Minimal) void {
    var threaded: std.Io.Threaded = .init(std.heap.smp_allocator, .{ .environ = init.environ });
    defer threaded.deinit();
}
