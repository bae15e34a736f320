//! Files at a position, and what goes from a file to a file or socket inside the system.
const std = @import("std");
const c = @import("c");
const everywhere = @import("everywhere.zig");
const Io = std.Io;
const File = Io.File;
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const expectError = std.testing.expectError;
const expectEqualStrings = std.testing.expectEqualStrings;

const beyond: u64 = 1 << 63;

test "reads and writes at a position, in several buffers" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            var tmp = std.testing.tmpDir(.{});
            defer tmp.cleanup();
            const file = try tmp.dir.createFile(io, "f", .{ .read = true });
            defer file.close(io);
            try expectEqual(3, try file.writePositional(io, &.{ "a", "", "bc" }, 2));
            try file.writePositionalAll(io, "de", 5);
            try expectEqual(0, try file.writePositional(io, &.{""}, 0));
            var first: [3]u8 = undefined;
            var second: [8]u8 = undefined;
            try expectEqual(7, try file.readPositional(io, &.{ &first, &second }, 0));
            try expectEqualStrings("\x00\x00a", &first);
            try expectEqualStrings("bcde", second[0..4]);
            try expectEqual(2, try file.readPositional(io, &.{&first}, 5));
            try expectEqual(0, try file.readPositional(io, &.{&first}, 7));
            try expectEqual(0, try file.readPositional(io, &.{first[0..0]}, 0));

            var writer = file.writer(io, &.{});
            try writer.interface.splatByteAll('z', 5000);
            try expectEqual(5000, try file.length(io));
            try expectEqual(1, try file.readPositional(io, &.{first[0..1]}, 4999));
            try expectEqual('z', first[0]);
        }
    }.body);
}

test "length, sync, the file's own position" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            var tmp = std.testing.tmpDir(.{});
            defer tmp.cleanup();
            const file = try tmp.dir.createFile(io, "f", .{ .read = true });
            defer file.close(io);
            try file.setLength(io, 100);
            try expectEqual(100, try file.length(io));
            try file.setLength(io, 3);
            try file.sync(io);
            try file.writePositionalAll(io, "abc", 0);

            var buffer: [1]u8 = undefined;
            try io.vtable.fileSeekTo(io.userdata, file, 1);
            try expectEqual(1, try file.readStreaming(io, &.{&buffer}));
            try expectEqual('b', buffer[0]);
            try io.vtable.fileSeekBy(io.userdata, file, -2);
            try expectEqual(1, try file.readStreaming(io, &.{&buffer}));
            try expectEqual('a', buffer[0]);
            try expectError(error.Unseekable, io.vtable.fileSeekBy(io.userdata, file, -9));
        }
    }.body);
}

test "what a file can't" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            var tmp = std.testing.tmpDir(.{ .iterate = true });
            defer tmp.cleanup();
            var buffer: [4]u8 = undefined;
            const ends = try everywhere.pipe();
            defer File.closeMany(io, &ends);
            try expectError(error.Unseekable, ends[0].readPositional(io, &.{&buffer}, 0));
            try expectError(error.Unseekable, ends[0].readPositional(io, &.{&buffer}, beyond));
            try expectError(error.Unseekable, ends[1].writePositional(io, &.{"x"}, 0));
            try expectError(error.Unseekable, io.vtable.fileSeekTo(io.userdata, ends[0], 0));
            try expectError(error.Unseekable, io.vtable.fileSeekTo(io.userdata, ends[0], beyond));
            try expectError(error.Unseekable, io.vtable.fileSeekBy(io.userdata, ends[0], 1));
            try expectError(error.NonResizable, ends[0].setLength(io, 1));

            const file = try tmp.dir.createFile(io, "f", .{});
            defer file.close(io);
            try expectError(error.NotOpenForReading, file.readPositional(io, &.{&buffer}, 0));
            try expectError(error.FileTooBig, file.writePositional(io, &.{"x"}, beyond));
            try expectError(error.FileTooBig, file.setLength(io, beyond));
            const reader = try tmp.dir.openFile(io, "f", .{});
            defer reader.close(io);
            try expectError(error.NotOpenForWriting, reader.writePositional(io, &.{"x"}, 0));
            const dir: File = .{ .handle = tmp.dir.handle, .flags = .{ .nonblocking = false } };
            try expectError(error.IsDir, dir.readPositional(io, &.{&buffer}, 0));
        }
    }.body);
}

fn readPositional(io: Io, file: File, buffer: []u8) !usize {
    return file.readPositional(io, &.{buffer}, 0);
}

fn writePositional(io: Io, file: File) !usize {
    return file.writePositional(io, &.{"x"}, 0);
}

fn seekTo(io: Io, file: File) !void {
    return io.vtable.fileSeekTo(io.userdata, file, 0);
}

