//! A bad argument: nothing has begun and no result is written. A bad operation: its own result.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const batch = check.batch;
const Operation = batch.Operation;
const c = photonrt.c;

/// What no operation gives: a result that was not written.
const untouched = -4242;

const Place = struct { file: net.Handle, fds: net.Pair };

fn refused(place: Place, bad: Operation, want: anyerror) !void {
    var ops = [_]Operation{ .pwrite(place.file, "x", 0), bad, .send(place.fds[0], "x", 0) };
    for (&ops) |*op| op.raw.result = untouched;
    check.err(want, batch.all(&ops, .forever));
    for (ops) |op| check.eq(untouched, op.raw.result);
    var byte: [1]u8 = undefined;
    check.eq(0, try photonrt.fd.pread(place.file, &byte, 0, .forever));
    check.err(error.WouldBlock, photonrt.net.receive(place.fds[1], &byte, 0, .now));
}

fn changed(comptime field: []const u8, value: u32) Operation {
    var op: Operation = .timer(.now);
    @field(op.raw, field) = value;
    return op;
}

fn arguments(place: Place) !void {
    var ops = [_]Operation{.timer(.now)};
    ops[0].raw.result = untouched;
    check.errno(.INVAL, c.co_io_batch(&ops[0].raw, 1, 2, c.CO_FOREVER));
    check.err(error.InvalidArgument, batch.all(&ops, .ns(-2)));
    check.errno(.FAULT, c.co_io_batch(null, 1, 0, c.CO_FOREVER));
    check.eq(untouched, ops[0].raw.result);
    const size = @sizeOf(c.co_io_op_t);
    inline for (.{
        .{ "opcode", 0 },
        .{ "opcode", std.math.maxInt(u32) },
        .{ "flags", 0x80 },
        .{ "reserved", 1 },
        .{ "size", 0 },
        .{ "size", size - 8 },
        .{ "size", size + 8 },
    }) |bad| try refused(place, changed(bad[0], bad[1]), error.InvalidArgument);
}

/// Elements of a later header: longer, and taken if what is not known is zero.
fn longer(file: net.Handle) !void {
    const Longer = extern struct { op: Operation, more: u64 = 0 };
    var ops: [3]Longer = undefined;
    for (&ops, 0..) |*l, i| {
        l.* = .{ .op = .pwrite(file, "abc"[i..][0..1], @intCast(i)) };
        l.op.raw.size = @sizeOf(Longer);
    }
    ops[2].more = 1;
    var room: [8]u8 = undefined;
    check.errno(.@"2BIG", c.co_io_batch(&ops[0].op.raw, 3, 0, c.CO_FOREVER));
    check.eq(0, try photonrt.fd.pread(file, &room, 0, .forever));
    ops[2].more = 0;
    check.eq(3, c.co_io_batch(&ops[0].op.raw, 3, 0, c.CO_FOREVER));
    for (ops) |l| batch.result(1, l.op);
    check.eq(3, try photonrt.fd.pread(file, &room, 0, .forever));
    check.bytes("abc", room[0..3]);
}

fn negative(op: Operation) Operation {
    var out = op;
    out.raw.offset = -1;
    return out;
}

fn nameless(op: Operation) Operation {
    var out = op;
    out.raw.buf = null;
    return out;
}

const Expected = struct { Operation, anyerror };

/// Every operation with a descriptor that is none, a pointer that is none, the wrong kind of descriptor: all in one
/// batch, each with what the single call gives.
fn results(place: Place) !void {
    const file = place.file;
    const socket = place.fds[0];
    const nowhere = @as([*]u8, @ptrFromInt(8))[0..8];
    const POLL = std.posix.POLL;
    var room: [8]u8 = undefined;
    const pipes = net.pipe();
    net.sendAll(place.fds[1], "data");
    check.eq(4, std.c.write(pipes[1], "data", 4));
    check.eq(4, try photonrt.fd.pwrite(file, "data", 0, .forever));
    net.seek(file, 0);
    const to = net.local(9);
    const bad = [_]Expected{
        .{ .read(-1, &room), error.BadDescriptor },
        .{ .write(1 << 20, &room), error.BadDescriptor },
        .{ .pread(-1, &room, 0), error.BadDescriptor },
        .{ .pwrite(-7, &room, 0), error.BadDescriptor },
        .{ .receive(std.math.maxInt(c_int), &room, 0), error.BadDescriptor },
        .{ .send(-1, &room, 0), error.BadDescriptor },
        .{ .sync(-1), error.BadDescriptor },
        .{ .poll(-1, POLL.IN), error.BadDescriptor },
        .{ .accept(-1, null), error.BadDescriptor },
        .{ .connect(-1, &to), error.BadDescriptor },
        .{ .read(file, nowhere), error.BadAddress },
        .{ .write(socket, nowhere), error.BadAddress },
        .{ .pread(file, nowhere, 0), error.BadAddress },
        .{ .pwrite(file, nowhere, 9), error.BadAddress },
        .{ .receive(socket, nowhere, 0), error.BadAddress },
        .{ .send(socket, nowhere, 0), error.BadAddress },
        .{ .read(pipes[0], nowhere), error.BadAddress },
        .{ .open(@ptrCast(nowhere.ptr), .{}, 0), error.BadAddress },
        .{ nameless(.open("absent", .{}, 0)), error.BadAddress },
        .{ .open("absent", .{}, 0), error.FileNotFound },
        .{ .pread(socket, &room, 0), error.Unseekable },
        .{ .pwrite(pipes[1], &room, 0), error.Unseekable },
        .{ negative(.pread(file, &room, 0)), error.InvalidArgument },
        .{ .receive(file, &room, 0), error.NotSocket },
        .{ .send(pipes[1], &room, 0), error.NotSocket },
        .{ .sync(socket), error.InvalidArgument },
        .{ .accept(socket, null), error.InvalidArgument },
        .{ .connect(file, &to), error.NotSocket },
        .{ .timer(.ns(-5)), error.InvalidArgument },
        .{ .poll(file, 0x4000), error.InvalidArgument },
    };
    var ops: [bad.len]Operation = undefined;
    for (&ops, bad) |*op, b| op.* = b[0];
    check.eq(bad.len, try batch.all(&ops, .forever));
    for (ops, bad) |op, b| batch.result(b[1], op);
    for (&ops, bad) |*op, b| {
        op.raw.result = untouched;
        check.eq(1, try batch.all(op[0..1], .forever));
        batch.result(b[1], op.*);
    }
    check.eq(4, try photonrt.net.receive(socket, &room, 0, .forever));
    net.closeAll(&pipes);
}

fn run() !void {
    const place: Place = .{ .file = batch.file("file"), .fds = net.unixPair() };
    try arguments(place);
    try longer(place.file);
    try results(place);
    net.close(place.file);
    net.closeAll(&place.fds);
}

pub fn body() !void {
    try run();
    try check.onThread(run, .{});
}
