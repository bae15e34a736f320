//! ZEROCOPY changes no result: the buffer may be overwritten when the call has returned, and what arrives is what was in
//! it.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const c = photonrt.c;
const zero_copy = std.posix.MSG.ZEROCOPY;
const send = photonrt.net.send;

const size = 1 << 20;
const sizes = [_]usize{ size, 300_000, 70_000, 4096, 1, size };
var out: [size]u8 = undefined;
var in: [size]u8 = undefined;

fn sendPiece(round: usize, to: net.Handle, piece: []const u8) !usize {
    if (round % 2 == 0) return send(to, piece, zero_copy, .forever);
    const half = piece.len / 2;
    var buffers = [_]c.struct_iovec{
        .{ .iov_base = @constCast(piece.ptr), .iov_len = half },
        .{ .iov_base = @constCast(piece.ptr + half), .iov_len = piece.len - half },
    };
    const message = check.messages.of(&buffers);
    return photonrt.fd.result(c.co_io_sendmsg(to, &message, zero_copy, c.CO_FOREVER));
}

fn sender(to: net.Handle) !void {
    for (sizes, 0..) |len, round| {
        var done: usize = 0;
        while (done < len) {
            const piece = out[0 .. len - done];
            net.fill(piece, round, done);
            const n = try sendPiece(round, to, piece);
            check.ge(n, 1);
            check.that(n <= piece.len);
            @memset(&out, 0xee); // ours again
            done += n;
        }
    }
}

fn transfer(ends: net.Pair) !void {
    const sending = check.spawnOn(2, sender, .{ends[0]});
    for (sizes, 0..) |len, round| {
        net.receiveAll(ends[1], in[0..len]);
        net.same(in[0..len], round, 0);
    }
    check.join(sending);
    net.closeAll(&ends);
}

fn sendMuch(to: net.Handle, much: []const u8) photonrt.IoError!usize {
    return send(to, much, zero_copy, .ms(5));
}

fn drain(from: net.Handle) !usize {
    var sum: usize = 0;
    while (true) {
        const n = try photonrt.net.receive(from, &in, 0, .forever);
        if (n == 0) return sum;
        sum += n;
    }
}

/// A peer that does not read: the call may wait for it beyond its timeout, a close ends it.
fn stalled() !void {
    const much = try std.heap.page_allocator.alloc(u8, 16 << 20);
    defer std.heap.page_allocator.free(much);
    @memset(much, 0);
    var ends = net.tcpPair();
    var sending = check.spawnOn(2, sendMuch, .{ ends[0], much });
    try photonrt.sleep(.ms(20));
    net.close(ends[0]);
    check.ge(check.join(sending), 1);
    net.close(ends[1]);
    // One that reads late.
    ends = net.tcpPair();
    sending = check.spawnOn(2, sendMuch, .{ ends[0], much });
    try photonrt.sleep(.ms(20));
    const draining = check.spawn(drain, .{ends[1]});
    const sent = check.join(sending);
    check.ge(sent, 1);
    try photonrt.net.shutdown(ends[0], .send);
    check.eq(sent, check.join(draining));
    net.closeAll(&ends);
}

fn errors() !void {
    var ends = net.tcpPair();
    check.errno(.FAULT, c.co_io_send(ends[0], @ptrFromInt(8), size, zero_copy, c.CO_FOREVER));
    check.errno(.FAULT, c.co_io_sendmsg(ends[0], @ptrFromInt(8), zero_copy, c.CO_FOREVER));
    check.err(error.BadDescriptor, send(-1, &out, zero_copy, .forever));
    check.err(error.InvalidArgument, send(ends[0], &out, zero_copy, .ns(-2)));
    check.ge(try send(ends[0], &out, zero_copy, .now), 1);
    net.close(ends[1]);
    for (0..1000) |_| {
        _ = send(ends[0], &out, zero_copy, .forever) catch |e| {
            check.that(e == error.ConnectionResetByPeer or e == error.BrokenPipe);
            break;
        };
    } else check.fail("a dead peer takes it all", .{});
    check.err(error.BrokenPipe, send(ends[0], &out, zero_copy, .forever));
    net.close(ends[0]);
    // Datagrams are copied.
    ends = net.localPair(std.posix.SOCK.DGRAM);
    check.eq(100_000, try send(ends[0], out[0..100_000], zero_copy, .forever));
    check.eq(100_000, try photonrt.net.receive(ends[1], &in, 0, .forever));
    net.closeAll(&ends);
}

fn onThread() !void {
    try transfer(net.tcpPair());
    try errors();
}

pub fn body() !void {
    try transfer(net.tcpPair());
    try transfer(net.unixPair());
    try stalled();
    try errors();
    try check.onThread(onThread, .{});
}
