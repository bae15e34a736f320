//! The end of main cancels what waits for I/O, and `run` returns with every descriptor's call ended.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;

var ends: net.Pair = undefined;
var pipe: net.Pair = undefined;
var listener: net.Handle = undefined;
var cancelled: std.atomic.Value(u32) = .init(0);

fn inReceive() void {
    var buffer: [8]u8 = undefined;
    check.err(error.Canceled, photonrt.net.receive(ends[1], &buffer, 0, .forever));
    _ = cancelled.fetchAdd(1, .monotonic);
}

fn inRead() void {
    var buffer: [8]u8 = undefined;
    check.err(error.Canceled, photonrt.fd.read(pipe[0], &buffer, .forever));
    _ = cancelled.fetchAdd(1, .monotonic);
}

fn inAccept() void {
    check.err(error.Canceled, photonrt.net.accept(listener, null, .seconds(3600)));
    _ = cancelled.fetchAdd(1, .monotonic);
}

fn main() !void {
    check.engine();
    ends = net.unixPair();
    pipe = net.pipe();
    listener = net.listen();
    for (0..10) |_| {
        _ = check.spawn(inReceive, .{});
        _ = check.spawn(inRead, .{});
        _ = check.spawn(inAccept, .{});
    }
    try photonrt.sleep(.ms(5));
}

pub fn plain() !void {
    var buffer: [8]u8 = undefined;
    var config = check.config();
    config.cancel_rest = true;
    for (0..10) |_| {
        cancelled.store(0, .monotonic);
        try photonrt.run(config, main, .{});
        check.eq(30, cancelled.load(.monotonic));
        check.eq(3, std.c.write(pipe[1], "abc", 3)); // nobody else takes it
        check.eq(3, std.c.read(pipe[0], &buffer, buffer.len));
        check.eq(3, std.c.send(ends[0], "abc", 3, 0));
        check.eq(3, std.c.recv(ends[1], &buffer, buffer.len, std.posix.MSG.DONTWAIT));
        for (pipe ++ ends ++ .{listener}) |handle| _ = check.sys(std.c.close(handle));
    }
}
