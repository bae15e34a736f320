//! Waiting: futexes, sleep, and what a task says about its own cancelation.
//!
//! Locks, conditions, events, queues and semaphores of std.Io are library code over the futex. Ours
//! serves coroutines and plain threads alike, in one table: co_futex_*.
//!
//! Rejected: Threaded's futex for plain threads. Then each wake would have to look in two places,
//! one of them the kernel's.
const std = @import("std");
const c = @import("c");
const core = @import("core.zig");

/// Blocks; a cancelation point, even if the word differs; any thread. May return without a reason.
pub fn futexWait(
    userdata: ?*anyopaque,
    ptr: *const u32,
    expected: u32,
    timeout: std.Io.Timeout,
) std.Io.Cancelable!void {
    if (core.plainTimeout(timeout)) |ns| {
        if (try futexOnce(ptr, expected, ns) == .woken) return;
    } else {
        const io = core.from(userdata);
        const deadline: core.Deadline = .init(io, timeout);
        while (deadline.next(io)) |ns| switch (try futexOnce(ptr, expected, ns)) {
            .woken => return,
            .late => {},
            .different => break,
        };
    }
    return core.checkCancel();
}

fn futexOnce(ptr: *const u32, expected: u32, ns: i64) std.Io.Cancelable!enum { woken, late, different } {
    const rc = c.co_futex_wait(ptr, expected, ns);
    if (rc == 0) return .woken;
    return switch (core.errno(rc)) {
        .CANCELED => core.canceled(),
        .TIMEDOUT => .late,
        else => .different, // or an interrupt
    };
}

/// Blocks; not a cancelation point.
pub fn futexWaitUncancelable(_: ?*anyopaque, ptr: *const u32, expected: u32) void {
    const shield: core.Shield = .begin();
    defer shield.end();
    _ = c.co_futex_wait(ptr, expected, c.CO_FOREVER);
}

/// Never blocks; any thread. The word is not touched.
pub fn futexWake(_: ?*anyopaque, ptr: *const u32, max_waiters: u32) void {
    _ = c.co_futex_wake(ptr, max_waiters);
}

/// Blocks; a cancelation point, even if there is nothing to wait for; any thread. Never too early. If the
/// time has come already, the other tasks of the vCPU get a turn.
pub fn sleep(userdata: ?*anyopaque, timeout: std.Io.Timeout) std.Io.Cancelable!void {
    if (core.plainTimeout(timeout)) |ns| {
        if (ns == 0) {
            c.co_yield_now();
        } else {
            const at = if (ns == c.CO_FOREVER) std.math.maxInt(i64) else c.co_now() +| ns;
            while (!try slept(c.co_sleep_until(at))) {}
        }
        return core.checkCancel();
    }
    const io = core.from(userdata);
    const deadline: core.Deadline = .init(io, timeout);
    var ns = deadline.next(io) orelse {
        c.co_yield_now();
        return core.checkCancel();
    };
    while (true) {
        _ = try slept(c.co_sleep(ns));
        ns = deadline.next(io) orelse return core.checkCancel();
    }
}

/// False: an interrupt.
fn slept(rc: c_int) std.Io.Cancelable!bool {
    if (rc == 0) return true;
    return if (core.errno(rc) == .CANCELED) core.canceled() else false;
}

/// Any thread; on a plain one there is nothing to re-arm.
pub fn recancel(_: ?*anyopaque) void {
    core.rearm();
}

/// On a plain thread, which is never canceled, it is always `unblocked`.
pub fn swapCancelProtection(_: ?*anyopaque, new: std.Io.CancelProtection) std.Io.CancelProtection {
    return switch (c.co_cancel_shield(@intFromBool(new == .blocked))) {
        1 => .blocked,
        else => .unblocked, // was off, or a plain thread
    };
}

/// A cancelation point and nothing else.
pub fn checkCancel(_: ?*anyopaque) std.Io.Cancelable!void {
    return core.checkCancel();
}
