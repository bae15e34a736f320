//! The workloads on Zig's std.Io.Threaded: a task is a job for a pool of OS threads that grows as needed, so that a task that
//! waits keeps a thread. threaded NAME [N] | http PORT
const std = @import("std");
const c = @import("common.zig");
const works = @import("works.zig");

/// By default every thread touches 256 KiB for a stack on which a fault could be reported.
pub const std_options: std.Options = .{ .signal_stack_size = null };

pub fn main(init: std.process.Init.Minimal) void {
    var threaded: std.Io.Threaded = .init(c.gpa, .{ .stack_size = 64 * 1024 });
    c.io = threaded.io();
    const given = works.arguments(init);
    if (std.mem.eql(u8, c.name, "skynet"))
        c.skip("more threads than the kernel gives; async would run the children in place");
    works.main(given);
}
