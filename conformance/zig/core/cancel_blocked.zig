//! Many are cancelled in each kind of wait, from coroutines and from a plain thread.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

const n = 300;
var tasks: [n]photonrt.Task(u32) = undefined;
var never: [n]photonrt.Task(void) = undefined;

fn blocked(i: u32) u32 {
    check.err(error.Canceled, switch (i % 5) {
        0 => photonrt.sleep(.seconds(3600)),
        1 => photonrt.park(.forever),
        2 => photonrt.park(.seconds(3600)),
        3 => never[i].join(),
        else => never[i].co.wait(.seconds(3600)),
    });
    return i;
}

fn untilUnparked() void {
    check.must(photonrt.park(.forever));
}

fn cancelAll() void {
    for (&tasks) |task| check.must(task.co.cancel());
}

fn round(plain_thread: bool) !void {
    for (&tasks, &never, 0..) |*task, *joinee, i| {
        joinee.* = check.spawn(untilUnparked, .{});
        task.* = check.spawnOn(@intCast(i % 2 + 1), blocked, .{@intCast(i)});
    }
    try photonrt.sleep(.ms(10)); // most are blocked by now, and the others may be cancelled as well
    if (plain_thread) check.onThread(cancelAll, .{}) else cancelAll();
    for (&tasks, 0..) |task, i| check.eq(i, try task.join());
    for (&never) |joinee| { // the joins that were given up left these as they were
        check.err(error.WouldBlock, joinee.joinTimeout(.now));
        try joinee.co.unpark();
        try joinee.join();
    }
}

pub fn body() !void {
    for (0..4) |i| try round(i % 2 == 1);
    check.untilLive(1);
}
