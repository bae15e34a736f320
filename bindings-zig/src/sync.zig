//! Mutexes, semaphores and the like: between coroutines, plain threads, and both, with a runtime or without.
//!
//! Objects lie in the caller's memory, begin as `.init`, need no end, and must not be copied or moved while they are
//! used. Who waits does so in the order of coming, unless a comment says otherwise. A wait that ends with an error has taken
//! nothing. `lock` and `wait` block and are cancellation points, on any thread; the other functions never block.
const std = @import("std");
const c = @import("c");
const errors = @import("errors.zig");
const Timeout = @import("time.zig").Timeout;
const Shield = @import("task.zig").Shield;
const WaitError = errors.WaitError;

/// `Deadlock`: the caller has it.
pub const LockError = error{Deadlock} || WaitError;

/// A mutex. One that has waited for a millisecond is handed it; until then it is anybody's who comes when it is free.
pub const Mutex = extern struct {
    raw: c.co_mutex_t = std.mem.zeroes(c.co_mutex_t),

    pub const init: Mutex = .{};

    pub inline fn lock(mutex: *Mutex) LockError!void {
        return mutex.lockTimeout(.forever);
    }

    pub inline fn lockTimeout(mutex: *Mutex, timeout: Timeout) LockError!void {
        const rc = c.co_mutex_lock(&mutex.raw, timeout.raw());
        if (rc < 0) return errors.of(LockError, rc);
    }

    /// The same, which no cancel calls off: for `defer` and clean-up. Asserts that the caller does not have it.
    pub fn lockUncancelable(mutex: *Mutex) void {
        const shield: Shield = .begin();
        defer shield.end();
        errors.must(c.co_mutex_lock(&mutex.raw, c.CO_FOREVER));
    }

    /// Whether it could be had at once.
    pub inline fn tryLock(mutex: *Mutex) bool {
        return c.co_mutex_lock(&mutex.raw, c.CO_NOW) == 0;
    }

    /// Asserts that the caller has it.
    pub inline fn unlock(mutex: *Mutex) void {
        errors.must(c.co_mutex_unlock(&mutex.raw));
    }
};

/// A mutex that its holder may lock again, and unlocks as many times.
pub const RecursiveMutex = extern struct {
    raw: c.co_rmutex_t = std.mem.zeroes(c.co_rmutex_t),

    pub const init: RecursiveMutex = .{};
    /// `Overflow`: locked 2^32 times.
    pub const Error = error{Overflow} || WaitError;

    pub inline fn lock(mutex: *RecursiveMutex) Error!void {
        return mutex.lockTimeout(.forever);
    }

    pub inline fn lockTimeout(mutex: *RecursiveMutex, timeout: Timeout) Error!void {
        const rc = c.co_rmutex_lock(&mutex.raw, timeout.raw());
        if (rc < 0) return errors.of(Error, rc);
    }

    pub inline fn tryLock(mutex: *RecursiveMutex) bool {
        return c.co_rmutex_lock(&mutex.raw, c.CO_NOW) == 0;
    }

    /// Asserts that the caller has it.
    pub inline fn unlock(mutex: *RecursiveMutex) void {
        errors.must(c.co_rmutex_unlock(&mutex.raw));
    }
};

