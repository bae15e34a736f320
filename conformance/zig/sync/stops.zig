//! Every call of the section that waits, on an object that makes it wait: tried, too late, cancelled before and while it waits,
//! interrupted, shielded, from plain threads; and each time the object is as good as before.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;
const Timeout = photonrt.Timeout;

/// A wait, and what makes it wait, lets it go on, and gives back what it has taken.
const Kind = struct {
    name: []const u8,
    wait: *const fn (Timeout) anyerror!void,
    close: *const fn () anyerror!void = nothing,
    open: *const fn () anyerror!void,
    undo: *const fn () anyerror!void = nothing,
};

fn nothing() !void {}

const kinds = [_]Kind{
    .{ .name = "mutex", .wait = Mutex.wait, .close = Mutex.close, .open = Mutex.open, .undo = Mutex.open },
    .{ .name = "rmutex", .wait = Recursive.wait, .close = Recursive.close, .open = Recursive.open, .undo = Recursive.undo },
    .{ .name = "rdlock", .wait = Rw.read, .close = Rw.closeWritten, .open = Rw.open, .undo = Rw.open },
    .{ .name = "wrlock", .wait = Rw.write, .close = Rw.closeRead, .open = Rw.open, .undo = Rw.open },
    .{ .name = "wrlock after a writer", .wait = Rw.write, .close = Rw.closeWritten, .open = Rw.open, .undo = Rw.open },
    .{ .name = "cond", .wait = Cond.wait, .open = Cond.open },
    .{ .name = "sem", .wait = Sem.wait, .close = Sem.close, .open = Sem.open },
    .{ .name = "event", .wait = Event.wait, .close = Event.close, .open = Event.open },
    .{ .name = "wg", .wait = Group.wait, .close = Group.close, .open = Group.open },
    .{ .name = "barrier", .wait = Barrier.wait, .open = Barrier.open },
    .{ .name = "once_begin", .wait = Once.begin, .close = Once.close, .open = Once.open },
    .{ .name = "once", .wait = Once.call, .close = Once.close, .open = Once.open },
    .{ .name = "futex", .wait = Futex.wait, .close = Futex.close, .open = Futex.open },
};

const Mutex = struct {
    var mutex: photonrt.Mutex = .init;
    fn wait(timeout: Timeout) !void {
        try mutex.lockTimeout(timeout);
    }
    fn close() !void {
        check.that(mutex.tryLock());
    }
    fn open() !void {
        mutex.unlock();
    }
};

const Recursive = struct {
    var mutex: photonrt.RecursiveMutex = .init;
    fn wait(timeout: Timeout) !void {
        try mutex.lockTimeout(timeout);
    }
    fn close() !void {
        check.that(mutex.tryLock());
        check.that(mutex.tryLock());
    }
    fn open() !void {
        mutex.unlock();
        mutex.unlock();
    }
    fn undo() !void {
        mutex.unlock();
    }
};

const Rw = struct {
    var lock: photonrt.RwLock = .init;
    fn read(timeout: Timeout) !void {
        try lock.lockSharedTimeout(timeout);
    }
    fn write(timeout: Timeout) !void {
        try lock.lockTimeout(timeout);
    }
    fn closeWritten() !void {
        check.that(lock.tryLock());
    }
    fn closeRead() !void {
        check.that(lock.tryLockShared());
    }
    fn open() !void {
        lock.unlock();
    }
};

const Cond = struct {
    var cond: photonrt.Condition = .init;
    var mutex: photonrt.Mutex = .init;
    /// The mutex is had in any case, even by a caller that is cancelled, and is had again whatever the wait ends with.
    fn wait(timeout: Timeout) !void {
        mutex.lockUncancelable();
        defer mutex.unlock();
        const result = cond.waitTimeout(&mutex, timeout);
        const shield: photonrt.Shield = .begin();
        check.err(error.Deadlock, mutex.lockTimeout(.now));
        shield.end();
        return result;
    }
    fn open() !void {
        while (!cond.signal()) try photonrt.sleep(.us(100));
    }
};

const Sem = struct {
    var sem: photonrt.Semaphore = .init;
    fn wait(timeout: Timeout) !void {
        try sem.waitTimeout(3, timeout);
    }
    fn close() !void {
        try sem.post(2);
    }
    fn open() !void {
        try sem.post(1);
    }
};

const Event = struct {
    var event: photonrt.Event = .init;
    fn wait(timeout: Timeout) !void {
        try event.waitTimeout(timeout);
    }
    fn close() !void {
        event.reset();
    }
    fn open() !void {
        event.set();
    }
};

const Group = struct {
    var wg: photonrt.WaitGroup = .init;
    fn wait(timeout: Timeout) !void {
        try wg.waitTimeout(timeout);
    }
    fn close() !void {
        try wg.add(1);
    }
    fn open() !void {
        wg.done();
    }
};

