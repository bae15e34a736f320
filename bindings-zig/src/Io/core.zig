//! What all native entries share: from `userdata` back to the `Io`, cancelation, waiting times.
//!
//! Cancelation. std.Io and the C ABI say the same thing in two ways:
//! ```text
//!            std.Io                                      photonrt.h
//!   request  Future.cancel, Group.cancel                 co_cancel(co): sticks
//!   fires    the next cancelation point, once            every cancelation point: -ECANCELED
//!   ack      by firing                                   co_cancel_clear()
//!   re-arm   recancel                                    co_cancel(co_self())
//!   hold off swapCancelProtection                        co_cancel_shield()
//! ```
//! So an entry that gets -ECANCELED returns `canceled()`, which acknowledges. Nothing else may
//! call co_cancel_clear: whoever awaits the task asks the runtime later whether it acknowledged.
//!
//! A plain thread is never canceled: there every wait runs to its end.
//!
//! Interrupts (co_interrupt) are not known to std.Io. What waits for a task, a time or a child waits on; a futex
//! wait ends without a reason, as it may; from I/O an interrupt's number comes out as the error it stands for.
const std = @import("std");
const c = @import("c");
const Io = @import("../Io.zig");

/// The `Io` that an entry was called on.
pub fn from(userdata: ?*anyopaque) *Io {
    const threaded: *std.Io.Threaded = @ptrCast(@alignCast(userdata));
    return @alignCast(@fieldParentPtr("threaded", threaded));
}

/// Acknowledges the cancel request that a call has just reported by -ECANCELED.
pub fn canceled() error{Canceled} {
    @branchHint(.cold);
    _ = c.co_cancel_clear();
    return error.Canceled;
}

/// A cancelation point and nothing else.
pub fn checkCancel() error{Canceled}!void {
    if (c.co_cancel_pending() != 0) return canceled();
}

/// Makes a request that was acknowledged, or consumed by mistake, pending again for the caller.
pub fn rearm() void {
    @branchHint(.cold);
    const me = c.co_self();
    if (me != 0) _ = c.co_cancel(me);
}

/// Holds cancel requests off the calling coroutine for a while.
pub const Shield = @import("../task.zig").Shield;

/// Is the caller a coroutine whose vCPU must not be blocked? False on plain threads and between
/// co_blocking_enter and leave.
pub fn inCoroutine() bool {
    return c.co_vcpu_self() != 0;
}

/// A negative return of a co_* call as the system's error number.
pub fn errno(rc: anytype) std.posix.E {
    std.debug.assert(rc < 0);
    return @fromBackingInt(@intCast(-rc));
}

/// A timeout as the C ABI wants it, if that says the same: no timeout, or a duration on the clock that the
/// runtime has itself. Spares two looks at the clock. Null: use a `Deadline`.
pub fn plainTimeout(timeout: std.Io.Timeout) ?i64 {
    return switch (timeout) {
        .none => c.CO_FOREVER,
        .duration => |d| if (d.clock == .awake) @max(0, std.math.lossyCast(i64, d.raw.nanoseconds)) else null,
        .deadline => null,
    };
}

/// When a wait is to end, by the clock that its user named.
pub const Deadline = struct {
    clock: std.Io.Clock,
    /// Nanoseconds of that clock; null: never.
    at: ?i96,

    pub const never: Deadline = .{ .clock = .awake, .at = null };

    /// A clock that may leave the runtime's monotonic one behind (it is set, or the system was
    /// suspended) is looked at this often.
    const look_ns = std.time.ns_per_s;

    pub fn init(io: *Io, timeout: std.Io.Timeout) Deadline {
        return switch (timeout) {
            .none => never,
            .duration => |d| duration: {
                // Setting the real-time clock does not change how long a duration is.
                const clock = if (d.clock == .real) .awake else d.clock;
                break :duration .{ .clock = clock, .at = clock.now(io.io()).nanoseconds +| d.raw.nanoseconds };
            },
            .deadline => |t| .{ .clock = t.clock, .at = t.raw.nanoseconds },
        };
    }

    /// The timeout for the next wait: null if the time has come. A wait that expires looks again,
    /// since it may have been cut short.
    pub fn next(d: Deadline, io: *Io) ?i64 {
        const at = d.at orelse return c.CO_FOREVER;
        const left = at -| d.clock.now(io.io()).nanoseconds;
        if (left <= 0) return null;
        return switch (d.clock) {
            .awake => std.math.lossyCast(i64, left),
            .real, .boot, .cpu_thread, .cpu_process => @intCast(@min(left, look_ns)),
        };
    }
};
