//! Without a function for it, a stall is reported on standard error.
const check = @import("check");

pub fn body() !void {
    var n: u64 = 1;
    check.eq(0, check.stats().stalls);
    const task = check.spawnOn(2, check.stall.spinTwice, .{&n});
    try task.co.setName("spinner");
    check.join(task);
    check.eq(2, n);
    check.eq(2, check.stats().stalls);
}
