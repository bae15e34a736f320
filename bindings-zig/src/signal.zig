//! Signals, as something to wait for.
const std = @import("std");
const c = @import("c");
const errors = @import("errors.zig");
const Timeout = @import("time.zig").Timeout;

const SIG = std.posix.SIG;

pub const SubscribeError = error{ InvalidArgument, ProcessFdQuotaExceeded, OutOfMemory, WouldBlock, Unexpected };
pub const WaitError = error{ ProcessFdQuotaExceeded, OutOfMemory } || errors.WaitError;

comptime {
    std.debug.assert(@sizeOf(SIG) == @sizeOf(c_int));
}

/// Waits for one of the signals (1 to 64 of them) and says which came. The first wait for a signal subscribes to it. It goes to all who wait when it
/// comes; if nobody does, it is kept for the next wait. Blocks; a cancellation point. Plain threads too.
///
/// ```zig
/// switch (try photonrt.signal.wait(&.{ .INT, .TERM }, .forever)) { ... }
/// ```
pub fn wait(signals: []const SIG, timeout: Timeout) WaitError!SIG {
    const n = c.co_signal_wait(@ptrCast(signals.ptr), std.math.lossyCast(c_uint, signals.len), timeout.raw());
    if (n < 0) return errors.of(WaitError, n);
    return @fromBackingInt(@as(u32, @intCast(n)));
}

/// From now on these signals are for `wait`, instead of what the process would do about them, until `release`. `InvalidArgument`: one of them
/// can't be had, as KILL, STOP and the faults, and nothing has changed. Any thread; never blocks.
pub fn subscribe(signals: []const SIG) SubscribeError!void {
    const rc = c.co_signal_subscribe(@ptrCast(signals.ptr), std.math.lossyCast(c_uint, signals.len));
    if (rc < 0) return errors.of(SubscribeError, rc);
}

/// What the process did about it before holds again. `Busy`: somebody waits for it. Any thread; never blocks.
pub fn release(signal: SIG) error{ Busy, InvalidArgument, Unexpected }!void {
    const rc = c.co_signal_release(@bitCast(@as(u32, @backingInt(signal))));
    if (rc < 0) return errors.of(error{ Busy, InvalidArgument, Unexpected }, rc);
}