fn seekBy(io: Io, file: File) !void {
    return io.vtable.fileSeekBy(io.userdata, file, 0);
}

fn sync(io: Io, file: File) !void {
    return file.sync(io);
}

fn setLength(io: Io, file: File) !void {
    return file.setLength(io, 0);
}

test "calls on files are canceled" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            var tmp = std.testing.tmpDir(.{});
            defer tmp.cleanup();
            const file = try tmp.dir.createFile(io, "f", .{ .read = true });
            defer file.close(io);
            var buffer: [4]u8 = undefined;
            try everywhere.expectCanceledBefore(io, readPositional, .{ io, file, &buffer });
            try everywhere.expectCanceledBefore(io, writePositional, .{ io, file });
            try everywhere.expectCanceledBefore(io, seekTo, .{ io, file });
            try everywhere.expectCanceledBefore(io, seekBy, .{ io, file });
            try everywhere.expectCanceledBefore(io, sync, .{ io, file });
            try everywhere.expectCanceledBefore(io, setLength, .{ io, file });
        }
    }.body);
}

/// A file of 300 bytes, "0123456789" again and again.
const Source = struct {
    tmp: std.testing.TmpDir,
    file: File,

    fn init(io: Io) !Source {
        const tmp = std.testing.tmpDir(.{});
        const file = try tmp.dir.createFile(io, "source", .{ .read = true });
        for (0..30) |i| try file.writePositionalAll(io, "0123456789", i * 10);
        return .{ .tmp = tmp, .file = file };
    }

    fn deinit(s: *Source, io: Io) void {
        s.file.close(io);
        s.tmp.cleanup();
    }
};

fn expectContent(bytes: []const u8) !void {
    try expectEqualStrings("head", bytes[0..4]);
    try expectEqual(4 + 290, bytes.len);
    for (bytes[4..], 0..) |byte, i| try expectEqual('0' + i % 10, byte);
}

/// Sends all but ten bytes of the file, after four of the writer's buffer, some by the reader's.
fn sendAll(io: Io, source: *const Source, writer: *Io.Writer) !void {
    var buffer: [16]u8 = undefined;
    var reader = source.file.reader(io, &buffer);
    try reader.seekTo(10);
    try writer.writeAll("head");
    try expectEqualStrings("0123", try reader.interface.peek(4));
    try expectEqual(290, try writer.sendFileAll(&reader, .unlimited));
    try writer.flush();
    try expectEqual(300, reader.logicalPos());
    try expect(reader.mode == .positional);
    try expect(reader.atEnd());
}

fn receiveAll(io: Io, stream: Io.net.Stream, out: []u8) !usize {
    var buffer: [64]u8 = undefined;
    var reader = stream.reader(io, &buffer);
    return reader.interface.readSliceShort(out);
}

test "a file is sent to a socket, with what is buffered on both sides" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            var source: Source = try .init(io);
            defer source.deinit(io);
            const ends = try everywhere.pair();
            defer ends[0].close(io);
            var out: [512]u8 = undefined;
            var receiving = try io.concurrent(receiveAll, .{ io, ends[0], &out });
            {
                defer ends[1].close(io);
                var buffer: [32]u8 = undefined;
                var writer = ends[1].writer(io, &buffer);
                try sendAll(io, &source, &writer.interface);
            }
            try expectContent(out[0..try receiving.await(io)]);
        }
    }.body);
}

test "a file is sent to a file, at a position and as a stream" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            var source: Source = try .init(io);
            defer source.deinit(io);
            var out: [512]u8 = undefined;
            for ([_]bool{ true, false }) |positional| {
                const file = try source.tmp.dir.createFile(io, "copy", .{ .read = true });
                defer file.close(io);
                var buffer: [32]u8 = undefined;
                var writer: File.Writer = if (positional) file.writer(io, &buffer) else file.writerStreaming(io, &buffer);
                try sendAll(io, &source, &writer.interface);
                try expectContent(out[0..try file.readPositional(io, &.{&out}, 0)]);
            }
        }
    }.body);
}

test "a file is sent from its own position, and no more than is wanted" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            var source: Source = try .init(io);
            defer source.deinit(io);
            const ends = try everywhere.pipe();
            defer File.closeMany(io, &ends);
            var buffer: [8]u8 = undefined;
            try io.vtable.fileSeekTo(io.userdata, source.file, 5);
            var reader = source.file.readerStreaming(io, &.{});
            var out: [4]u8 = undefined;
            var writer = ends[1].writerStreaming(io, &out);
            try expectEqual(4, try writer.interface.sendFileAll(&reader, .limited(4)));
            try expectEqual(0, try writer.interface.sendFileAll(&reader, .nothing));
            try expectEqual(4, try ends[0].readStreaming(io, &.{&buffer}));
            try expectEqualStrings("5678", buffer[0..4]);
            try expectEqual(4, reader.logicalPos());

            var positional = source.file.reader(io, &buffer);
            try positional.seekTo(298);
            _ = try positional.interface.peek(2);
            var other: [8]u8 = undefined;
            // Less than is buffered, then the rest of that, then the end.
            try expectEqual(1, try writer.interface.sendFile(&positional, .limited(1)));
            try expectEqual(1, try writer.interface.sendFile(&positional, .unlimited));
            try expectEqual(2, try ends[0].readStreaming(io, &.{&other}));
            try expectEqualStrings("89", other[0..2]);
            try expectError(error.EndOfStream, writer.interface.sendFile(&positional, .unlimited));
            try expectError(error.EndOfStream, writer.interface.sendFile(&positional, .unlimited));
        }
    }.body);
}

