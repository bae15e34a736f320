//! When a call has returned, for whatever reason, the system no longer holds its buffer: the next data goes to the next
//! reader, whole, and nothing is written where the first one had its buffer.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;

const size = 512;
const How = enum { timeout, cancel, interrupt };

var waiting: std.atomic.Value(bool) = .init(false);

fn victim(how: How, fd: net.Handle, poisoned: []u8) void {
    @memset(poisoned, 0xaa);
    waiting.store(true, .release);
    const result = switch (how) {
        .timeout => photonrt.net.receive(fd, poisoned, 0, .us(30)),
        .cancel => photonrt.fd.read(fd, poisoned, .forever),
        .interrupt => photonrt.net.receive(fd, poisoned, 0, .forever),
    };
    check.err(switch (how) {
        .timeout => error.Timeout,
        .cancel => error.Canceled,
        .interrupt => error.Interrupted,
    }, result);
}

pub fn body() !void {
    const poisoned = try std.heap.c_allocator.alloc(u8, size);
    defer std.heap.c_allocator.free(poisoned);
    var fds = net.unixPair();
    for (0..3000) |round| {
        if (round % 100 == 0) {
            net.closeAll(&fds);
            fds = if (round % 200 != 0) net.tcpPair() else net.unixPair();
        }
        waiting.store(false, .release);
        const how: How = @fromBackingInt(@intCast(round % 3));
        const task = check.spawnOn(@intCast(round % 2 + 1), victim, .{ how, fds[1], poisoned });
        while (!waiting.load(.acquire)) photonrt.yield();
        if (round % 5 == 0) try photonrt.sleep(.us(60));
        switch (how) {
            .timeout => {},
            .cancel => try task.co.cancel(),
            .interrupt => try task.co.interrupt(error.Interrupted),
        }
        check.join(task);

        var sent: [size]u8 = undefined;
        var got: [size]u8 = undefined;
        net.fill(&sent, round, 0);
        net.sendAll(fds[0], &sent);
        net.receiveAll(fds[1], &got);
        net.same(&got, round, 0);
        for (poisoned) |b| check.eq(0xaa, b);
    }
    net.closeAll(&fds);
}
