//! Descriptors that are passed with a message are new ones of the receiver's.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const messages = check.messages;
const c = photonrt.c;
const fd = photonrt.fd;
const posix = std.posix;
const MSG = posix.MSG;

const most = 4;
const Control = [messages.space(most * @sizeOf(net.Handle))]u8;

fn pass(to: net.Handle, handles: []const net.Handle, text: []const u8) fd.Error!usize {
    var control: Control align(messages.alignment.toByteUnits()) = @splat(0);
    const header: *messages.Header = @ptrCast(&control);
    const passed = std.mem.sliceAsBytes(handles);
    header.cmsg_len = @intCast(messages.length(passed.len));
    header.cmsg_level = posix.SOL.SOCKET;
    header.cmsg_type = std.c.SCM.RIGHTS;
    @memcpy(control[messages.length(0)..][0..passed.len], passed);
    var buffers = [_]c.struct_iovec{.{ .iov_base = @constCast(text.ptr), .iov_len = text.len }};
    var message = messages.of(&buffers);
    message.msg_control = &control;
    message.msg_controllen = @intCast(messages.space(passed.len));
    return fd.result(c.co_io_sendmsg(to, &message, 0, c.CO_FOREVER));
}

const Taken = struct {
    handles: [most]net.Handle,
    n: usize,
    flags: u32,
    len: usize,

    fn all(taken: *const Taken) []const net.Handle {
        return taken.handles[0..taken.n];
    }
};

/// With so much room for control messages.
fn take(from: net.Handle, flags: u32, room: usize) fd.Error!Taken {
    var control: Control align(messages.alignment.toByteUnits()) = undefined;
    var text: [16]u8 = undefined;
    var buffers = [_]c.struct_iovec{.{ .iov_base = &text, .iov_len = text.len }};
    var message = messages.of(&buffers);
    message.msg_control = &control;
    message.msg_controllen = @intCast(room);
    var taken: Taken = .{ .handles = undefined, .n = 0, .flags = 0, .len = 0 };
    taken.len = try fd.result(c.co_io_recvmsg(from, &message, @bitCast(flags), c.CO_FOREVER));
    taken.flags = @bitCast(message.msg_flags);
    var controls: messages.Controls = .of(&message);
    while (controls.next()) |received| {
        check.that(received.is(posix.SOL.SOCKET, std.c.SCM.RIGHTS));
        const bytes = received.data();
        taken.n = bytes.len / @sizeOf(net.Handle);
        @memcpy(std.mem.sliceAsBytes(taken.handles[0..taken.n]), bytes);
    }
    for (taken.all()) |handle| check.that(net.closesOnExec(handle));
    return taken;
}

fn passLater(to: net.Handle, handles: net.Pair) !void {
    try photonrt.sleep(.ms(2));
    check.eq(4, try pass(to, &handles, "pipe"));
}

fn once(ends: net.Pair, flags: u32) !void {
    var byte: [1]u8 = undefined;
    const pipe = net.pipe();
    const passing = check.spawn(passLater, .{ ends[0], pipe });
    const taken = try take(ends[1], flags, @sizeOf(Control));
    check.eq(4, taken.len);
    check.eq(2, taken.n);
    check.eq(0, taken.flags & (MSG.TRUNC | MSG.CTRUNC));
    check.eq(flags & MSG.CMSG_CLOEXEC, taken.flags & MSG.CMSG_CLOEXEC);
    check.join(passing);
    const got = taken.handles;
    check.that(got[0] != pipe[0] and got[1] != pipe[1]);
    net.closeAll(&pipe);
    // They are the pipe's, and work as any other.
    check.err(error.WouldBlock, fd.read(got[0], &byte, .now));
    check.eq(1, try fd.write(got[1], "y", .forever));
    check.eq(1, try fd.read(got[0], &byte, .forever));
    check.bytes("y", &byte);
    net.close(got[1]);
    check.eq(0, try fd.read(got[0], &byte, .forever));
    net.close(got[0]);
}

/// One message with so many descriptors is taken.
fn takes(n: usize, from: net.Handle, flags: u32, room: usize) !Taken {
    const taken = try take(from, flags, room);
    check.eq(2, taken.len);
    check.eq(n, taken.n);
    net.closeAll(taken.all());
    return taken;
}

/// Waiting for all stops at a message with descriptors; room for one of three means that two are gone, and the flags say
/// so; a peek gives descriptors too.
fn edges(ends: net.Pair) !void {
    const room = @sizeOf(Control);
    const pipe = net.pipe();
    const three = [_]net.Handle{ pipe[0], pipe[1], pipe[0] };
    check.eq(2, try pass(ends[0], three[0..1], "ab"));
    check.eq(2, try pass(ends[0], three[0..2], "cd"));
    _ = try takes(1, ends[1], MSG.WAITALL, room);
    _ = try takes(2, ends[1], 0, room);
    check.eq(2, try pass(ends[0], &three, "ef"));
    const cut = try takes(1, ends[1], 0, messages.length(@sizeOf(net.Handle)));
    check.eq(MSG.CTRUNC, cut.flags & MSG.CTRUNC);
    check.eq(2, try pass(ends[0], three[0..1], "gh"));
    _ = try takes(1, ends[1], MSG.PEEK, room);
    _ = try takes(1, ends[1], 0, room);
    net.closeAll(&pipe);
    check.err(error.BadDescriptor, pass(ends[0], &.{-1}, "x"));
}

/// A number that is used again by a received descriptor keeps nothing of its former life.
fn numbers(ends: net.Pair) !void {
    var byte: [1]u8 = undefined;
    for (0..50) |_| {
        const pair = net.unixPair();
        check.err(error.Timeout, photonrt.net.receive(pair[0], &byte, 0, .us(50)));
        const pipe = net.pipe();
        check.eq(1, try pass(ends[0], pipe[0..1], "n"));
        _ = check.sys(std.c.close(pair[0])); // behind the runtime's back
        const taken = try take(ends[1], 0, messages.space(@sizeOf(net.Handle)));
        check.eq(1, taken.n);
        check.eq(pair[0], taken.handles[0]);
        check.err(error.Timeout, fd.read(taken.handles[0], &byte, .us(50)));
        check.eq(1, try fd.write(pipe[1], "z", .forever));
        check.eq(1, try fd.read(taken.handles[0], &byte, .forever));
        net.closeAll(&.{ taken.handles[0], pair[1], pipe[0], pipe[1] });
    }
}

fn all() !void {
    const ends = try photonrt.net.pair();
    try once(ends, 0);
    try once(ends, MSG.WAITALL);
    try once(ends, MSG.CMSG_CLOEXEC);
    try edges(ends);
    try numbers(ends);
    net.closeAll(&ends);
}

pub fn body() !void {
    try all();
    try check.onThread(all, .{});
}
