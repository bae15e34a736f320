//! WAITALL without waiting: what has been taken is the result, and not lost.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const MSG = std.posix.MSG;

const How = struct { flags: u32, timeout: photonrt.Timeout };

fn receive(how: How, socket: net.Handle, buffer: []u8, in_batch: bool) photonrt.IoError!usize {
    if (!in_batch) return photonrt.net.receive(socket, buffer, how.flags, how.timeout);
    var ops = [_]photonrt.batch.Operation{.receive(socket, buffer, how.flags)};
    if (photonrt.batch.all(&ops, how.timeout)) |n| {
        check.eq(1, n);
    } else |e| { // nothing was there, and the batch had no time
        check.eq(photonrt.Timeout.now, how.timeout);
        check.eq(error.WouldBlock, e);
        check.err(e, ops[0].result());
    }
    return ops[0].result();
}

fn both(ends: net.Pair, in_batch: bool) !void {
    for ([_]How{
        .{ .flags = MSG.WAITALL, .timeout = .now },
        .{ .flags = MSG.WAITALL | MSG.DONTWAIT, .timeout = .forever },
    }) |how| {
        var buffer: [8]u8 = @splat(0);
        net.sendAll(ends[1], "abc");
        check.eq(3, try receive(how, ends[0], &buffer, in_batch));
        check.err(error.WouldBlock, receive(how, ends[0], &buffer, in_batch));
        check.bytes("abc\x00", buffer[0..4]);
    }
}

fn all() !void {
    for (0..20) |i| {
        const ends = if (i % 2 == 1) net.unixPair() else net.tcpPair();
        try both(ends, i % 4 / 2 == 1);
        net.closeAll(&ends);
    }
}

pub fn body() !void {
    try all();
    try check.onThread(all, .{});
}
