//! Batches.
const std = @import("std");
const c = @import("c");
const everywhere = @import("everywhere.zig");
const Runtime = @import("../../Io.zig");
const Io = std.Io;
const File = Io.File;
const Batch = Io.Batch;
const Storage = Io.Operation.Storage;
const posix = std.posix;
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const expectError = std.testing.expectError;

fn reading(file: File, data: []const []u8) Io.Operation {
    return .{ .file_read_streaming = .{ .file = file, .data = data } };
}

fn write(io: Io, to: File) !void {
    try expectEqual(1, try to.writeStreaming(io, "", &.{"x"}, 1));
}

fn writeLater(io: Io, to: File) !void {
    try io.sleep(.fromMilliseconds(2), .awake);
    try write(io, to);
}

/// Pipes, and an operation for each that reads from it.
const Pipes = struct {
    ends: [3][2]File,
    buffers: [3][4]u8 = undefined,
    data: [3][1][]u8 = undefined,

    fn init(p: *Pipes) !void {
        for (&p.ends, &p.buffers, &p.data) |*ends, *buffer, *data| {
            ends.* = try everywhere.pipe();
            data.* = .{buffer};
        }
    }
    fn deinit(p: *Pipes, io: Io) void {
        for (&p.ends) |*ends| File.closeMany(io, ends);
    }
    fn add(p: *Pipes, batch: *Batch) void {
        for (&p.ends, &p.data, 0..) |*ends, *data, i| batch.addAt(@intCast(i), reading(ends[0], data));
    }
};

/// Runs `body(io, pipes)` everywhere, with pipes of its own each time.
fn withPipes(comptime body: fn (Io, *Pipes) anyerror!void) !void {
    try everywhere.run(struct {
        fn inside(io: Io) anyerror!void {
            var pipes: Pipes = .{ .ends = undefined };
            try pipes.init();
            defer pipes.deinit(io);
            try body(io, &pipes);
        }
    }.inside);
}

test "whichever is ready completes, and the others go on" {
    try withPipes(struct {
        fn body(io: Io, pipes: *Pipes) anyerror!void {
            var storage: [3]Storage = undefined;
            var batch: Batch = .init(&storage);
            defer batch.cancel(io);
            pipes.add(&batch);

            for ([_]u32{ 1, 0, 2 }) |i| {
                var writer = try io.concurrent(writeLater, .{ io, pipes.ends[i][1] });
                if (i == 0) try batch.awaitAsync(io) else try batch.awaitConcurrent(io, .none);
                try writer.await(io);
                const completion = batch.next().?;
                try expectEqual(i, completion.index);
                try expectEqual(1, try completion.result.file_read_streaming);
                try expectEqual(null, batch.next());
            }
            // None is left: nothing to wait for.
            try batch.awaitAsync(io);
            try batch.awaitConcurrent(io, .none);
            try expectEqual(null, batch.next());
        }
    }.body);
}

test "all that are ready complete together, in their order, and again" {
    try withPipes(struct {
        fn body(io: Io, pipes: *Pipes) anyerror!void {
            var storage: [3]Storage = undefined;
            var batch: Batch = .init(&storage);
            defer batch.cancel(io);
            for (0..2) |_| {
                pipes.add(&batch);
                try write(io, pipes.ends[2][1]);
                try batch.awaitConcurrent(io, .none);
                // What is completed already is no reason not to look, nor to wait.
                try write(io, pipes.ends[0][1]);
                try batch.awaitConcurrent(io, .none);
                try batch.awaitConcurrent(io, .none);
                try write(io, pipes.ends[1][1]);
                try batch.awaitAsync(io);
                for ([_]u32{ 2, 0, 1 }) |i| try expectEqual(i, batch.next().?.index);
                try expectEqual(null, batch.next());
            }
        }
    }.body);
}

test "a timeout leaves the operations as they are" {
    try withPipes(struct {
        fn body(io: Io, pipes: *Pipes) anyerror!void {
            var storage: [3]Storage = undefined;
            var batch: Batch = .init(&storage);
            defer batch.cancel(io);
            pipes.add(&batch);
            const wait: Io.Timeout = .{ .duration = .{ .raw = .fromMilliseconds(2), .clock = .awake } };
            try expectError(error.Timeout, batch.awaitConcurrent(io, wait));
            try expectError(error.Timeout, batch.awaitConcurrent(io, wait.toDeadline(io)));
            const past: Io.Timeout = .{ .deadline = .{ .raw = .zero, .clock = .real } };
            try expectError(error.Timeout, batch.awaitConcurrent(io, past));
            for (pipes.ends) |ends| try write(io, ends[1]);
            try batch.awaitConcurrent(io, past);
            for (0..3) |i| try expectEqual(i, batch.next().?.index);

            // One alone.
            const read = reading(pipes.ends[0][0], &pipes.data[0]);
            try expectError(error.Timeout, io.operateTimeout(read, wait));
            try write(io, pipes.ends[0][1]);
            try expectEqual(1, try (try io.operateTimeout(read, past)).file_read_streaming);
        }
    }.body);
}

