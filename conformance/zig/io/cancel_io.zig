//! Each blocking call ended by an interrupt and by a cancel, and what it waited on works afterwards.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const Coroutine = photonrt.Coroutine;

const Call = enum { receive, socket_read, pipe_read, accept, poll, send };

var sockets: net.Pair = undefined;
var pipes: net.Pair = undefined;
var full: net.Pair = undefined;
var listener: net.Handle = undefined;
var interrupted: std.atomic.Value(bool) = .init(false);

fn carryOut(call: Call) photonrt.IoError!void {
    var room: [64]u8 = undefined;
    switch (call) {
        .receive => _ = try photonrt.net.receive(sockets[1], &room, 0, .forever),
        .socket_read => _ = try photonrt.fd.read(sockets[1], &room, .seconds(3600)),
        .pipe_read => _ = try photonrt.fd.read(pipes[0], &room, .forever),
        .accept => _ = try photonrt.net.accept(listener, null, .forever),
        .poll => _ = try photonrt.fd.poll(sockets[1], std.posix.POLL.IN, .seconds(3600)),
        .send => _ = try photonrt.net.send(full[0], &@as([64]u8, @splat(0)), 0, .forever),
    }
}

fn blocked(call: Call) !void {
    const self = Coroutine.current().?;
    check.err(error.Interrupted, carryOut(call));
    interrupted.store(true, .release);
    check.err(error.Canceled, carryOut(call));
    check.err(error.Canceled, carryOut(call)); // and does not even begin
    check.that(photonrt.acknowledgeCancel());
    try self.interrupt(error.DeadlineExpired);
    check.err(error.DeadlineExpired, carryOut(call));
    {
        const shield: photonrt.Shield = .begin();
        defer shield.end();
        try self.cancel();
        try photonrt.sleep(.us(10));
    }
    check.err(error.Canceled, carryOut(call));
}

fn interrupt(co: Coroutine) !void {
    try co.interrupt(error.Interrupted);
}

fn cancel(co: Coroutine) !void {
    try co.cancel();
}

fn afterwards() !void {
    var room: [8]u8 = undefined;
    check.eq(1, try photonrt.net.send(sockets[0], "s", 0, .forever));
    check.eq(1, try photonrt.net.receive(sockets[1], &room, 0, .seconds(10)));
    check.eq(1, try photonrt.fd.write(pipes[1], "p", .forever));
    check.eq(1, try photonrt.fd.read(pipes[0], &room, .seconds(10)));
    const client = net.connect(net.port(listener));
    const server = try photonrt.net.accept(listener, null, .seconds(10));
    net.closeAll(&.{ client, server });
}

pub fn body() !void {
    sockets = net.unixPair();
    full = net.unixPair();
    pipes = net.pipe();
    listener = net.listen();
    while (photonrt.net.send(full[0], &@as([64]u8, @splat(0)), 0, .now)) |_| {} else |e| check.eq(error.WouldBlock, e);
    for (0..20) |round| {
        const by_thread = round % 4 == 3;
        for (std.enums.values(Call)) |call| {
            interrupted.store(false, .release);
            const task = check.spawnOn(@intCast(round % 2 + 1), blocked, .{call});
            check.untilState(task.co, .parked);
            if (by_thread) try check.onThread(interrupt, .{task.co}) else try interrupt(task.co);
            while (!interrupted.load(.acquire)) check.pause();
            if (round % 3 != 0) check.untilState(task.co, .parked);
            if (by_thread) try check.onThread(cancel, .{task.co}) else try cancel(task.co);
            check.join(task);
            try afterwards();
        }
    }
}
