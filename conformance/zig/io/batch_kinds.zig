//! Vectors, messages, datagrams with addresses, and what changes files and names, each in batches and in chains.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const batch = check.batch;
const Operation = batch.Operation;
const iovec = std.posix.iovec;
const iovec_const = std.posix.iovec_const;
const Address = photonrt.net.Address;

const Place = struct { file: net.Handle, dir: net.Handle, fds: net.Pair };

fn vectors(place: Place) !void {
    const file = place.file;
    var in: [7]u8 = undefined;
    var got: [8]u8 = undefined;
    const from = [_]iovec_const{ .{ .base = "abc", .len = 3 }, .{ .base = "defgh", .len = 5 } };
    const into = [_]iovec{ .{ .base = &in, .len = 3 }, .{ .base = in[3..], .len = 4 } };
    const halves = [_]iovec{ .{ .base = &got, .len = 4 }, .{ .base = got[4..], .len = 4 } };
    const nowhere = @as([*]const iovec, @ptrFromInt(8))[0..1];
    var ops = [_]Operation{
        .then(.pwritev(file, &from, 0)),
        .then(.preadv(file, &into, 1)),
        .syncData(file),
        .then(.writev(place.fds[0], &from)),
        .then(.readv(place.fds[1], &halves)),
        .timer(.now),
        .preadv(file, &into, 0),
        .pwritev(file, &from, 0),
        .preadv(file, nowhere, 0),
        .writev(-1, &from),
    };
    ops[6].raw.len = 1025;
    ops[7].raw.len = std.math.maxInt(usize);
    check.eq(ops.len, try batch.all(&ops, .forever));
    const invalid = error.InvalidArgument;
    batch.results(&.{ 8, 7, 0, 8, 8, 0, invalid, invalid, error.BadAddress, error.BadDescriptor }, &ops);
    check.bytes("bcdefgh", &in);
    check.bytes("abcdefgh", &got);
    var too_short = [_]Operation{ .then(.preadv(file, &into, 5)), .timer(.now) };
    check.eq(1, try batch.all(&too_short, .forever));
    batch.results(&.{ 3, error.Canceled }, &too_short);
}

fn messages(place: Place) !void {
    const fds = place.fds;
    var in: [8]u8 = undefined;
    const from = [_]iovec_const{.{ .base = "message", .len = 7 }};
    var into = [_]iovec{.{ .base = &in, .len = 7 }};
    const out = std.mem.zeroInit(std.posix.msghdr_const, .{ .iov = &from, .iovlen = 1 });
    var message = std.mem.zeroInit(std.posix.msghdr, .{ .iov = &into, .iovlen = 1 });
    var ops = [_]Operation{
        .then(.receiveMessage(fds[1], &message, 0)),
        .sendMessage(fds[1], &out, 0),
        .then(.sendMessage(fds[0], &out, 0)),
        .timer(.now),
        .sendMessage(fds[0], @ptrFromInt(8), 0),
        .receiveMessage(place.file, &message, 0),
    };
    check.eq(ops.len, try batch.all(&ops, .forever));
    batch.results(&.{ 7, 7, 7, 0, error.BadAddress, error.NotSocket }, &ops);
    check.bytes("message", in[0..7]);
    // All of it, in two pieces.
    into[0].len = 8;
    var all = [_]Operation{
        .then(.receiveMessage(fds[0], &message, std.posix.MSG.WAITALL)),
        .timer(.now),
        .then(.timer(.ms(1))),
        .send(fds[1], "!", 0),
    };
    check.eq(4, try batch.all(&all, .forever));
    batch.results(&.{ 8, 0, 0, 1 }, &all);
    check.bytes("message!", &in);
}

