//! Unparks race with the timeouts of the parks: each token ends exactly one park, whether it comes before, with or after
//! the deadline.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

const rounds = 20_000;
var given: std.atomic.Value(u32) = .init(0);

fn giver(target: photonrt.Coroutine) void {
    var rng: u64 = 3;
    for (0..rounds) |_| {
        const until = photonrt.clock() + @as(i64, @intCast(check.rand(&rng) % 40)) * check.us;
        while (photonrt.clock() < until) {}
        _ = given.fetchAdd(1, .seq_cst);
        check.must(target.unpark());
        while (given.load(.seq_cst) != 0) photonrt.yield(); // the taker sets it back
    }
}

fn taker() void {
    var taken: u32 = 0;
    while (taken < rounds) {
        photonrt.park(.us(20)) catch |e| {
            check.eq(error.Timeout, e);
            continue;
        };
        check.eq(1, given.load(.seq_cst)); // no token without an unpark
        given.store(0, .seq_cst);
        taken += 1;
    }
    check.err(error.WouldBlock, photonrt.park(.now));
}

pub fn body() !void {
    const target = check.spawnOn(2, taker, .{});
    const thread = check.thread(giver, .{target.co});
    try target.join();
    thread.join();
}
