//! A coroutine whose batches always end at once starves nobody on its vCPU.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const batch = check.batch;
const Operation = batch.Operation;

var beats: std.atomic.Value(u32) = .init(0);
var stop: std.atomic.Value(bool) = .init(false);

fn beat() void {
    while (!stop.load(.acquire)) {
        _ = beats.fetchAdd(1, .monotonic);
        photonrt.yield();
    }
}

const rounds = 1000;

fn ofFiles(file: net.Handle) !void {
    var room: [16][8]u8 = @splat(@splat(0));
    const before = beats.load(.monotonic);
    for (0..rounds) |_| {
        var ops: [16]Operation = undefined;
        for (&ops, &room, 0..) |*op, *into, i| {
            op.* = if (i % 4 == 3) .pwrite(file, into, @intCast(i * 8)) else .pread(file, into, @intCast(i * 8));
        }
        check.eq(16, try batch.all(&ops, .forever));
    }
    // At least once in 64 operations that end without waiting.
    check.ge(beats.load(.monotonic) - before, rounds * 16 / 64 / 2);
}

/// One that is ready, beside one that never is.
fn anyOfTwo(fds: net.Pair, silent: net.Handle) !void {
    var room: [8]u8 = undefined;
    const before = beats.load(.monotonic);
    for (0..rounds) |_| {
        var ops = [_]Operation{ .receive(silent, &room, 0), .write(fds[0], "x") };
        check.eq(1, try batch.any(&ops, .forever));
        batch.result(1, ops[1]);
        check.eq(1, std.c.recv(fds[1], &room, room.len, std.posix.MSG.DONTWAIT));
    }
    check.ge(beats.load(.monotonic) - before, rounds / 64);
}

fn carryOut(file: net.Handle, fds: net.Pair, silent: net.Handle) !void {
    try ofFiles(file);
    try anyOfTwo(fds, silent);
    stop.store(true, .release);
}

pub fn body() !void {
    const file = batch.file("file");
    check.eq(128, try photonrt.fd.pwrite(file, &@as([128]u8, @splat(0)), 0, .forever));
    const fds = net.unixPair();
    const silent = net.unixPair();
    const beating = check.spawnOn(1, beat, .{});
    check.join(check.spawnOn(1, carryOut, .{ file, fds, silent[0] }));
    check.join(beating);
    net.closeAll(&fds);
    net.closeAll(&silent);
    net.close(file);
}
