const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

const more = 5;
var ch: photonrt.Channel(u32) = undefined;
var through: std.atomic.Value(u32) = .init(0);

fn sender(n: u32) !void {
    try ch.send(n);
    _ = through.fetchAdd(1, .monotonic);
}

fn timeout(i: usize) photonrt.Timeout {
    return if (i % 2 == 1) .now else .forever;
}

fn withCapacity(room: usize) !void {
    var tasks: [more]check.Task(sender) = undefined;
    through.store(0, .monotonic);
    ch = try .init(room);
    check.eq(room, try ch.capacity());
    for (0..3) |round| {
        check.err(error.WouldBlock, ch.receiveTimeout(.now));
        for (0..room) |n| {
            check.eq(n, try ch.len());
            try ch.sendTimeout(@intCast(n), timeout(n));
        }
        check.err(error.WouldBlock, ch.sendTimeout(0, .now));
        check.err(error.Timeout, ch.sendTimeout(0, .us(100)));
        for (&tasks, room..) |*task, n| {
            task.* = check.spawn(sender, .{@as(u32, @intCast(n))});
            check.untilState(task.co, .parked);
        }
        for (0..room + more) |i| {
            check.eq(if (i < more) room else room + more - i, try ch.len());
            check.eq(i, try ch.receiveTimeout(timeout(i)));
        }
        for (tasks) |task| check.join(task);
        check.eq((round + 1) * more, through.load(.monotonic));
    }
    try ch.sendTimeout(9, .now);
    var drop = [_]photonrt.Case{ch.onReceive(null)};
    check.eq(0, try photonrt.select(&drop, .now));
    try drop[0].result();
    check.eq(0, try ch.len());
    ch.deinit();
}

pub fn body() !void {
    for ([_]usize{ 1, 2, 3, 16, 17, 1000 }) |room| try withCapacity(room);
}
