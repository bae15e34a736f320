//! Who holds a mutex, and who may unlock it: another coroutine, another thread, the main coroutine.
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;

var m: photonrt.Mutex = .init;
var r: photonrt.RecursiveMutex = .init;

fn notMine() void {
    check.err(error.WouldBlock, m.lockTimeout(.now));
    check.that(!m.tryLock());
    check.errno(.PERM, c.co_mutex_unlock(&m.raw));
    check.err(error.WouldBlock, r.lockTimeout(.now));
    check.that(!r.tryLock());
    check.errno(.PERM, c.co_rmutex_unlock(&r.raw));
}

fn hold(mine: *photonrt.Mutex) !void {
    try mine.lock();
    check.err(error.Deadlock, mine.lock());
    check.err(error.Deadlock, mine.lockTimeout(.now));
    check.err(error.Deadlock, mine.lockTimeout(.ms(5)));
    check.that(!mine.tryLock());
    try photonrt.sleep(.ms(3)); // held over a wait
    mine.unlock();
    check.errno(.PERM, c.co_mutex_unlock(&mine.raw));
}

/// Those that wait come in their order.
var turns: usize = 0;

fn inTurn(i: usize) !void {
    try m.lock();
    defer m.unlock();
    check.eq(i, turns);
    turns += 1;
}

pub fn body() !void {
    const depth = 1000;
    check.errno(.INVAL, c.co_mutex_lock(null, c.CO_NOW));
    check.errno(.INVAL, c.co_mutex_unlock(null));
    check.errno(.INVAL, c.co_rmutex_lock(null, c.CO_NOW));
    check.errno(.INVAL, c.co_rmutex_unlock(null));
    check.err(error.InvalidArgument, m.lockTimeout(.ns(-2)));
    check.errno(.PERM, c.co_mutex_unlock(&m.raw));
    check.errno(.PERM, c.co_rmutex_unlock(&r.raw));

    check.that(m.tryLock());
    try r.lock();
    for (0..depth) |i| if (i % 2 == 1) check.that(r.tryLock()) else try r.lock();
    for (0..depth) |i| {
        if (i % 500 == 0) check.join(check.spawnOn(2, notMine, .{}));
        r.unlock();
    }
    check.onThread(notMine, .{});
    r.unlock();
    check.that(r.tryLock());
    r.unlock();
    check.errno(.PERM, c.co_rmutex_unlock(&r.raw));
    m.unlock();

    // The same coroutine, thread or not, is told apart from the one that holds it.
    var on_stack: photonrt.Mutex = .init;
    const holds = check.spawnOn(2, hold, .{&on_stack});
    try check.onThread(hold, .{&on_stack});
    check.join(holds);

    var waiters: [20]check.Task(inTurn) = undefined;
    check.that(m.tryLock());
    for (&waiters, 0..) |*task, i| {
        task.* = check.spawn(inTurn, .{i});
        check.untilState(task.co, .parked);
    }
    m.unlock();
    for (waiters) |task| check.join(task);
    check.eq(waiters.len, turns);
}
