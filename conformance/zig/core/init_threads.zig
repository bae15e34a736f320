const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

var ran: std.atomic.Value(u32) = .init(0);

fn child(i: u32) u32 {
    _ = ran.fetchAdd(1, .seq_cst);
    if (i % 8 == 0) check.must(photonrt.sleep(.us(20)));
    return i;
}

fn spawner() void {
    var tasks: [100]photonrt.Task(u32) = undefined;
    for (0..20) |_| {
        for (&tasks, 0..) |*task, i| {
            task.* = check.spawn(child, .{@intCast(i)});
            check.must(photonrt.spawnDetached(child, .{@intCast(i)}));
        }
        for (tasks, 0..) |task, i| check.eq(i, check.join(task));
    }
}

pub fn plain() !void {
    check.thread(check.init, .{}).join(); // the thread that starts it may end
    check.eq(null, photonrt.Coroutine.current());
    check.eq(check.vcpus(), check.stats().vcpus);
    var threads: [4]std.Thread = undefined;
    for (&threads) |*thread| thread.* = check.thread(spawner, .{});
    for (threads) |thread| thread.join();
    try photonrt.shutdown(.forever); // drains the detached ones
    check.eq(4 * 20 * 200, ran.load(.seq_cst));
}
