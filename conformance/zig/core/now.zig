const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

fn systemNow() i64 {
    var at: std.c.timespec = undefined;
    _ = check.ok(std.c.clock_gettime(.MONOTONIC, &at));
    return at.sec * check.sec + at.nsec;
}

fn look() void {
    var last: i64 = 0;
    for (0..10_000) |i| {
        const before = systemNow();
        const now = photonrt.clock();
        const after = systemNow();
        check.that(before <= now and now <= after);
        check.ge(now, last);
        last = now;
        if (i % 16 == 0) photonrt.yield();
    }
}

pub fn body() !void {
    const a = check.spawn(look, .{});
    const b = check.spawn(look, .{});
    look();
    check.onThread(look, .{});
    try a.join();
    try b.join();
}