test "cancel keeps what has completed" {
    try withPipes(struct {
        fn body(io: Io, pipes: *Pipes) anyerror!void {
            var storage: [3]Storage = undefined;
            var batch: Batch = .init(&storage);
            pipes.add(&batch);
            try write(io, pipes.ends[1][1]);
            try batch.awaitConcurrent(io, .none);
            try write(io, pipes.ends[2][1]);
            batch.cancel(io);
            try expectEqual(1, batch.next().?.index);
            try expectEqual(null, batch.next());
            // What was called off has read nothing.
            try expectEqual(1, try pipes.ends[2][0].readStreaming(io, &pipes.data[2]));
            // And all may be used again.
            for (0..3) |_| _ = batch.add(reading(pipes.ends[0][0], &pipes.data[0]));
            try write(io, pipes.ends[0][1]);
            try batch.awaitConcurrent(io, .none);
            try expect(batch.next() != null);
            try expectEqual(null, batch.next());
            batch.cancel(io);
            try expectEqual(null, batch.next());
        }
    }.body);
}

fn awaitThree(io: Io, pipes: *Pipes) !void {
    var storage: [3]Storage = undefined;
    var batch: Batch = .init(&storage);
    defer batch.cancel(io);
    pipes.add(&batch);
    try batch.awaitConcurrent(io, .none);
}

fn awaitAsyncThree(io: Io, pipes: *Pipes) !void {
    var storage: [3]Storage = undefined;
    var batch: Batch = .init(&storage);
    defer batch.cancel(io);
    pipes.add(&batch);
    try batch.awaitAsync(io);
}

fn awaitOne(io: Io, pipes: *Pipes) !void {
    _ = try io.operateTimeout(reading(pipes.ends[0][0], &pipes.data[0]), .{ .duration = .{ .raw = .fromSeconds(1000), .clock = .awake } });
}

test "a task is canceled while it waits for a batch" {
    try withPipes(struct {
        fn body(io: Io, pipes: *Pipes) anyerror!void {
            try everywhere.expectCanceled(io, awaitThree, .{ io, pipes });
            try everywhere.expectCanceled(io, awaitAsyncThree, .{ io, pipes });
            try everywhere.expectCanceled(io, awaitOne, .{ io, pipes });
            var task = try io.concurrent(keepsRequest, .{ io, pipes });
            try task.await(io);
        }
    }.body);
}

/// A request stays pending if something has completed.
fn keepsRequest(io: Io, pipes: *Pipes) !void {
    var storage: [3]Storage = undefined;
    var batch: Batch = .init(&storage);
    defer batch.cancel(io);
    pipes.add(&batch);
    try write(io, pipes.ends[1][1]);
    try batch.awaitConcurrent(io, .none);
    io.recancel();
    try batch.awaitConcurrent(io, .none);
    try expectEqual(1, batch.next().?.index);
    try expectError(error.Canceled, batch.awaitConcurrent(io, .none));
    try expectEqual(null, batch.next());
    // Acknowledged, so it waits again.
    try write(io, pipes.ends[0][1]);
    try batch.awaitConcurrent(io, .none);
    try expectEqual(0, batch.next().?.index);
}

test "an end, an error, a file, a request to a device: results as of one operation" {
    try withPipes(struct {
        fn body(io: Io, pipes: *Pipes) anyerror!void {
            var tmp = std.testing.tmpDir(.{});
            defer tmp.cleanup();
            const file = try tmp.dir.createFile(io, "f", .{ .read = true });
            defer file.close(io);
            try file.writePositionalAll(io, "content", 0);

            const ended = try everywhere.pipe();
            ended[1].close(io);
            defer ended[0].close(io);
            const sockets = try everywhere.pair();
            defer sockets[0].close(io);
            sockets[1].close(io);
            var there: c_int = -1;
            var net_data = [_][]u8{&pipes.buffers[1]};

            var storage: [7]Storage = undefined;
            var batch: Batch = .init(&storage);
            defer batch.cancel(io);
            batch.addAt(0, reading(pipes.ends[0][0], &pipes.data[0]));
            batch.addAt(1, reading(ended[0], &pipes.data[1]));
            batch.addAt(2, reading(file, &pipes.data[2]));
            batch.addAt(3, .{ .device_io_control = .{ .file = ended[0], .code = everywhere.FIONREAD, .arg = &there } });
            batch.addAt(4, .{ .net_read = .{ .socket_handle = sockets[0].socket.handle, .data = &net_data } });
            batch.addAt(5, .{ .net_write = .{ .socket_handle = sockets[0].socket.handle, .data = &.{"x"} } });
            batch.addAt(6, .{ .file_write_streaming = .{ .file = pipes.ends[1][1], .data = &.{"y"} } });
            var seen: [7]bool = @splat(false);
            while (!std.mem.eql(bool, &seen, &.{ false, true, true, true, true, true, true })) {
                try batch.awaitConcurrent(io, .none);
                while (batch.next()) |completion| {
                    seen[completion.index] = true;
                    switch (completion.index) {
                        1 => try expectError(error.EndOfStream, completion.result.file_read_streaming),
                        2 => try expectEqual(4, try completion.result.file_read_streaming),
                        3 => try expectEqual(0, completion.result.device_io_control),
                        4 => try expectEqual(0, (try completion.result.net_read).data_len),
                        5 => try expectError(error.SocketUnconnected, completion.result.net_write),
                        6 => try expectEqual(1, try completion.result.file_write_streaming),
                        else => return error.TestUnexpectedResult,
                    }
                }
            }
            try expectEqual(0, there);
        }
    }.body);
}

