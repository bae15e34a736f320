//! A hog unlocks the mutex only to lock it again at once, and holds it for longer than the patience of a waiter each time. Without a
//! hand-over a waiter of the hog's vCPU would never be in time.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

const waiters = 4;
const bound = 5 * (waiters + 1);
const limit = 20 * bound;
var m: photonrt.Mutex = .init;
var rounds: std.atomic.Value(u32) = .init(0);
var waiting: std.atomic.Value(u32) = .init(waiters);

fn hog() !void {
    try m.lock();
    defer m.unlock();
    while (waiting.load(.monotonic) > 0) {
        if (rounds.fetchAdd(1, .monotonic) > limit) {
            check.fail("{d} wait still, after {d} rounds", .{ waiting.load(.monotonic), limit });
        }
        try photonrt.sleep(.us(1500));
        m.unlock();
        try m.lock();
    }
}

fn waiter(here: bool) !void {
    const before = rounds.load(.monotonic);
    try m.lock();
    const waited = rounds.load(.monotonic) - before;
    m.unlock();
    _ = waiting.fetchSub(1, .monotonic);
    if (here) check.ge(bound, waited); // on the hog's vCPU: no system in between
}

pub fn body() !void {
    const h = check.spawnOn(1, hog, .{});
    check.untilState(h.co, .parked);
    var tasks: [waiters - 1]check.Task(waiter) = undefined;
    for (&tasks, 0..) |*task, i| task.* = check.spawnOn(@as(u32, @intCast(i)) % 2 + 1, waiter, .{i % 2 == 0});
    const thread = check.thread(waiter, .{false});
    for (tasks) |task| check.join(task);
    check.join(h);
    thread.join();
}
