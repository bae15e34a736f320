//! Several operations at once, each with its own result; and chains of them, where the next begins when the one before
//! it has succeeded.
//!
//! ```zig
//! var ops = [_]Operation{
//!     .then(.write(socket, "request")),
//!     .receive(socket, &answer, 0),
//!     .timer(.ms(100)),
//! };
//! _ = try photonrt.batch.any(&ops, .forever); // the answer, or the timer
//! const n = try ops[1].result();
//! ```
//! The buffers, addresses and paths that an operation names stay where they are until the batch has returned.
//! Operations that may be under way together must not share a buffer, unless they only read it.
const std = @import("std");
const c = @import("c");
const files = @import("fd.zig");
const net = @import("net.zig");
const startOf = @import("slice.zig").startOf;
const Timeout = @import("time.zig").Timeout;

const Handle = files.Handle;
const Error = files.Error;

/// Waits until all have ended. How many were carried out, well or not: all of them unless a link was broken or
/// something (time, a cancel) called the rest off. If none was carried out, the error of what did that. Each operation
/// has its result either way. `InvalidArgument` and `OutOfMemory` say that nothing has begun and no result is written.
///
/// Blocks; a cancellation point. Plain threads too.
pub fn all(operations: []Operation, timeout: Timeout) Error!usize {
    return carryOut(operations, 0, timeout);
}

/// The same until the first one has ended, or the whole of a chain: the rest is called off (`Canceled`). One that ended
/// although it was called off has its own result and is counted.
pub fn any(operations: []Operation, timeout: Timeout) Error!usize {
    return carryOut(operations, c.CO_BATCH_ANY, timeout);
}

fn carryOut(operations: []Operation, flags: u32, timeout: Timeout) Error!usize {
    return files.result(c.co_io_batch(@ptrCast(startOf(operations)), std.math.lossyCast(u32, operations.len), flags, timeout.raw()));
}

