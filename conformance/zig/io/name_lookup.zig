//! co_getaddrinfo and co_getnameinfo: numbers at once, names by threads that are left alone with what they are at when a
//! caller's time is up or it is cancelled.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const resolver = check.resolver;
const c = photonrt.c;
const posix = std.posix;
const Timeout = photonrt.Timeout;

const stream: resolver.Info = stream: {
    var hints = std.mem.zeroes(resolver.Info);
    hints.socktype = posix.SOCK.STREAM;
    break :stream hints;
};

fn find(name: ?[*:0]const u8, service: ?[*:0]const u8, hints: ?*const resolver.Info, timeout: Timeout) photonrt.IoError!*resolver.Info {
    var found: ?*resolver.Info = null;
    const rc = c.co_getaddrinfo(name, service, @ptrCast(hints), @ptrCast(&found), timeout.raw());
    if (rc < 0) check.that(found == null);
    _ = try photonrt.fd.result(rc);
    return found.?;
}

fn numbers() !void {
    // With `.now`: no thread is asked.
    var found = try find("127.0.0.1", "80", &stream, .now);
    check.eq(posix.AF.INET, found.family);
    const in: *const posix.sockaddr.in = @ptrCast(@alignCast(found.addr.?));
    check.eq(std.mem.nativeToBig(u16, 80), in.port);
    check.that(found.next == null);
    resolver.free(found);
    found = try find("::1", null, &stream, .now);
    check.eq(posix.AF.INET6, found.family);
    resolver.free(found);
    var hints = stream;
    hints.flags = .{ .PASSIVE = true };
    resolver.free(try find(null, "7", &hints, .now));
    hints.flags = .{ .NUMERICHOST = true };
    check.err(error.FileNotFound, find("localhost", "7", &hints, .now));
    hints.flags = .{};
    hints.family = posix.AF.INET6;
    check.err(error.FileNotFound, find("127.0.0.1", "7", &hints, .now));
    hints.family = 4711;
    check.err(error.AddressFamilyUnsupported, find("127.0.0.1", "7", &hints, .now));
    check.err(error.WouldBlock, find("localhost", "7", null, .now));
    check.errno(.INVAL, c.co_getaddrinfo("127.0.0.1", "7", null, null, c.CO_FOREVER));
    check.err(error.InvalidArgument, find(null, null, null, .forever));
    check.err(error.InvalidArgument, find("127.0.0.1", "7", null, .ns(-2)));
}

fn names() !void {
    const found = try find("localhost", "7", &stream, .forever);
    var at: ?*resolver.Info = found;
    while (at) |info| : (at = info.next) {
        const in: *const posix.sockaddr.in = @ptrCast(@alignCast(info.addr.?));
        check.that(info.family == posix.AF.INET6 or std.mem.asBytes(&in.addr)[0] == 127);
    }
    resolver.free(found);
    check.err(error.ProtocolUnsupported, find("127.0.0.1", "no-such-service", &stream, .forever));
    check.err(error.HostUnreachable, find("again.test", null, &stream, .forever));
    check.err(error.InputOutput, find("fail.test", null, &stream, .forever));
    // Reserved to exist nowhere; without a network nobody may be there to say so.
    if (find("name.invalid", null, &stream, .ms(500))) |_| {
        check.fail("name.invalid has been found", .{});
    } else |e| switch (e) {
        error.FileNotFound, error.HostUnreachable, error.Timeout => {},
        else => check.fail("name.invalid gives {t}", .{e}),
    }
}

/// `want` null: it is found.
fn lookUp(want: ?anyerror) void {
    const before = photonrt.clock();
    const timed = (want orelse error.Canceled) == error.Timeout;
    const timeout: Timeout = if (timed) .ms(5) else .forever;
    const found = find("slow.test", "7", null, timeout);
    if (want) |e| check.err(e, found) else resolver.free(found catch |e| check.fail("slow.test gives {t}", .{e}));
    if (timed) check.ge(photonrt.clock() - before, timeout.raw());
}

