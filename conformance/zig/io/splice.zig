const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const c = photonrt.c;
const fd = photonrt.fd;
const Timeout = photonrt.Timeout;

// Flags of splice(2).
const move = 1;
const nonblock = 2;
const more = 4;

var data: [200_000]u8 = undefined;
var in: [data.len]u8 = undefined;

fn splice(from: net.Handle, from_offset: ?*i64, to: net.Handle, to_offset: ?*i64, len: usize, flags: c_uint, timeout: Timeout) fd.Error!usize {
    return fd.result(c.co_io_splice(from, from_offset, to, to_offset, len, flags, timeout.raw()));
}

/// Between streams, which have no offsets.
fn spliceStream(from: net.Handle, to: net.Handle, len: usize, flags: c_uint, timeout: Timeout) fd.Error!usize {
    return splice(from, null, to, null, len, flags, timeout);
}

/// All that comes out of a pipe next.
fn pipeSame(from: net.Handle, n: usize, seed: u64, at: u64) !void {
    check.eq(n, try fd.readFull(from, in[0..n], null, .forever));
    net.same(in[0..n], seed, at);
}

fn fileOf(path: [*:0]const u8, n: usize) !net.Handle {
    const file = net.open(path, .{ .ACCMODE = .RDWR, .CREAT = true, .TRUNC = true });
    net.fill(data[0..n], 5, 0);
    check.eq(n, try fd.write(file, data[0..n], .forever));
    return file;
}

fn seek(file: net.Handle, offset: i64, whence: c_int) i64 {
    return check.sys(std.c.lseek(file, offset, whence));
}

fn filesAndPipes() !void {
    const file = try fileOf("from", 10_000);
    const to = try fileOf("to", 0);
    const p = try fd.pipe();
    const q = try fd.pipe();
    var offset: i64 = 100;
    check.eq(500, try splice(file, &offset, p[1], null, 500, 0, .forever));
    check.eq(600, offset);
    check.eq(10_000, seek(file, 0, std.c.SEEK.CUR));
    check.eq(9000, seek(file, 9000, std.c.SEEK.SET));
    check.eq(1000, try spliceStream(file, p[1], 50_000, move, .seconds(10)));
    check.eq(10_000, seek(file, 0, std.c.SEEK.CUR));
    check.eq(0, try spliceStream(file, p[1], 50_000, 0, .forever)); // the file's end
    try pipeSame(p[0], 500, 5, 100);
    check.eq(300, try spliceStream(p[0], q[1], 300, 0, .forever));
    try pipeSame(q[0], 300, 5, 9000);
    offset = 7;
    check.eq(700, try splice(p[0], null, to, &offset, 50_000, 0, .forever));
    check.eq(707, offset);
    check.eq(700, try fd.pread(to, in[0..700], 7, .forever));
    net.same(in[0..700], 5, 9300);
    // An empty pipe: nothing yet, and then the end.
    check.err(error.WouldBlock, spliceStream(p[0], q[1], 10, 0, .now));
    check.err(error.WouldBlock, spliceStream(p[0], to, 10, nonblock, .forever));
    check.err(error.Timeout, spliceStream(p[0], to, 10, 0, .ms(1)));
    net.close(p[1]);
    check.eq(0, try spliceStream(p[0], q[1], 10, 0, .forever));
    check.eq(0, try spliceStream(p[0], to, 10, 0, .forever));
    net.close(q[0]);
    check.err(error.BrokenPipe, splice(file, &offset, q[1], null, 10, 0, .forever));
    net.closeAll(&.{ q[1], p[0], file, to });
}

/// Socket to pipe to socket, as a proxy does it.
fn relay(left: net.Handle, right: net.Handle) !usize {
    const p = try fd.pipe();
    var total: usize = 0;
    while (true) {
        var n = try spliceStream(left, p[1], 65_536, 0, .forever);
        if (n == 0) break;
        total += n;
        while (n > 0) {
            const some = try spliceStream(p[0], right, n, more, .forever);
            check.ge(some, 1);
            n -= some;
        }
    }
    try photonrt.net.shutdown(right, .send);
    net.closeAll(&p);
    return total;
}

