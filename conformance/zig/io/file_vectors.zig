const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const fd = photonrt.fd;
const c = photonrt.c;
const iovec = std.posix.iovec;
const iovec_const = std.posix.iovec_const;

fn into(bytes: []u8) iovec {
    return .{ .base = bytes.ptr, .len = bytes.len };
}

fn from(bytes: []const u8) iovec_const {
    return .{ .base = bytes.ptr, .len = bytes.len };
}

fn onFiles() !void {
    var out: [300]u8 = undefined;
    var in: [300]u8 = undefined;
    net.fill(&out, 3, 0);
    const file = net.open("file", .{ .ACCMODE = .RDWR, .CREAT = true });
    const w = [_]iovec_const{ from(out[0..100]), from(out[0..0]), from(out[100..150]), from(out[150..]) };
    const r = [_]iovec{ into(in[0..1]), into(in[1..201]), into(in[0..0]), into(in[201..]) };
    check.eq(300, try fd.writev(file, &w, .forever));
    check.eq(300, net.position(file));
    check.eq(0, try fd.readv(file, &r, .forever));
    net.seek(file, 0);
    check.eq(300, try fd.readv(file, &r, .seconds(10)));
    net.same(&in, 3, 0);

    in = @splat(0);
    check.eq(201, try fd.preadv(file, r[0..2], 90, .forever));
    net.same(in[0..201], 3, 90);
    check.eq(50, try fd.preadv(file, &r, 250, .forever));
    net.same(in[0..50], 3, 250);
    check.eq(150, try fd.pwritev(file, w[0..3], 1000, .seconds(10)));
    check.eq(50, try fd.preadv(file, &r, 1100, .forever));
    net.same(in[0..50], 3, 100);
    check.eq(300, net.position(file));
    try errors(file, &w, &r);

    const many: [1024]iovec_const = @splat(from(out[0..1]));
    check.eq(1024, try fd.pwritev(file, &many, 0, .forever));
    net.close(file);
}

fn errors(file: net.Handle, w: []const iovec_const, r: []const iovec) !void {
    const invalid = error.InvalidArgument;
    check.eq(0, try fd.readv(file, r[0..0], .forever));
    check.eq(0, c.co_io_writev(file, null, 0, c.CO_FOREVER));
    check.errno(.INVAL, c.co_io_readv(file, @ptrCast(r.ptr), -1, c.CO_FOREVER));
    check.err(invalid, fd.writev(file, &@as([1025]iovec_const, @splat(w[0])), .forever));
    check.errno(.INVAL, c.co_io_preadv(file, @ptrCast(r.ptr), 1, -1, c.CO_FOREVER));
    check.errno(.INVAL, c.co_io_pwritev(file, @ptrCast(w.ptr), 1, std.math.minInt(i64), c.CO_FOREVER));
    check.err(invalid, fd.readv(file, r[0..1], .ns(-2)));
    check.err(error.BadDescriptor, fd.readv(-1, r[0..1], .forever));
    check.err(error.BadDescriptor, fd.pwritev(1000000, w[0..1], 0, .forever));

    // Neither the array nor what it names need be there.
    const nothing = check.pages(4096, .{});
    check.err(error.BadAddress, fd.readv(file, @ptrCast(nothing[0..32]), .forever));
    check.err(error.BadAddress, fd.pwritev(file, @ptrCast(nothing[0..32]), 0, .forever));
    check.err(error.BadAddress, fd.preadv(file, &.{into(nothing[0..10])}, 0, .forever));
    check.err(error.BadAddress, fd.writev(file, &.{from(nothing[0..10])}, .forever));
    const huge = [_]iovec{ .{ .base = r[0].base, .len = std.math.maxInt(usize) }, r[0] };
    check.err(invalid, fd.readv(file, &huge, .forever));
}

var big: [1 << 20]u8 = @splat(0);

/// Pipes and sockets: waits, partial transfers, a peer that is gone.
fn onStreams(fds: net.Pair, nonblocking: bool) !void {
    const ours, const others = fds;
    var in: [8]u8 = undefined;
    if (nonblocking) for (fds) |end| net.setNonblocking(end);
    const modes = .{ net.mode(ours), net.mode(others) };
    const r = [_]iovec{ into(in[0..3]), into(in[3..]) };
    const w = [_]iovec_const{ from("ab"), from("cdef") };
    check.err(error.WouldBlock, fd.readv(ours, &r, .now));
    check.err(error.Timeout, fd.readv(ours, &r, .ms(1)));
    check.eq(6, try fd.writev(others, &w, .forever));
    check.eq(6, try fd.readv(ours, &r, .forever));
    check.bytes("abcdef", in[0..6]);
    check.err(error.Unseekable, fd.preadv(ours, &r, 0, .forever));
    check.err(error.Unseekable, fd.pwritev(others, &w, 0, .forever));
    const much = [_]iovec_const{ from(big[0 .. big.len / 2]), from(big[big.len / 2 ..]) };
    while (fd.writev(others, &much, .now)) |n| check.ge(n, 1) else |e| check.eq(error.WouldBlock, e);
    check.err(error.Timeout, fd.writev(others, &much, .ms(1)));
    check.eq(modes[0], net.mode(ours));
    check.eq(modes[1], net.mode(others));
    net.close(ours);
    check.err(error.BrokenPipe, fd.writev(others, &w, .forever));
    net.close(others);
}

fn writeLater(socket: net.Handle) !void {
    try photonrt.sleep(.ms(2));
    check.eq(4, try fd.writev(socket, &.{ from("l"), from("ate") }, .forever));
}

fn onBrokenPipe(handler: ?std.posix.Sigaction.handler_fn) void {
    const action: std.posix.Sigaction = .{
        .handler = .{ .handler = handler },
        .mask = std.posix.sigemptyset(),
        .flags = 0,
    };
    std.posix.sigaction(.PIPE, &action, null);
}

pub fn body() !void {
    try onFiles();
    for ([_]bool{ false, true }) |nonblocking| {
        try onStreams(try photonrt.fd.pipe(), nonblocking);
        // No SIGPIPE from sockets, ignored or not.
        onBrokenPipe(std.posix.SIG.DFL);
        try onStreams(net.unixPair(), nonblocking);
        const fds = net.tcpPair();
        const writing = check.spawn(writeLater, .{fds[1]});
        var in: [8]u8 = undefined;
        check.eq(4, try fd.readv(fds[0], &.{ into(in[0..1]), into(in[1..]) }, .forever));
        check.bytes("late", in[0..4]);
        check.join(writing);
        net.closeAll(&fds);
        onBrokenPipe(std.posix.SIG.IGN);
    }
}
