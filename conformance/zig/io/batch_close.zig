//! A close of one descriptor ends the operations of a batch that are on it, and no others; those that have yet to begin
//! are not carried out on the number's next life.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const batch = check.batch;
const Operation = batch.Operation;

const n = 6;
var fds: [n]net.Pair = undefined;
var room: [n + 1][8]u8 = undefined;
var begun: std.atomic.Value(bool) = .init(false);

fn carryOut() !void {
    var ops = [n + 2]Operation{
        .receive(fds[0][0], &room[0], 0),
        .poll(fds[1][0], std.posix.POLL.IN),
        .then(.read(fds[2][0], &room[2])), // before a timer that does not begin then
        .timer(.now),
        .receive(fds[4][0], &room[4], 0),
        .receive(fds[5][0], &room[5], 0),
        .receive(fds[0][0], &room[6], 0),
        .timer(.now),
    };
    begun.store(true, .release);
    check.eq(n + 1, try batch.all(&ops, .forever));
    const closed = error.BadDescriptor;
    batch.results(&.{ closed, closed, closed, error.Canceled, 1, 2, closed, 0 }, &ops);
}

fn close() !void {
    while (!begun.load(.acquire)) check.pause();
    try photonrt.sleep(.ms(1));
    for (fds[0..3]) |pair| net.close(pair[0]);
    try photonrt.sleep(.ms(1));
    net.sendAll(fds[4][1], "a");
    try photonrt.sleep(.ms(1));
    net.sendAll(fds[5][1], "bc");
}

/// What is linked behind a receive is on a file that is closed, and its number used again, while the receive waits.
fn behind(socket: net.Handle, victim: net.Handle) !void {
    var byte: [1]u8 = undefined;
    var ops = [_]Operation{
        .then(.receive(socket, &byte, 0)),
        .then(.pwrite(victim, "wrong", 0)),
        .sync(victim),
    };
    check.eq(2, try batch.all(&ops, .forever));
    batch.results(&.{ 1, error.BadDescriptor, error.Canceled }, &ops);
}

fn reuse() !void {
    var byte: [1]u8 = undefined;
    const victim = batch.file("victim");
    const pair = net.unixPair();
    const task = check.spawn(behind, .{ pair[0], victim });
    check.untilState(task.co, .parked);
    net.close(victim);
    const next = batch.file("next");
    check.eq(victim, next); // the lowest free number
    net.sendAll(pair[1], "!");
    check.join(task);
    check.eq(0, try photonrt.fd.pread(next, &byte, 0, .forever));
    net.close(next);
    net.closeAll(&pair);
}

fn carryOutOnThread() void {
    carryOut() catch |e| check.fail("{t}", .{e});
}

fn round(vcpu: u32, thread: bool) !void {
    for (&fds, 0..) |*pair, i| pair.* = if (i % 2 == 1) net.unixPair() else net.tcpPair();
    begun.store(false, .release);
    if (thread) {
        const t = check.thread(carryOutOnThread, .{});
        try close();
        t.join();
    } else {
        const task = check.spawnOn(vcpu, carryOut, .{});
        try close();
        check.join(task);
    }
    for (fds[0..3]) |pair| net.close(pair[1]);
    for (fds[3..]) |pair| net.closeAll(&pair);
}

pub fn body() !void {
    for (0..12) |i| {
        try round(@intCast(i % 2 + 1), i % 3 == 2);
        try reuse();
    }
}