/// A lock for many readers or one writer, who take turns: a reader that comes while a writer waits stays outside until
/// that one is done.
pub const RwLock = extern struct {
    raw: c.co_rwlock_t = std.mem.zeroes(c.co_rwlock_t),

    pub const init: RwLock = .{};
    /// `Overflow`: 2^32 - 1 readers.
    pub const SharedError = error{Overflow} || LockError;

    pub inline fn lockShared(lock_: *RwLock) SharedError!void {
        return lock_.lockSharedTimeout(.forever);
    }

    pub inline fn lockSharedTimeout(lock_: *RwLock, timeout: Timeout) SharedError!void {
        const rc = c.co_rwlock_rdlock(&lock_.raw, timeout.raw());
        if (rc < 0) return errors.of(SharedError, rc);
    }

    pub inline fn tryLockShared(lock_: *RwLock) bool {
        return c.co_rwlock_rdlock(&lock_.raw, c.CO_NOW) == 0;
    }

    pub inline fn lock(lock_: *RwLock) LockError!void {
        return lock_.lockTimeout(.forever);
    }

    pub inline fn lockTimeout(lock_: *RwLock, timeout: Timeout) LockError!void {
        const rc = c.co_rwlock_wrlock(&lock_.raw, timeout.raw());
        if (rc < 0) return errors.of(LockError, rc);
    }

    pub inline fn tryLock(lock_: *RwLock) bool {
        return c.co_rwlock_wrlock(&lock_.raw, c.CO_NOW) == 0;
    }

    /// What the caller has locked, for reading or for writing. Asserts that it has.
    pub inline fn unlock(lock_: *RwLock) void {
        errors.must(c.co_rwlock_unlock(&lock_.raw));
    }

    /// Makes the writer a reader, with nobody writing in between. Asserts that the caller writes.
    pub fn downgrade(lock_: *RwLock) void {
        errors.must(c.co_rwlock_downgrade(&lock_.raw));
    }
};

/// A condition variable, used with a `Mutex`.
pub const Condition = extern struct {
    raw: c.co_cond_t = std.mem.zeroes(c.co_cond_t),

    pub const init: Condition = .{};
    /// `PermissionDenied`: the caller does not have the mutex.
    pub const Error = error{PermissionDenied} || WaitError;

    pub inline fn wait(cond: *Condition, mutex: *Mutex) Error!void {
        return cond.waitTimeout(mutex, .forever);
    }

    /// Unlocks the mutex, waits for a signal, and locks it again: it is locked whenever this returns. Look again, in a loop.
    pub inline fn waitTimeout(cond: *Condition, mutex: *Mutex, timeout: Timeout) Error!void {
        const rc = c.co_cond_wait(&cond.raw, &mutex.raw, timeout.raw());
        if (rc < 0) return errors.of(Error, rc);
    }

    /// Wakes the one that has waited longest; whether there was one.
    pub inline fn signal(cond: *Condition) bool {
        return c.co_cond_signal(&cond.raw) == 1;
    }

    /// Wakes all that wait now; how many.
    pub inline fn broadcast(cond: *Condition) usize {
        return @intCast(c.co_cond_broadcast(&cond.raw));
    }
};

/// A counting semaphore; `.init` holds 0.
pub const Semaphore = extern struct {
    raw: c.co_sem_t = std.mem.zeroes(c.co_sem_t),

    pub const init: Semaphore = .{};

    /// Takes one.
    pub inline fn wait(sem: *Semaphore) WaitError!void {
        return sem.waitTimeout(1, .forever);
    }

    /// Takes `n`, and waits until it holds as many.
    pub inline fn waitTimeout(sem: *Semaphore, n: u32, timeout: Timeout) WaitError!void {
        const rc = c.co_sem_wait(&sem.raw, n, timeout.raw());
        if (rc < 0) return errors.of(WaitError, rc);
    }

    pub inline fn tryWait(sem: *Semaphore, n: u32) bool {
        return c.co_sem_wait(&sem.raw, n, c.CO_NOW) == 0;
    }

    /// Adds `n`. `Overflow`: it would hold more than 2^32 - 1, and nothing has changed.
    pub inline fn post(sem: *Semaphore, n: u32) error{Overflow}!void {
        if (c.co_sem_post(&sem.raw, n) < 0) return error.Overflow;
    }
};

/// An event: set, until it is reset.
pub const Event = extern struct {
    raw: c.co_event_t = std.mem.zeroes(c.co_event_t),

    pub const init: Event = .{};

    pub inline fn wait(event: *Event) WaitError!void {
        return event.waitTimeout(.forever);
    }

    pub inline fn waitTimeout(event: *Event, timeout: Timeout) WaitError!void {
        const rc = c.co_event_wait(&event.raw, timeout.raw());
        if (rc < 0) return errors.of(WaitError, rc);
    }

    /// All that wait go on, even if it is reset at once, and nobody waits from now on.
    pub inline fn set(event: *Event) void {
        errors.must(c.co_event_set(&event.raw));
    }

    pub inline fn reset(event: *Event) void {
        errors.must(c.co_event_reset(&event.raw));
    }

    pub inline fn isSet(event: *Event) bool {
        return c.co_event_is_set(&event.raw) == 1;
    }
};

