//! Reading and writing descriptors with a timeout, without std.Io.
//!
//! Any descriptor: files, sockets, pipes, terminals; in blocking mode or not. Every call here blocks the coroutine and never the
//! vCPU (`photonrt.c` says more at co_io_read), is a cancellation point, and works on plain threads too, which it
//! blocks. When it returns, for whatever reason, the system has let go of the buffer. What fails with `Timeout`, `WouldBlock` or
//! `Canceled` has transferred nothing.
//!
//! The rest of the C ABI's calls on files and descriptors are one line each with `result`:
//!
//! ```zig
//! _ = try fd.result(photonrt.c.co_io_renameat(dir, "a", dir, "b", 0, photonrt.c.CO_FOREVER));
//! ```
const std = @import("std");
const c = @import("c");
const errors = @import("errors.zig");
const Timeout = @import("time.zig").Timeout;

pub const Handle = std.posix.fd_t;
pub const Error = errors.IoError;

/// What a co_io_* function has returned: a number, or its error.
pub inline fn result(rc: anytype) Error!usize {
    if (rc < 0) return errors.of(Error, rc);
    return @intCast(rc);
}

/// As open(2), always close-on-exec.
pub fn open(path: [*:0]const u8, flags: std.posix.O, mode: std.posix.mode_t, timeout: Timeout) Error!Handle {
    const bits: c_int = @bitCast(flags);
    return @intCast(try result(c.co_io_open(path, bits, mode, timeout.raw())));
}

/// Up to `buffer.len` bytes at the file's position; 0 is the end.
pub inline fn read(fd: Handle, buffer: []u8, timeout: Timeout) Error!usize {
    return result(c.co_io_read(fd, buffer.ptr, buffer.len, timeout.raw()));
}

/// Up to `bytes.len` bytes at the file's position: how many it wrote.
pub inline fn write(fd: Handle, bytes: []const u8, timeout: Timeout) Error!usize {
    return result(c.co_io_write(fd, bytes.ptr, bytes.len, timeout.raw()));
}

/// The same at `offset`, the file's position unmoved.
pub inline fn pread(fd: Handle, buffer: []u8, offset: u63, timeout: Timeout) Error!usize {
    return result(c.co_io_pread(fd, buffer.ptr, buffer.len, offset, timeout.raw()));
}

/// The same at `offset`, the file's position unmoved.
pub inline fn pwrite(fd: Handle, bytes: []const u8, offset: u63, timeout: Timeout) Error!usize {
    return result(c.co_io_pwrite(fd, bytes.ptr, bytes.len, offset, timeout.raw()));
}

/// Into several buffers, one after the other; at most 1024.
pub inline fn readv(fd: Handle, buffers: []const std.posix.iovec, timeout: Timeout) Error!usize {
    return result(c.co_io_readv(fd, @ptrCast(buffers.ptr), std.math.lossyCast(c_int, buffers.len), timeout.raw()));
}

/// Several buffers, one after the other; at most 1024.
pub inline fn writev(fd: Handle, buffers: []const std.posix.iovec_const, timeout: Timeout) Error!usize {
    return result(c.co_io_writev(fd, @ptrCast(buffers.ptr), std.math.lossyCast(c_int, buffers.len), timeout.raw()));
}

/// Reads until `buffer` is full or the end comes, under one timeout. `done`, if it is given, says how many bytes have come, after an
/// error too: they are in the buffer.
pub fn readFull(fd: Handle, buffer: []u8, done: ?*usize, timeout: Timeout) Error!usize {
    return result(c.co_io_read_full(fd, buffer.ptr, buffer.len, done, timeout.raw()));
}

/// Writes all of `bytes` under one timeout. `done` as for `readFull`.
pub fn writeAll(fd: Handle, bytes: []const u8, done: ?*usize, timeout: Timeout) Error!void {
    _ = try result(c.co_io_write_all(fd, bytes.ptr, bytes.len, done, timeout.raw()));
}

