const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const Coroutine = photonrt.Coroutine;

fn unparkLater(co: Coroutine) void {
    check.must(photonrt.sleep(.ms(2)));
    check.must(co.unpark());
}

fn onThread(co: Coroutine) void {
    check.err(error.PermissionDenied, photonrt.park(.forever));
    check.err(error.PermissionDenied, photonrt.park(.now));
    check.must(co.unpark());
}

fn linger() void {
    check.must(photonrt.sleep(.ms(3)));
}

pub fn body() !void {
    const self = Coroutine.current().?;

    check.err(error.WouldBlock, photonrt.park(.now));
    for (1..21) |i| {
        const time: photonrt.Timeout = .us(@intCast(i * 100));
        const before = photonrt.clock();
        check.err(error.Timeout, photonrt.park(time));
        check.ge(photonrt.clock() - before, time.raw());
    }
    check.err(error.InvalidArgument, photonrt.park(.ns(-2)));
    check.err(error.InvalidArgument, photonrt.park(.ns(std.math.minInt(i64))));

    for ([_]photonrt.Timeout{ .forever, .now, .seconds(1) }) |time| { // before
        try self.unpark();
        try photonrt.park(time);
    }
    check.err(error.WouldBlock, photonrt.park(.now)); // each token is taken once
    for (0..5) |_| try self.unpark(); // several are one
    try photonrt.park(.forever);
    check.err(error.WouldBlock, photonrt.park(.now));
    check.err(error.Timeout, photonrt.park(.ms(1)));

    for ([_]photonrt.Timeout{ .forever, .seconds(3600), .ns(std.math.maxInt(i64)) }) |time| { // after, by each of the timeouts
        const other = check.spawn(unparkLater, .{self});
        try photonrt.park(time);
        try other.join();
    }

    // It wakes `park` and nothing else: the sleep and the join go on, and the token waits.
    const waker = check.spawn(unparkLater, .{self});
    const before = photonrt.clock();
    try photonrt.sleep(.ms(6));
    check.ge(photonrt.clock() - before, 6 * check.ms);
    try waker.join();
    try photonrt.park(.now);
    const lingering = check.spawn(linger, .{});
    try self.unpark();
    try lingering.join();
    try photonrt.park(.now);

    check.onThread(onThread, .{self});
    try photonrt.park(.forever);
    const last = check.spawn(linger, .{});
    check.untilState(last.co, .ended);
    check.err(error.NotFound, last.co.unpark()); // ended, though not yet joined
    try last.join();
}
