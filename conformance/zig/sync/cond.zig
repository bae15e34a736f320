//! Whom a signal wakes and how many; that the mutex is held after the wait, however it ended.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;

var m: photonrt.Mutex = .init;
var cond: photonrt.Condition = .init;
var order: [10]usize = undefined;
var woken: usize = 0;

fn waitSignal(i: usize) !void {
    try m.lock();
    defer m.unlock();
    try cond.waitTimeout(&m, if (i > 0) .forever else .seconds(3600));
    order[woken] = i;
    woken += 1;
}

fn noHolder() void {
    check.err(error.PermissionDenied, cond.wait(&m));
    check.err(error.PermissionDenied, cond.waitTimeout(&m, .now));
}

fn errors() !void {
    check.errno(.INVAL, c.co_cond_wait(null, &m.raw, c.CO_NOW));
    check.errno(.INVAL, c.co_cond_wait(&cond.raw, null, c.CO_NOW));
    check.errno(.INVAL, c.co_cond_signal(null));
    check.errno(.INVAL, c.co_cond_broadcast(null));
    noHolder();
    try m.lockTimeout(.now);
    check.onThread(noHolder, .{});
    check.join(check.spawn(noHolder, .{}));
    check.err(error.InvalidArgument, cond.waitTimeout(&m, .ns(-2)));
    check.err(error.WouldBlock, cond.waitTimeout(&m, .now));
    check.eq(false, cond.signal());
    check.err(error.Timeout, cond.waitTimeout(&m, .ms(2))); // that signal is gone
    check.err(error.Deadlock, m.lockTimeout(.now));
    m.unlock();
    check.eq(0, cond.broadcast());
}

fn signals() !void {
    var tasks: [order.len]check.Task(waitSignal) = undefined;
    for (&tasks, 0..) |*task, i| {
        task.* = check.spawnOn(1, waitSignal, .{i});
        check.untilState(task.co, .parked);
    }
    check.that(cond.signal());
    check.that(cond.signal());
    for (tasks[0..2]) |task| check.join(task);
    try photonrt.sleep(.ms(1));
    check.eq(2, woken);
    try m.lock();
    check.eq(tasks.len - 2, cond.broadcast()); // with the mutex held
    try photonrt.sleep(.ms(1));
    check.eq(2, woken);
    m.unlock();
    for (tasks[2..]) |task| check.join(task);
    for (order, 0..) |i, want| check.eq(want, i);
}

/// Cancelled, interrupted or late while somebody else has the mutex: it waits for the mutex still.
var over: std.atomic.Value(bool) = .init(false);

fn stopped(want: anyerror) !void {
    try m.lock();
    check.err(want, cond.waitTimeout(&m, if (want == error.Timeout) .ms(1) else .forever));
    {
        const shield: photonrt.Shield = .begin(); // a cancel has come, too
        defer shield.end();
        check.err(error.Deadlock, m.lockTimeout(.now));
    }
    over.store(true, .release);
    m.unlock();
}

fn relocks(want: anyerror) !void {
    const task = check.spawnOn(2, stopped, .{want});
    over.store(false, .release);
    check.untilState(task.co, .parked);
    try m.lock();
    if (want == error.Canceled) try task.co.cancel();
    if (want == error.Interrupted) try task.co.interrupt(want);
    try photonrt.sleep(.ms(5));
    if (want == error.Interrupted) try task.co.cancel(); // while it waits for the mutex
    try photonrt.sleep(.ms(2));
    check.that(!over.load(.acquire));
    check.eq(photonrt.State.parked, try task.co.state());
    m.unlock();
    check.join(task);
    check.that(over.load(.acquire));
    check.that(!cond.signal()); // it does not wait any more
}

/// Signalled first, then stopped, before it has run: the signal counts, the other is for later.
fn signalledFirst(want: anyerror) !void {
    try m.lock();
    try cond.wait(&m);
    m.unlock();
    check.err(want, photonrt.sleep(.now));
}

fn bothAtOnce(stop: anyerror) !void {
    const task = check.spawnOn(1, signalledFirst, .{stop});
    check.untilState(task.co, .parked);
    check.that(cond.signal());
    if (stop == error.Canceled) try task.co.cancel() else try task.co.interrupt(stop);
    check.join(task);
}

pub fn body() !void {
    try errors();
    try signals();
    try relocks(error.Timeout);
    try relocks(error.Canceled);
    try relocks(error.Interrupted);
    try bothAtOnce(error.Canceled);
    try bothAtOnce(error.Interrupted);
}
