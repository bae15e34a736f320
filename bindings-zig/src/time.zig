//! Timeouts, the clock, sleeping.
const std = @import("std");
const c = @import("c");
const errors = @import("errors.zig");

/// How long a call may wait, in nanoseconds from now. Any number below -1 is refused with
/// `error.InvalidArgument`.
pub const Timeout = enum(i64) {
    /// Never expires.
    forever = -1,
    /// Has expired already: the call tries once and gives `error.WouldBlock` instead of waiting.
    now = 0,
    _,

    pub fn ns(n: i64) Timeout {
        return @fromBackingInt(n);
    }

    pub fn us(n: i64) Timeout {
        return ns(n *| 1_000);
    }

    pub fn ms(n: i64) Timeout {
        return ns(n *| 1_000_000);
    }

    pub fn seconds(n: i64) Timeout {
        return ns(n *| 1_000_000_000);
    }

    /// What is left until `clock()` is `at`; `.now` if it has passed.
    pub fn until(at: i64) Timeout {
        return ns(@max(at -| clock(), 0));
    }

    /// As the ABI has it.
    pub inline fn raw(t: Timeout) i64 {
        return @backingInt(t);
    }
};

/// What a sleep can end with before its time.
pub const SleepError = error{ Canceled, Interrupted, InvalidArgument };

/// Now, in nanoseconds of the monotonic clock. Any thread; never blocks.
pub inline fn clock() i64 {
    return c.co_now();
}

/// Sleeps at least that long; `.now` lets others run, `.forever` ends with a cancel or an interrupt only.
///
/// Blocks; a cancellation point. Plain threads too.
pub inline fn sleep(time: Timeout) SleepError!void {
    const rc = c.co_sleep(time.raw());
    if (rc < 0) return errors.of(SleepError, rc);
}

/// Sleeps until `clock()` is at least `at`; returns at once if it is. A loop that adds a period to its
/// deadline does not drift. Blocks; a cancellation point. Plain threads too.
pub inline fn sleepUntil(at: i64) error{ Canceled, Interrupted }!void {
    const rc = c.co_sleep_until(at);
    if (rc < 0) return errors.of(error{ Canceled, Interrupted }, rc);
}

test Timeout {
    const expectEqual = std.testing.expectEqual;
    try expectEqual(5_000_000, Timeout.ms(5).raw());
    try expectEqual(-1, Timeout.raw(.forever));
    try expectEqual(Timeout.now, Timeout.until(clock() - 1));
    try expectEqual(std.math.maxInt(i64), Timeout.seconds(std.math.maxInt(i64)).raw());
}
