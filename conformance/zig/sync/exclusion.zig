//! Crews of each kind fight for a mutex, a recursive one, a lock for readers and writers, one made of a futex and one made of a
//! semaphore: the counters, which are plain memory, come out right. Some come with little time, and some are interrupted.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const Timeout = photonrt.Timeout;

const workers = 6;
const rounds = 1500;
var counter: u64 = 0;
var mirror: u64 = 0;
var done: std.atomic.Value(u64) = .init(0);

const Mutex = struct {
    var mutex: photonrt.Mutex = .init;

    fn lock(timeout: Timeout) !void {
        try mutex.lockTimeout(timeout);
    }
    fn unlock() void {
        mutex.unlock();
    }
};

const Recursive = struct {
    var mutex: photonrt.RecursiveMutex = .init;

    fn lock(timeout: Timeout) !void {
        try mutex.lockTimeout(timeout);
        check.must(mutex.lockTimeout(.now));
    }
    fn unlock() void {
        mutex.unlock();
        mutex.unlock();
    }
};

const Written = struct {
    var mutex: photonrt.RwLock = .init;

    fn lock(timeout: Timeout) !void {
        try mutex.lockTimeout(timeout);
    }
    fn unlock() void {
        mutex.unlock();
    }
};

const Semaphore = struct {
    var sem: photonrt.Semaphore = .init;

    fn lock(timeout: Timeout) !void {
        try sem.waitTimeout(1, timeout);
    }
    fn unlock() void {
        check.must(sem.post(1));
    }
};

/// 0 free, 1 locked, 2 locked and somebody may wait (Drepper 2011).
const Futex = struct {
    var word: std.atomic.Value(u32) = .init(0);

    fn lock(timeout: Timeout) !void {
        var seen = word.cmpxchgStrong(0, 1, .acquire, .monotonic) orelse return;
        while (true) {
            if (seen == 2 or word.cmpxchgStrong(1, 2, .monotonic, .monotonic) == null) {
                photonrt.futexWait(&word, 2, timeout) catch |e| if (e != error.WouldBlock or timeout == .now) return e;
            }
            seen = word.cmpxchgStrong(0, 2, .acquire, .monotonic) orelse return;
        }
    }
    fn unlock() void {
        if (word.swap(0, .release) == 2) _ = photonrt.futexWake(&word, 1);
    }
};

fn Of(comptime Lock: type) type {
    return struct {
        fn work() !void {
            var rng: u64 = undefined;
            rng = @intFromPtr(&rng);
            var mine: u64 = 0;
            for (0..rounds) |_| {
                const x = check.rand(&rng);
                const timeout: Timeout = if (x % 4 != 0) .forever else .ns(@intCast((x >> 8) % (20 * check.us)));
                if (photonrt.Coroutine.current()) |self| if (x % 64 == 3) try self.interrupt(error.Interrupted);
                Lock.lock(timeout) catch |e| {
                    if (e == error.Interrupted) continue;
                    if (timeout != .forever and (e == error.Timeout or e == error.WouldBlock)) continue;
                    return e;
                };
                check.eq(mirror, counter);
                counter += 1;
                if (x % 256 == 0) photonrt.yield();
                mirror += 1;
                mine += 1;
                Lock.unlock();
            }
            _ = done.fetchAdd(mine, .monotonic);
        }
    };
}

pub fn body() !void {
    try Semaphore.sem.post(1);
    inline for (.{ Mutex, Recursive, Written, Semaphore, Futex }) |Lock| for (check.crew.kinds) |kind| {
        counter = 0;
        mirror = 0;
        done.store(0, .monotonic);
        check.Crew.run(kind, workers, Of(Lock).work, .{});
        check.eq(done.load(.monotonic), counter);
        check.ge(counter, workers * rounds / 2);
        check.print("{s} {t}: {d}\n", .{ @typeName(Lock), kind, counter });
    };
}
