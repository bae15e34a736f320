//! A thousand operations in one batch, far more than a submission queue holds: on a file, on silent sockets that are
//! answered in any order, and as chains. Batches of several coroutines at once.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const batch = check.batch;
const Operation = batch.Operation;

const n = 1000;
var ops: [n]Operation = undefined;

fn onFile() !void {
    var out: [n]u32 = undefined;
    var in: [n]u32 = undefined;
    const file = batch.file("file");
    for (&ops, &out, 0..) |*op, *value, i| {
        value.* = @intCast(i * 7919);
        op.* = .pwrite(file, std.mem.asBytes(value), @intCast((n - 1 - i) * 4));
    }
    check.eq(n, try batch.all(&ops, .forever));
    batch.each(4, &ops);
    for (&ops, &in, 0..) |*op, *value, i| op.* = .pread(file, std.mem.asBytes(value), @intCast((n - 1 - i) * 4));
    check.eq(n, try batch.all(&ops, .forever));
    batch.each(4, &ops);
    check.eq(out, in);
    // Chains of ten, each broken at another place.
    for (&ops, &in, 0..) |*op, *value, i| {
        const at = if (i % 10 == breaks(i)) n * 4 - 2 else i * 4;
        op.* = .pread(file, std.mem.asBytes(value), @intCast(at));
        if (i % 10 != 9) op.* = .then(op.*);
    }
    check.eq(n / 100 * 55, try batch.all(&ops, .forever));
    for (ops, 0..) |op, i| {
        const want: batch.Result = switch (std.math.order(i % 10, breaks(i))) {
            .lt => 4,
            .eq => 2,
            .gt => error.Canceled,
        };
        batch.result(want, op);
    }
    net.close(file);
}

/// The place in its chain where the one that operation `i` is in breaks.
fn breaks(i: usize) usize {
    return i / 10 % 10;
}

const pairs = 250;
const each = n / pairs;
var fds: [pairs]net.Pair = undefined;

fn answer() void {
    for (0..n) |i| {
        net.sendAll(fds[i * 37 % pairs][1], &.{@intCast(i / pairs)});
        if (i % 64 == 0) photonrt.yield();
    }
}

/// Several receives on each: they take what comes, each one byte.
fn onSockets() !void {
    var got: [n]u8 = undefined;
    for (&fds) |*pair| pair.* = net.unixPair();
    for (&ops, 0..) |*op, i| op.* = .receive(fds[i % pairs][0], got[i..][0..1], 0);
    const answering = check.spawn(answer, .{});
    check.eq(n, try batch.all(&ops, .forever));
    check.join(answering);
    batch.each(1, &ops);
    for (fds, 0..) |pair, i| {
        var seen: std.bit_set.Static(each) = .empty;
        for (0..each) |k| seen.set(got[i + k * pairs]);
        check.eq(each, seen.count());
        net.closeAll(&pair);
    }
}

/// A ring of coroutines, each with a batch of receives from the left and sends to the right.
const ring = 16;
const width = 8;
var lines: [ring][width]net.Pair = undefined;

fn message(sender: usize, round: usize, line: usize) u32 {
    return @intCast(sender * 1000003 + round * 1009 + line);
}

fn passOn(me: usize) !void {
    const left = (me + ring - 1) % ring;
    for (0..20) |round| {
        var in: [width]u32 = undefined;
        var out: [width]u32 = undefined;
        var own: [2 * width]Operation = undefined;
        for (0..width) |i| {
            out[i] = message(me, round, i);
            own[i] = .receive(lines[left][i][0], std.mem.asBytes(&in[i]), 0);
            const bytes = std.mem.asBytes(&out[i]);
            own[width + i] = if (i % 2 == 1) .send(lines[me][i][1], bytes, 0) else .write(lines[me][i][1], bytes);
        }
        check.eq(2 * width, try batch.all(&own, .forever));
        batch.each(4, &own);
        for (in, 0..) |got, i| check.eq(message(left, round, i), got);
    }
}

fn ofMany() !void {
    for (&lines) |*some| {
        for (some, 0..) |*pair, k| pair.* = if (k % 3 != 0) net.unixPair() else net.tcpPair();
    }
    var tasks: [ring]check.Task(passOn) = undefined;
    for (&tasks, 0..) |*task, i| task.* = try photonrt.spawnWith(.{ .migratable = true }, passOn, .{i});
    for (tasks) |task| check.join(task);
    for (&lines) |*some| {
        for (some) |pair| net.closeAll(&pair);
    }
}

pub fn body() !void {
    try onFile();
    try onSockets();
    try ofMany();
    try check.onThread(onFile, .{});
}