/// A count of what is still to be done; `.init` counts 0.
pub const WaitGroup = extern struct {
    raw: c.co_wg_t = std.mem.zeroes(c.co_wg_t),

    pub const init: WaitGroup = .{};

    /// Adds `n`, which may be negative; at 0 all that wait go on. `InvalidArgument`: the count would be below 0.
    pub inline fn add(wg: *WaitGroup, n: i32) error{ InvalidArgument, Overflow }!void {
        const rc = c.co_wg_add(&wg.raw, n);
        if (rc < 0) return if (rc == -@as(c_int, @backingInt(std.posix.E.OVERFLOW))) error.Overflow else error.InvalidArgument;
    }

    /// Takes one from the count. Asserts that there was one.
    pub inline fn done(wg: *WaitGroup) void {
        errors.must(c.co_wg_done(&wg.raw));
    }

    pub inline fn wait(wg: *WaitGroup) WaitError!void {
        return wg.waitTimeout(.forever);
    }

    pub inline fn waitTimeout(wg: *WaitGroup, timeout: Timeout) WaitError!void {
        const rc = c.co_wg_wait(&wg.raw, timeout.raw());
        if (rc < 0) return errors.of(WaitError, rc);
    }
};

/// A barrier, at which a number of parties wait for each other.
pub const Barrier = extern struct {
    raw: c.co_barrier_t = std.mem.zeroes(c.co_barrier_t),

    pub const init: Barrier = .{};

    /// Waits until `parties` callers have come, this one among them. True for the last to come. One that gives up leaves the
    /// round as if it had not come.
    pub fn wait(barrier: *Barrier, parties: u32, timeout: Timeout) WaitError!bool {
        const rc = c.co_barrier_wait(&barrier.raw, parties, timeout.raw());
        if (rc < 0) return errors.of(WaitError, rc);
        return rc == 1;
    }
};

/// Something that is to be done one time.
pub const Once = extern struct {
    raw: c.co_once_t = std.mem.zeroes(c.co_once_t),

    pub const init: Once = .{};
    /// `Deadlock`: from within the function.
    pub const Error = error{Deadlock} || WaitError;

    /// Calls `function(args...)` if nobody has yet; else waits until that call is over. If it gives an error it has not been
    /// done: the caller gets that, and the next one tries again.
    pub fn call(
        once: *Once,
        timeout: Timeout,
        comptime function: anytype,
        args: std.meta.ArgsTuple(@TypeOf(function)),
    ) boxes.Merged(Error, boxes.Return(function)) {
        const rc = c.co_once_begin(&once.raw, timeout.raw());
        if (rc < 0) return errors.of(Error, rc);
        if (rc == 0) return;
        switch (@typeInfo(boxes.Return(function))) {
            .error_union => @call(.auto, function, args) catch |e| {
                errors.must(c.co_once_end(&once.raw, 0));
                return e;
            },
            else => @call(.auto, function, args),
        }
        errors.must(c.co_once_end(&once.raw, 1));
    }
};

const boxes = @import("call.zig");

/// Waits for `wake` on this word, if it is `expected`. `WouldBlock`: it differs, or `.now`. A wake may be meant for another use of the same
/// memory: look again, in a loop. Blocks; a cancellation point; any thread.
pub inline fn futexWait(word: *const std.atomic.Value(u32), expected: u32, timeout: Timeout) WaitError!void {
    const rc = c.co_futex_wait(&word.raw, expected, timeout.raw());
    if (rc < 0) return errors.of(WaitError, rc);
}

/// Wakes up to `n` callers of `futexWait` on this word, the longest waiting first; how many. The word is not touched.
/// Never blocks; any thread.
pub inline fn futexWake(word: *const std.atomic.Value(u32), n: u32) usize {
    return @intCast(c.co_futex_wake(&word.raw, n));
}
