//! Reading full and writing all on each kind of stream, in coroutines and on plain threads: all bytes; the end in the
//! middle; a stop, a reset and a close in the middle, with the count of what came.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const c = photonrt.c;
const fd = photonrt.fd;

const size = 300_000;
const seed = 7;
const max_usize = std.math.maxInt(usize);
var out: [size]u8 = undefined;
var in: [size]u8 = undefined;

extern "c" fn ioctl(fd: c_int, request: c_ulong, ...) c_int;

fn writer(to: net.Handle) !void {
    var done: usize = 99;
    net.fill(&out, seed, 0);
    try fd.writeAll(to, &out, &done, .forever);
    check.eq(size, done);
    try fd.writeAll(to, out[0..10], null, .seconds(60));
    net.close(to);
}

/// Everything arrives, then ten bytes more and the end.
fn reader(from: net.Handle) !void {
    var done: usize = 99;
    @memset(&in, 0);
    check.eq(size, try fd.readFull(from, &in, &done, .forever));
    check.eq(size, done);
    net.same(&in, seed, 0);
    check.eq(10, try fd.readFull(from, in[0..11], &done, .seconds(60)));
    check.eq(10, done);
    check.eq(0, try fd.readFull(from, in[0..11], null, .forever));
    net.close(from);
}

fn whole(ends: net.Pair, on_thread: bool) !void {
    const writing = check.spawnOn(2, writer, .{ends[1]});
    if (on_thread) try check.onThread(reader, .{ends[0]}) else try reader(ends[0]);
    check.join(writing);
}

/// Three bytes, then that error.
fn stopped(from: net.Handle, want: anyerror) void {
    var done: usize = 99;
    var got: [10]u8 = undefined;
    check.err(want, fd.readFull(from, &got, &done, if (want == error.Timeout) .ms(20) else .forever));
    check.eq(3, done);
    check.bytes("abc", got[0..3]);
}

fn begun(ends: net.Pair, want: anyerror) !photonrt.Task(void) {
    const task = check.spawnOn(2, stopped, .{ ends[0], want });
    try fd.writeAll(ends[1], "abc", null, .forever);
    var left: c_int = 1;
    while (left > 0) { // until it has taken them
        try photonrt.sleep(.us(100));
        _ = check.sys(ioctl(ends[0], std.c.T.FIONREAD, &left));
    }
    check.untilState(task.co, .parked);
    return task;
}

fn stops(ends: net.Pair, pipe: bool) !void {
    // It is on its way to its end, parked or not.
    const timed = check.spawnOn(2, stopped, .{ ends[0], error.Timeout });
    try fd.writeAll(ends[1], "abc", null, .forever);
    check.join(timed);
    var task = try begun(ends, error.Canceled);
    try task.co.cancel();
    check.join(task);
    task = try begun(ends, error.Unexpected); // EOWNERDEAD has no name of its own
    check.eq(0, c.co_interrupt(@backingInt(task.co), @backingInt(std.posix.E.OWNERDEAD)));
    check.join(task);
    // What is not there yet is there for the next call.
    var done: usize = 99;
    try fd.writeAll(ends[1], "def", null, .forever);
    check.err(error.WouldBlock, fd.readFull(ends[0], in[0..4], &done, .now));
    check.eq(3, done);
    check.bytes("def", in[0..3]);
    check.err(error.WouldBlock, fd.readFull(ends[0], in[0..4], &done, .now));
    check.eq(0, done);
    // Full: some bytes go, and the count says how many.
    check.err(error.WouldBlock, fd.writeAll(ends[1], &out, &done, .now));
    check.ge(done, 1);
    var more: usize = 99;
    check.err(error.Timeout, fd.writeAll(ends[1], out[done..], &more, .ms(5)));
    var n = done + more;
    check.eq(n, try fd.readFull(ends[0], in[0..n], null, .seconds(10)));
    net.same(in[0..n], seed, 0);
    task = try begun(ends, error.BadDescriptor);
    net.close(ends[0]);
    check.join(task);
    check.err(error.BrokenPipe, fd.writeAll(ends[1], &out, &n, .forever));
    check.that(if (pipe) n == 0 else n < size);
    net.close(ends[1]);
}

