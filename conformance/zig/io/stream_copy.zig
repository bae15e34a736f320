//! Copying between each kind of source and each kind of target: everything, so much, and in pieces with a stop after each,
//! which loses nothing.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const c = photonrt.c;
const fd = photonrt.fd;

const size = 400_000;
const seed = 5;
var data: [size]u8 = undefined;
var sink: [size]u8 = undefined;

const Kind = enum { file, pipe, unix, tcp };

/// Where bytes are put in, and where they come out.
const Way = struct {
    in: net.Handle,
    out: net.Handle,

    fn make(kind: Kind, path: [*:0]const u8) Way {
        switch (kind) {
            .file => {
                const in = net.open(path, .{ .ACCMODE = .RDWR, .CREAT = true, .TRUNC = true });
                return .{ .in = in, .out = net.open(path, .{ .ACCMODE = .RDWR }) };
            },
            .pipe, .unix, .tcp => {
                const out, const in = switch (kind) {
                    .pipe => net.pipe(),
                    .unix => net.unixPair(),
                    else => net.tcpPair(),
                };
                return .{ .in = in, .out = out };
            },
        }
    }
};

fn feed(to: net.Handle) !void {
    try fd.writeAll(to, &data, null, .forever);
    net.close(to);
}

fn drain(from: net.Handle, expected: usize) !void {
    @memset(&sink, 0);
    check.eq(expected, try fd.readFull(from, &sink, null, .forever));
    net.same(sink[0..expected], seed, 0);
}

/// From a source that is being filled to a target; the bytes of a file are there before.
const Transfer = struct {
    to: Kind,
    source: Way,
    target: Way,
    expected: usize,
    feeder: ?@TypeOf(check.spawn(feed, .{0})),
    drainer: ?@TypeOf(check.spawn(drain, .{ 0, 0 })) = null,

    fn start(from: Kind, to: Kind, expected: usize) Transfer {
        const source: Way = .make(from, "from");
        var transfer: Transfer = .{ .to = to, .source = source, .target = .make(to, "to"), .expected = expected, .feeder = null };
        const feeder = check.spawnOn(2, feed, .{source.in});
        if (from == .file) check.join(feeder) else transfer.feeder = feeder;
        return transfer;
    }

    /// Somebody takes out of the target what is copied; out of a file, when all is in it.
    fn drained(transfer: *Transfer, vcpu: u32) void {
        if (transfer.to != .file) transfer.drainer = check.spawnOn(vcpu, drain, .{ transfer.target.out, transfer.expected });
    }

    fn finish(transfer: *Transfer) !void {
        net.close(transfer.target.in);
        if (transfer.feeder) |feeder| check.join(feeder);
        if (transfer.drainer) |drainer| check.join(drainer);
        if (transfer.to == .file) try drain(transfer.target.out, transfer.expected);
        net.closeAll(&.{ transfer.source.out, transfer.target.out });
    }
};

fn copyAll(from: net.Handle, to: net.Handle, count: ?u63, expected: usize) !void {
    var done: i64 = -7;
    check.eq(expected, try fd.copy(from, to, count, &done, .forever));
    check.eq(@as(i64, @intCast(expected)), done);
}

fn whole(from: Kind, to: Kind, count: ?u63, on_thread: bool) !void {
    const expected: usize = @min(count orelse size, size);
    var transfer: Transfer = .start(from, to, expected);
    transfer.drained(2);
    const args = .{ transfer.source.out, transfer.target.in, count, expected };
    if (on_thread) try check.onThread(copyAll, args) else try @call(.auto, copyAll, args);
    if (expected < size) { // the rest is where it was
        var rest: [16]u8 = undefined;
        check.eq(rest.len, try fd.readFull(transfer.source.out, &rest, null, .forever));
        net.same(&rest, seed, expected);
        const nowhere = net.open("/dev/null", .{ .ACCMODE = .WRONLY });
        check.eq(size - expected - rest.len, try fd.copy(transfer.source.out, nowhere, null, null, .forever));
        net.close(nowhere);
    }
    try transfer.finish();
}

/// Nobody reads from the target but a little between the calls: each is stopped, and the next goes on.
fn inPieces(from: Kind, to: Kind) !void {
    const transfer: Transfer = .start(from, to, size);
    const out = transfer.target.out;
    var got: usize = 0;
    var sent: usize = 0;
    var rng: u64 = 3;
    @memset(&sink, 0);
    var calls: usize = 0;
    while (sent < size) : (calls += 1) {
        var done: i64 = -7;
        const outcome = fd.copy(transfer.source.out, transfer.target.in, @intCast(size - sent), &done, if (calls % 2 == 1) .us(500) else .now);
        check.ge(done, 0);
        sent += @intCast(done);
        if (outcome) |n| { // then it is over, and nothing is missing
            check.eq(@as(u64, @intCast(done)), n);
            check.eq(size, sent);
        } else |e| check.that(e == error.WouldBlock or e == error.Timeout);
        const some = @min(check.rand(&rng) % 30_000, sent - got);
        check.eq(some, try fd.readFull(out, sink[got..][0..some], null, .seconds(10)));
        got += some;
        if (calls % 4 == 0) try photonrt.sleep(.us(50));
    }
    check.eq(size - got, try fd.readFull(out, sink[got..], null, .seconds(10)));
    net.same(&sink, seed, 0);
    if (transfer.feeder) |feeder| check.join(feeder);
    net.closeAll(&.{ transfer.target.in, transfer.source.out, out });
}

