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

/// Blocks; a cancelation point, even if the word differs.
pub fn futexWait(userdata: ?*anyopaque, ptr: *const u32, expected: u32, timeout: std.Io.Timeout) std.Io.Cancelable!void {
    if (timeout == .none) return waitOnce(ptr, expected, c.CO_FOREVER);
    const io = core.from(userdata);
    const deadline: core.Deadline = .init(io, timeout);
    while (deadline.next(io)) |ns| {
        switch (c.co_futex_wait(ptr, expected, ns)) {
            0 => return,
            else => |rc| switch (core.errno(rc)) {
                .TIMEDOUT => continue,
                .CANCELED => return core.canceled(),
                .AGAIN => return core.checkCancel(),
                else => return, // an interrupt: woken without a reason
            },
        }
    }
    return core.checkCancel();
}

fn waitOnce(ptr: *const u32, expected: u32, ns: i64) std.Io.Cancelable!void {
    switch (c.co_futex_wait(ptr, expected, ns)) {
        0 => {},
        else => |rc| switch (core.errno(rc)) {
            .CANCELED => return core.canceled(),
            else => return core.checkCancel(),
        },
    }
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

/// Blocks; a cancelation point, even if there is nothing to wait for. Never too early.
pub fn sleep(userdata: ?*anyopaque, timeout: std.Io.Timeout) std.Io.Cancelable!void {
    const io = core.from(userdata);
    const deadline: core.Deadline = .init(io, timeout);
    while (deadline.next(io)) |ns| {
        switch (c.co_sleep(ns)) {
            0 => {},
            else => |rc| if (core.errno(rc) == .CANCELED) return core.canceled(),
        }
    }
    return core.checkCancel();
}

pub fn recancel(_: ?*anyopaque) void {
    core.rearm();
}

pub fn swapCancelProtection(_: ?*anyopaque, new: std.Io.CancelProtection) std.Io.CancelProtection {
    return switch (c.co_cancel_shield(@intFromBool(new == .blocked))) {
        1 => .blocked,
        else => .unblocked, // was off, or a plain thread
    };
}

pub fn checkCancel(_: ?*anyopaque) std.Io.Cancelable!void {
    return core.checkCancel();
}
