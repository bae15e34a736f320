//! Without a function for it, a stall is reported on standard error.
const check = @import("check");
const builtin = @import("builtin");

pub fn body() !void {
    if (builtin.abi.isMusl()) check.skip("musl has no unwind tables for a signal's frame", .{});
    var n: u64 = 1;
    check.eq(0, check.stats().stalls);
    const task = check.spawnOn(2, check.stall.spinTwice, .{&n});
    try task.co.setName("spinner");
    check.join(task);
    check.eq(2, n);
    check.eq(2, check.stats().stalls);
}