test "messages in a batch" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            const address: Io.net.IpAddress = .{ .ip4 = .loopback(0) };
            const socket = try address.bind(io, .{ .mode = .dgram });
            defer socket.close(io);
            var in: [3]Io.net.IncomingMessage = @splat(.init);
            var buffer: [16]u8 = undefined;
            var out: [2]Io.net.OutgoingMessage = @splat(.{ .address = &socket.address, .data_ptr = "abc", .data_len = 3 });
            var storage: [2]Storage = undefined;
            var batch: Batch = .init(&storage);
            defer batch.cancel(io);
            _ = batch.add(.{ .net_receive = .{
                .socket_handle = socket.handle,
                .message_buffer = &in,
                .data_buffer = &buffer,
                .flags = .{},
            } });
            _ = batch.add(.{ .net_send = .{ .socket_handle = socket.handle, .messages = &out, .flags = .{} } });
            try batch.awaitConcurrent(io, .none);
            const sent = batch.next().?;
            try expectEqual(1, sent.index);
            try expectEqual(2, sent.result.net_send[1]);
            try batch.awaitConcurrent(io, .none);
            const received = batch.next().?;
            try expectEqual(null, received.result.net_receive[0]);
            try expectEqual(2, received.result.net_receive[1]);
            try std.testing.expectEqualStrings("abc", in[1].data);
        }
    }.body);
}

fn readInBatch(io: Io, from: File) !usize {
    var buffer: [1]u8 = undefined;
    const data = [1][]u8{&buffer};
    return (try io.operateTimeout(reading(from, &data), .{ .duration = .{ .raw = .fromSeconds(1000), .clock = .awake } })).file_read_streaming;
}

test "two batches want the same byte: the second waits for another" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            const ends = try everywhere.pipe();
            defer File.closeMany(io, &ends);
            var first = try io.concurrent(readInBatch, .{ io, ends[0] });
            var second = try io.concurrent(readInBatch, .{ io, ends[0] });
            try io.sleep(.fromMilliseconds(2), .awake);
            try write(io, ends[1]);
            try io.sleep(.fromMilliseconds(2), .awake);
            try write(io, ends[1]);
            try expectEqual(1, try first.await(io));
            try expectEqual(1, try second.await(io));
        }
    }.body);
}

test "more operations than there is room for without memory" {
    var failing: std.testing.FailingAllocator = .init(std.testing.allocator, .{});
    var rt: Runtime = undefined;
    try rt.init(failing.allocator(), .{ .vcpus = 1 });
    defer rt.deinit();
    const io = rt.io();
    const ends = try everywhere.pipe();
    defer File.closeMany(io, &ends);
    const ready = try everywhere.pipe();
    defer File.closeMany(io, &ready);
    try write(io, ready[1]);

    var buffer: [1]u8 = undefined;
    const data = [1][]u8{&buffer};
    var storage: [65]Storage = undefined;
    var batch: Batch = .init(&storage);
    defer batch.cancel(io);
    _ = batch.add(reading(ready[0], &data));
    for (1..65) |_| _ = batch.add(reading(ends[0], &data));
    try batch.awaitConcurrent(io, .none);
    try expectEqual(0, batch.next().?.index);

    try write(io, ends[1]);
    _ = batch.add(reading(ready[0], &data));
    failing.fail_index = failing.alloc_index;
    try expectError(error.ConcurrencyUnavailable, batch.awaitConcurrent(io, .none));
    // It may do one after the other, and begins with the first.
    try batch.awaitAsync(io);
    try expectEqual(1, batch.next().?.index);
    try expectEqual(null, batch.next());
}
