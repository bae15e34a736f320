//! What the cases about stalls share: a coroutine that keeps its vCPU until that has been found.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("../check.zig");

/// What this thread has computed.
pub fn cpuTime() i64 {
    var t: std.c.timespec = undefined;
    check.eq(0, std.c.clock_gettime(.THREAD_CPUTIME_ID, &t));
    return t.sec * check.sec + t.nsec;
}

pub fn burn(ns: i64) void {
    const until = cpuTime() + ns;
    while (cpuTime() < until) {}
}

/// Computes, without a call that would give the vCPU to others, until `n` stalls have been found.
pub noinline fn spin(n: u64) void {
    var turns: u64 = 0;
    const seen: *volatile u64 = &turns;
    while (check.stats().stalls < n) {
        for (0..1000) |_| seen.* +%= 1;
    }
}

pub noinline fn spinTwice(n: *u64) anyerror!void {
    spin(n.*);
    burn(40 * check.ms);
    check.eq(n.*, check.stats().stalls); // once for each
    try photonrt.sleep(.ms(1));
    n.* += 1;
    spin(n.*);
    check.eq(n.*, check.stats().stalls); // not in place of this call: it is to be seen in the addresses
}
