//! All objects between plain threads of a program that has not started a runtime.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

const workers = 4;
const rounds = 500;
var m: photonrt.Mutex = .init;
var r: photonrt.RecursiveMutex = .init;
var l: photonrt.RwLock = .init;
var cond: photonrt.Condition = .init;
var s: photonrt.Semaphore = .init;
var e: photonrt.Event = .init;
var wg: photonrt.WaitGroup = .init;
var b: photonrt.Barrier = .init;
var o: photonrt.Once = .init;
var word: std.atomic.Value(u32) = .init(0);
var counters: [3]u32 = @splat(0);
var once_runs: u32 = 0;
var go = false;

fn runOnce() void {
    once_runs += 1;
}

fn work() !void {
    check.eq(null, photonrt.Coroutine.current());
    try e.wait();
    try o.call(.forever, runOnce, .{});
    check.eq(1, once_runs);
    for (0..rounds) |i| {
        try m.lock();
        counters[0] += 1;
        m.unlock();
        try r.lock();
        check.that(r.tryLock());
        counters[1] += 1;
        r.unlock();
        r.unlock();
        try l.lock();
        counters[2] += 1;
        l.downgrade();
        l.unlock();
        try s.wait();
        try s.post(1);
        if (i % 50 == 0) _ = try b.wait(workers, .forever);
    }
    try m.lock();
    wg.done();
    while (!go) try cond.wait(&m);
    m.unlock();
    photonrt.futexWait(&word, 0, .forever) catch |err| check.eq(error.WouldBlock, err);
}

pub fn plain() !void {
    var crew: check.Crew = .{ .kind = .threads };
    check.err(error.NotFound, photonrt.stats());
    try wg.add(workers);
    try s.post(2);
    for (0..workers) |_| crew.add(work, .{});
    check.err(error.Timeout, wg.waitTimeout(.ms(1)));
    e.set();
    try wg.wait();
    for (counters) |n| check.eq(workers * rounds, n);
    try m.lock();
    go = true;
    check.eq(workers, cond.broadcast()); // each waits: it was done with the mutex held
    m.unlock();
    word.store(1, .release);
    _ = photonrt.futexWake(&word, std.math.maxInt(u32));
    crew.end();
    check.err(error.NotFound, photonrt.stats());
}
