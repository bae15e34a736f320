//! Several descriptors at once: a set of pipes, of which the odd ones get a byte later.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const c = photonrt.c;
const fd = photonrt.fd;
const POLL = std.posix.POLL;
const pollfd = std.posix.pollfd;

fn want(handle: net.Handle, events: i16) pollfd {
    return .{ .fd = handle, .events = events, .revents = 0x55 };
}

fn writeLater(to: net.Handle) !void {
    try photonrt.sleep(.ms(2));
    check.eq(1, try fd.write(to, "x", .forever));
}

fn closeLater(handle: net.Handle) !void {
    try photonrt.sleep(.ms(2));
    net.close(handle);
}

fn oneOfMany() !void {
    var byte: [1]u8 = undefined;
    var pipes: [40]net.Pair = undefined;
    var set: [40]pollfd = undefined;
    for (&pipes, &set, 0..) |*pipe, *p, i| {
        pipe.* = net.pipe();
        if (i % 2 == 1) for (pipe) |end| net.setNonblocking(end);
        p.* = want(pipe[0], POLL.IN);
    }
    check.err(error.WouldBlock, fd.pollMany(&set, .now));
    for (set) |p| check.eq(0, p.revents);
    const before = photonrt.clock();
    check.err(error.Timeout, fd.pollMany(&set, .ms(3)));
    check.ge(photonrt.clock() - before, 3 * check.ms);
    var k: usize = 0;
    while (k < pipes.len) : (k += 7) {
        const writing = check.spawn(writeLater, .{pipes[k][1]});
        check.eq(1, try fd.pollMany(&set, .forever));
        for (set, 0..) |p, i| check.eq(@as(i16, if (i == k) POLL.IN else 0), p.revents);
        check.join(writing);
        check.eq(1, try fd.pollMany(&set, .now)); // it takes nothing
        check.eq(1, try fd.read(pipes[k][0], &byte, .now));
        check.err(error.WouldBlock, fd.pollMany(&set, .now));
    }
    for (pipes, 0..) |pipe, i| if (i % 2 == 1) check.eq(1, try fd.write(pipe[1], "x", .forever));
    check.eq(pipes.len / 2, try fd.pollMany(&set, .forever));
    for (pipes, set, 0..) |pipe, p, i| {
        check.eq(@as(i16, if (i % 2 == 1) POLL.IN else 0), p.revents);
        check.eq(i % 2 == 1, net.mode(pipe[0]).NONBLOCK);
        net.closeAll(&pipe);
    }
}

/// What poll has said of each.
fn expect(events: []const i16, set: []const pollfd) void {
    for (events, set) |want_events, p| check.eq(want_events, p.revents);
}

/// Negative ones are left out, the same may be there twice, closed ones say so at once.
fn oddEntries() !void {
    const ends = net.unixPair();
    var set: [4]pollfd = .{ want(-1, POLL.IN), want(ends[0], POLL.IN), want(ends[0], POLL.OUT), want(ends[0], 0) };
    check.eq(1, try fd.pollMany(&set, .forever));
    expect(&.{ 0, 0, POLL.OUT, 0 }, &set);
    set[2].events = POLL.IN;
    const writing = check.spawn(writeLater, .{ends[1]});
    check.eq(2, try fd.pollMany(&set, .forever));
    expect(&.{ 0, POLL.IN, POLL.IN, 0 }, &set);
    check.join(writing);
    const closed = net.socket();
    net.close(closed);
    set[0] = want(closed, POLL.IN);
    check.eq(1, try fd.pollMany(set[0..1], .forever));
    expect(&.{POLL.NVAL}, set[0..1]);
    set[0] = want(1 << 30, POLL.IN);
    check.eq(3, try fd.pollMany(&set, .forever));
    expect(&.{POLL.NVAL}, set[0..1]);
    for (&set) |*p| p.* = want(-1, POLL.IN);
    check.err(error.Timeout, fd.pollMany(&set, .ms(2)));
    set[3] = want(ends[0], 0); // hang-up is reported unasked
    const closing = check.spawn(closeLater, .{ends[1]});
    check.eq(1, try fd.pollMany(&set, .forever));
    expect(&.{POLL.HUP}, set[3..]);
    check.join(closing);
    net.close(ends[0]);
}

