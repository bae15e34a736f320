//! From a file to a file or socket, inside the system: `sendFile` of std's writers.
//!
//! ```text
//!   writer's buffer | reader's buffer | rest of the file
//!   \________ write ________________/   \__ sendfile or copy_file_range __/
//!          one call of ours                       the next
//! ```
//! A call does one of the two, and gives what it has written: of the writer's buffer, of the reader's
//! (which is tossed), and of the file (whose reader's position is moved).
//!
//! **What the system can't.** It has no way for this pair, or an error that is about one of the two
//! files without telling which: `error.Unimplemented`. The caller then reads and writes itself, and
//! meets the same error by its name, on the side where it belongs. It holds for this reader only.
//!
//! Rejected: a flag in the Io that sendfile is not to be had, as `Threaded` keeps one. A pipe as the
//! source once would end it for all files.
const std = @import("std");
const c = @import("c");
const core = @import("core.zig");
const errno = @import("errno.zig");
const operate = @import("operate.zig");
const file_entries = @import("file.zig");
const Io = std.Io;
const File = Io.File;
const posix = std.posix;

/// Where it goes to.
const Target = union(enum) {
    socket: posix.fd_t,
    /// At the file's position, which is moved.
    stream: File,
    position: struct { file: File, offset: u64 },

    /// What `put` fails with.
    fn Error(comptime tag: @typeInfo(Target).@"union".tag_type.?) type {
        return switch (tag) {
            .socket => Io.net.Stream.Writer.WriteFileError,
            .stream => File.Writer.WriteFileError,
            .position => File.WriteFilePositionalError,
        };
    }
};

/// Writes `header`, then from `reader` up to `limit` bytes, to a socket. Blocks; a cancelation point.
pub fn netWriteFile(
    _: ?*anyopaque,
    handle: Io.net.Socket.Handle,
    header: []const u8,
    reader: *File.Reader,
    limit: Io.Limit,
) Io.net.Stream.Writer.WriteFileError!usize {
    return transfer(.socket, .{ .socket = handle }, header, reader, limit);
}

/// The same to a file, at its position.
pub fn fileWriteFileStreaming(
    _: ?*anyopaque,
    file: File,
    header: []const u8,
    reader: *File.Reader,
    limit: Io.Limit,
) File.Writer.WriteFileError!usize {
    return transfer(.stream, .{ .stream = file }, header, reader, limit);
}

/// The same to a file, at `offset`.
pub fn fileWriteFilePositional(
    _: ?*anyopaque,
    file: File,
    header: []const u8,
    reader: *File.Reader,
    limit: Io.Limit,
    offset: u64,
) File.WriteFilePositionalError!usize {
    return transfer(.position, .{ .position = .{ .file = file, .offset = offset } }, header, reader, limit);
}

const Tag = @typeInfo(Target).@"union".tag_type.?;

fn transfer(comptime tag: Tag, target: Target, header: []const u8, reader: *File.Reader, limit: Io.Limit) Target.Error(tag)!usize {
    const buffered = limit.slice(reader.interface.buffered());
    if (buffered.len != 0 or (header.len != 0 and !reader.atEnd())) {
        const n = try put(tag, target, header, buffered);
        reader.interface.toss(n -| header.len);
        return n;
    }
    if (limit == .nothing) return 0;
    if (reader.atEnd()) return error.EndOfStream;
    switch (reader.mode) {
        .positional, .streaming => {},
        .positional_simple, .streaming_simple => return error.Unimplemented,
        .failure => return error.ReadFailed,
    }
    const n = try move(tag, target, reader, @backingInt(limit));
    if (n == 0) {
        reader.size = reader.pos;
        return error.EndOfStream;
    }
    reader.pos += n;
    return n;
}

/// Writes the two, or part of them.
fn put(comptime tag: Tag, target: Target, header: []const u8, buffered: []const u8) Target.Error(tag)!usize {
    const data = [1][]const u8{buffered};
    switch (tag) {
        .socket => return (try operate.operate(null, .{ .net_write = .{
            .socket_handle = target.socket,
            .header = header,
            .data = &data,
        } })).net_write,
        .stream => return (try operate.operate(null, .{ .file_write_streaming = .{
            .file = target.stream,
            .header = header,
            .data = &data,
        } })).file_write_streaming,
        .position => return file_entries.fileWritePositional(null, target.position.file, header, &data, 1, target.position.offset),
    }
}

/// Has the system move up to `limit` bytes. 0: the end of the file.
fn move(comptime tag: Tag, target: Target, reader: *File.Reader, limit: usize) Target.Error(tag)!usize {
    const in = reader.file.handle;
    var offset = std.math.cast(i64, reader.pos) orelse return error.Unimplemented;
    const from: ?*i64 = if (reader.mode == .positional) &offset else null;
    const rc = switch (tag) {
        .socket => c.co_io_sendfile(target.socket, in, from, limit, c.CO_FOREVER),
        .stream => c.co_io_sendfile(target.stream.handle, in, from, limit, c.CO_FOREVER),
        .position => rc: {
            var to = std.math.cast(i64, target.position.offset) orelse return error.Unseekable;
            break :rc c.co_io_copy_file_range(in, from, target.position.file.handle, &to, limit, 0, c.CO_FOREVER);
        },
    };
    if (rc >= 0) return @intCast(rc);
    return switch (@as(posix.E, @fromBackingInt(@intCast(-rc)))) {
        .CANCELED => core.canceled(),
        .AGAIN, .BADF, .INVAL, .IO, .ISDIR, .NOSYS, .NXIO, .OPNOTSUPP, .OVERFLOW, .SPIPE, .XDEV => error.Unimplemented,
        else => errno.of(Target.Error(tag), rc),
    };
}
