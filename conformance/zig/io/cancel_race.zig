//! Timeouts, interrupts and data arrive at once, over and over. A receive has either its bytes or an error, never both:
//! the stream has no hole and nothing twice.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;

const total = 20000;
var done: std.atomic.Value(bool) = .init(false);

fn send(fd: net.Handle) !void {
    var rng: u64 = 21;
    for (0..total) |at| {
        const until = photonrt.clock() + @as(i64, @intCast(check.rand(&rng) % 40)) * check.us;
        while (photonrt.clock() < until) photonrt.yield();
        check.eq(1, try photonrt.net.send(fd, &.{net.byte(5, at)}, 0, .forever));
    }
    try photonrt.net.shutdown(fd, .send);
}

fn interrupt(receiver: photonrt.Coroutine) !void {
    var rng: u64 = 22;
    while (!done.load(.acquire)) {
        try photonrt.sleep(.us(@intCast(check.rand(&rng) % 100)));
        receiver.interrupt(error.Interrupted) catch |e| check.eq(error.NotFound, e);
    }
}

fn receive(fd: net.Handle) !void {
    var rng: u64 = 23;
    var at: u64 = 0;
    var failed: u64 = 0;
    while (true) {
        var room: [64]u8 = @splat(0xaa);
        const timeout: photonrt.Timeout = .us(@intCast(check.rand(&rng) % 30));
        const result = if (at % 2 == 1)
            photonrt.fd.read(fd, &room, timeout)
        else
            photonrt.net.receive(fd, &room, 0, timeout);
        const n = result catch |e| switch (e) {
            error.Timeout, error.WouldBlock, error.Interrupted => {
                check.eq(0xaa, room[0]);
                failed += 1;
                if (e == error.WouldBlock) photonrt.yield();
                continue;
            },
            else => return e,
        };
        if (n == 0) break;
        net.same(room[0..n], 5, at);
        at += n;
    }
    check.eq(total, at);
    check.ge(failed, 1);
    done.store(true, .release);
}

pub fn body() !void {
    for ([_]bool{ false, true }) |tcp| {
        const fds = if (tcp) net.tcpPair() else net.unixPair();
        done.store(false, .release);
        const receiver = check.spawnOn(1, receive, .{fds[1]});
        const interrupter = check.spawnOn(1, interrupt, .{receiver.co});
        check.join(check.spawnOn(2, send, .{fds[0]}));
        check.join(receiver);
        check.join(interrupter);
        net.closeAll(&fds);
    }
}
