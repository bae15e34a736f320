//! Messages: `net_receive` and `net_send`, which move several in one operation.
//!
//! ```text
//!   receive:  wait for one ---> take what else is there, while the buffer has room
//!             data_buffer: [ first | second | ... | left ]      each message is a slice of it
//!   send:     as many as the system takes in one call (Linux), then one, waiting for room, and again
//! ```
//! What was moved is always reported, with the error that came after it if there was one: the count
//! and the error of the result stand side by side. A cancel request that comes after some of it stays
//! pending.
//!
//! Rejected: recvmmsg(2). It wants a buffer for each message beforehand, and its timeout is looked at
//! only when a message comes (its own manual page says so, under BUGS).
const std = @import("std");
const builtin = @import("builtin");
const c = @import("c");
const errno = @import("errno.zig");
const startOf = @import("../slice.zig").startOf;
const operate = @import("operate.zig");
const Io = std.Io;
const net = Io.net;
const posix = std.posix;
const Address = Io.Threaded.PosixAddress;
const NetReceive = Io.Operation.NetReceive;
const NetSend = Io.Operation.NetSend;

/// A message of these buffers and this room for control messages, without an address.
pub fn header(list: []c.struct_iovec, control: []const u8) c.struct_msghdr {
    var h = std.mem.zeroes(c.struct_msghdr);
    h.msg_iov = list.ptr;
    h.msg_iovlen = @intCast(list.len);
    if (control.len != 0) {
        h.msg_control = @constCast(control.ptr);
        h.msg_controllen = @intCast(control.len);
    }
    return h;
}

/// Receives at least one message, and those that are there already.
pub noinline fn receive(o: NetReceive, patience: i64) operate.Stop!NetReceive.Result {
    var left = o.data_buffer;
    for (o.message_buffer, 0..) |*incoming, i| {
        // An empty buffer would lose a datagram; and a look takes nothing, so it sees the same again.
        if (i != 0 and (left.len == 0 or o.flags.peek)) return .{ null, i };
        const result = receiveOne(o, incoming, left, if (i == 0) patience else c.CO_NOW) catch |stop| {
            return if (i == 0) stop else .{ null, i };
        };
        result catch |e| return .{ e, i };
        left = left[incoming.data.len..];
    }
    return .{ null, o.message_buffer.len };
}

fn receiveOne(o: NetReceive, incoming: *net.IncomingMessage, buffer: []u8, patience: i64) operate.Stop!(NetReceive.Error!void) {
    var flags: c_int = 0;
    if (o.flags.oob) flags |= posix.MSG.OOB;
    if (o.flags.peek) flags |= posix.MSG.PEEK;
    if (o.flags.trunc) flags |= posix.MSG.TRUNC;

    var from: Address = std.mem.zeroes(Address);
    var list = [1]c.struct_iovec{.{ .iov_base = startOf(buffer), .iov_len = buffer.len }};
    var h = header(&list, incoming.control);
    h.msg_name = &from;
    h.msg_namelen = @sizeOf(Address);
    const rc = c.co_io_recvmsg(o.socket_handle, &h, flags, patience);
    const n = (try operate.outcome(NetReceive.Error, rc, patience)) catch |e| return @as(NetReceive.Error!void, e);
    incoming.* = .{
        .from = Io.Threaded.addressFromPosix(&from),
        // With `trunc` the length is that of the datagram, whatever the buffer has.
        .data = buffer[0..@min(n, buffer.len)],
        .control = incoming.control[0..@intCast(h.msg_controllen)],
        .flags = .{
            .eor = h.msg_flags & posix.MSG.EOR != 0,
            .trunc = h.msg_flags & posix.MSG.TRUNC != 0,
            .ctrunc = h.msg_flags & posix.MSG.CTRUNC != 0,
            .oob = h.msg_flags & posix.MSG.OOB != 0,
            .errqueue = @hasDecl(posix.MSG, "ERRQUEUE") and h.msg_flags & posix.MSG.ERRQUEUE != 0,
        },
    };
    return {};
}

