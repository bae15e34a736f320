//! Operations: files that stream, ioctl, streams of sockets.
const std = @import("std");
const c = @import("c");
const everywhere = @import("everywhere.zig");
const Io = std.Io;
const File = Io.File;
const posix = std.posix;
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const expectError = std.testing.expectError;
const expectEqualStrings = std.testing.expectEqualStrings;

fn readPipe(io: Io, from: File, buffer: []u8) !usize {
    return from.readStreaming(io, &.{buffer});
}

fn writePipe(io: Io, to: File, bytes: []const u8) !usize {
    return to.writeStreaming(io, "", &.{bytes}, 1);
}

test "a pipe streams, in several buffers, to its end" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            const ends = try everywhere.pipe();
            defer ends[0].close(io);
            var first: [3]u8 = undefined;
            var second: [64]u8 = undefined;

            var reader = try io.concurrent(readPipe, .{ io, ends[0], &first });
            try expectEqual(2, try ends[1].writeStreaming(io, "a", &.{"b"}, 1));
            try expectEqual(2, try reader.await(io));

            try expectEqual(12, try ends[1].writeStreaming(io, "head", &.{ "", "xy", "z" }, 6));
            try expectEqual(12, try ends[0].readStreaming(io, &.{ &first, second[0..0], &second }));
            try expectEqualStrings("hea", &first);
            try expectEqualStrings("dxyzzzzzz", second[0..9]);

            try expectEqual(0, try ends[1].writeStreaming(io, "", &.{""}, 1));
            try expectEqual(0, try ends[0].readStreaming(io, &.{second[0..0]}));
            ends[1].close(io);
            try expectError(error.EndOfStream, ends[0].readStreaming(io, &.{&second}));
        }
    }.body);
}

test "what a file that streams can't" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            var buffer: [4]u8 = undefined;
            const ends = try everywhere.pipe();
            try expectError(error.NotOpenForReading, ends[1].readStreaming(io, &.{&buffer}));
            try expectError(error.NotOpenForWriting, writePipe(io, ends[0], "x"));
            ends[0].close(io);
            try expectError(error.BrokenPipe, writePipe(io, ends[1], "x"));
            ends[1].close(io);

            var dir = try Io.Dir.cwd().openDir(io, ".", .{ .iterate = true });
            defer dir.close(io);
            const as_file: File = .{ .handle = dir.handle, .flags = .{ .nonblocking = false } };
            try expectError(error.IsDir, as_file.readStreaming(io, &.{&buffer}));

            if (Io.Dir.openFileAbsolute(io, "/dev/full", .{ .mode = .write_only })) |full| {
                defer full.close(io);
                try expectError(error.NoSpaceLeft, writePipe(io, full, "x"));
            } else |_| {}
        }
    }.body);
}

test "reads and writes of a pipe are canceled" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            var buffer: [4]u8 = undefined;
            const ends = try everywhere.pipe();
            defer File.closeMany(io, &ends);
            try everywhere.expectCanceled(io, readPipe, .{ io, ends[0], &buffer });
            everywhere.fill(ends[1].handle);
            try everywhere.expectCanceled(io, writePipe, .{ io, ends[1], "more" });
        }
    }.body);
}

test "a close ends what others do with the descriptor" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            var buffer: [4]u8 = undefined;
            const ends = try everywhere.pipe();
            defer ends[1].close(io);
            var reader = try io.concurrent(readPipe, .{ io, ends[0], &buffer });
            try io.sleep(.fromMilliseconds(2), .awake);
            ends[0].close(io);
            try expectError(error.NotOpenForReading, reader.await(io));

            const sockets = try everywhere.pair();
            defer sockets[1].close(io);
            var receiver = try io.concurrent(readStream, .{ io, sockets[0], &buffer });
            try io.sleep(.fromMilliseconds(2), .awake);
            sockets[0].close(io);
            try expectError(error.SocketUnconnected, receiver.await(io));
        }
    }.body);
}

fn ioctl(io: Io, file: File, code: u32, arg: ?*anyopaque) !i32 {
    return (try io.operate(.{ .device_io_control = .{ .file = file, .code = code, .arg = arg } })).device_io_control;
}

test "ioctl, at once and on a thread" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            const ends = try everywhere.pipe();
            defer File.closeMany(io, &ends);
            try expectEqual(3, try writePipe(io, ends[1], "abc"));
            var there: c_int = 0;
            try expectEqual(0, try ioctl(io, ends[0], everywhere.FIONREAD, &there));
            try expectEqual(3, there);
            var size: posix.winsize = undefined;
            const not_a_terminal = -@as(i32, @backingInt(posix.E.NOTTY));
            try expectEqual(not_a_terminal, try ioctl(io, ends[0], posix.T.IOCGWINSZ, &size));
            try everywhere.expectCanceledBefore(io, ioctl, .{ io, ends[0], everywhere.FIONREAD, &there });
            try everywhere.expectCanceledBefore(io, ioctl, .{ io, ends[0], posix.T.IOCGWINSZ, &size });
        }
    }.body);
}

fn readStream(io: Io, from: Io.net.Stream, buffer: []u8) !usize {
    var data = [1][]u8{buffer};
    return (try from.readWithControl(io, &data, &.{})).data_len;
}

