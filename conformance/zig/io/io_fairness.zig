//! Beside coroutines that only yield on the same vCPU, data, timeouts and connections come through.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;

var stop: std.atomic.Value(bool) = .init(false);

fn spin() void {
    while (!stop.load(.acquire)) photonrt.yield();
}

fn echo(fd: net.Handle) !void {
    var byte: [1]u8 = undefined;
    while (try photonrt.net.receive(fd, &byte, 0, .forever) == 1) net.sendAll(fd, &byte);
}

fn ask(fd: net.Handle) !void {
    var byte: [1]u8 = .{'x'};
    for (0..200) |i| {
        net.sendAll(fd, &byte);
        check.eq(1, try photonrt.net.receive(fd, &byte, 0, .forever));
        if (i % 20 == 0) check.err(error.Timeout, photonrt.net.receive(fd, &byte, 0, .us(200)));
    }
    try photonrt.net.shutdown(fd, .send);
}

pub fn body() !void {
    const fds = net.tcpPair();
    const spinners = [_]check.Task(spin){ check.spawnOn(1, spin, .{}), check.spawnOn(1, spin, .{}) };
    const echoing = check.spawnOn(1, echo, .{fds[1]});
    check.join(check.spawnOn(1, ask, .{fds[0]}));
    check.join(echoing);
    stop.store(true, .release);
    for (spinners) |task| check.join(task);
    net.closeAll(&fds);
}