/// Sends all of the messages, or those before one that fails.
pub noinline fn send(o: NetSend, patience: i64) operate.Stop!NetSend.Result {
    var flags: c_int = 0;
    if (@hasDecl(posix.MSG, "CONFIRM") and o.flags.confirm) flags |= posix.MSG.CONFIRM;
    if (@hasDecl(posix.MSG, "FASTOPEN") and o.flags.fastopen) flags |= posix.MSG.FASTOPEN;
    if (o.flags.dont_route) flags |= posix.MSG.DONTROUTE;
    if (o.flags.eor) flags |= posix.MSG.EOR;
    if (o.flags.oob) flags |= posix.MSG.OOB;

    var i: usize = 0;
    while (i != o.messages.len) {
        if (o.messages.len - i > 1) {
            if (c.co_cancel_pending() != 0) return if (i == 0) error.CancelRequested else .{ null, i };
            const result = sendMany(o.socket_handle, o.messages[i..], flags);
            i += result catch |e| return .{ e, i };
            if (i == o.messages.len) break;
        }
        const result = sendOne(o.socket_handle, &o.messages[i], flags, patience) catch |stop| {
            return if (i == 0) stop else .{ null, i };
        };
        result catch |e| return .{ e, i };
        i += 1;
    }
    return .{ null, i };
}

fn sendOne(fd: posix.fd_t, outgoing: *net.OutgoingMessage, flags: c_int, patience: i64) operate.Stop!(NetSend.Error!void) {
    var to: Address = undefined;
    const to_len = Io.Threaded.addressToPosix(outgoing.address, &to);
    const data = startOf(outgoing.data_ptr[0..outgoing.data_len]);
    const rc = if (outgoing.control.len == 0)
        c.co_io_sendto(fd, data, outgoing.data_len, flags, @ptrCast(&to), to_len, patience)
    else rc: {
        var list = [1]c.struct_iovec{.{ .iov_base = @constCast(data), .iov_len = outgoing.data_len }};
        var h = header(&list, outgoing.control);
        h.msg_name = &to;
        h.msg_namelen = to_len;
        break :rc c.co_io_sendmsg(fd, &h, flags, patience);
    };
    const n = (try operate.outcome(NetSend.Error, rc, patience)) catch |e| return @as(NetSend.Error!void, e);
    outgoing.data_len = n;
    return {};
}

/// Messages of one call of `sendMany`.
const many = 32;

/// Sends what can be sent without waiting, by one system call. Gives how many.
fn sendMany(fd: posix.fd_t, messages: []net.OutgoingMessage, flags: c_int) NetSend.Error!usize {
    if (builtin.os.tag != .linux) return 0;
    const linux = std.os.linux;
    var to: [many]Address = undefined;
    var lists: [many]posix.iovec = undefined;
    var headers: [many]linux.mmsghdr = undefined;
    const n = @min(messages.len, many);
    for (messages[0..n], to[0..n], lists[0..n], headers[0..n]) |*m, *addr, *list, *h| {
        // Of nothing any valid address will do: see startOf.
        list.* = .{ .base = if (m.data_len == 0) @ptrCast(list) else @constCast(m.data_ptr), .len = m.data_len };
        h.* = .{
            .hdr = .{
                .name = &addr.any,
                .namelen = Io.Threaded.addressToPosix(m.address, addr),
                .iov = list[0..1],
                .iovlen = 1,
                .control = if (m.control.len == 0) null else @constCast(m.control.ptr),
                .controllen = m.control.len,
                .flags = 0,
            },
            .len = 0,
        };
    }
    const bits: u32 = @bitCast(flags | posix.MSG.DONTWAIT | posix.MSG.NOSIGNAL);
    const rc: isize = @bitCast(linux.sendmmsg(fd, &headers, n, bits));
    if (rc < 0) return switch (linux.errno(@as(usize, @bitCast(rc)))) {
        .AGAIN, .INTR => 0,
        else => errno.of(NetSend.Error, rc),
    };
    const sent: usize = @intCast(rc);
    for (messages[0..sent], headers[0..sent]) |*m, *h| m.data_len = h.len;
    return sent;
}