fn datagrams() !void {
    var in: [2][8]u8 = undefined;
    var udp: net.Pair = undefined;
    var to: [2]Address = undefined;
    var from: [2]Address = undefined;
    for (&udp, &to) |*fd, *own| {
        fd.* = try photonrt.net.udpBind("127.0.0.1", 0);
        own.* = try photonrt.net.localAddress(fd.*);
    }
    var ops = [_]Operation{
        .receiveFrom(udp[0], &in[0], &from[0]),
        .receiveFrom(udp[1], &in[1], &from[1]),
        .then(.sendTo(udp[0], "to one", &to[1])),
        .sendTo(udp[1], "to zero", &to[0]),
    };
    check.eq(4, try batch.all(&ops, .forever));
    batch.results(&.{ 7, 6, 6, 7 }, &ops);
    check.bytes("to zero", in[0][0..7]);
    check.bytes("to one", in[1][0..6]);
    for (from, 0..) |sender, i| {
        check.eq(to[1 - i].port(), sender.port());
        check.eq(@sizeOf(std.posix.sockaddr.in), sender.len);
    }
    net.closeAll(&udp);
}

/// Local datagrams into a receiver that is full: they wait for room, whole.
fn fullDatagrams() !void {
    const n = 40;
    var data: [n][200]u8 = undefined;
    var in: [n][256]u8 = undefined;
    var ops: [2 * n]Operation = undefined;
    const pair = net.localPair(std.posix.SOCK.DGRAM);
    for (0..n) |i| {
        data[i] = @splat(@intCast(i));
        ops[i] = if (i % 2 == 1) .send(pair[0], &data[i], 0) else .write(pair[0], &data[i]);
        ops[n + i] = .receive(pair[1], &in[i], 0);
    }
    check.eq(2 * n, try batch.all(&ops, .forever));
    batch.each(200, &ops);
    var seen: [n]bool = @splat(false);
    for (&in) |*got| {
        check.that(!seen[got[0]]);
        seen[got[0]] = true;
        check.bytes(&data[got[0]], got[0..200]);
    }
    net.closeAll(&pair);
}

fn names(place: Place) !void {
    const file = place.file;
    const dir = place.dir;
    var in: [4]u8 = undefined;
    var ops = [_]Operation{
        .then(.setLength(file, 2)),
        .then(.pwrite(file, "xyz", 1)),
        .then(.allocate(file, 0, 0, 4096)),
        .pread(file, &in, 0),
        .then(.makeDirAt(dir, "sub", 0o700)),
        .openAt(dir, "sub/new", .{ .ACCMODE = .RDWR, .CREAT = true }, 0o600),
        .unlinkAt(dir, "absent", 0),
        .unlinkAt(dir, "absent", 0),
        .openAt(-1, "relative", .{}, 0),
        .setLength(file, 0),
        .allocate(file, 0, 0, 0),
    };
    ops[7].raw.buf = null;
    ops[9].raw.offset = -1;
    check.eq(ops.len, try batch.all(&ops, .forever));
    const made: net.Handle = @intCast(try ops[5].result());
    const invalid = error.InvalidArgument;
    batch.results(&.{ 0, 3, 0, 4, 0 }, ops[0..5]);
    batch.results(&.{ error.FileNotFound, error.BadAddress, error.BadDescriptor, invalid, invalid }, ops[6..]);
    check.eq('x', in[1]);
    check.eq(4096, check.sys(std.c.lseek(file, 0, std.posix.SEEK.END)));
    net.close(made);
    var gone = [_]Operation{
        .then(.unlinkAt(dir, "sub/new", 0)),
        .then(.unlinkAt(dir, "sub", std.posix.AT.REMOVEDIR)),
        .makeDirAt(dir, "sub", 0o700),
    };
    check.eq(3, try batch.all(&gone, .forever));
    batch.each(0, &gone);
    _ = check.sys(std.c.rmdir("sub"));
}

fn run() !void {
    const place: Place = .{
        .file = batch.file("file"),
        .dir = try photonrt.fd.open(".", .{ .DIRECTORY = true }, 0, .forever),
        .fds = net.unixPair(),
    };
    for (0..5) |_| {
        _ = try photonrt.fd.result(photonrt.c.co_io_ftruncate(place.file, 0, photonrt.c.CO_FOREVER));
        try vectors(place);
        try messages(place);
        try datagrams();
        try fullDatagrams();
        try names(place);
    }
    net.closeAll(&place.fds);
    net.closeAll(&.{ place.dir, place.file });
}

pub fn body() !void {
    try run();
    try check.onThread(run, .{});
}
