const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const c = photonrt.c;
const fd = photonrt.fd;
const Timeout = photonrt.Timeout;

const size = 3_000_000;
const seed = 4;
var file: net.Handle = undefined;
var got: [size]u8 = undefined;

fn sendFile(to: net.Handle, from: net.Handle, offset: ?*i64, len: usize, timeout: Timeout) fd.Error!usize {
    return fd.result(c.co_io_sendfile(to, from, offset, len, timeout.raw()));
}

fn position() i64 {
    return check.sys(std.c.lseek(file, 0, std.c.SEEK.CUR));
}

fn received(from: net.Handle, n: usize, at: u64) void {
    net.receiveAll(from, got[0..n]);
    net.same(got[0..n], seed, at);
}

fn reader(from: net.Handle) void {
    net.receiveAll(from, &got);
}

/// Through a socket whose buffer is far smaller than the file.
fn through(ends: net.Pair, nonblocking: bool) !void {
    if (nonblocking) net.setNonblocking(ends[0]);
    const mode = net.mode(ends[0]);
    var offset: i64 = 0;
    @memset(&got, 0);
    const reading = check.spawnOn(2, reader, .{ends[1]});
    check.eq(size, try sendFile(ends[0], file, &offset, size, .forever));
    check.eq(size, offset);
    check.join(reading);
    net.same(&got, seed, 0);
    check.eq(mode, net.mode(ends[0]));
    check.eq(0, position());
    net.closeAll(&ends);
}

fn positions() !void {
    var ends = net.unixPair();
    check.eq(100, check.sys(std.c.lseek(file, 100, std.c.SEEK.SET)));
    check.eq(50, try sendFile(ends[0], file, null, 50, .forever));
    check.eq(150, position());
    received(ends[1], 50, 100);
    var offset: i64 = size - 10;
    check.eq(10, try sendFile(ends[0], file, &offset, 50, .now)); // as much as there is
    check.eq(size, offset);
    check.eq(0, try sendFile(ends[0], file, &offset, 50, .forever));
    received(ends[1], 10, size - 10);
    check.eq(1000, try check.onThread(sendFile, .{ ends[0], file, null, 1000, .forever }));
    check.eq(1150, position());
    received(ends[1], 1000, 150);
    net.closeAll(&ends);

    // Into another file, into a pipe.
    offset = 5;
    const out = net.open("copy", .{ .ACCMODE = .RDWR, .CREAT = true });
    check.eq(500_000, try sendFile(out, file, &offset, 500_000, .forever));
    check.eq(500_000, try fd.pread(out, &got, 0, .forever));
    net.same(got[0..500_000], seed, 5);
    net.close(out);
    ends = try fd.pipe();
    check.eq(20, try sendFile(ends[1], file, &offset, 20, .forever));
    check.eq(20, try fd.read(ends[0], &got, .forever));
    net.same(got[0..20], seed, 500_005);
    net.closeAll(&ends);
}

/// A peer that does not read: what went is reported, and the position is after it.
fn fullSocket() !void {
    const ends = net.unixPair();
    var offset: i64 = 0;
    const n = try sendFile(ends[0], file, &offset, size, .ms(5));
    check.ge(n, 1);
    check.that(n < size);
    check.eq(@as(i64, @intCast(n)), offset);
    check.err(error.Timeout, sendFile(ends[0], file, &offset, size, .ms(1)));
    check.err(error.WouldBlock, sendFile(ends[0], file, &offset, size, .now));
    check.eq(@as(i64, @intCast(n)), offset);
    received(ends[1], n, 0);
    net.close(ends[1]);
    net.brokenPipeKills(true);
    check.err(error.BrokenPipe, sendFile(ends[0], file, &offset, size, .forever));
    net.brokenPipeKills(false);
    net.close(ends[0]);
}

/// An interrupt that comes after some bytes is for the next call.
fn interrupted(to: net.Handle, went_on: *std.atomic.Value(bool)) !void {
    var offset: i64 = 0;
    check.ge(try sendFile(to, file, &offset, size, .forever), 1);
    check.err(error.Interrupted, photonrt.sleep(.seconds(1)));
    _ = sendFile(to, file, &offset, size, .now) catch |e| check.eq(error.WouldBlock, e);
    went_on.store(true, .release);
    check.err(error.Canceled, sendFile(to, file, &offset, size, .forever));
}

fn interrupts() !void {
    const ends = net.unixPair();
    var went_on: std.atomic.Value(bool) = .init(false);
    const task = check.spawn(interrupted, .{ ends[0], &went_on });
    check.untilState(task.co, .parked);
    try photonrt.sleep(.ms(2));
    try task.co.interrupt(error.Interrupted);
    while (!went_on.load(.acquire)) try photonrt.sleep(.us(100));
    try task.co.cancel();
    check.join(task);
    net.closeAll(&ends);
}

fn errors() !void {
    const ends = net.unixPair();
    const pipe = try fd.pipe();
    var before: i64 = -1;
    check.err(error.InvalidArgument, sendFile(ends[0], file, &before, 10, .forever));
    check.err(error.InvalidArgument, sendFile(ends[0], pipe[0], null, 10, .forever));
    check.err(error.InvalidArgument, sendFile(ends[0], ends[1], null, 10, .forever));
    check.err(error.InvalidArgument, sendFile(ends[0], file, null, 10, .ns(-2)));
    check.err(error.BadDescriptor, sendFile(-1, file, null, 10, .forever));
    check.err(error.BadDescriptor, sendFile(ends[0], 1_000_000, null, 10, .forever));
    check.err(error.BadDescriptor, sendFile(pipe[0], file, null, 10, .forever));
    check.eq(0, try sendFile(ends[0], file, null, 0, .forever));
    check.err(error.BadAddress, sendFile(ends[0], file, @ptrCast(@alignCast(net.readOnlyPage())), 10, .forever));
    check.err(error.WouldBlock, photonrt.net.receive(ends[1], got[0..1], 0, .now));
    net.closeAll(&ends);
    net.closeAll(&pipe);
}

pub fn body() !void {
    net.fill(&got, seed, 0);
    file = net.open("file", .{ .ACCMODE = .RDWR, .CREAT = true });
    try fd.pwriteAll(file, &got, 0, null, .forever);
    for ([_]bool{ false, true }) |nonblocking| {
        try through(net.unixPair(), nonblocking);
        try through(net.tcpPair(), nonblocking);
    }
    try positions();
    try fullSocket();
    try interrupts();
    try errors();
    net.close(file);
}
