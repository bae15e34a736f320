//! Links: the next operation begins when the one before it has succeeded with every byte; otherwise the rest of its
//! chain is not carried out, and other chains are not concerned.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const batch = check.batch;
const Operation = batch.Operation;
const POLL = std.posix.POLL;

const Place = struct { file: net.Handle, fds: net.Pair };

fn writeThenSyncThenRead(place: Place) !void {
    const file = place.file;
    var got: [8]u8 = @splat(0);
    var ops = [_]Operation{
        .then(.pwrite(file, "abcdefgh", 0)),
        .then(.sync(file)),
        .then(.pread(file, &got, 0)),
        .pwrite(file, &got, 8),
        .poll(place.fds[0], POLL.OUT),
    };
    check.eq(5, try batch.all(&ops, .forever));
    batch.results(&.{ 8, 0, 8, 8, POLL.OUT }, &ops);
    check.bytes("abcdefgh", &got);
    got = @splat(0);
    check.eq(8, try photonrt.fd.pread(file, &got, 8, .forever));
    check.bytes("abcdefgh", &got);
}

/// Each kind of break: a short transfer, an error, an error that the arguments make.
fn broken(place: Place, breaks: Operation, want: batch.Result) !void {
    var other: [2]u8 = undefined;
    var ops = [_]Operation{
        .then(.pwrite(place.file, "ok", 0)),
        .then(breaks),
        .then(.pwrite(place.file, "not", 0)),
        .send(place.fds[0], "not", 0),
        .pread(place.file, &other, 6),
    };
    check.eq(3, try batch.all(&ops, .forever));
    batch.results(&.{ 2, want, error.Canceled, error.Canceled, 2 }, &ops);
    check.eq(2, try photonrt.fd.pread(place.file, &other, 0, .forever));
    check.bytes("ok", &other);
    check.err(error.WouldBlock, photonrt.net.receive(place.fds[1], &other, 0, .now));
}

fn requestThenAnswer(fds: net.Pair) !void {
    var answer: [6]u8 = undefined;
    var request: [7]u8 = undefined;
    var ops = [_]Operation{
        .then(.send(fds[0], "request", 0)),
        .receive(fds[0], &answer, 0),
        .then(.receive(fds[1], &request, 0)),
        .write(fds[1], "answer"),
    };
    check.eq(4, try batch.all(&ops, .forever));
    batch.results(&.{ 7, 6, 7, 6 }, &ops);
    check.bytes("answer", &answer);
    check.bytes("request", &request);
}

/// The bytes are moved on through one buffer, from link to link.
fn longChain(file: net.Handle) !void {
    const n = 300;
    var ops: [n]Operation = undefined;
    var room: [4]u8 = undefined;
    check.eq(4, try photonrt.fd.pwrite(file, "seed", 0, .forever));
    for (&ops, 0..) |*op, i| {
        const at: u63 = @intCast((i + 1) / 2 * 4);
        op.* = .then(if (i % 2 == 1) .pwrite(file, &room, at) else .pread(file, &room, at));
    }
    check.eq(n, try batch.all(&ops, .forever));
    batch.each(4, &ops);
    room = @splat(0);
    check.eq(4, try photonrt.fd.pread(file, &room, n / 2 * 4, .forever));
    check.bytes("seed", &room);
}

const size = 1 << 20;
var whole: [size]u8 = undefined;

/// A file of which a part only is in memory is read whole all the same.
fn partlyInMemory(place: Place) !void {
    const big = batch.file("big");
    net.fill(&whole, 7, 0);
    check.eq(size, try photonrt.fd.pwrite(big, &whole, 0, .forever));
    try photonrt.fd.sync(big, .forever);
    net.cool(big);
    @memset(&whole, 0);
    check.eq(1, try photonrt.fd.pread(big, whole[0..1], 0, .forever));
    var ops = [_]Operation{ .then(.pread(big, &whole, 0)), .poll(place.fds[0], POLL.OUT) };
    check.eq(2, try batch.all(&ops, .forever));
    batch.results(&.{ size, POLL.OUT }, &ops);
    net.same(&whole, 7, 0);
    net.close(big);
}

/// A message that is shorter than the buffer is no whole one.
fn shortReceives(fds: net.Pair) !void {
    var room: [8]u8 = undefined;
    var ops = [_]Operation{ .then(.receive(fds[1], &room, 0)), .timer(.now) };
    check.eq(5, try photonrt.net.send(fds[0], "short", 0, .forever));
    check.eq(1, try batch.all(&ops, .forever));
    batch.results(&.{ 5, error.Canceled }, &ops);
    // With MSG_WAITALL it is the whole buffer.
    var got: [3]u8 = undefined;
    var all = [_]Operation{
        .then(.receive(fds[1], &room, std.posix.MSG.WAITALL)),
        .send(fds[1], "got", 0),
        .then(.send(fds[0], "1234", 0)),
        .then(.timer(.ms(1))),
        .then(.send(fds[0], "5678", 0)),
        .receive(fds[0], &got, 0),
    };
    check.eq(6, try batch.all(&all, .forever));
    batch.results(&.{ 8, 3, 4, 0, 4, 3 }, &all);
    check.bytes("12345678", &room);
    check.bytes("got", &got);
}

fn setLength(file: net.Handle, length: i64) void {
    _ = check.sys(std.c.ftruncate(file, length));
}

fn run() !void {
    const place: Place = .{ .file = batch.file("file"), .fds = net.unixPair() };
    const file = place.file;
    var room: [8]u8 = undefined;
    const nowhere = @as([*]u8, @ptrFromInt(8))[0..8];
    var negative: Operation = .pread(file, &room, 0);
    negative.raw.offset = -1;
    for (0..10) |round| {
        setLength(file, 0);
        try writeThenSyncThenRead(place);
        setLength(file, 8);
        try broken(place, .pread(file, &room, 4), 4);
        try broken(place, .pread(file, &room, 100), 0);
        try broken(place, negative, error.InvalidArgument);
        try broken(place, .pread(place.fds[0], &room, 0), error.Unseekable);
        try broken(place, .pwrite(-1, &room, 0), error.BadDescriptor);
        try broken(place, .pwrite(file, nowhere, 0), error.BadAddress);
        try broken(place, .sync(place.fds[0]), error.InvalidArgument);
        try broken(place, .receive(file, &room, 0), error.NotSocket);
        try broken(place, .timer(.ns(-1)), error.InvalidArgument);
        try requestThenAnswer(place.fds);
        try longChain(file);
        try shortReceives(place.fds);
        if (round % 4 == 0) try partlyInMemory(place);
    }
    net.closeAll(&place.fds);
    net.close(file);
}

pub fn body() !void {
    try run();
    try check.onThread(run, .{});
}