test "what the system can't send is read and written, or its error is told" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            const from = try everywhere.pipe();
            const to = try everywhere.pair();
            defer for (to) |end| end.close(io);
            try expectEqual(3, try from[1].writeStreaming(io, "", &.{"abc"}, 1));
            from[1].close(io);
            defer from[0].close(io);
            var room: [16]u8 = undefined;
            var pipe_reader = from[0].reader(io, &room);
            var buffer: [16]u8 = undefined;
            var writer = to[0].writer(io, &buffer);
            try expectEqual(3, try pipe_reader.interface.streamRemaining(&writer.interface));
            try writer.interface.flush();
            var got: [8]u8 = undefined;
            var data = [_][]u8{&got};
            try expectEqual(3, (try to[1].readWithControl(io, &data, &.{})).data_len);

            // The same for each kind of target.
            var simple = from[0].reader(io, &room);
            simple.mode = .streaming_simple;
            try expectError(error.Unimplemented, writer.interface.sendFile(&simple, .unlimited));
            simple.mode = .failure;
            try expectError(error.ReadFailed, writer.interface.sendFile(&simple, .unlimited));

            // A file that can't be read: the reader says so.
            var tmp = std.testing.tmpDir(.{});
            defer tmp.cleanup();
            const blind = try tmp.dir.createFile(io, "blind", .{});
            defer blind.close(io);
            try blind.writePositionalAll(io, "x", 0);
            var blind_reader = blind.reader(io, &room);
            try expectError(error.ReadFailed, blind_reader.interface.streamRemaining(&writer.interface));
            try expectEqual(error.NotOpenForReading, blind_reader.err.?);

            // A peer that has gone.
            const ends = try everywhere.pair();
            ends[1].close(io);
            defer ends[0].close(io);
            var source: Source = try .init(io);
            defer source.deinit(io);
            var gone = ends[0].writer(io, &buffer);
            var reader = source.file.reader(io, &.{});
            try expectError(error.WriteFailed, gone.interface.sendFileAll(&reader, .unlimited));
            try expectEqual(error.SocketUnconnected, gone.write_file_err.?);

            // A file that is not for writing, by each way.
            const other = try source.tmp.dir.openFile(io, "source", .{});
            defer other.close(io);
            for ([_]File.Writer.Mode{ .streaming, .positional }) |mode| {
                var unwritable = other.writer(io, &buffer);
                unwritable.mode = mode;
                var again = source.file.reader(io, &room);
                try expectError(error.WriteFailed, again.interface.streamRemaining(&unwritable.interface));
                try expectEqual(error.NotOpenForWriting, unwritable.err.?);
            }
        }
    }.body);
}

fn send(io: Io, source: *const Source, to: Io.net.Stream) !void {
    var writer = to.writer(io, &.{});
    var reader = source.file.reader(io, &.{});
    _ = writer.interface.sendFile(&reader, .unlimited) catch |e| return writer.err orelse e;
}

fn copy(io: Io, source: *const Source, to: File, mode: File.Writer.Mode) !void {
    var writer = to.writer(io, &.{});
    writer.mode = mode;
    var reader = source.file.reader(io, &.{});
    _ = writer.interface.sendFile(&reader, .unlimited) catch |e| return writer.err orelse e;
}

test "sending a file is canceled" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            var source: Source = try .init(io);
            defer source.deinit(io);
            const ends = try everywhere.pair();
            defer for (ends) |end| end.close(io);
            everywhere.fill(ends[0].socket.handle);
            try everywhere.expectCanceled(io, send, .{ io, &source, ends[0] });
            const pipe = try everywhere.pipe();
            defer File.closeMany(io, &pipe);
            everywhere.fill(pipe[1].handle);
            try everywhere.expectCanceled(io, copy, .{ io, &source, pipe[1], .streaming });
            const file = try source.tmp.dir.createFile(io, "copy", .{});
            defer file.close(io);
            try everywhere.expectCanceledBefore(io, copy, .{ io, &source, file, .positional });
        }
    }.body);
}
