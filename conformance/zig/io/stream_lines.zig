//! `fd.Reader`: lines however they are cut into pieces, and what a stop leaves.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const c = photonrt.c;
const fd = photonrt.fd;

fn put(to: net.Handle, text: []const u8) !void {
    try fd.writeAll(to, text, null, .forever);
}

fn expectLine(reader: *fd.Reader, text: []const u8) !void {
    const line = try reader.line(.seconds(10)) orelse check.fail("the end, expected \"{s}\"", .{text});
    check.bytes(text, line);
    check.eq(0, line[line.len]);
}

/// The last one, which has no newline.
fn expectLast(reader: *fd.Reader, text: []const u8) void {
    var line: [*c]u8 = null;
    var len: usize = 99;
    check.eq(2, c.co_reader_line(&reader.raw, &line, &len, 10 * check.sec));
    check.bytes(text, line[0..len]);
}

fn lines() !void {
    var buffer: [16]u8 = undefined;
    var reader: fd.Reader = undefined;
    const pipe = net.pipe();
    try reader.init(pipe[0], &buffer);
    try put(pipe[1], "one\ntwo\r\n\n\r\nr\rr\n");
    for ([_][]const u8{ "one", "two", "", "", "r\rr" }) |line| try expectLine(&reader, line);
    check.err(error.WouldBlock, reader.line(.now));
    try put(pipe[1], "be");
    check.err(error.Timeout, reader.line(.ms(2)));
    try put(pipe[1], "gin\r");
    check.err(error.WouldBlock, reader.line(.now));
    try put(pipe[1], "\n12345678901234\r\n123456789012345\nno end");
    try expectLine(&reader, "begin");
    try expectLine(&reader, "12345678901234");
    try expectLine(&reader, "123456789012345"); // with its newline it just fits
    net.close(pipe[1]);
    expectLast(&reader, "no end");
    for (0..2) |_| check.eq(null, try reader.line(.forever));
    net.close(pipe[0]);
    check.err(error.BadDescriptor, reader.line(.forever));
}

/// A line that is too long stays, and can be had in other ways.
fn tooLong() !void {
    var buffer: [16]u8 = undefined;
    var big: [64]u8 = undefined;
    var piece: [64]u8 = undefined;
    var reader: fd.Reader = undefined;
    const ends = net.unixPair();
    try reader.init(ends[0], &buffer);
    try put(ends[1], "x\n0123456789abcdefghij\nlast");
    try expectLine(&reader, "x");
    for (0..2) |_| check.err(error.MessageTooBig, reader.line(.forever));
    check.bytes("0123456789abcdef", try reader.peek(0, .now));
    check.err(error.MessageTooBig, reader.rebuffer(big[0..15]));
    check.eq(4, try reader.read(piece[0..4], .now));
    check.bytes("0123", piece[0..4]);
    try reader.rebuffer(&big);
    @memset(&buffer, 0);
    try expectLine(&reader, "456789abcdefghij");
    try reader.rebuffer(buffer[0..4]); // exactly
    check.err(error.MessageTooBig, reader.line(.forever));
    try reader.consume(1);
    net.close(ends[1]);
    expectLast(&reader, "ast");
    net.close(ends[0]);
}

fn pieces() !void {
    var buffer: [16]u8 = undefined;
    var out: [64]u8 = undefined;
    var done: usize = 99;
    var reader: fd.Reader = undefined;
    const ends = net.unixPair();
    try reader.init(ends[0], &buffer);
    try put(ends[1], "$5\r\nhello\r\n0123456789abcdefghijklmnopqrstuv+OK\r\nend");
    try expectLine(&reader, "$5");
    const hello = try reader.peek(7, .forever);
    check.ge(hello.len, 7);
    check.bytes("hello\r\n", hello[0..7]);
    try reader.consume(7);
    check.eq(32, try reader.readFull(out[0..32], &done, .forever));
    check.eq(32, done);
    check.bytes("0123456789abcdefghijklmnopqrstuv", out[0..32]);
    check.err(error.MessageTooBig, reader.peek(17, .now));
    try expectLine(&reader, "+OK");
    check.err(error.WouldBlock, reader.peek(4, .now));
    check.err(error.Timeout, reader.readFull(out[0..4], &done, .ms(2)));
    check.eq(3, done);
    check.bytes("end", out[0..3]);
    check.err(error.WouldBlock, reader.read(out[0..1], .now));
    try put(ends[1], "xyz");
    check.eq(3, try reader.read(&out, .forever)); // around the buffer
    check.bytes("xyz", out[0..3]);
    try put(ends[1], "xyz");
    check.eq(2, try reader.read(out[0..2], .forever));
    net.close(ends[1]);
    check.bytes("z", try reader.peek(5, .forever));
    check.eq(1, try reader.readFull(out[0..5], &done, .forever));
    check.bytes("z", out[0..1]);
    check.eq(0, try reader.read(out[0..5], .forever));
    check.eq(0, (try reader.peek(5, .forever)).len);
    net.close(ends[0]);
}

/// Line `i`: its number and letters, as many as `rng` says.
fn lineOf(room: []u8, i: usize, rng: *u64) ![]u8 {
    const number = try std.fmt.bufPrint(room, "{d}", .{i});
    const letters = room[number.len..][0 .. check.rand(rng) % 40];
    for (letters, 0..) |*letter, k| letter.* = 'a' + @as(u8, @intCast((letters.len - k) % 26));
    return room[0 .. number.len + letters.len];
}

