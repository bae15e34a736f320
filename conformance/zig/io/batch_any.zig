//! `any` returns with the first operation or chain that ends; the rest is called off, and each has its result.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const batch = check.batch;
const Operation = batch.Operation;

fn timerEndsIt() !void {
    const a = net.unixPair();
    const b = net.tcpPair();
    var room: [2][8]u8 = undefined;
    var ops = [_]Operation{
        .receive(a[0], &room[0], 0),
        .read(b[0], &room[1]),
        .timer(.ms(3)),
        .timer(.seconds(3600)),
    };
    const before = photonrt.clock();
    check.eq(1, try batch.any(&ops, .forever));
    check.ge(photonrt.clock() - before, 3 * check.ms);
    batch.results(&.{ error.Canceled, error.Canceled, 0, error.Canceled }, &ops);
    // Nothing that was called off takes what comes later.
    room = @splat(@splat('x'));
    net.sendAll(a[1], "a");
    net.sendAll(b[1], "b");
    try photonrt.sleep(.ms(1));
    check.eq('x', room[0][0]);
    check.eq('x', room[1][0]);
    const n = try batch.any(&ops, .seconds(10));
    var received: usize = 0;
    for (ops[0..2], [_]net.Handle{ a[0], b[0] }, &room) |op, fd, *into| {
        if (op.result()) |got| {
            check.eq(1, got);
            received += 1;
        } else |e| {
            check.eq(error.Canceled, e);
            check.eq(1, try photonrt.net.receive(fd, into, 0, .forever));
        }
    }
    check.eq(n, received);
    check.ge(n, 1);
    check.eq('a', room[0][0]);
    check.eq('b', room[1][0]);
    net.closeAll(&a);
    net.closeAll(&b);
}

fn answersLate(fd: net.Handle) !void {
    var request: [7]u8 = undefined;
    check.eq(7, try photonrt.net.receive(fd, &request, std.posix.MSG.WAITALL, .forever));
    try photonrt.sleep(.ms(2));
    net.sendAll(fd, "answer");
}

/// A chain has ended when its last operation has: a request, then its answer, or a timer.
fn chainCountsWhole() !void {
    var answer: [6]u8 = undefined;
    const fds = net.unixPair();
    const peer = check.spawn(answersLate, .{fds[1]});
    var ops = [_]Operation{
        .then(.send(fds[0], "request", 0)),
        .receive(fds[0], &answer, 0),
        .timer(.seconds(30)),
    };
    check.eq(2, try batch.any(&ops, .forever));
    batch.results(&.{ 7, 6, error.Canceled }, &ops);
    check.bytes("answer", &answer);
    check.join(peer);
    // No answer this time.
    ops[2] = .timer(.ms(2));
    check.eq(2, try batch.any(&ops, .forever));
    batch.results(&.{ 7, error.Canceled, 0 }, &ops);
    // A broken chain has ended too.
    var bad = [_]Operation{
        .then(.send(-1, "x", 0)),
        .receive(fds[0], &answer, 0),
        .timer(.seconds(30)),
    };
    check.eq(1, try batch.any(&bad, .forever));
    batch.results(&.{ error.BadDescriptor, error.Canceled, error.Canceled }, &bad);
    net.closeAll(&fds);
}

/// Sends on one of many; exactly that receive completes.
fn oneOfMany() !void {
    const n = 40;
    var fds: [n]net.Pair = undefined;
    var room: [n]u8 = undefined;
    var ops: [n]Operation = undefined;
    for (&fds, &ops, 0..) |*pair, *op, i| {
        pair.* = net.unixPair();
        op.* = .receive(pair[0], room[i..][0..1], 0);
    }
    for (0..n) |round| {
        const one = round * 7 % n;
        net.sendAll(fds[one][1], "!");
        check.eq(1, try batch.any(&ops, .forever));
        for (ops, 0..) |op, i| batch.result(if (i == one) 1 else error.Canceled, op);
    }
    for (fds) |pair| net.closeAll(&pair);
}

fn onThread() !void {
    try timerEndsIt();
    try oneOfMany();
}

pub fn body() !void {
    for (0..5) |_| {
        try timerEndsIt();
        try chainCountsWhole();
        try oneOfMany();
    }
    try check.onThread(onThread, .{});
}
