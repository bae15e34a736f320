//! What is larger than the buffers goes in parts; a send that gives up has sent what it says and not a byte more.
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;

const total = 4 << 20;

fn slowReader(from: net.Handle) !usize {
    const S = struct {
        var buffer: [30_000]u8 = undefined;
    };
    var at: usize = 0;
    while (true) {
        const n = try photonrt.net.receive(from, &S.buffer, 0, .forever);
        if (n == 0) return at;
        net.same(S.buffer[0..n], 3, at);
        at += n;
        if (at % 7 == 0) try photonrt.sleep(.us(100));
    }
}

fn transfer(ends: net.Pair) !void {
    const S = struct {
        var data: [300_000]u8 = undefined;
    };
    const reading = check.spawnOn(2, slowReader, .{ends[1]});
    var rng: u64 = 11;
    var at: usize = 0;
    while (at < total) {
        const piece = S.data[0..@min(check.rand(&rng) % S.data.len + 1, total - at)];
        net.fill(piece, 3, at);
        const n = photonrt.net.send(ends[0], piece, 0, if (check.rand(&rng) % 3 > 0) .forever else .us(20)) catch |e| switch (e) {
            error.Timeout => continue,
            else => return e,
        };
        check.ge(n, 1);
        check.that(n <= piece.len);
        at += n;
    }
    try photonrt.net.shutdown(ends[0], .send);
    check.eq(total, check.join(reading));
    net.closeAll(&ends);
}

fn full(ends: net.Pair) !void {
    const S = struct {
        var data: [100_000]u8 = undefined;
    };
    var sent: usize = 0;
    while (true) {
        net.fill(&S.data, 4, sent);
        sent += photonrt.net.send(ends[0], &S.data, 0, .now) catch |e| switch (e) {
            error.WouldBlock => break,
            else => return e,
        };
    }
    for (0..20) |_| {
        const before = photonrt.clock();
        net.fill(&S.data, 4, sent);
        if (photonrt.net.send(ends[0], &S.data, 0, .us(500))) |n| {
            sent += n; // TCP may find some room
        } else |e| {
            check.eq(error.Timeout, e);
            check.ge(photonrt.clock() - before, 500 * check.us);
        }
    }
    try photonrt.net.shutdown(ends[0], .send);
    var got: usize = 0;
    while (true) {
        const n = try photonrt.net.receive(ends[1], &S.data, 0, .forever);
        if (n == 0) break;
        net.same(S.data[0..n], 4, got);
        got += n;
    }
    check.eq(sent, got);
    net.closeAll(&ends);
}

pub fn body() !void {
    for ([_]*const fn () net.Pair{ net.unixPair, net.tcpPair }) |pair| {
        try transfer(pair());
        try full(pair());
    }
}
