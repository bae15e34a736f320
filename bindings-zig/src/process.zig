//! Waiting for child processes. They are made as ever: by std.process, or by hand.
const std = @import("std");
const c = @import("c");
const errors = @import("errors.zig");
const Timeout = @import("time.zig").Timeout;

/// `NoChild`: there is none to wait for; another has got it.
pub const WaitError = error{NoChild} || errors.WaitError;

/// A child that has been reaped: its number and its status as wait4(2) gives it.
pub const Ended = struct { pid: std.posix.pid_t, status: u32 };

/// Waits for a child of this process, and reaps it; `pid` as for wait4(2): -1 is any. Blocks; a cancellation point. Plain
/// threads too.
pub fn wait(pid: std.posix.pid_t, timeout: Timeout) WaitError!Ended {
    var status: c_int = 0;
    const n = c.co_process_wait(pid, &status, 0, null, timeout.raw());
    if (n < 0) return errors.of(WaitError, n);
    return .{ .pid = n, .status = @bitCast(status) };
}
