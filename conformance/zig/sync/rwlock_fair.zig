//! Readers whose times overlap without end, and writers in a row: each of them gets its turns all the same. Nobody waits for more than a
//! phase of the others.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

const turns = 40;
const Number = std.atomic.Value(u32);
var lock: photonrt.RwLock = .init;
var busy: Number = .init(0);
var value: [2]Number = @splat(.init(0));

fn turn(writes: bool) !void {
    if (writes) try lock.lock() else try lock.lockShared();
    defer lock.unlock();
    const a = value[0].load(.monotonic);
    check.eq(a, value[1].load(.monotonic));
    if (writes) value[0].store(a + 1, .monotonic);
    photonrt.yield();
    if (writes) value[1].store(a + 1, .monotonic) else check.eq(a, value[1].load(.monotonic));
}

/// Goes on until those that count their turns are through: the watchdog knows if they never are.
fn crowd(writes: bool) !void {
    while (busy.load(.monotonic) > 0) try turn(writes);
}

fn counted(writes: bool) !void {
    for (0..turns) |_| {
        try turn(writes);
        _ = busy.fetchSub(1, .monotonic);
    }
}

pub fn body() !void {
    for (check.crew.kinds) |kind| for ([_]bool{ false, true }) |many_write| {
        var crew: check.Crew = .{ .kind = kind };
        busy.store(2 * turns, .monotonic);
        for (0..4) |_| crew.add(crowd, .{many_write});
        for (0..2) |_| crew.add(counted, .{!many_write});
        crew.end();
    };
}
