//! Signals, as something to wait for.
const std = @import("std");
const c = @import("c");
const errors = @import("errors.zig");
const Timeout = @import("time.zig").Timeout;

/// A signal's number, as std.posix.SIG has them.
pub const Number = c_int;
pub const SubscribeError = error{ InvalidArgument, ProcessFdQuotaExceeded, OutOfMemory, WouldBlock, Unexpected };
pub const WaitError = error{ ProcessFdQuotaExceeded, OutOfMemory } || errors.WaitError;

/// Waits for one of the signals (1 to 64 of them) and gives its number. The first wait for a signal subscribes to it. It goes to all who wait when it
/// comes; if nobody does, it is kept for the next wait. Blocks; a cancellation point. Plain threads too.
pub fn wait(signals: []const Number, timeout: Timeout) WaitError!Number {
    const n = c.co_signal_wait(signals.ptr, std.math.lossyCast(c_uint, signals.len), timeout.raw());
    if (n < 0) return errors.of(WaitError, n);
    return n;
}

/// From now on these signals are for `wait`, instead of what the process would do about them, until `release`. Any thread; never
/// blocks.
pub fn subscribe(signals: []const Number) SubscribeError!void {
    const rc = c.co_signal_subscribe(signals.ptr, std.math.lossyCast(c_uint, signals.len));
    if (rc < 0) return errors.of(SubscribeError, rc);
}

/// What the process did about it before holds again. `Busy`: somebody waits for it. Any thread; never blocks.
pub fn release(number: Number) error{ Busy, InvalidArgument, Unexpected }!void {
    const rc = c.co_signal_release(number);
    if (rc < 0) return errors.of(error{ Busy, InvalidArgument, Unexpected }, rc);
}
