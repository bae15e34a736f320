//! The lock of standard error.
//!
//! Held by a coroutine, or by a plain thread, as often as it likes: who has it may lock it again.
//! The others wait as for any lock, and what is written goes through our own entries, so a slow
//! terminal holds up no vCPU.
//!
//! Rejected: Threaded's. It knows its holder by the OS thread, which all coroutines of a vCPU
//! share: they would all have the lock at once.
const std = @import("std");
const c = @import("c");
const core = @import("core.zig");
const Io = @import("../Io.zig");
const Mode = std.Io.Terminal.Mode;

pub const Stderr = struct {
    mutex: std.Io.Mutex = .init,
    /// Of `whoAmI`; written by who has the mutex.
    owner: std.atomic.Value(u64) = .init(0),
    depth: usize = 0,
    /// Null until first locked.
    mode: ?Mode = null,
    writer: std.Io.File.Writer = undefined,

    /// The caller's number, unlike all others'. A coroutine's is never that high.
    fn whoAmI() u64 {
        const co = c.co_self();
        return if (co != 0) co else ~@as(u64, @intCast(std.Thread.getCurrentId()));
    }

    fn has(s: *Stderr, me: u64) bool {
        // Relaxed: only the holder can find its own number here.
        return s.owner.load(.monotonic) == me;
    }

    fn take(s: *Stderr, me: u64) void {
        s.owner.store(me, .monotonic);
        s.depth = 1;
    }

    fn release(s: *Stderr, io: *Io) void {
        s.depth -= 1;
        if (s.depth > 0) return;
        s.owner.store(0, .monotonic);
        s.mutex.unlock(io.io());
    }

    /// What the holder writes by. Threaded knows what the environment says about colors.
    fn use(s: *Stderr, io: *Io, mode: ?Mode) std.Io.Cancelable!std.Io.LockedStderr {
        if (s.mode == null) {
            const theirs = try Io.base.lockStderr(&io.threaded, null);
            s.mode = theirs.terminal_mode;
            Io.base.unlockStderr(&io.threaded);
            s.writer = .{
                .io = io.io(),
                .interface = std.Io.File.Writer.initInterface(&.{}),
                .file = .stderr(),
                .mode = .streaming,
            };
        }
        return .{ .file_writer = &s.writer, .terminal_mode = mode orelse s.mode.? };
    }
};

/// Blocks; a cancelation point; any thread.
pub fn lockStderr(userdata: ?*anyopaque, mode: ?Mode) std.Io.Cancelable!std.Io.LockedStderr {
    const io = core.from(userdata);
    const s = &io.stderr;
    const me = Stderr.whoAmI();
    if (s.has(me)) {
        s.depth += 1;
    } else {
        try s.mutex.lock(io.io());
        s.take(me);
    }
    errdefer s.release(io);
    return s.use(io, mode);
}

/// Never waits for the lock; any thread.
pub fn tryLockStderr(userdata: ?*anyopaque, mode: ?Mode) std.Io.Cancelable!?std.Io.LockedStderr {
    const io = core.from(userdata);
    const s = &io.stderr;
    const me = Stderr.whoAmI();
    if (s.has(me)) {
        s.depth += 1;
    } else {
        if (!s.mutex.tryLock()) return null;
        s.take(me);
    }
    errdefer s.release(io);
    return try s.use(io, mode);
}

/// Writes what is left in the buffer, which then is the caller's again. A request that comes during
/// that stays pending.
pub fn unlockStderr(userdata: ?*anyopaque) void {
    const io = core.from(userdata);
    const w = &io.stderr.writer;
    if (w.err == null) w.interface.flush() catch {};
    if (w.err) |err| {
        if (err == error.Canceled) core.rearm();
        w.err = null;
    }
    w.interface.end = 0;
    w.interface.buffer = &.{};
    io.stderr.release(io);
}