/// Copies `count` bytes, or up to the end (null), from one descriptor to another, inside the system where that can be done. How
/// many: less if the end came before. `done` as for `readFull`.
pub fn copy(from: Handle, to: Handle, count: ?u63, done: ?*i64, timeout: Timeout) Error!u64 {
    const n = c.co_io_copy(from, to, if (count) |n| @as(i64, n) else -1, done, timeout.raw());
    return result(n);
}

/// Waits until one of `events` holds (POLL.IN, POLL.OUT, ...), and gives those that do.
pub fn poll(fd: Handle, events: i16, timeout: Timeout) Error!i16 {
    return @intCast(try result(c.co_io_poll(fd, events, timeout.raw())));
}

/// Waits until one of several has an event; their `revents` say which. How many have something.
pub fn pollMany(fds: []std.posix.pollfd, timeout: Timeout) Error!usize {
    return result(c.co_io_poll_many(@ptrCast(fds.ptr), std.math.lossyCast(c_uint, fds.len), timeout.raw()));
}

/// Waits until what was written is on its device.
pub fn sync(fd: Handle, timeout: Timeout) Error!void {
    _ = try result(c.co_io_fsync(fd, timeout.raw()));
}

/// Ends every call that is under way on it in any coroutine (`BadDescriptor`), then closes it, so that no call can hit a
/// successor. Not a cancellation point.
pub fn close(fd: Handle) void {
    _ = c.co_io_close(fd);
}

/// A pipe, close-on-exec: to read from, to write to. Never blocks.
pub fn pipe() Error![2]Handle {
    var fds: [2]c_int = undefined;
    _ = try result(c.co_io_pipe(&fds, 0));
    return fds;
}

/// A buffered reader of lines and pieces, in memory of the caller's. One call at a time (`Busy`). What it has read stays buffered whatever ends a
/// call. Read from its descriptor by the reader only.
pub const Reader = extern struct {
    raw: c.co_reader_t,

    /// The longest line, with its newline, must fit into `buffer`.
    pub fn init(reader: *Reader, fd: Handle, buffer: []u8) Error!void {
        reader.raw = std.mem.zeroes(c.co_reader_t);
        reader.raw.size = @sizeOf(c.co_reader_t);
        _ = try result(c.co_reader_init(&reader.raw, fd, buffer.ptr, buffer.len));
    }

    /// The next line without its newline, until the next call; null at the end. `MessageTooBig`: the buffer is full and no newline in
    /// it; nothing is lost.
    pub fn line(reader: *Reader, timeout: Timeout) Error!?[:0]u8 {
        var start: [*c]u8 = null;
        var len: usize = 0;
        if (try result(c.co_reader_line(&reader.raw, &start, &len, timeout.raw())) == 0) return null;
        return start[0..len :0];
    }

    /// What is buffered if anything is, else one read's. 0 is the end.
    pub fn read(reader: *Reader, buffer: []u8, timeout: Timeout) Error!usize {
        return result(c.co_reader_read(&reader.raw, buffer.ptr, buffer.len, timeout.raw()));
    }

    /// Fills `buffer`, or less at the end. `done` as for `fd.readFull`.
    pub fn readFull(reader: *Reader, buffer: []u8, done: ?*usize, timeout: Timeout) Error!usize {
        return result(c.co_reader_read_full(&reader.raw, buffer.ptr, buffer.len, done, timeout.raw()));
    }

    /// Waits until at least `need` bytes are buffered: what is buffered, where it stays until the next call that is not `consume`.
    pub fn peek(reader: *Reader, need: usize, timeout: Timeout) Error![]u8 {
        var data: [*c]u8 = null;
        const n = try result(c.co_reader_peek(&reader.raw, &data, need, timeout.raw()));
        return if (n == 0) &.{} else data[0..n];
    }

    /// Takes the first `n` buffered bytes off.
    pub fn consume(reader: *Reader, n: usize) Error!void {
        _ = try result(c.co_reader_consume(&reader.raw, n));
    }

    /// Moves what is buffered to another buffer, larger or smaller.
    pub fn rebuffer(reader: *Reader, buffer: []u8) Error!void {
        _ = try result(c.co_reader_rebuffer(&reader.raw, buffer.ptr, buffer.len));
    }
};
