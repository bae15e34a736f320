//! A plain thread interrupts a coroutine that is about to block in one way or another: each interrupt ends exactly one
//! call, and none is lost between the look and the sleep.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;

const rounds = 30_000;
const names = photonrt.errors.names;
var taken: std.atomic.Value(u32) = .init(0);

fn interrupter(target: photonrt.Coroutine) void {
    for (1..rounds + 1) |i| {
        check.must(target.interrupt(names[i % names.len][1]));
        while (taken.load(.seq_cst) != i) photonrt.yield();
    }
}

fn parked() void {
    check.must(photonrt.park(.forever));
}

/// The C calls give the very number, which tells one interrupt from the next.
fn blocked(never_ends: photonrt.Coroutine) void {
    for (1..rounds + 1) |i| {
        check.errno(names[i % names.len][0], switch (i % 4) {
            0 => c.co_park(c.CO_FOREVER),
            1 => c.co_sleep(c.CO_FOREVER),
            2 => c.co_park(3600 * check.sec),
            else => c.co_wait(@backingInt(never_ends), c.CO_FOREVER),
        });
        taken.store(@intCast(i), .seq_cst);
    }
    check.must(photonrt.sleep(.now));
}

pub fn body() !void {
    const never_ends = check.spawn(parked, .{});
    const target = check.spawnOn(2, blocked, .{never_ends.co});
    const thread = check.thread(interrupter, .{target.co});
    try target.join();
    thread.join();
    try never_ends.co.unpark(); // now it does
    try never_ends.join();
}
