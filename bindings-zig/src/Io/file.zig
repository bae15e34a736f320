//! Files: reads and writes at a position, sync, length, close. What streams is in operate.zig, what
//! goes from file to file or socket without a copy in transfer.zig.
//!
//! Reads and writes at a position wait for the disk, and for nobody else; the coroutine waits and not
//! its vCPU. A close ends what other tasks are doing with the file: they get an error, and the number
//! is not given out anew before they have ended.
const std = @import("std");
const builtin = @import("builtin");
const c = @import("c");
const core = @import("core.zig");
const errno = @import("errno.zig");
const transfer = @import("transfer.zig");
const Vectors = @import("Vectors.zig");
const File = std.Io.File;
const posix = std.posix;

pub const fileWriteFileStreaming = transfer.fileWriteFileStreaming;
pub const fileWriteFilePositional = transfer.fileWriteFilePositional;

/// Reads at `offset`, the file's position unmoved. 0 is the end, or no room in `data`. Blocks; a
/// cancelation point.
pub fn fileReadPositional(_: ?*anyopaque, file: File, data: []const []u8, offset: u64) File.ReadPositionalError!usize {
    var v: Vectors = undefined;
    v.forReading(data);
    if (v.len == 0) return 0;
    const at = std.math.cast(i64, offset) orelse return error.Unseekable;
    const rc = if (v.only()) |buffer|
        c.co_io_pread(file.handle, buffer.ptr, buffer.len, at, c.CO_FOREVER)
    else
        c.co_io_preadv(file.handle, &v.list, @intCast(v.len), at, c.CO_FOREVER);
    if (rc < 0) return errno.of(File.ReadPositionalError, rc);
    return @intCast(rc);
}

/// Writes at `offset`, the file's position unmoved; may write less. Blocks; a cancelation point.
pub fn fileWritePositional(
    _: ?*anyopaque,
    file: File,
    header: []const u8,
    data: []const []const u8,
    splat: usize,
    offset: u64,
) File.WritePositionalError!usize {
    var pattern: [Vectors.pattern_len]u8 = undefined;
    var v: Vectors = undefined;
    v.forWriting(header, data, splat, &pattern);
    if (v.len == 0) return 0;
    const at = std.math.cast(i64, offset) orelse return error.FileTooBig;
    const rc = if (v.only()) |bytes|
        c.co_io_pwrite(file.handle, bytes.ptr, bytes.len, at, c.CO_FOREVER)
    else
        c.co_io_pwritev(file.handle, &v.list, @intCast(v.len), at, c.CO_FOREVER);
    if (rc < 0) return errno.of(File.WritePositionalError, rc);
    return @intCast(rc);
}

/// Waits until what was written is on the device. Blocks; a cancelation point.
pub fn fileSync(_: ?*anyopaque, file: File) File.SyncError!void {
    const rc = c.co_io_fsync(file.handle, c.CO_FOREVER);
    if (rc < 0) return errno.of(File.SyncError, rc);
}

/// Makes the file `length` bytes long. Blocks; a cancelation point.
pub fn fileSetLength(_: ?*anyopaque, file: File, length: u64) File.SetLengthError!void {
    const signed = std.math.cast(i64, length) orelse return error.FileTooBig;
    const rc = c.co_io_ftruncate(file.handle, signed, c.CO_FOREVER);
    // Not a file, or not open for writing, which is one number.
    if (rc < 0) return errno.ofWith(File.SetLengthError, &.{.{ .INVAL, &.{error.NonResizable} }}, rc);
}

/// Moves the file's position by `offset` bytes. Does not block; a cancelation point.
pub fn fileSeekBy(_: ?*anyopaque, file: File, offset: i64) File.SeekError!void {
    return seek(file, offset, posix.SEEK.CUR);
}

/// Moves the file's position to `offset`. Does not block; a cancelation point.
pub fn fileSeekTo(_: ?*anyopaque, file: File, offset: u64) File.SeekError!void {
    return seek(file, std.math.cast(i64, offset) orelse return error.Unseekable, posix.SEEK.SET);
}

fn seek(file: File, offset: i64, whence: anytype) File.SeekError!void {
    if (c.co_cancel_pending() != 0) return core.canceled();
    switch (posix.errno(lseek(file.handle, offset, whence))) {
        .SUCCESS => {},
        .INVAL => return error.Unseekable, // before the beginning
        else => |e| return errno.of(File.SeekError, -@as(i64, @backingInt(e))),
    }
}

const lseek = if (posix.lfs64_abi) posix.system.lseek64 else posix.system.lseek;

/// Closes the files. What other tasks do with them ends with an error. Blocks until it has; not a
/// cancelation point.
pub fn fileClose(_: ?*anyopaque, files: []const File) void {
    for (files) |file| closeHandle(file.handle);
}

/// Closes a descriptor, as `fileClose`.
pub fn closeHandle(fd: posix.fd_t) void {
    const rc = c.co_io_close(fd);
    // Whatever else it gives, the descriptor is closed. Not open: closed twice, and the other time
    // perhaps somebody else's.
    if (rc == -@as(c_int, @backingInt(posix.E.BADF))) std.Io.Threaded.recoverableOsBugDetected();
}
