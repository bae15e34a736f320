//! Many coroutines wait on one descriptor: each datagram, and each connection, goes to exactly one of them.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;

const messages = 2000;
const connections = 200;
const end = messages;
var ends: net.Pair = undefined;
var listener: net.Handle = undefined;
var seen: [messages]std.atomic.Value(u32) = @splat(.init(0));
var received: std.atomic.Value(u32) = .init(0);
var accepted: std.atomic.Value(u32) = .init(0);

fn receiver() !void {
    while (true) {
        var number: u32 = undefined;
        check.eq(@sizeOf(u32), try photonrt.net.receive(ends[1], std.mem.asBytes(&number), 0, .forever));
        if (number == end) return;
        _ = seen[number].fetchAdd(1, .monotonic);
        _ = received.fetchAdd(1, .monotonic);
    }
}

fn send(number: u32) !void {
    check.eq(@sizeOf(u32), try photonrt.net.send(ends[0], std.mem.asBytes(&number), 0, .forever));
}

fn acceptor() !void {
    while (true) {
        const server = photonrt.net.accept(listener, null, .forever) catch |e| switch (e) {
            error.BadDescriptor => return,
            else => return e,
        };
        _ = accepted.fetchAdd(1, .monotonic);
        net.close(server);
    }
}

pub fn body() !void {
    var receivers: [16]photonrt.Task(@typeInfo(@TypeOf(receiver)).@"fn".return_type.?) = undefined;
    ends = net.localPair(std.posix.SOCK.DGRAM);
    for (&receivers, 0..) |*task, i| task.* = check.spawnOn(@intCast(i % 2 + 1), receiver, .{});
    for (0..messages) |i| try send(@intCast(i));
    for (receivers) |_| try send(end);
    for (receivers) |task| check.join(task);
    check.eq(messages, received.load(.monotonic));
    for (&seen) |*times| check.eq(1, times.load(.monotonic));
    net.closeAll(&ends);

    var acceptors: [16]photonrt.Task(@typeInfo(@TypeOf(acceptor)).@"fn".return_type.?) = undefined;
    listener = net.listen();
    for (&acceptors, 0..) |*task, i| task.* = check.spawnOn(@intCast(i % 2 + 1), acceptor, .{});
    for (0..connections) |_| {
        var byte: [1]u8 = undefined;
        const client = net.connect(net.port(listener));
        check.eq(0, try photonrt.net.receive(client, &byte, 0, .forever));
        net.close(client);
    }
    check.eq(connections, accepted.load(.monotonic));
    net.close(listener);
    for (acceptors) |task| check.join(task);
}