/// One operation of a batch. It may be used again in another.
pub const Operation = extern struct {
    raw: c.co_io_op_t,

    /// What the function of that name would have given. `Canceled`, `Timeout` or `WouldBlock` for one that was called
    /// off. Good once its batch has returned.
    pub fn result(operation: Operation) Error!usize {
        return files.result(operation.raw.result);
    }

    /// `operation`, and the next one in the array begins only when it has succeeded wholly: with all the bytes that it
    /// was to transfer. Otherwise that one, and what is linked to it in turn, is not carried out (`Canceled`).
    pub fn then(operation: Operation) Operation {
        var linked = operation;
        linked.raw.flags |= c.CO_OP_LINK;
        return linked;
    }

    /// Ends when the time is over. Not below zero: it ends with `InvalidArgument` then.
    pub fn timer(time: Timeout) Operation {
        return of(c.CO_OP_TIMER, -1, .{ .offset = time.raw() });
    }

    /// As `fd.read`.
    pub fn read(fd: Handle, buffer: []u8) Operation {
        return of(c.CO_OP_READ, fd, into(buffer));
    }

    /// As `fd.write`.
    pub fn write(fd: Handle, bytes: []const u8) Operation {
        return of(c.CO_OP_WRITE, fd, from(bytes));
    }

    /// As `fd.pread`.
    pub fn pread(fd: Handle, buffer: []u8, offset: u63) Operation {
        return at(offset, of(c.CO_OP_PREAD, fd, into(buffer)));
    }

    /// As `fd.pwrite`.
    pub fn pwrite(fd: Handle, bytes: []const u8, offset: u63) Operation {
        return at(offset, of(c.CO_OP_PWRITE, fd, from(bytes)));
    }

    /// As `fd.readv`.
    pub fn readv(fd: Handle, buffers: []const std.posix.iovec) Operation {
        return of(c.CO_OP_READV, fd, many(buffers));
    }

    /// As `fd.writev`.
    pub fn writev(fd: Handle, buffers: []const std.posix.iovec_const) Operation {
        return of(c.CO_OP_WRITEV, fd, many(buffers));
    }

    /// As `fd.preadv`.
    pub fn preadv(fd: Handle, buffers: []const std.posix.iovec, offset: u63) Operation {
        return at(offset, of(c.CO_OP_PREADV, fd, many(buffers)));
    }

    /// As `fd.pwritev`.
    pub fn pwritev(fd: Handle, buffers: []const std.posix.iovec_const, offset: u63) Operation {
        return at(offset, of(c.CO_OP_PWRITEV, fd, many(buffers)));
    }

    /// As `fd.sync`.
    pub fn sync(fd: Handle) Operation {
        return of(c.CO_OP_FSYNC, fd, .{});
    }

    /// As `fd.syncData`.
    pub fn syncData(fd: Handle) Operation {
        return of(c.CO_OP_FDATASYNC, fd, .{});
    }

    /// As `fd.poll`.
    pub fn poll(fd: Handle, events: i16) Operation {
        return of(c.CO_OP_POLL, fd, .{ .op_flags = @as(u16, @bitCast(events)) });
    }

    /// As `fd.open`: its result is the descriptor.
    pub fn open(path: [*:0]const u8, flags: std.posix.O, mode: std.posix.mode_t) Operation {
        return of(c.CO_OP_OPEN, -1, named(path, @bitCast(flags), mode));
    }

    /// As `fd.openAt`.
    pub fn openAt(dir: Handle, path: [*:0]const u8, flags: std.posix.O, mode: std.posix.mode_t) Operation {
        return of(c.CO_OP_OPENAT, dir, named(path, @bitCast(flags), mode));
    }

    /// As co_io_unlinkat; `flags`: 0 or AT.REMOVEDIR.
    pub fn unlinkAt(dir: Handle, path: [*:0]const u8, flags: u32) Operation {
        return of(c.CO_OP_UNLINKAT, dir, named(path, flags, 0));
    }

    /// As co_io_mkdirat.
    pub fn makeDirAt(dir: Handle, path: [*:0]const u8, mode: std.posix.mode_t) Operation {
        return of(c.CO_OP_MKDIRAT, dir, named(path, 0, mode));
    }

    /// As co_io_ftruncate.
    pub fn setLength(fd: Handle, length: u63) Operation {
        return at(length, of(c.CO_OP_FTRUNCATE, fd, .{}));
    }

    /// As co_io_fallocate; `mode`: FALLOC_FL_* of fallocate(2), 0: the file is at least that long after it.
    pub fn allocate(fd: Handle, mode: u32, offset: u63, len: usize) Operation {
        return at(offset, of(c.CO_OP_FALLOCATE, fd, .{ .op_flags = mode, .len = len }));
    }

    /// As `net.accept`.
    pub fn accept(listener: Handle, peer: ?*net.Address) Operation {
        var raw: c.co_io_op_t = .{};
        if (peer) |p| {
            p.* = .{};
            raw.addr = @ptrCast(&p.storage);
            raw.addr_len = &p.len;
        }
        return of(c.CO_OP_ACCEPT, listener, raw);
    }

    /// As `net.connectTo`.
    pub fn connect(socket: Handle, to: *const net.Address) Operation {
        return of(c.CO_OP_CONNECT, socket, .{ .addr = @constCast(to.sockaddr()), .addr_size = to.len });
    }

    /// As `net.receive`.
    pub fn receive(socket: Handle, buffer: []u8, flags: u32) Operation {
        return with(flags, of(c.CO_OP_RECV, socket, into(buffer)));
    }

    /// As `net.send`.
    pub fn send(socket: Handle, bytes: []const u8, flags: u32) Operation {
        return with(flags, of(c.CO_OP_SEND, socket, from(bytes)));
    }

    /// As `net.receiveFrom`.
    pub fn receiveFrom(socket: Handle, buffer: []u8, sender: *net.Address) Operation {
        var raw = into(buffer);
        sender.* = .{};
        raw.addr = @ptrCast(&sender.storage);
        raw.addr_len = &sender.len;
        return of(c.CO_OP_RECVFROM, socket, raw);
    }

    /// As `net.sendTo`.
    pub fn sendTo(socket: Handle, bytes: []const u8, to: *const net.Address) Operation {
        var raw = from(bytes);
        raw.addr = @constCast(to.sockaddr());
        raw.addr_size = to.len;
        return of(c.CO_OP_SENDTO, socket, raw);
    }

    /// As co_io_recvmsg; `flags`: MSG.*.
    pub fn receiveMessage(socket: Handle, message: *std.posix.msghdr, flags: u32) Operation {
        return with(flags, of(c.CO_OP_RECVMSG, socket, .{ .buf = message }));
    }

    /// As co_io_sendmsg; `flags`: MSG.*.
    pub fn sendMessage(socket: Handle, message: *const std.posix.msghdr_const, flags: u32) Operation {
        return with(flags, of(c.CO_OP_SENDMSG, socket, .{ .buf = @constCast(message) }));
    }

    fn of(opcode: u32, fd: Handle, fields: c.co_io_op_t) Operation {
        var raw = fields;
        raw.size = @sizeOf(c.co_io_op_t);
        raw.opcode = opcode;
        raw.fd = fd;
        return .{ .raw = raw };
    }

    fn into(buffer: []u8) c.co_io_op_t {
        return .{ .buf = startOf(buffer), .len = buffer.len };
    }

    fn from(bytes: []const u8) c.co_io_op_t {
        return .{ .buf = @constCast(startOf(bytes)), .len = bytes.len };
    }

    fn many(buffers: anytype) c.co_io_op_t {
        return .{ .buf = @ptrCast(@constCast(startOf(buffers))), .len = buffers.len };
    }

    fn named(path: [*:0]const u8, flags: u32, mode: std.posix.mode_t) c.co_io_op_t {
        return .{ .buf = @constCast(path), .op_flags = flags, .mode = mode };
    }

    fn at(offset: u63, operation: Operation) Operation {
        var out = operation;
        out.raw.offset = offset;
        return out;
    }

    fn with(flags: u32, operation: Operation) Operation {
        var out = operation;
        out.raw.op_flags = flags;
        return out;
    }
};