/// Callers leave, the lookup goes on, and its result is freed when it comes.
fn slow() !void {
    resolver.gate.store(false, .release);
    lookUp(error.Timeout);
    check.onThread(lookUp, .{error.Timeout});
    const cancelled = check.spawnOn(2, lookUp, .{error.Canceled});
    const interrupted = check.spawn(lookUp, .{error.DeadlineExpired});
    var waiting: [3]photonrt.Task(void) = undefined;
    for (&waiting, 1..) |*task, vcpu| task.* = check.spawnOn(@intCast(vcpu), lookUp, .{null});
    const thread = check.thread(lookUp, .{null});
    while (resolver.inside.load(.monotonic) < 8) try photonrt.sleep(.us(100));
    try cancelled.co.cancel();
    try interrupted.co.interrupt(error.DeadlineExpired);
    check.join(cancelled);
    check.join(interrupted);
    check.eq(0, resolver.lists.load(.monotonic));
    // Meanwhile files and numbers are served.
    const file = net.open("file", .{ .ACCMODE = .RDWR, .CREAT = true });
    try photonrt.fd.sync(file, .forever);
    net.close(file);
    try numbers();
    // More lookups than threads: they wait for their turn, or their time.
    var many: [60]photonrt.Task(void) = undefined;
    for (&many) |*task| task.* = check.spawn(lookUp, .{error.Timeout});
    for (many) |task| check.join(task);
    check.that(resolver.inside.load(.monotonic) <= 32);
    resolver.gate.store(true, .release);
    for (waiting) |task| check.join(task);
    thread.join();
    try resolver.allFreed();
}

const NI = std.c.NI;
const number: c_int = @bitCast(NI{ .NUMERICHOST = true, .NUMERICSERV = true });
const number_service: c_int = @bitCast(NI{ .NUMERICSERV = true });

fn nameOf(address: *const photonrt.net.Address, host: []u8, service: []u8, flags: c_int, timeout: Timeout) photonrt.IoError!void {
    _ = try photonrt.fd.result(c.co_getnameinfo(
        address.sockaddr(),
        address.len,
        if (host.len > 0) host.ptr else null,
        @intCast(host.len),
        if (service.len > 0) service.ptr else null,
        @intCast(service.len),
        flags,
        timeout.raw(),
    ));
}

fn back() !void {
    var host: [1025]u8 = undefined;
    var service: [32]u8 = undefined;
    const local = net.local(80);
    try nameOf(&local, &host, &service, number, .now);
    check.bytes("127.0.0.1", std.mem.sliceTo(&host, 0));
    check.bytes("80", std.mem.sliceTo(&service, 0));
    try nameOf(&local, &.{}, &service, number_service, .now);
    check.err(error.WouldBlock, nameOf(&local, &host, &.{}, 0, .now));
    try nameOf(&local, &host, &service, number_service, .forever);
    check.that(host[0] != 0);
    host[0..10].* = "as it was\x00".*;
    check.err(error.Overflow, nameOf(&local, host[0..9], &service, number, .now));
    check.err(error.Overflow, nameOf(&local, &host, service[0..2], number, .now));
    check.bytes("as it was", std.mem.sliceTo(&host, 0));
    try nameOf(&local, host[0..10], service[0..3], number, .now);
    try badNames(&local, &host);
}

fn badNames(local: *const photonrt.net.Address, host: []u8) !void {
    const p = local.sockaddr();
    check.errno(.FAULT, c.co_getnameinfo(null, local.len, host.ptr, 10, null, 0, number, c.CO_NOW));
    check.errno(.INVAL, c.co_getnameinfo(p, 1, host.ptr, 10, null, 0, number, c.CO_NOW));
    check.errno(.INVAL, c.co_getnameinfo(p, 9999, host.ptr, 10, null, 0, number, c.CO_NOW));
    check.err(error.InvalidArgument, nameOf(local, &.{}, &.{}, number, .now));
    check.err(error.InvalidArgument, nameOf(local, host, &.{}, number, .ns(-2)));
}

/// What is answered at once is answered on the coroutine's own stack.
fn onSmallStack() !void {
    try numbers();
    try names();
    try back();
    check.err(error.ConnectionRefused, photonrt.net.connect("127.0.0.1", 1, .forever));
    check.err(error.ConnectionRefused, photonrt.net.connect("localhost", 1, .forever));
}

pub fn body() !void {
    resolver.need();
    try numbers();
    try names();
    check.join(try photonrt.spawnWith(.{ .stack_size = 16 << 10 }, onSmallStack, .{}));
    try slow();
    try back();
    try check.onThread(back, .{});
    // A cancellation point, even for numbers.
    try photonrt.Coroutine.current().?.interrupt(error.DeadlineExpired);
    check.err(error.DeadlineExpired, find("127.0.0.1", "7", null, .now));
    try resolver.allFreed();
}
