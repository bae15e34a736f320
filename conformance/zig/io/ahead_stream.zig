//! A peer that sends without end meets receivers that are slow, stopped, on another vCPU, and migratable: the stream
//! has no hole and nothing twice, and what waits for its reader is bounded.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const receiveLent = photonrt.net.receiveLent;

const total = 24 << 20;
var done: std.atomic.Value(bool) = .init(false);
var chunk: [60000]u8 = undefined;

fn send(fd: net.Handle) !void {
    var rng: u64 = 31;
    var at: u64 = 0;
    while (at < total) {
        const n = @min(1 + check.rand(&rng) % chunk.len, total - at);
        net.fill(chunk[0..n], 9, at);
        net.sendAll(fd, chunk[0..n]);
        at += n;
    }
    try photonrt.net.shutdown(fd, .send);
}

fn interrupt(receiver: photonrt.Coroutine) !void {
    var rng: u64 = 32;
    while (!done.load(.acquire)) {
        try photonrt.sleep(.us(@intCast(check.rand(&rng) % 200)));
        receiver.interrupt(error.Interrupted) catch |e| check.eq(error.NotFound, e);
    }
}

fn receive(fd: net.Handle) !void {
    var rng: u64 = 33;
    var at: u64 = 0;
    var room: [8]photonrt.net.Lent = undefined;
    var held: std.ArrayList(photonrt.net.Lent) = .initBuffer(&room);
    while (true) {
        const dice = check.rand(&rng) % 64;
        const timeout: photonrt.Timeout = if (dice == 0) .now else if (dice < 4) .us(@intCast(dice * 5)) else .forever;
        const lent = receiveLent(fd, .{ .ahead = dice != 5 }, timeout) catch |e| switch (e) {
            error.Timeout, error.WouldBlock, error.Interrupted => continue,
            else => return e,
        };
        if (lent.bytes().len == 0) break;
        net.same(lent.bytes(), 9, at);
        at += lent.bytes().len;
        // Held for a while, given back in another order.
        held.appendAssumeCapacity(lent);
        if (held.items.len < room.len) continue;
        while (held.pop()) |last| last.release();
        if (dice % 8 == 0) photonrt.sleep(.us(100)) catch |e| check.eq(error.Interrupted, e);
    }
    while (held.pop()) |last| last.release();
    check.eq(total, at);
    done.store(true, .release);
}

/// The stream begins on one vCPU and goes on on another.
fn begin(fd: net.Handle) void {
    check.err(error.Timeout, receiveLent(fd, .{ .ahead = true }, .ms(1)));
}

pub fn body() !void {
    for (0..4) |round| {
        const fds = if (round % 2 == 1) net.tcpPair() else net.unixPair();
        done.store(false, .release);
        if (round >= 2) check.join(check.spawnOn(2, begin, .{fds[1]}));
        const attr: photonrt.Attr = if (round == 3) .{ .migratable = true } else .{ .vcpu = 1 };
        const receiver = try photonrt.spawnWith(attr, receive, .{fds[1]});
        const interrupter = check.spawnOn(1, interrupt, .{receiver.co});
        check.join(check.spawnOn(2, send, .{fds[0]}));
        check.join(receiver);
        check.join(interrupter);
        net.closeAll(&fds);
    }
}
