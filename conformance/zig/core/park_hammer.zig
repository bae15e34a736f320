//! A plain thread says "round i" and unparks; the coroutine takes the round and parks again. One lost wake-up and it stays
//! for ever. What is written before the unpark is read after the park without an atomic.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

const rounds = 100_000;
var message: u32 = 0;
var taken: std.atomic.Value(u32) = .init(0);

fn unparker(target: photonrt.Coroutine) void {
    var rng: u64 = 7;
    for (1..rounds + 1) |i| {
        message = @intCast(i);
        check.must(target.unpark());
        while (taken.load(.seq_cst) != i) if (check.rand(&rng) % 64 == 0) photonrt.yield();
    }
}

fn parker() void {
    var i: u32 = 1;
    while (i <= rounds) {
        if (i % 5 != 0) {
            check.must(photonrt.park(.forever));
        } else photonrt.park(.us(20)) catch |e| {
            check.eq(error.Timeout, e);
            continue;
        };
        check.eq(i, message);
        taken.store(i, .seq_cst);
        i += 1;
    }
}

pub fn body() !void {
    const target = check.spawnOn(2, parker, .{});
    const thread = check.thread(unparker, .{target.co});
    try target.join();
    thread.join();
}