fn writeStream(io: Io, to: Io.net.Stream, bytes: []const u8) !usize {
    return (try io.operate(.{ .net_write = .{ .socket_handle = to.socket.handle, .data = &.{bytes} } })).net_write;
}

test "a connection streams, in several buffers, to its end" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            const ends = try everywhere.pair();
            defer ends[0].close(io);
            var first: [3]u8 = undefined;
            var second: [64]u8 = undefined;

            var reader = try io.concurrent(readStream, .{ io, ends[0], &second });
            try expectEqual(1, try writeStream(io, ends[1], "a"));
            try expectEqual(1, try reader.await(io));

            const written = (try io.operate(.{ .net_write = .{
                .socket_handle = ends[1].socket.handle,
                .header = "head",
                .data = &.{ "", "xy", "zz" },
                .splat = 3,
            } })).net_write;
            try expectEqual(12, try written);
            var data = [_][]u8{ &first, second[0..0], &second };
            try expectEqual(12, (try ends[0].readWithControl(io, &data, &.{})).data_len);
            try expectEqualStrings("hea", &first);
            try expectEqualStrings("dxyzzzzzz", second[0..9]);

            try expectEqual(0, try writeStream(io, ends[1], ""));
            ends[1].close(io);
            try expectEqual(0, try readStream(io, ends[0], &second));
            try expectError(error.SocketUnconnected, writeStream(io, ends[0], "x"));
        }
    }.body);
}

test "control messages come with the bytes they were sent with" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            const cmsg = Io.net.cmsg;
            const ends = try everywhere.pair();
            defer for (ends) |end| end.close(io);
            const passed = try everywhere.pipe();
            defer File.closeMany(io, &passed);

            var control: [cmsg.space(@sizeOf(c_int))]u8 align(Io.net.cmsg_align) = @splat(0);
            const header: *align(Io.net.cmsg_align) posix.cmsghdr = @ptrCast(&control);
            header.* = .{ .len = cmsg.len(@sizeOf(c_int)), .level = posix.SOL.SOCKET, .type = c.SCM_RIGHTS };
            @memcpy(cmsg.data(header), std.mem.asBytes(&passed[1].handle));
            for (0..2) |_| {
                const sent = (try io.operate(.{ .net_write = .{
                    .socket_handle = ends[0].socket.handle,
                    .data = &.{"fd"},
                    .control = &control,
                } })).net_write;
                try expectEqual(2, try sent);
            }

            var buffer: [2]u8 = undefined;
            var data = [_][]u8{&buffer};
            var room: [64]u8 align(Io.net.cmsg_align) = undefined;
            const got = try ends[1].readWithControl(io, &data, &room);
            try expectEqual(2, got.data_len);
            try expect(!got.control_truncated);
            var messages: cmsg.Iterator = .{ .control = room[0..got.control_len] };
            const message = messages.next().?;
            const copy: File = .{
                .handle = std.mem.bytesToValue(c_int, message.data[0..@sizeOf(c_int)]),
                .flags = .{ .nonblocking = false },
            };
            defer copy.close(io);
            try expectEqual(null, messages.next());
            try expectEqual(1, try writePipe(io, copy, "!"));
            try expectEqual(1, try readPipe(io, passed[0], &buffer));

            const cut = try ends[1].readWithControl(io, &data, room[0..8]);
            try expect(cut.control_truncated);
        }
    }.body);
}

test "reads and writes of a connection are canceled" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            var buffer: [4]u8 = undefined;
            const ends = try everywhere.pair();
            defer for (ends) |end| end.close(io);
            try everywhere.expectCanceled(io, readStream, .{ io, ends[0], &buffer });
            everywhere.fill(ends[1].socket.handle);
            try everywhere.expectCanceled(io, writeStream, .{ io, ends[1], "more" });
        }
    }.body);
}

test "a connection that is reset, or was never made" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            var buffer: [4]u8 = undefined;
            const address: Io.net.IpAddress = .{ .ip4 = .loopback(0) };
            var server = try address.listen(io, .{});
            defer server.deinit(io);
            const client = try server.socket.address.connect(io, .{ .mode = .stream });
            const peer = try server.accept(io);
            defer peer.close(io);
            // Linger of 0 seconds: a close that resets.
            const linger = [2]c_int{ 1, 0 };
            try expectEqual(0, c.co_io_setsockopt(client.socket.handle, posix.SOL.SOCKET, posix.SO.LINGER, &linger, @sizeOf(@TypeOf(linger))));
            client.close(io);
            try expectError(error.ConnectionResetByPeer, readStream(io, peer, &buffer));

            const socket = c.co_io_socket(posix.AF.INET, posix.SOCK.STREAM, 0);
            try expect(socket >= 0);
            const lonely: Io.net.Stream = .{ .socket = .{ .handle = socket, .address = address } };
            defer lonely.close(io);
            try expectError(error.SocketUnconnected, readStream(io, lonely, &buffer));
            try expectError(error.SocketUnconnected, writeStream(io, lonely, "x"));
            try expectError(error.SocketUnconnected, lonely.shutdown(io, .both));
        }
    }.body);
}
