//! Random timeouts on many descriptors at once: none is early, none is lost, and data that is there counts first.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const POLL = std.posix.POLL;

fn worker(seed: u64) !void {
    var rng = seed;
    var byte: [1]u8 = undefined;
    const ends = net.unixPair();
    for (0..30) |i| {
        const time: photonrt.Timeout = .us(@intCast(check.rand(&rng) % 3000 + 1));
        const before = photonrt.clock();
        switch (i % 3) {
            0 => check.err(error.Timeout, photonrt.net.receive(ends[1], &byte, 0, time)),
            1 => check.err(error.Timeout, photonrt.fd.read(ends[1], &byte, time)),
            else => check.err(error.Timeout, photonrt.fd.poll(ends[1], POLL.IN, time)),
        }
        check.ge(photonrt.clock() - before, time.raw());
        const at_once: photonrt.Timeout = if (i % 2 == 1) .now else .ns(1);
        check.eq(1, try photonrt.net.send(ends[0], "x", 0, at_once));
        check.eq(1, try photonrt.net.receive(ends[1], &byte, 0, at_once));
    }
    net.closeAll(&ends);
}

pub fn body() !void {
    var tasks: [100]@TypeOf(check.spawn(worker, .{0})) = undefined;
    for (&tasks, 1..) |*task, seed| task.* = check.spawn(worker, .{seed});
    for (tasks) |task| check.join(task);
}
