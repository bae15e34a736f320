//! `Io.operate`: one operation of the union, carried out by the calling coroutine.
//!
//! ```text
//!   operate          perform(op, forever)                  one system call, and a wait if need be
//!   batch.zig        perform(op, now), wait for all, perform(op, now) ...
//! ```
//! `perform` is all that an operation is; how long it may wait is the caller's. It reports a cancel
//! request and leaves it pending: only who gives up because of it acknowledges it, and a batch of
//! which something has completed does not.
//!
//! One buffer and no control message is what most reads and writes are. They become the plain call
//! of the runtime: its fast way, and one system call if the data is there.
const std = @import("std");
const c = @import("c");
const core = @import("core.zig");
const errno = @import("errno.zig");
const message = @import("message.zig");
const Vectors = @import("Vectors.zig");
const Io = std.Io;
const Operation = Io.Operation;
const posix = std.posix;

/// Why an operation has not been carried out. Nothing has happened then.
pub const Stop = error{
    /// It would have to wait, and was not to.
    WouldWait,
    /// A cancel of the task has been requested, and not been acknowledged yet.
    CancelRequested,
};

/// See `Io.operate`. Blocks the calling coroutine, or plain thread; a cancelation point.
pub fn operate(userdata: ?*anyopaque, operation: Operation) Io.Cancelable!Operation.Result {
    _ = userdata;
    return perform(operation, c.CO_FOREVER) catch |stop| switch (stop) {
        error.CancelRequested => core.canceled(),
        error.WouldWait => unreachable, // it may
    };
}

/// Carries out `operation`, and waits for it as `patience` says: CO_FOREVER or CO_NOW.
pub fn perform(operation: Operation, patience: i64) Stop!Operation.Result {
    return switch (operation) {
        .file_read_streaming => |o| .{ .file_read_streaming = try readFile(o, patience) },
        .file_write_streaming => |o| .{ .file_write_streaming = try writeFile(o, patience) },
        .device_io_control => |*o| .{ .device_io_control = try control(o) },
        .net_receive => |o| .{ .net_receive = try message.receive(o, patience) },
        .net_send => |o| .{ .net_send = try message.send(o, patience) },
        .net_read => |*o| .{ .net_read = try readNet(o, patience) },
        .net_write => |*o| .{ .net_write = try writeNet(o, patience) },
    };
}

/// What a call has come to: how many bytes, an error of the operation, or that there was none.
pub inline fn outcome(comptime Set: type, rc: i64, patience: i64) Stop!(Set!usize) {
    if (rc >= 0) return @as(Set!usize, @intCast(rc));
    return failure(Set, rc, patience);
}

noinline fn failure(comptime Set: type, rc: i64, patience: i64) Stop!(Set!usize) {
    return switch (core.errno(rc)) {
        .CANCELED => error.CancelRequested,
        .AGAIN => if (patience == c.CO_NOW) error.WouldWait else @as(Set!usize, errno.of(Set, rc)),
        else => @as(Set!usize, errno.of(Set, rc)),
    };
}

noinline fn readFile(o: Operation.FileReadStreaming, patience: i64) Stop!Operation.FileReadStreaming.Result {
    var v: Vectors = undefined;
    v.forReading(o.data);
    if (v.len == 0) return 0;
    const fd = o.file.handle;
    const rc = if (v.only()) |buffer|
        c.co_io_read(fd, buffer.ptr, buffer.len, patience)
    else
        c.co_io_readv(fd, &v.list, @intCast(v.len), patience);
    if (rc == 0) return @as(Operation.FileReadStreaming.Result, error.EndOfStream);
    return try outcome(Operation.FileReadStreaming.Error, rc, patience);
}

noinline fn writeFile(o: Operation.FileWriteStreaming, patience: i64) Stop!Operation.FileWriteStreaming.Result {
    var pattern: [Vectors.pattern_len]u8 = undefined;
    var v: Vectors = undefined;
    v.forWriting(o.header, o.data, o.splat, &pattern);
    if (v.len == 0) return 0;
    const fd = o.file.handle;
    const rc = if (v.only()) |bytes|
        c.co_io_write(fd, bytes.ptr, bytes.len, patience)
    else
        c.co_io_writev(fd, &v.list, @intCast(v.len), patience);
    return try outcome(Operation.FileWriteStreaming.Error, rc, patience);
}

