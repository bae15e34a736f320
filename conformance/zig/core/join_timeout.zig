const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const Timeout = photonrt.Timeout;

fn parked(comptime R: type, result: R) R {
    check.must(photonrt.park(.forever));
    return result;
}

fn small() u32 {
    return parked(u32, 7);
}

fn large() [9]u8 {
    return parked([9]u8, @splat(8));
}

fn each(comptime function: anytype, want: anytype) !void {
    const task = check.spawn(function, .{});
    check.err(error.WouldBlock, task.joinTimeout(.now));
    check.err(error.WouldBlock, task.co.wait(.now));
    for (1..21) |i| {
        const time: Timeout = .us(@intCast(i * 100));
        var before = photonrt.clock();
        check.err(error.Timeout, task.joinTimeout(time));
        check.ge(photonrt.clock() - before, time.raw());
        before = photonrt.clock();
        check.err(error.Timeout, task.co.wait(time));
        check.ge(photonrt.clock() - before, time.raw());
    }
    check.err(error.InvalidArgument, task.joinTimeout(.ns(-2)));
    check.err(error.InvalidArgument, task.co.wait(.ns(-2)));
    check.err(error.InvalidArgument, task.joinTimeout(.ns(std.math.minInt(i64))));
    try task.co.unpark();
    check.eq(want, try task.joinTimeout(.ns(std.math.maxInt(i64))));
}

pub fn body() !void {
    try each(small, 7);
    try each(large, @as([9]u8, @splat(8)));
}