fn feed(to: net.Handle) !void {
    net.sendAll(to, &data);
    try photonrt.net.shutdown(to, .send);
}

fn relays(a: net.Pair, b: net.Pair, nonblocking: bool) !void {
    const from, const left = a;
    const right, const to = b;
    if (nonblocking) {
        net.setNonblocking(left);
        net.setNonblocking(right);
    }
    const modes = .{ net.mode(left), net.mode(right) };
    net.fill(&data, 9, 0);
    const feeding = check.spawnOn(2, feed, .{from});
    const relaying = check.spawnOn(1, relay, .{ left, right });
    net.receiveAll(to, &in);
    net.same(&in, 9, 0);
    check.eq(0, try photonrt.net.receive(to, in[0..1], 0, .forever));
    check.join(feeding);
    check.eq(data.len, check.join(relaying));
    check.eq(modes[0], net.mode(left));
    check.eq(modes[1], net.mode(right));
    net.closeAll(&a);
    net.closeAll(&b);
}

/// No signal for a socket whose peer is gone, on coroutines and threads.
fn toDeadPeer() !void {
    const ends = net.unixPair();
    const p = try fd.pipe();
    check.eq(1, try fd.write(p[1], "x", .forever));
    net.close(ends[1]);
    check.err(error.BrokenPipe, spliceStream(p[0], ends[0], 1, 0, .forever));
    net.close(ends[0]);
    net.closeAll(&p);
}

fn errors() !void {
    const file = try fileOf("from", 100);
    const p = try fd.pipe();
    const q = try fd.pipe();
    const ends = net.unixPair();
    var offset: i64 = 0;
    var before: i64 = -1;
    check.err(error.InvalidArgument, spliceStream(file, ends[0], 10, 0, .forever)); // no pipe
    check.err(error.InvalidArgument, spliceStream(ends[0], ends[1], 10, 0, .forever));
    check.err(error.InvalidArgument, spliceStream(p[0], p[1], 10, 0, .forever)); // onto itself
    check.err(error.Unseekable, splice(p[0], &offset, file, null, 10, 0, .forever));
    check.err(error.Unseekable, splice(file, null, p[1], &offset, 10, 0, .forever));
    check.err(error.InvalidArgument, splice(ends[0], &offset, p[1], null, 10, 0, .forever));
    check.err(error.InvalidArgument, splice(file, &before, p[1], null, 10, 0, .forever));
    check.err(error.InvalidArgument, spliceStream(file, p[1], 10, 1 << 20, .forever));
    check.err(error.InvalidArgument, spliceStream(file, p[1], 10, 0, .ns(-2)));
    check.err(error.BadDescriptor, spliceStream(p[1], q[1], 10, 0, .forever)); // not to be read
    check.err(error.BadDescriptor, spliceStream(p[0], q[0], 10, 0, .forever));
    check.err(error.BadDescriptor, spliceStream(-1, p[1], 10, 0, .forever));
    check.err(error.BadDescriptor, spliceStream(p[0], 1_000_000, 10, 0, .forever));
    check.err(error.WouldBlock, spliceStream(file, p[1], 10, 0, .now)); // a disk, perhaps
    check.eq(0, try spliceStream(p[0], q[1], 0, 0, .forever));
    const appending = net.open("from", .{ .ACCMODE = .WRONLY, .APPEND = true });
    check.err(error.InvalidArgument, spliceStream(p[0], appending, 10, 0, .forever));
    net.close(appending);
    check.err(error.BadAddress, splice(file, @ptrCast(@alignCast(net.readOnlyPage())), p[1], null, 10, 0, .forever));
    check.err(error.WouldBlock, fd.read(p[0], in[0..8], .now)); // and nothing has been moved
    net.closeAll(&p);
    net.closeAll(&q);
    net.closeAll(&ends);
    net.close(file);
}

pub fn body() !void {
    try filesAndPipes();
    for ([_]bool{ false, true }) |nonblocking| {
        try relays(net.unixPair(), net.unixPair(), nonblocking);
        try relays(net.tcpPair(), net.tcpPair(), nonblocking);
    }
    net.brokenPipeKills(true);
    try toDeadPeer();
    try check.onThread(toDeadPeer, .{});
    net.brokenPipeKills(false);
    try errors();
}
