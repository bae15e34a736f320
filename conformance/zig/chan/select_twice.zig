const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

const rounds = 3000;
var ch: photonrt.Channel(i64) = undefined;
var sent: std.atomic.Value(u32) = .init(0);
var received: std.atomic.Value(u32) = .init(0);
var sum: std.atomic.Value(i64) = .init(0);

/// Sends or receives, whichever comes.
fn both(out: i64, timeout: photonrt.Timeout) !void {
    var in: i64 = -1;
    var cases = [_]photonrt.Case{ ch.onSend(&out), ch.onReceive(&in), ch.onSend(&out), ch.onReceive(&in) };
    const i = try photonrt.select(&cases, timeout);
    try cases[i].result();
    if (i % 2 == 1) {
        check.that(in > 0);
        _ = sum.fetchSub(in, .monotonic);
        _ = received.fetchAdd(1, .monotonic);
    } else {
        check.eq(-1, in);
        _ = sum.fetchAdd(out, .monotonic);
        _ = sent.fetchAdd(1, .monotonic);
    }
}

fn player(n: i64) !void {
    for (0..rounds) |i| {
        while (both(n, if (i % 8 != 0) .ms(10) else .ns(1000))) break else |e| {
            check.eq(error.Timeout, e);
            if (sent.load(.monotonic) >= rounds) return;
        }
    }
}

pub fn body() !void {
    ch = try .init(0);
    defer ch.deinit();
    check.err(error.WouldBlock, both(3, .now));
    check.err(error.Timeout, both(3, .ms(2)));
    check.err(error.WouldBlock, both(3, .now)); // nothing was left in the queues
    var tasks: [4]check.Task(player) = undefined;
    for (&tasks, 0..) |*task, i| task.* = check.spawnOn(@as(u32, @intCast(i)) % 2 + 1, player, .{@as(i64, @intCast(i + 1))});
    for (tasks) |task| check.join(task);
    check.eq(received.load(.monotonic), sent.load(.monotonic));
    check.eq(0, sum.load(.monotonic));
    check.ge(sent.load(.monotonic), rounds / 2);
}
