const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const max = std.math.maxInt(i64);

var flag: bool = false;
var woken: std.atomic.Value(u32) = .init(0);

fn setFlag() void {
    flag = true;
}

fn forEver(time: photonrt.Timeout) void {
    check.err(error.Interrupted, photonrt.sleep(time));
    woken.store(1, .seq_cst);
    check.err(error.Interrupted, photonrt.sleepUntil(max));
}

pub fn body() !void {
    check.err(error.InvalidArgument, photonrt.sleep(.ns(-2)));
    check.err(error.InvalidArgument, photonrt.sleep(.ns(std.math.minInt(i64))));
    const setting = check.spawnOn(photonrt.currentVcpu(), setFlag, .{});
    check.eq(false, flag);
    try photonrt.sleep(.now); // a yield
    check.eq(true, flag);
    try setting.join();
    try photonrt.sleepUntil(0);
    try photonrt.sleepUntil(std.math.minInt(i64));
    try photonrt.sleepUntil(photonrt.clock() - check.sec);
    try photonrt.sleep(.ns(1));

    // So long that the deadline has no number: it sleeps nevertheless.
    for ([_]photonrt.Timeout{ .forever, .ns(max), .ns(max - 1), .ns(max / 2), .seconds(max), .seconds(3600) }) |time| {
        const task = check.spawn(forEver, .{time});
        for (0..2) |i| {
            while (woken.load(.seq_cst) != i) photonrt.yield();
            check.untilState(task.co, .parked);
            check.err(error.Timeout, task.joinTimeout(.ms(2)));
            check.eq(photonrt.State.parked, try task.co.state());
            try task.co.interrupt(error.DeadlineExpired);
        }
        try task.join();
        woken.store(0, .seq_cst);
    }

    // A period kept by deadlines does not drift: none is early, and the sum is not late by a period each.
    var at = photonrt.clock();
    for (0..50) |_| {
        at += check.ms;
        try photonrt.sleepUntil(at);
        check.ge(photonrt.clock(), at);
    }
}
