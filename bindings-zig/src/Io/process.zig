//! Children: waiting for one, and ending one.
//!
//! `childWait` that is canceled leaves the child as it is, so that it can be killed or waited for
//! afterwards. (Threaded forgets it, which leaves a process that nobody can end or reap.)
const std = @import("std");
const c = @import("c");
const core = @import("core.zig");
const Child = std.process.Child;

/// Blocks; a cancelation point; any thread. Unexpected: somebody else has reaped the child.
pub fn childWait(_: ?*anyopaque, child: *Child) Child.WaitError!Child.Term {
    var status: c_int = 0;
    var usage: std.posix.rusage = undefined;
    const wanted = child.request_resource_usage_statistics;
    while (true) {
        const rc = c.co_process_wait(child.id.?, &status, 0, if (wanted) @ptrCast(&usage) else null, c.CO_FOREVER);
        if (rc >= 0) break;
        switch (core.errno(rc)) {
            .CANCELED => return core.canceled(),
            .CHILD => {
                forget(child);
                return error.Unexpected;
            },
            else => {}, // an interrupt
        }
    }
    if (wanted) child.resource_usage_statistics.rusage = usage;
    forget(child);
    return std.Io.Threaded.statusToTerm(@bitCast(status));
}

/// Sends SIGTERM and blocks until the child has ended; not a cancelation point; any thread.
pub fn childKill(_: ?*anyopaque, child: *Child) void {
    defer forget(child);
    const pid = child.id.?;
    if (std.posix.errno(std.posix.system.kill(pid, .TERM)) != .SUCCESS) return;
    const shield: core.Shield = .begin();
    defer shield.end();
    while (true) {
        const rc = c.co_process_wait(pid, null, 0, null, c.CO_FOREVER);
        if (rc >= 0 or core.errno(rc) == .CHILD) return;
    }
}

/// Closes our ends of its pipes.
fn forget(child: *Child) void {
    inline for (.{ "stdin", "stdout", "stderr" }) |name| {
        if (@field(child, name)) |file| _ = c.co_io_close(file.handle);
        @field(child, name) = null;
    }
    child.id = null;
}