fn arguments() !void {
    const before = photonrt.clock();
    check.err(error.Timeout, fd.pollMany(&.{}, .ms(2)));
    check.ge(photonrt.clock() - before, 2 * check.ms);
    check.err(error.WouldBlock, fd.pollMany(&.{}, .now));
    check.err(error.InvalidArgument, fd.pollMany(&.{}, .ns(-2)));
    check.errno(.AGAIN, c.co_io_poll_many(null, 0, c.CO_NOW));
    check.errno(.FAULT, c.co_io_poll_many(null, 1, c.CO_FOREVER));
    check.errno(.FAULT, c.co_io_poll_many(@ptrFromInt(8), 3, c.CO_FOREVER));
    var one = [_]c.struct_pollfd{.{ .fd = -1 }};
    check.errno(.INVAL, c.co_io_poll_many(&one, std.math.maxInt(c_uint), c.CO_FOREVER));
}

/// A file is ready for what a file can, and never for anything else.
fn files() !void {
    const file = net.open("file", .{ .ACCMODE = .RDWR, .CREAT = true });
    const pipe = net.pipe();
    var set: [3]pollfd = .{ want(file, POLL.IN | POLL.OUT), want(pipe[0], POLL.IN), want(file, POLL.PRI) };
    check.eq(1, try fd.pollMany(&set, .forever));
    expect(&.{POLL.IN | POLL.OUT}, set[0..1]);
    check.err(error.Timeout, fd.pollMany(set[1..], .ms(2)));
    const writing = check.spawn(writeLater, .{pipe[1]});
    check.eq(1, try fd.pollMany(set[1..], .forever));
    expect(&.{ POLL.IN, 0 }, set[1..]);
    check.join(writing);
    const closing = check.spawn(closeLater, .{file});
    check.eq(1, try fd.pollMany(set[2..], .forever));
    expect(&.{POLL.NVAL}, set[2..]);
    check.join(closing);
    net.closeAll(&pipe);
}

/// How many have something, and what the first has; the other two, which are one pipe, have the same.
const Outcome = struct { n: usize, first: i16 };

fn waitForTwo(socket: net.Handle, pipe: net.Handle) fd.Error!Outcome {
    var set: [3]pollfd = .{ want(socket, POLL.IN), want(pipe, POLL.IN), want(pipe, POLL.IN) };
    const n = try fd.pollMany(&set, .forever);
    check.eq(set[1].revents, set[2].revents);
    return .{ .n = n, .first = set[0].revents };
}

fn parked(ends: net.Pair, pipe: net.Pair) photonrt.Task(fd.Error!Outcome) {
    const task = check.spawnOn(2, waitForTwo, .{ ends[0], pipe[0] });
    check.untilState(task.co, .parked);
    return task;
}

fn endedByOthers() !void {
    var ends = net.tcpPair();
    var pipe = net.pipe();
    // Closing one of them.
    var task = parked(ends, pipe);
    net.close(ends[0]);
    check.eq(Outcome{ .n = 1, .first = POLL.NVAL }, check.join(task));
    net.close(ends[1]);
    // Two entries for one.
    ends = net.tcpPair();
    task = parked(ends, pipe);
    net.close(pipe[0]);
    check.eq(Outcome{ .n = 2, .first = 0 }, check.join(task));
    net.close(pipe[1]);
    pipe = net.pipe();
    // A cancel, an interrupt.
    task = parked(ends, pipe);
    try task.co.cancel();
    check.err(error.Canceled, task.join());
    task = parked(ends, pipe);
    try task.co.interrupt(error.InputOutput);
    check.err(error.InputOutput, task.join());
    net.closeAll(&ends);
    net.closeAll(&pipe);
}

/// The same calls on a plain thread, which they block.
fn onThread() !void {
    try oddEntries();
    try arguments();
    try files();
}

fn threads() !void {
    try check.onThread(onThread, .{});
    const S = struct {
        var done: std.atomic.Value(bool) = .init(false);
        var outcome: fd.Error!Outcome = undefined;

        fn wait(socket: net.Handle, pipe: net.Handle) void {
            outcome = waitForTwo(socket, pipe);
            done.store(true, .release);
        }
    };
    const ends = net.tcpPair();
    const pipe = net.pipe();
    const thread = check.thread(S.wait, .{ ends[0], pipe[0] });
    try photonrt.sleep(.ms(20));
    check.that(!S.done.load(.acquire));
    net.close(ends[0]);
    while (!S.done.load(.acquire)) try photonrt.sleep(.us(100));
    thread.join();
    check.eq(Outcome{ .n = 1, .first = POLL.NVAL }, try S.outcome);
    net.close(ends[1]);
    net.closeAll(&pipe);
}

pub fn body() !void {
    for (0..3) |_| {
        try oneOfMany();
        try oddEntries();
        try arguments();
        try files();
        try endedByOthers();
    }
    try threads();
}
