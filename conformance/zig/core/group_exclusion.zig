//! A group of one vCPU runs its coroutines one at a time: plain variables are safe between blocking calls.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

const members = 60;
const rounds = 300;
var inside: u32 = 0;
var counter: u32 = 0;
var entered: u32 = 0;
var group: photonrt.Group = undefined;

fn member() void {
    for (0..rounds) |i| {
        check.eq(0, inside);
        inside = 1;
        const seen = counter;
        for (0..20) |spin| std.mem.doNotOptimizeAway(spin);
        counter = seen + 1;
        inside = 0;
        entered += 1;
        if (i % 10 != 0) photonrt.yield() else check.must(photonrt.sleep(.us(@intCast(i % 7 * 10))));
    }
}

fn spawnSome() void {
    var tasks: [members / 3]photonrt.Task(void) = undefined;
    for (&tasks) |*task| task.* = check.must(photonrt.spawnWith(.{ .group = group }, member, .{}));
    for (tasks) |task| check.join(task);
}

pub fn body() !void {
    group = try .create(.{});
    const elsewhere = [_]photonrt.Task(void){ check.spawnOn(1, spawnSome, .{}), check.spawnOn(2, spawnSome, .{}) };
    check.onThread(spawnSome, .{});
    for (elsewhere) |task| try task.join();
    check.eq(members * rounds, counter);
    check.eq(members * rounds, entered);
    try group.destroy(.forever);
}
