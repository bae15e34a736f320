const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

const n = 100_000;
var tasks: [n]photonrt.Task(u32) = undefined;
var parked_now: std.atomic.Value(u32) = .init(0);

fn parked(x: u32) u32 {
    _ = parked_now.fetchAdd(1, .monotonic);
    check.must(photonrt.park(.forever));
    return x;
}

pub fn body() !void {
    for (&tasks, 0..) |*task, i| task.* = try photonrt.spawnWith(.{ .stack_size = 16 << 10 }, parked, .{@intCast(i)});
    while (parked_now.load(.monotonic) != n) try photonrt.sleep(.ms(1));
    const stats = check.stats();
    check.eq(n + 1, stats.live);
    check.ge(stats.stacks_used, n);
    check.ge(stats.guards_light + stats.guards_mprotect, n);
    check.eq(0, stats.guards_none);
    for (&tasks) |task| try task.co.unpark();
    for (&tasks, 0..) |task, i| check.eq(i, try task.join());
    check.untilLive(1);
}
