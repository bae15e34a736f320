//! Messages as recvmsg(2) and sendmsg(2) have them, with control messages: their macros are not for Zig.
const std = @import("std");
const c = @import("photonrt").c;

pub const Header = c.struct_cmsghdr;
/// Where control messages may lie.
pub const alignment: std.mem.Alignment = .of(Header);
const unit = @alignOf(usize);

/// Bytes of a control message with `len` bytes of data.
pub fn length(len: usize) usize {
    return std.mem.alignForward(usize, @sizeOf(Header), unit) + len;
}

/// Room that it takes among others.
pub fn space(len: usize) usize {
    return std.mem.alignForward(usize, length(len), unit);
}

/// One control message of those that have been received.
pub const Control = struct {
    header: *const Header,

    pub fn is(control: Control, level: u32, kind: u32) bool {
        return control.header.cmsg_level == level and control.header.cmsg_type == kind;
    }

    pub fn data(control: Control) []const u8 {
        const start: [*]const u8 = @ptrCast(control.header);
        return start[length(0)..@intCast(control.header.cmsg_len)];
    }
};

/// The control messages of a message.
pub const Controls = struct {
    left: []const u8,

    pub fn of(message: *const c.struct_msghdr) Controls {
        const start: [*]const u8 = @ptrCast(message.msg_control orelse return .{ .left = &.{} });
        return .{ .left = start[0..@intCast(message.msg_controllen)] };
    }

    pub fn next(controls: *Controls) ?Control {
        if (controls.left.len < @sizeOf(Header)) return null;
        const header: *const Header = @ptrCast(@alignCast(controls.left.ptr));
        controls.left = controls.left[@min(space(@as(usize, @intCast(header.cmsg_len)) - length(0)), controls.left.len)..];
        return .{ .header = header };
    }
};

/// A message in several buffers.
pub fn of(buffers: []c.struct_iovec) c.struct_msghdr {
    var message = std.mem.zeroes(c.struct_msghdr);
    message.msg_iov = buffers.ptr;
    message.msg_iovlen = @intCast(buffers.len);
    return message;
}
