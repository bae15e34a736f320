//! Who is let in, and when: readers together, a writer alone, phases in turn; what can be refused.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;

const Number = std.atomic.Value(u32);
var lock: photonrt.RwLock = .init;
var readers: Number = .init(0);
var most: Number = .init(0);
var writers: Number = .init(0);
var step: Number = .init(0);

fn readForAWhile() !void {
    try lock.lockShared();
    defer lock.unlock();
    _ = most.fetchMax(readers.fetchAdd(1, .monotonic) + 1, .monotonic);
    check.eq(0, writers.load(.monotonic));
    try photonrt.sleep(.ms(1));
    _ = readers.fetchSub(1, .monotonic);
}

fn writeForAWhile() !void {
    try lock.lock();
    defer lock.unlock();
    check.eq(0, writers.fetchAdd(1, .monotonic));
    check.eq(0, readers.load(.monotonic));
    check.err(error.Deadlock, lock.lock());
    check.err(error.Deadlock, lock.lockSharedTimeout(.now));
    try photonrt.sleep(.ms(1));
    _ = writers.fetchSub(1, .monotonic);
}

fn whileRead() void {
    check.that(lock.tryLockShared());
    check.err(error.WouldBlock, lock.lockTimeout(.now));
    check.err(error.Timeout, lock.lockTimeout(.ms(1)));
    check.errno(.PERM, c.co_rwlock_downgrade(&lock.raw));
    lock.unlock();
}

fn whileWritten() void {
    check.err(error.WouldBlock, lock.lockSharedTimeout(.now));
    check.that(!lock.tryLockShared());
    check.err(error.WouldBlock, lock.lockTimeout(.now));
    check.that(!lock.tryLock());
    check.err(error.Timeout, lock.lockSharedTimeout(.ms(1)));
    check.errno(.PERM, c.co_rwlock_unlock(&lock.raw));
    check.errno(.PERM, c.co_rwlock_downgrade(&lock.raw));
}

/// Takes its turn: the number of the phase in which it is let in.
const Turn = struct {
    writes: bool = false,
    timeout: photonrt.Timeout = .forever,
    task: photonrt.Task(anyerror!u32) = undefined,

    fn start(turn: *Turn) void {
        turn.task = check.spawnOn(1, take, .{ turn.writes, turn.timeout });
        check.untilState(turn.task.co, .parked);
    }

    fn take(writes: bool, timeout: photonrt.Timeout) anyerror!u32 {
        if (writes) try lock.lockTimeout(timeout) else try lock.lockSharedTimeout(timeout);
        defer lock.unlock();
        const phase = if (writes) step.fetchAdd(1, .monotonic) else step.load(.monotonic);
        try photonrt.sleep(.ms(1));
        return phase;
    }
};

/// While it is written: reader, writer, reader, writer, reader wait. All readers are next, then one writer, and so on. A reader that
/// comes while readers are inside and a writer waits stays out.
fn phases() !void {
    var turns: [5]Turn = .{ .{}, .{ .writes = true }, .{}, .{ .writes = true }, .{} };
    var late: Turn = .{};
    step.store(0, .monotonic);
    check.that(lock.tryLock());
    for (&turns) |*turn| turn.start();
    lock.downgrade();
    check.err(error.WouldBlock, lock.lockSharedTimeout(.now)); // writers wait
    late.start();
    lock.unlock();
    for (turns, [_]u32{ 0, 0, 0, 1, 0 }) |turn, phase| check.eq(phase, check.join(turn.task));
    check.eq(1, check.join(late.task)); // after the first writer, before the second
}

/// A writer that gives up lets in the readers that waited for nobody but it.
fn givenUp() !void {
    var writer: Turn = .{ .writes = true, .timeout = .ms(20) };
    var cancelled: Turn = .{ .writes = true };
    var reader: Turn = .{};
    check.that(lock.tryLockShared());
    writer.start();
    cancelled.start();
    reader.start();
    try cancelled.task.co.cancel();
    _ = check.join(reader.task);
    check.err(error.Timeout, writer.task.join());
    check.err(error.Canceled, cancelled.task.join());
    lock.unlock();
}

pub fn body() !void {
    check.errno(.INVAL, c.co_rwlock_rdlock(null, c.CO_NOW));
    check.errno(.INVAL, c.co_rwlock_wrlock(null, c.CO_NOW));
    check.errno(.INVAL, c.co_rwlock_unlock(null));
    check.errno(.INVAL, c.co_rwlock_downgrade(null));
    check.errno(.PERM, c.co_rwlock_unlock(&lock.raw));
    check.errno(.PERM, c.co_rwlock_downgrade(&lock.raw));

    check.that(lock.tryLockShared());
    check.that(lock.tryLockShared());
    check.onThread(whileRead, .{});
    check.join(check.spawnOn(2, whileRead, .{}));
    lock.unlock();
    lock.unlock();
    check.errno(.PERM, c.co_rwlock_unlock(&lock.raw));
    check.that(lock.tryLock());
    check.onThread(whileWritten, .{});
    check.join(check.spawnOn(2, whileWritten, .{}));
    lock.downgrade();
    check.onThread(whileRead, .{});
    lock.unlock();

    var crew: check.Crew = .{ .kind = .coroutines };
    for (0..20) |i| if (i % 5 != 0) crew.add(readForAWhile, .{}) else crew.add(writeForAWhile, .{});
    const threads = .{ check.thread(readForAWhile, .{}), check.thread(writeForAWhile, .{}) };
    crew.end();
    inline for (threads) |thread| thread.join();
    check.ge(most.load(.monotonic), 2);
    try phases();
    try givenUp();
}