const Barrier = struct {
    var barrier: photonrt.Barrier = .init;
    fn wait(timeout: Timeout) !void {
        check.that(!try barrier.wait(2, timeout));
    }
    fn open() !void {
        check.that(try barrier.wait(2, .forever));
    }
};

const Once = struct {
    var once: photonrt.Once = .init;
    fn begin(timeout: Timeout) !void {
        const rc = c.co_once_begin(&once.raw, timeout.raw());
        if (rc < 0) return photonrt.errors.of(photonrt.WaitError, rc);
        check.eq(0, rc);
    }
    fn call(timeout: Timeout) !void {
        try once.call(timeout, never, .{});
    }
    fn never() void {
        check.fail("called, though it is being done", .{});
    }
    fn close() !void {
        once = .init;
        check.eq(1, c.co_once_begin(&once.raw, c.CO_NOW));
    }
    fn open() !void {
        check.eq(0, c.co_once_end(&once.raw, 1));
    }
};

const Futex = struct {
    var word: std.atomic.Value(u32) = .init(0);
    fn wait(timeout: Timeout) !void {
        try photonrt.futexWait(&word, 7, timeout);
    }
    fn close() !void {
        word.store(7, .monotonic);
    }
    fn open() !void {
        while (photonrt.futexWake(&word, 1) == 0) try photonrt.sleep(.us(100));
    }
};

var kind: *const Kind = undefined;

fn tries() void {
    check.err(error.WouldBlock, kind.wait(.now));
    check.err(error.InvalidArgument, kind.wait(.ns(-2)));
    check.err(error.InvalidArgument, kind.wait(.ns(std.math.minInt(i64))));
    const before = photonrt.clock();
    check.err(error.Timeout, kind.wait(.ms(2)));
    check.ge(photonrt.clock() - before, 2 * check.ms);
    check.err(error.Timeout, kind.wait(.ns(1)));
}

fn inTime() !void {
    try kind.wait(.seconds(3600));
    try kind.undo();
}

var tried: std.atomic.Value(bool) = .init(false);

fn triesAndWaits() !void {
    tries();
    tried.store(true, .release);
    try kind.wait(.forever);
    try kind.undo();
}

fn untilTried() !void {
    while (!tried.swap(false, .acquire)) try photonrt.sleep(.us(100));
}

fn cancelledBefore() !void {
    try photonrt.Coroutine.current().?.cancel();
    check.err(error.Canceled, kind.wait(.forever));
    check.err(error.Canceled, kind.wait(.now));
}

fn cancelled(timeout: Timeout) void {
    check.err(error.Canceled, kind.wait(timeout));
    check.that(photonrt.cancelPending());
}

fn interrupted(timeout: Timeout) !void {
    check.err(error.Interrupted, kind.wait(timeout));
    try photonrt.sleep(.now); // used up
    check.err(error.Timeout, kind.wait(.ms(1)));
}

fn shielded() !void {
    const shield: photonrt.Shield = .begin();
    check.eq(0, shield.before);
    try kind.wait(.forever);
    try kind.undo();
    shield.end();
    check.err(error.Canceled, photonrt.sleep(.now));
}

fn ofKind() !void {
    try kind.close();
    const waits = check.spawn(triesAndWaits, .{});
    try untilTried();
    check.untilState(waits.co, .parked);
    check.join(check.spawn(cancelledBefore, .{}));
    try kind.open();
    check.join(waits);

    try kind.close();
    for ([_]Timeout{ .forever, .seconds(3600) }) |timeout| {
        const a = check.spawnOn(2, cancelled, .{timeout});
        check.untilState(a.co, .parked);
        try a.co.cancel();
        check.join(a);
        const b = check.spawnOn(2, interrupted, .{timeout});
        check.untilState(b.co, .parked);
        try b.co.interrupt(error.NoDevice);
        check.join(b);
    }
    const holds_off = check.spawnOn(2, shielded, .{});
    check.untilState(holds_off.co, .parked);
    try holds_off.co.interrupt(error.Interrupted);
    try holds_off.co.cancel();
    try photonrt.sleep(.ms(1));
    check.eq(photonrt.State.parked, try holds_off.co.state());
    try kind.open();
    check.join(holds_off);

    try kind.close();
    const in_time = check.spawnOn(2, inTime, .{});
    check.untilState(in_time.co, .parked);
    try kind.open();
    check.join(in_time);
    try kind.close();
    const thread = check.thread(triesAndWaits, .{});
    try untilTried();
    try photonrt.sleep(.ms(2)); // most often it waits by now
    try kind.open();
    thread.join();
}

pub fn body() !void {
    for (&kinds) |*one| {
        kind = one;
        check.print("{s}\n", .{kind.name});
        try ofKind();
    }
}
