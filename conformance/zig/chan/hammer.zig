const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

const sides = 6;
const each = 3000;
var ch: photonrt.Channel(u32) = undefined;
var seen: [sides * each]std.atomic.Value(u8) = undefined;
var received: std.atomic.Value(u32) = .init(0);

fn timeout(seed: *u64) photonrt.Timeout {
    return if (check.rand(seed) % 8 != 0) .forever else .ns(1000);
}

fn sender(me: u32) void {
    var seed: u64 = me + 1;
    var i: u32 = 0;
    while (i < each) {
        if (ch.sendTimeout(me * each + i, timeout(&seed))) i += 1 else |e| check.eq(error.Timeout, e);
    }
}

fn receiver(me: u32) void {
    var seed: u64 = me + 100;
    var last: [sides]i64 = @splat(-1);
    while (true) {
        const n = ch.receiveTimeout(timeout(&seed)) catch |e| {
            if (e == error.Closed) return;
            check.eq(error.Timeout, e);
            continue;
        };
        check.that(n < sides * each);
        check.eq(0, seen[n].fetchAdd(1, .monotonic));
        check.that(last[n / each] < n);
        last[n / each] = n;
        _ = received.fetchAdd(1, .monotonic);
    }
}

fn roundOf(room: usize) !void {
    var tasks: [2 * (sides - 1)]photonrt.Task(void) = undefined;
    for (&seen) |*n| n.* = .init(0);
    received.store(0, .monotonic);
    ch = try .init(room);
    for (1..sides) |side| {
        const i: u32 = @intCast(side);
        tasks[2 * (i - 1)] = check.spawnOn(i % 2 + 1, sender, .{i});
        tasks[2 * (i - 1) + 1] = check.spawnOn(i / 2 % 2 + 1, receiver, .{i});
    }
    const threads = .{ check.thread(sender, .{0}), check.thread(receiver, .{0}) };
    while (received.load(.monotonic) < sides * each) try photonrt.sleep(.ms(1));
    try ch.close();
    for (tasks) |task| check.join(task);
    inline for (threads) |thread| thread.join();
    check.eq(sides * each, received.load(.monotonic));
    ch.deinit();
}

pub fn body() !void {
    for ([_]usize{ 0, 1, 100, photonrt.unbounded }) |room| try roundOf(room);
}
