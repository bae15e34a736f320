//! A timeout, a cancel and an interrupt in the middle of a batch: what was done is reported, the rest is called off and
//! holds no buffer; an interrupt that came too late stays pending.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const batch = check.batch;
const Operation = batch.Operation;

const n = 12;
var fds: [n]net.Pair = undefined;
var room: [n][8]u8 = undefined;
var ops: [n + 2]Operation = undefined;

/// Receives from silent sockets, and a chain that goes on after an hour.
fn receives() []Operation {
    for (ops[0..n], &fds, &room, 0..) |*op, pair, *into, i| {
        op.* = if (i % 2 == 1) .read(pair[0], into) else .receive(pair[0], into, 0);
    }
    ops[n] = .then(.timer(.seconds(3600)));
    ops[n + 1] = .send(fds[0][0], "never", 0);
    room = @splat(@splat('x'));
    return &ops;
}

fn nobodyHolds() !void {
    for (&fds, &room) |pair, *into| {
        net.sendAll(pair[1], "z");
        check.eq('x', into[0]);
    }
    for (&fds, &room) |pair, *into| {
        var byte: [1]u8 = undefined;
        check.eq(1, try photonrt.net.receive(pair[0], &byte, 0, .forever));
        check.eq('x', into[0]);
    }
    check.err(error.WouldBlock, photonrt.net.receive(fds[0][1], &room[0], 0, .now));
}

fn allGive(want: anyerror) void {
    batch.each(want, ops[0 .. n + 1]);
    batch.result(error.Canceled, ops[n + 1]); // it never began
}

fn timeouts() !void {
    const before = photonrt.clock();
    check.err(error.Timeout, batch.all(receives(), .ms(2)));
    check.ge(photonrt.clock() - before, 2 * check.ms);
    allGive(error.Timeout);
    try nobodyHolds();
    check.err(error.Timeout, batch.any(receives(), .ms(2)));
    allGive(error.Timeout);
    try nobodyHolds();
    check.err(error.WouldBlock, batch.all(receives(), .now));
    allGive(error.WouldBlock);
    try nobodyHolds();
    // What was done stays done.
    for ([_]photonrt.Timeout{ .ms(2), .now }) |time| {
        const some = receives();
        net.sendAll(fds[3][1], "abc");
        ops[5] = .send(fds[5][0], "def", 0);
        check.eq(2, try batch.all(some, time));
        const late: batch.Result = if (time == .now) error.WouldBlock else error.Timeout;
        for (ops[0 .. n + 1], 0..) |op, i| batch.result(if (i == 3 or i == 5) 3 else late, op);
        check.bytes("abcx", room[3][0..4]);
        check.eq(3, try photonrt.net.receive(fds[5][1], &room[5], 0, .forever));
    }
}

fn cancelled() !void {
    check.err(error.Canceled, batch.all(receives(), .forever));
    allGive(error.Canceled);
    // It stays cancelled: nothing begins.
    check.err(error.Canceled, batch.all(receives(), .forever));
    allGive(error.Canceled);
    check.that(photonrt.acknowledgeCancel());
    try nobodyHolds();
}

fn interrupted(want: anyerror) !void {
    check.err(want, batch.all(receives(), .seconds(3600)));
    allGive(error.Canceled);
    try nobodyHolds();
}

fn stops(vcpu: u32) !void {
    const task = check.spawnOn(vcpu, cancelled, .{});
    check.untilState(task.co, .parked);
    try task.co.cancel();
    check.join(task);
    for ([_]anyerror{ error.Interrupted, error.BrokenPipe }) |e| {
        const other = check.spawnOn(vcpu, interrupted, .{e});
        check.untilState(other.co, .parked);
        try other.co.interrupt(e);
        check.join(other);
    }
}

fn doneBeforeTheInterrupt() !void {
    var some = [_]Operation{ .send(fds[0][0], "a", 0), .receive(fds[1][0], &room[1], 0) };
    check.eq(1, try batch.all(&some, .forever));
    batch.results(&.{ 1, error.Canceled }, &some);
    check.errno(.XDEV, photonrt.c.co_sleep(check.sec)); // still pending
}

fn lateInterrupt() !void {
    var byte: [1]u8 = undefined;
    const task = check.spawn(doneBeforeTheInterrupt, .{});
    check.eq(1, try photonrt.net.receive(fds[0][1], &byte, 0, .forever));
    check.untilState(task.co, .parked);
    try photonrt.sleep(.ms(1));
    try task.co.interrupt(error.NotSameFileSystem);
    check.join(task);
}

pub fn body() !void {
    for (&fds, 0..) |*pair, i| pair.* = if (i % 3 != 0) net.unixPair() else net.tcpPair();
    for (0..6) |round| {
        try timeouts();
        try stops(@intCast(round % 2 + 1));
        try lateInterrupt();
    }
    try check.onThread(timeouts, .{});
    for (&fds) |pair| net.closeAll(&pair);
}
