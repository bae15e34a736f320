//! Plain threads spawn onto sleeping vCPUs and unpark what sleeps there: every wake of an idle vCPU must arrive.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

const rounds = 5000;
var ran: std.atomic.Value(u32) = .init(0);

fn count() void {
    _ = ran.fetchAdd(1, .seq_cst);
}

fn spawner() void {
    for (0..rounds) |i| {
        const task = check.spawnOn(@intCast(i % 2 + 1), count, .{});
        if (i % 2 == 1) check.join(task) else task.detach();
    }
}

pub fn plain() !void {
    check.init();
    const threads = [_]std.Thread{ check.thread(spawner, .{}), check.thread(spawner, .{}) };
    for (threads) |thread| thread.join();
    try photonrt.shutdown(.forever);
    check.eq(2 * rounds, ran.load(.seq_cst));
}