var copying: std.atomic.Value(bool) = .init(false);
var cancels: std.atomic.Value(u32) = .init(0);

fn copyOn(from: net.Handle, to: net.Handle) !void {
    var sent: usize = 0;
    while (sent < size) {
        var done: i64 = -7;
        const outcome = fd.copy(from, to, @intCast(size - sent), &done, .forever);
        check.ge(done, 0);
        sent += @intCast(done);
        if (outcome) |n| {
            check.eq(@as(u64, @intCast(done)), n);
            check.eq(size, sent);
        } else |e| {
            check.eq(error.Canceled, e);
            check.that(photonrt.acknowledgeCancel());
            _ = cancels.fetchAdd(1, .monotonic);
        }
    }
    copying.store(false, .release);
}

/// Cancelled again and again, at whatever it is.
fn cancelled(from: Kind, to: Kind) !void {
    var transfer: Transfer = .start(from, to, size);
    transfer.drained(1);
    copying.store(true, .release);
    const copier = check.spawnOn(2, copyOn, .{ transfer.source.out, transfer.target.in });
    var rng: u64 = 9;
    while (copying.load(.acquire)) {
        copier.co.cancel() catch |e| check.eq(error.NotFound, e);
        try photonrt.sleep(.us(@intCast(check.rand(&rng) % 60))); // in which it gets on
    }
    check.join(copier);
    try transfer.finish();
}

fn stopped(from: net.Handle, to: net.Handle, want: anyerror) void {
    var done: i64 = -7;
    check.err(want, fd.copy(from, to, null, &done, .forever));
    check.eq(3, done);
}

fn stops(from: Kind) !void {
    for ([_]anyerror{ error.Canceled, error.DeadlineExpired, error.BadDescriptor, error.BadDescriptor }) |want| {
        const source: Way = .make(from, "from");
        const target: Way = .make(.unix, "to");
        const task = check.spawnOn(2, stopped, .{ source.out, target.in, want });
        try fd.writeAll(source.in, "abc", null, .forever);
        check.eq(3, try fd.readFull(target.out, sink[0..3], null, .forever));
        check.bytes("abc", sink[0..3]);
        try photonrt.sleep(.ms(1));
        check.untilState(task.co, .parked);
        switch (want) {
            error.Canceled => try task.co.cancel(),
            error.DeadlineExpired => try task.co.interrupt(want),
            else => net.close(source.out),
        }
        check.join(task);
        if (want != error.BadDescriptor) net.close(source.out);
        net.closeAll(&.{ source.in, target.in, target.out });
    }
}

fn errors() !void {
    var done: i64 = -7;
    const ends = net.unixPair();
    const nothing = net.open("/dev/null", .{ .ACCMODE = .RDWR });
    check.err(error.BadDescriptor, fd.copy(-1, nothing, null, &done, .forever));
    check.eq(0, done);
    check.err(error.BadDescriptor, fd.copy(nothing, -1, null, &done, .forever));
    check.errno(.INVAL, c.co_io_copy(nothing, nothing, -2, &done, c.CO_FOREVER));
    check.err(error.InvalidArgument, fd.copy(nothing, nothing, null, &done, .ns(-2)));
    check.eq(0, try fd.copy(nothing, nothing, null, &done, .forever));
    check.eq(0, try fd.copy(ends[0], nothing, 0, &done, .now));
    check.err(error.WouldBlock, fd.copy(ends[0], nothing, null, &done, .now));
    check.err(error.Timeout, fd.copy(ends[0], nothing, 1, &done, .ms(2)));
    const udp = try photonrt.net.udpBind("127.0.0.1", 0);
    check.err(error.InvalidArgument, fd.copy(udp, nothing, null, &done, .forever));
    const dir = net.open(".", .{});
    check.err(error.IsDir, fd.copy(dir, nothing, null, &done, .forever));
    const zero = net.open("/dev/zero", .{});
    check.eq(100_000, try fd.copy(zero, nothing, 100_000, &done, .forever));
    // What can't be written stays.
    const full = net.open("/dev/full", .{ .ACCMODE = .WRONLY });
    net.sendAll(ends[1], "abc");
    check.err(error.NoSpaceLeft, fd.copy(ends[0], full, 3, &done, .forever));
    check.eq(0, done);
    check.err(error.BadDescriptor, fd.copy(ends[0], zero, 3, null, .forever)); // not open for writing
    var three: [3]u8 = undefined;
    check.eq(3, try fd.readFull(ends[0], &three, null, .now));
    check.bytes("abc", &three);
    net.close(ends[1]);
    check.err(error.BrokenPipe, fd.copy(zero, ends[0], null, &done, .forever));
    net.closeAll(&.{ ends[0], udp, dir, zero, nothing, full });
}

pub fn body() !void {
    net.fill(&data, seed, 0);
    for (std.enums.values(Kind), 0..) |from, i| for (std.enums.values(Kind), 0..) |to, j| {
        const odd = (i + j) % 2 == 1;
        try whole(from, to, null, false);
        try whole(from, to, 300_001, odd);
        try whole(from, to, std.math.maxInt(u63), !odd);
        try cancelled(from, to);
        if (to != .file) try inPieces(from, to);
    };
    check.ge(cancels.load(.monotonic), 20);
    try stops(.pipe);
    try stops(.unix);
    try stops(.tcp);
    try errors();
    try check.onThread(errors, .{});
}
