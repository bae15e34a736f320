//! What the cases of batches share.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("../check.zig");
const net = check.net;

pub const Operation = photonrt.batch.Operation;
pub const all = photonrt.batch.all;
pub const any = photonrt.batch.any;

/// What an operation has ended with.
pub const Result = anyerror!usize;

/// The operation has ended with that.
pub fn result(want: Result, operation: Operation) void {
    if (want) |n| {
        const got = operation.raw.result;
        if (got != @as(i64, @intCast(n))) check.fail("is {d}, expected {d}", .{ got, n });
    } else |e| {
        if (operation.result()) |n| check.fail("is {d}, expected {t}", .{ n, e }) else |got| {
            if (got != e) check.fail("is {t}, expected {t}", .{ got, e });
        }
    }
}

/// Each of them has ended with that.
pub fn results(want: []const Result, operations: []const Operation) void {
    check.eq(want.len, operations.len);
    for (want, operations) |w, operation| result(w, operation);
}

/// All of them have ended with that.
pub fn each(want: Result, operations: []const Operation) void {
    for (operations) |operation| result(want, operation);
}

/// An empty file of one's own.
pub fn file(name: [*:0]const u8) net.Handle {
    return net.open(name, .{ .ACCMODE = .RDWR, .CREAT = true, .TRUNC = true });
}