fn reset() !void {
    const ends = net.tcpPair();
    const task = try begun(ends, error.ConnectionResetByPeer);
    net.abort(ends[1]);
    check.join(task);
    net.close(ends[0]);
}

fn files() !void {
    var done: usize = 99;
    const file = net.open("file", .{ .ACCMODE = .RDWR, .CREAT = true, .TRUNC = true });
    try fd.pwriteAll(file, &out, 5, &done, .forever);
    check.eq(size, done);
    @memset(&in, 0);
    check.eq(size, try fd.preadFull(file, &in, 5, &done, .forever));
    net.same(&in, seed, 0);
    check.eq(size - 100, try fd.preadFull(file, &in, 105, &done, .forever));
    check.eq(size - 100, done);
    net.same(in[0 .. size - 100], seed, 100);
    check.eq(0, try fd.preadFull(file, in[0..1], std.math.maxInt(u63) - 5, null, .forever));
    check.errno(.INVAL, c.co_io_pread_full(file, &in, 1, -1, &done, c.CO_FOREVER));
    check.errno(.INVAL, c.co_io_pwrite_all(file, &in, 1, -1, &done, c.CO_FOREVER));
    check.eq(9, try fd.readFull(file, in[0..9], &done, .forever)); // the position is where it was
    check.eq(0, in[4]);
    check.bytes(out[0..4], in[5..9]);
    try fd.writeAll(file, "x", null, .forever);
    check.eq(1, try fd.preadFull(file, in[0..1], 9, null, .forever));
    check.bytes("x", in[0..1]);
    net.close(file);
}

fn errors() !void {
    var done: usize = 99;
    check.err(error.BadDescriptor, fd.readFull(-1, in[0..1], &done, .forever));
    check.eq(0, done);
    done = 99;
    check.err(error.BadDescriptor, fd.writeAll(-1, in[0..1], &done, .forever));
    check.eq(0, done);
    check.err(error.BadDescriptor, fd.writeAll(987_654, &.{}, null, .forever));
    const ends = net.unixPair();
    const nowhere: *anyopaque = @ptrFromInt(8);
    try fd.writeAll(ends[1], "abc", null, .forever);
    check.errno(.FAULT, c.co_io_read_full(ends[0], null, 1, &done, c.CO_FOREVER));
    check.errno(.FAULT, c.co_io_read_full(ends[0], nowhere, 1, &done, c.CO_FOREVER));
    check.eq(3, try fd.readFull(ends[0], in[0..3], &done, .forever)); // still there
    check.errno(.FAULT, c.co_io_write_all(ends[1], nowhere, 1, &done, c.CO_FOREVER));
    check.err(error.InvalidArgument, fd.readFull(ends[0], in[0..1], &done, .ns(-2)));
    check.err(error.InvalidArgument, fd.writeAll(ends[1], in[0..1], &done, .ns(-2)));
    check.errno(.INVAL, c.co_io_read_full(ends[0], &in, max_usize, &done, c.CO_FOREVER));
    check.errno(.INVAL, c.co_io_write_all(ends[1], &in, max_usize, &done, c.CO_FOREVER));
    check.eq(0, try fd.readFull(ends[0], in[0..0], &done, .now));
    try fd.writeAll(ends[1], in[0..0], &done, .now);
    check.err(error.Timeout, fd.readFull(ends[0], in[0..1], &done, .ms(2)));
    check.err(error.WouldBlock, fd.readFull(ends[0], in[0..1], &done, .now));
    net.closeAll(&ends);
    const full = net.open("/dev/full", .{ .ACCMODE = .WRONLY });
    check.err(error.NoSpaceLeft, fd.writeAll(full, in[0..5], &done, .forever));
    net.close(full);
}

pub fn body() !void {
    for ([_]bool{ false, true }) |on_thread| {
        try whole(net.unixPair(), on_thread);
        const pipe = net.pipe();
        if (on_thread) for (pipe) |end| net.setNonblocking(end);
        try whole(pipe, on_thread);
        try whole(net.tcpPair(), on_thread);
    }
    try stops(net.unixPair(), false);
    try stops(net.pipe(), true);
    try reset();
    try files();
    try errors();
    try check.onThread(errors, .{});
}