fn readNet(o: *const Operation.NetRead, patience: i64) Stop!Operation.NetRead.Result {
    if (o.data.len != 1 or o.control.len != 0) return readNetMany(o, patience);
    const buffer = o.data[0];
    std.debug.assert(buffer.len != 0); // 0 bytes are the end of the stream
    const rc = c.co_io_recv(o.socket_handle, buffer.ptr, buffer.len, 0, patience);
    const n = try outcome(Operation.NetRead.Error, rc, patience);
    return .{ .data_len = n catch |e| return @as(Operation.NetRead.Result, e) };
}

noinline fn readNetMany(o: *const Operation.NetRead, patience: i64) Stop!Operation.NetRead.Result {
    var v: Vectors = undefined;
    v.forReading(o.data);
    std.debug.assert(v.len != 0);
    var header = message.header(v.list[0..v.len], o.control);
    const rc = c.co_io_recvmsg(o.socket_handle, &header, 0, patience);
    const n = try outcome(Operation.NetRead.Error, rc, patience);
    return .{
        .data_len = n catch |e| return @as(Operation.NetRead.Result, e),
        .control_len = @intCast(header.msg_controllen),
        .control_truncated = header.msg_flags & posix.MSG.CTRUNC != 0,
    };
}

fn writeNet(o: *const Operation.NetWrite, patience: i64) Stop!Operation.NetWrite.Result {
    if (o.data.len != 1 or o.control.len != 0) return writeNetMany(o, patience);
    // What a flush is, and a write that no buffer is for.
    const bytes = if (o.data[0].len == 0) o.header else if (o.header.len == 0 and o.splat == 1) o.data[0] else return writeNetMany(o, patience);
    if (bytes.len == 0) return 0;
    const rc = c.co_io_send(o.socket_handle, bytes.ptr, bytes.len, 0, patience);
    return try outcome(Operation.NetWrite.Error, rc, patience);
}

noinline fn writeNetMany(o: *const Operation.NetWrite, patience: i64) Stop!Operation.NetWrite.Result {
    var pattern: [Vectors.pattern_len]u8 = undefined;
    var v: Vectors = undefined;
    v.forWriting(o.header, o.data, o.splat, &pattern);
    if (v.len == 0 and o.control.len == 0) return 0;
    const header = message.header(v.list[0..v.len], o.control);
    return try outcome(Operation.NetWrite.Error, c.co_io_sendmsg(o.socket_handle, &header, 0, patience), patience);
}

/// Requests that only ask, or set a number: the system answers them at once.
const quick = quick: {
    var codes: []const u32 = &.{};
    for (.{ "IOCGWINSZ", "IOCSWINSZ", "IOCGPGRP", "IOCOUTQ", "CGETS", "FIONREAD" }) |name| {
        if (@hasDecl(posix.T, name)) codes = codes ++ .{@as(u32, @field(posix.T, name))};
    }
    break :quick codes;
};

/// Whether a request waits is the driver's affair and nobody tells, so it is made on a thread for what
/// blocks; a cancel is heard until it has begun.
noinline fn control(o: *const Operation.DeviceIoControl) Stop!Operation.DeviceIoControl.Result {
    var request: Request = .{ .o = o };
    if (std.mem.findScalar(u32, quick, o.code) != null) {
        if (c.co_cancel_pending() != 0) return error.CancelRequested;
        _ = Request.run(&request);
        return request.result;
    }
    const rc = c.co_blocking(Request.run, &request, null, c.CO_FOREVER);
    if (rc == 0) return request.result;
    if (rc == -@as(c_int, @backingInt(posix.E.CANCELED))) return error.CancelRequested;
    // No thread is to be had: then it is this one that waits, and others go elsewhere as they can.
    _ = c.co_blocking_enter();
    _ = Request.run(&request);
    _ = c.co_blocking_leave();
    return request.result;
}

const Request = struct {
    o: *const Operation.DeviceIoControl,
    result: i32 = 0,

    fn run(arg: ?*anyopaque) callconv(.c) ?*anyopaque {
        const r: *Request = @ptrCast(@alignCast(arg.?));
        while (true) {
            const rc = posix.system.ioctl(r.o.file.handle, @bitCast(r.o.code), @intFromPtr(r.o.arg));
            r.result = switch (posix.errno(rc)) {
                .SUCCESS => @intCast(rc),
                .INTR => continue,
                else => |e| -@as(i32, @backingInt(e)),
            };
            return null;
        }
    }
};