fn feed(to: net.Handle, text: []const u8, seed: u64) !void {
    var rng = seed;
    var at: usize = 0;
    while (at < text.len) {
        const n = @min(check.rand(&rng) % 200 + 1, text.len - at);
        try put(to, text[at..][0..n]);
        at += n;
        if (check.rand(&rng) % 4 == 0) photonrt.yield();
    }
    net.close(to);
}

/// Numbered lines of random lengths, written in random pieces, through buffers of many sizes.
fn randomPieces(seed: u64) !void {
    const S = struct {
        var room: [400]u8 = undefined;
        var text: [40_000]u8 = undefined;
    };
    var rng = seed;
    var again = seed;
    const capacity = 50 + check.rand(&rng) % 300;
    _ = check.rand(&again);
    var len: usize = 0;
    var lines_in: usize = 0;
    while (len < S.text.len - 100) : (lines_in += 1) {
        len += (try lineOf(S.text[len..], lines_in, &rng)).len;
        const end: []const u8 = if (lines_in % 3 > 0) "\n" else "\r\n";
        @memcpy(S.text[len..][0..end.len], end);
        len += end.len;
    }
    const ends = net.unixPair();
    const feeding = check.spawnOn(2, feed, .{ ends[1], S.text[0..len], seed });
    var reader: fd.Reader = undefined;
    try reader.init(ends[0], S.room[0..capacity]);
    var i: usize = 0;
    while (true) {
        const line = reader.line(if (i % 2 == 1) .forever else .us(100)) catch |e| switch (e) {
            error.Timeout => continue,
            else => return e,
        } orelse break;
        var want: [64]u8 = undefined;
        check.bytes(try lineOf(&want, i, &again), line);
        i += 1;
    }
    check.eq(lines_in, i);
    check.join(feeding);
    net.close(ends[0]);
}

fn blocked(reader: *fd.Reader, want: anyerror) void {
    check.err(want, reader.line(.forever));
}

fn stops() !void {
    var buffer: [16]u8 = undefined;
    var other: [1]u8 = undefined;
    var reader: fd.Reader = undefined;
    const ends = net.unixPair();
    try reader.init(ends[0], &buffer);
    try put(ends[1], "kept ");
    for ([_]anyerror{ error.Canceled, error.Interrupted }) |want| {
        const task = check.spawnOn(2, blocked, .{ &reader, want });
        check.untilState(task.co, .parked);
        // Meanwhile nobody else may use it.
        check.err(error.Busy, reader.line(.now));
        check.err(error.Busy, reader.peek(1, .now));
        check.err(error.Busy, reader.consume(0));
        check.err(error.Busy, reader.rebuffer(&other));
        check.err(error.Busy, reader.read(&other, .now));
        check.err(error.Busy, reader.readFull(&other, null, .now));
        if (want == error.Canceled) try task.co.cancel() else try task.co.interrupt(want);
        check.join(task);
    }
    try put(ends[1], "line\nx\n");
    // A cancellation point, even with a line there.
    try photonrt.Coroutine.current().?.interrupt(error.DeadlineExpired);
    check.err(error.DeadlineExpired, reader.line(.forever));
    try expectLine(&reader, "kept line");
    try expectLine(&reader, "x");
    net.closeAll(&ends);
}

fn errors() !void {
    var room: [8]u8 = undefined;
    var data: [*c]u8 = null;
    var reader: fd.Reader = .{ .raw = std.mem.zeroes(c.co_reader_t) };
    check.errno(.INVAL, c.co_reader_init(&reader.raw, 0, &room, room.len)); // no size
    reader.raw.size = @sizeOf(c.co_reader_t);
    check.err(error.InvalidArgument, reader.line(.now)); // not initialised
    check.errno(.INVAL, c.co_reader_init(null, 0, &room, room.len));
    check.errno(.INVAL, c.co_reader_init(&reader.raw, 0, null, room.len));
    check.err(error.InvalidArgument, reader.init(0, &.{}));
    check.err(error.BadDescriptor, reader.init(-1, &room));
    const pipe = net.pipe();
    try reader.init(pipe[0], &room);
    check.errno(.INVAL, c.co_reader_line(null, &data, null, c.CO_NOW));
    check.errno(.INVAL, c.co_reader_line(&reader.raw, null, null, c.CO_NOW));
    check.err(error.InvalidArgument, reader.line(.ns(-2)));
    check.errno(.INVAL, c.co_reader_peek(&reader.raw, null, 1, c.CO_NOW));
    check.err(error.MessageTooBig, reader.peek(9, .now));
    check.errno(.FAULT, c.co_reader_read(&reader.raw, null, 1, c.CO_NOW));
    check.errno(.FAULT, c.co_reader_read_full(&reader.raw, null, 1, null, c.CO_NOW));
    check.eq(0, try reader.read(&.{}, .now));
    check.err(error.InvalidArgument, reader.consume(1));
    check.errno(.INVAL, c.co_reader_rebuffer(&reader.raw, null, 1));
    check.err(error.InvalidArgument, reader.rebuffer(room[0..0]));
    check.err(error.WouldBlock, reader.line(.now));
    check.err(error.Timeout, reader.line(.ms(1)));
    net.closeAll(&pipe);
}

pub fn body() !void {
    try lines();
    try tooLong();
    try pieces();
    for (1..7) |seed| try randomPieces(seed);
    try stops();
    try errors();
    try check.onThread(errors, .{});
}
