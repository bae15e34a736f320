//! Random batches against the same operations one by one: the same results, data and files. Chains, short transfers,
//! errors and descriptors of every kind are in them; what is not linked is on files and buffers of its own, so that its
//! order does not matter.
//!
//! ```text
//!   side 0, by batches    lane 0: file, two ends, buffers | lane 1 | ...      each lane a chain
//!   side 1, one by one    the same
//! ```
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const batch = check.batch;
const Operation = batch.Operation;
const c = photonrt.c;
const MSG = std.posix.MSG;
const POLL = std.posix.POLL;

const lanes = 4;
const longest = 6;
const size = 4096;

const Lane = struct {
    file: net.Handle,
    ends: net.Pair,
    buffers: [longest][64]u8 = undefined,
};

var sides: [2][lanes]Lane = undefined;
var seed: u64 = undefined;

fn below(n: u32) u32 {
    return @as(u32, @truncate(check.rand(&seed) >> 33)) % n;
}

const Kind = enum {
    pread,
    pwrite,
    read,
    write,
    send,
    write_socket,
    receive,
    sync,
    poll,
    timer,
    pread_again,
    pwrite_bad,
};

/// The same operation for both sides.
fn choose(lane: usize, step: usize) [2]Operation {
    const kind: Kind = @fromBackingInt(@intCast(below(12)));
    const len = below(64) + 1;
    const at = below(size);
    const fill: u8 = @intCast(below(256));
    const events: i16 = if (below(2) == 1) POLL.OUT else POLL.IN | POLL.OUT;
    const time: photonrt.Timeout = .ns(@as(i64, below(2)) - 1);
    var out: [2]Operation = undefined;
    for (&out, &sides) |*op, *side| {
        const own = &side[lane];
        own.buffers[step] = @splat(fill);
        const buffer = own.buffers[step][0..len];
        const nowhere = @as([*]u8, @ptrFromInt(8))[0..len];
        op.* = switch (kind) {
            .pread, .pread_again => .pread(own.file, buffer, at),
            .pwrite => .pwrite(own.file, buffer, at),
            .read => .read(own.file, buffer),
            .write => .write(own.file, buffer),
            .send => .send(own.ends[1], buffer, 0),
            .write_socket => .write(own.ends[1], buffer),
            .receive => .receive(own.ends[0], buffer, MSG.DONTWAIT),
            .sync => .sync(own.file),
            .poll => .poll(own.ends[1], events),
            .timer => .timer(time),
            .pwrite_bad => .pwrite(own.file, if (at % 4 != 0) buffer else nowhere, at),
        };
    }
    return out;
}

fn whole(op: *const c.co_io_op_t) bool {
    return switch (op.opcode) {
        c.CO_OP_FSYNC, c.CO_OP_POLL, c.CO_OP_TIMER => op.result >= 0,
        else => op.result == op.len,
    };
}

fn single(op: *const c.co_io_op_t) i64 {
    const t = c.CO_FOREVER;
    return switch (op.opcode) {
        c.CO_OP_READ => c.co_io_read(op.fd, op.buf, op.len, t),
        c.CO_OP_WRITE => c.co_io_write(op.fd, op.buf, op.len, t),
        c.CO_OP_PREAD => c.co_io_pread(op.fd, op.buf, op.len, op.offset, t),
        c.CO_OP_PWRITE => c.co_io_pwrite(op.fd, op.buf, op.len, op.offset, t),
        c.CO_OP_FSYNC => c.co_io_fsync(op.fd, t),
        c.CO_OP_POLL => c.co_io_poll(op.fd, @intCast(op.op_flags), t),
        c.CO_OP_RECV => c.co_io_recv(op.fd, op.buf, op.len, @intCast(op.op_flags), t),
        c.CO_OP_SEND => c.co_io_send(op.fd, op.buf, op.len, @intCast(op.op_flags), t),
        c.CO_OP_TIMER => if (op.offset < 0) -@as(i64, @backingInt(std.posix.E.INVAL)) else c.co_sleep(op.offset),
        else => check.fail("opcode {d}", .{op.opcode}),
    };
}

/// Chains by single calls.
fn oneByOne(ops: []Operation) usize {
    var done: usize = 0;
    var broken = false;
    for (ops) |*each| {
        const op = &each.raw;
        op.result = if (broken) -@as(i64, @backingInt(std.posix.E.CANCELED)) else single(op);
        if (!broken) done += 1;
        broken = op.flags != 0 and (broken or !whole(op));
    }
    return done;
}

var data: [2][size + 64 * 8]u8 = undefined;

fn sameData() !void {
    for (0..lanes) |lane| {
        const a = &sides[0][lane];
        const b = &sides[1][lane];
        const n = try photonrt.fd.pread(a.file, &data[0], 0, .forever);
        check.eq(n, try photonrt.fd.pread(b.file, &data[1], 0, .forever));
        check.that(std.mem.eql(u8, data[0][0..n], data[1][0..n]));
        check.eq(net.position(a.file), net.position(b.file));
        // What is in the sockets: the same bytes.
        while (true) {
            const got = photonrt.net.receive(a.ends[0], data[0][0..512], MSG.DONTWAIT, .forever) catch |e| {
                check.eq(error.WouldBlock, e);
                check.err(error.WouldBlock, photonrt.net.receive(b.ends[0], data[1][0..512], MSG.DONTWAIT, .forever));
                break;
            };
            check.eq(got, try photonrt.net.receive(b.ends[0], data[1][0..512], MSG.DONTWAIT, .forever));
            check.bytes(data[1][0..got], data[0][0..got]);
        }
    }
}

fn oneRound() !void {
    var room: [2][lanes * longest]Operation = undefined;
    var n: usize = 0;
    for (0..lanes) |lane| {
        const length = below(longest) + 1;
        for (0..length) |step| {
            for (choose(lane, step), &room) |op, *ops| ops[n] = if (step + 1 < length) op.then() else op;
            n += 1;
        }
    }
    const want = oneByOne(room[1][0..n]);
    check.eq(want, try batch.all(room[0][0..n], .forever));
    for (room[0][0..n], room[1][0..n], 0..) |ours, alone, i| {
        if (ours.raw.result != alone.raw.result) check.fail("operation {d} of {d}, opcode {d}: {d}, alone {d}", .{
            i, n, ours.raw.opcode, ours.raw.result, alone.raw.result,
        });
    }
    for (&sides[0], &sides[1]) |*a, *b| check.eq(a.buffers, b.buffers);
}

fn run(first: u64) !void {
    var name: [2:0]u8 = undefined;
    for (&sides, 0..) |*side, i| {
        for (side, 0..) |*lane, k| {
            name = .{ @intCast('0' + i), @intCast('a' + k) };
            lane.* = .{ .file = batch.file(&name), .ends = net.unixPair() };
            lane.buffers = @splat(@splat(0));
        }
    }
    for (0..100) |round| {
        seed = first + round;
        try oneRound();
        if (round % 8 == 7) try sameData();
    }
    for (&sides) |*side| {
        for (side) |*lane| {
            net.close(lane.file);
            net.closeAll(&lane.ends);
        }
    }
}

pub fn body() !void {
    try run(1);
    try check.onThread(run, .{100000});
}
