//! Half a MiB of thread-locals, which the C library takes off each thread's stack: more than some of the runtime's own
//! threads would have. (All cases are one program, so each of them runs with these.)
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

threadlocal var mine: [512 << 10]u8 = @splat(0);

fn touch() u64 {
    const bytes: *volatile [mine.len]u8 = &mine;
    bytes[0] = 1;
    bytes[bytes.len - 1] = 1;
    return 7;
}

pub fn body() !void {
    const usr1: std.posix.SIG = .USR1;
    const signals = [_]std.posix.SIG{usr1};
    check.eq(7, touch());
    check.eq(7, try check.spawnOn(2, touch, .{}).join());
    check.eq(7, try photonrt.blocking(.forever, touch, .{}));
    try photonrt.signal.subscribe(&signals);
    try std.posix.raise(usr1);
    check.eq(signals[0], try photonrt.signal.wait(&signals, .forever));
    try photonrt.signal.release(signals[0]);
    const group: photonrt.Group = try .create(.{});
    check.eq(7, try group.run(.forever, touch, .{}));
    try group.destroy(.forever);
}
