const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const fd = photonrt.fd;

const total = 3 << 20;
const seed = 9;

fn pipe(nonblocking: bool) net.Pair {
    var ends: net.Pair = undefined;
    _ = check.sys(std.c.pipe2(&ends, .{ .CLOEXEC = true, .NONBLOCK = nonblocking }));
    return ends;
}

fn writer(to: net.Handle) !void {
    const S = struct {
        var buffer: [70_000]u8 = undefined;
    };
    var rng: u64 = 5;
    var at: usize = 0;
    while (at < total) {
        const piece = S.buffer[0..@min(check.rand(&rng) % S.buffer.len + 1, total - at)];
        net.fill(piece, seed, at);
        const n = try fd.write(to, piece, .forever);
        check.ge(n, 1);
        at += n;
    }
    net.close(to);
}

fn reader(from: net.Handle) !void {
    const S = struct {
        var buffer: [50_000]u8 = undefined;
    };
    var rng: u64 = 6;
    var at: usize = 0;
    while (true) {
        const n = try fd.read(from, S.buffer[0 .. check.rand(&rng) % S.buffer.len + 1], .forever);
        if (n == 0) break;
        net.same(S.buffer[0..n], seed, at);
        at += n;
    }
    check.eq(total, at);
    check.eq(0, try fd.read(from, S.buffer[0..1], .now)); // the end stays the end
    net.close(from);
}

fn edges(nonblocking: bool) !void {
    const S = struct {
        var block: [1 << 17]u8 = undefined;
    };
    var few: [8]u8 = undefined;
    const ends = pipe(nonblocking);
    check.err(error.WouldBlock, fd.read(ends[0], few[0..1], .now));
    var before = photonrt.clock();
    check.err(error.Timeout, fd.read(ends[0], few[0..1], .ms(2)));
    check.ge(photonrt.clock() - before, 2 * check.ms);
    check.eq(3, try fd.write(ends[1], "abc", .now));
    check.eq(3, try fd.read(ends[0], &few, .now));
    check.bytes("abc", few[0..3]);

    var n: usize = 0; // until it is full
    while (fd.write(ends[1], &S.block, .now)) |some| n += some else |e| check.eq(error.WouldBlock, e);
    check.ge(n, 1);
    before = photonrt.clock();
    check.err(error.Timeout, fd.write(ends[1], S.block[0..5000], .ms(2)));
    check.ge(photonrt.clock() - before, 2 * check.ms);
    while (fd.read(ends[0], &S.block, .now)) |some| n -= some else |e| check.eq(error.WouldBlock, e);
    check.eq(0, n);
    net.close(ends[0]);
    check.err(error.BrokenPipe, fd.write(ends[1], "x", .forever));
    net.close(ends[1]);
}

pub fn body() !void {
    for ([_]bool{ false, true }) |nonblocking| {
        try edges(nonblocking);
        for (1..3) |vcpu| {
            const ends = pipe(nonblocking);
            const reading = check.spawnOn(1, reader, .{ends[0]});
            const writing = check.spawnOn(@intCast(vcpu), writer, .{ends[1]});
            check.join(writing);
            check.join(reading);
        }
    }
}
