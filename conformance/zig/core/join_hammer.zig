//! Coroutines end on one vCPU while they are being joined on another, at every distance of the two: no joiner sleeps on.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

fn spin(n: u64) void {
    for (0..n) |i| std.mem.doNotOptimizeAway(i);
}

fn ends(length: u64) u64 {
    spin(length);
    return length;
}

fn joiner() void {
    var rng: u64 = 31;
    for (0..20_000) |i| {
        const length = check.rand(&rng) % 3000;
        const task = check.spawnOn(2, ends, .{length});
        spin(check.rand(&rng) % 3000);
        if (i % 2 == 1) check.must(task.co.wait(.forever));
        check.eq(length, check.join(task));
    }
}

pub fn body() !void {
    try check.spawnOn(1, joiner, .{}).join();
}
