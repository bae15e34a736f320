const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const fd = photonrt.fd;
const linux = std.os.linux;

extern "c" fn mkfifo(path: [*:0]const u8, mode: std.posix.mode_t) c_int;

fn signalLater(event: net.Handle) !void {
    const one: u64 = 1;
    try photonrt.sleep(.ms(2));
    check.eq(8, try fd.write(event, std.mem.asBytes(&one), .forever));
}

fn counters(nonblocking: bool) !void {
    var value: u64 = 0;
    const bytes = std.mem.asBytes(&value);
    const event = check.sys(std.c.eventfd(0, linux.EFD.CLOEXEC | if (nonblocking) @as(c_uint, linux.EFD.NONBLOCK) else 0));
    check.err(error.WouldBlock, fd.read(event, bytes, .now));
    check.err(error.Timeout, fd.read(event, bytes, .ms(1)));
    check.err(error.InvalidArgument, fd.read(event, bytes[0..4], .forever));
    const later = check.spawn(signalLater, .{event});
    check.eq(8, try fd.read(event, bytes, .forever));
    check.eq(1, value);
    check.join(later);
    net.close(event);

    const timer = check.sys(std.c.timerfd_create(.MONOTONIC, @bitCast(linux.TFD{ .CLOEXEC = true, .NONBLOCK = nonblocking })));
    const in_2ms: linux.itimerspec = .{ .it_interval = .{ .sec = 0, .nsec = 0 }, .it_value = .{ .sec = 0, .nsec = 2_000_000 } };
    _ = check.sys(std.c.timerfd_settime(timer, 0, &in_2ms, null));
    check.eq(8, try fd.read(timer, bytes, .forever));
    check.eq(1, value);
    net.close(timer);
}

fn openWriter() fd.Error!net.Handle {
    return fd.open("fifo", .{ .ACCMODE = .WRONLY }, 0, .forever);
}

pub fn body() !void {
    try counters(false);
    try counters(true);

    // Both ends of a named pipe wait in open for each other: neither may hold up the vCPU.
    _ = check.sys(mkfifo("fifo", 0o600));
    for (0..20) |_| {
        var byte: [1]u8 = undefined;
        const opening = check.spawn(openWriter, .{});
        const reader = try fd.open("fifo", .{}, 0, .forever);
        const writer = check.join(opening);
        check.eq(1, try fd.write(writer, "x", .forever));
        check.eq(1, try fd.read(reader, &byte, .forever));
        net.closeAll(&.{ reader, writer });
    }

    const zero = try fd.open("/dev/zero", .{}, 0, .forever);
    var zeros: [8]u8 = @splat(1);
    check.eq(8, try fd.read(zero, &zeros, .forever));
    check.eq(@as([8]u8, @splat(0)), zeros);
    net.close(zero);
}
