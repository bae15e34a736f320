//! Two coroutines do nothing but yield on vCPU 1; others there are woken by a timer, by a plain thread, and by the
//! spinners' own vCPU. Each must come through.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

var stop: std.atomic.Value(bool) = .init(false);
var woken: std.atomic.Value(u32) = .init(0);

fn spinner() void {
    while (!stop.load(.monotonic)) photonrt.yield();
}

fn sleeper() void {
    for (0..100) |_| check.must(photonrt.sleep(.us(500)));
}

fn parked() void {
    for (0..100) |_| {
        check.must(photonrt.park(.forever));
        _ = woken.fetchAdd(1, .seq_cst);
    }
}

fn unparker(co: photonrt.Coroutine) void {
    for (0..100) |i| {
        check.must(co.unpark());
        while (woken.load(.seq_cst) == i) photonrt.yield();
    }
}

pub fn body() !void {
    var spinners: [2]photonrt.Task(void) = undefined;
    for (&spinners) |*task| task.* = check.spawnOn(1, spinner, .{});
    const sleeping = check.spawnOn(1, sleeper, .{});
    const waiting = check.spawnOn(1, parked, .{});
    check.onThread(unparker, .{waiting.co});
    try waiting.join();
    try sleeping.join();
    stop.store(true, .monotonic);
    for (spinners) |task| try task.join();
}
