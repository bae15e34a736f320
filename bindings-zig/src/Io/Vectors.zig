//! The buffers of one call: what `std.Io` gives as slices of slices, as the system takes it.
//!
//! ```text
//!   write:  header | data[0] | ... | data[n-2] | data[n-1] x splat        read:  data[0] | ...
//!              \        \                 \          \   \
//!   list:    [ iov ] [ iov ]      ...   [ iov ]    [ iov ] [ iov ] ...    at most `max_len`
//! ```
//! Empty buffers are left out; what does not fit is for the next call, as a short write is. A single
//! byte that is to be repeated is first repeated in a small buffer, so that an entry of the list
//! stands for `pattern_len` of them.
const std = @import("std");
const c = @import("c");

const Vectors = @This();

/// Entries of a list: what it costs on the stack, 256 bytes, against calls that are split.
pub const max_len = 16;
/// Repetitions of a single byte in one entry.
pub const pattern_len = 256;

list: [max_len]c.struct_iovec,
len: usize,

/// Sets `v` to the buffers to read into.
pub fn forReading(v: *Vectors, data: []const []u8) void {
    v.len = 0;
    for (data) |buffer| v.add(buffer);
}

/// Sets `v` to what a write takes: `header`, then `data`, whose last element counts `splat` times.
/// `pattern` must live as long as `v`.
pub fn forWriting(v: *Vectors, header: []const u8, data: []const []const u8, splat: usize, pattern: *[pattern_len]u8) void {
    v.len = 0;
    v.add(header);
    for (data[0 .. data.len - 1]) |bytes| v.add(bytes);
    const last = data[data.len - 1];
    if (last.len != 1 or splat <= 1) {
        var left = if (last.len == 0) 0 else splat;
        while (left != 0 and v.len != max_len) : (left -= 1) v.add(last);
        return;
    }
    const filled = pattern[0..@min(splat, pattern_len)];
    @memset(filled, last[0]);
    var left = splat;
    while (left != 0 and v.len != max_len) {
        const part = filled[0..@min(left, filled.len)];
        v.add(part);
        left -= part.len;
    }
}

fn add(v: *Vectors, bytes: []const u8) void {
    if (bytes.len == 0 or v.len == max_len) return;
    v.list[v.len] = .{ .iov_base = @constCast(bytes.ptr), .iov_len = bytes.len };
    v.len += 1;
}

/// The only buffer, if there is one: most calls have no more, and the system has cheaper calls for
/// that.
pub fn only(v: *const Vectors) ?[]u8 {
    if (v.len != 1) return null;
    const base: [*]u8 = @ptrCast(v.list[0].iov_base.?);
    return base[0..v.list[0].iov_len];
}

/// Expects `head`, and then `tail` so many times.
fn expectBytes(head: []const u8, tail: []const u8, times: usize, v: *const Vectors) !void {
    var expected: [max_len * pattern_len]u8 = undefined;
    @memcpy(expected[0..head.len], head);
    var len = head.len;
    for (0..times) |_| {
        @memcpy(expected[len..][0..tail.len], tail);
        len += tail.len;
    }
    var buffer: [max_len * pattern_len]u8 = undefined;
    var n: usize = 0;
    for (v.list[0..v.len]) |iov| {
        const base: [*]const u8 = @ptrCast(iov.iov_base.?);
        @memcpy(buffer[n..][0..iov.iov_len], base[0..iov.iov_len]);
        n += iov.iov_len;
    }
    try std.testing.expectEqualStrings(expected[0..len], buffer[0..n]);
}

test "what a write takes" {
    var v: Vectors = undefined;
    var pattern: [pattern_len]u8 = undefined;
    v.forWriting("ab", &.{ "", "cd", "ef" }, 1, &pattern);
    try expectBytes("abcdef", "", 0, &v);
    v.forWriting("ab", &.{ "cd", "ef" }, 0, &pattern);
    try expectBytes("abcd", "", 0, &v);
    v.forWriting("", &.{ "", "xy" }, 3, &pattern);
    try expectBytes("", "xy", 3, &v);
    v.forWriting("", &.{ "a", "z" }, pattern_len + 3, &pattern);
    try expectBytes("a", "z", pattern_len + 3, &v);
    v.forWriting("", &.{""}, 7, &pattern);
    try expectBytes("", "", 0, &v);
}

test "what does not fit is left for the next call" {
    var v: Vectors = undefined;
    var pattern: [pattern_len]u8 = undefined;
    const many: [max_len + 5][]const u8 = @splat("q");
    v.forWriting("h", &many, 1, &pattern);
    try expectBytes("h", "q", max_len - 1, &v);
    v.forWriting("h", &.{"z"}, std.math.maxInt(usize), &pattern);
    try expectBytes("h", "z", (max_len - 1) * pattern_len, &v);
    v.forWriting("h", &.{"zz"}, std.math.maxInt(usize), &pattern);
    try expectBytes("h", "zz", max_len - 1, &v);
}

test "the only buffer" {
    var a: [3]u8 = undefined;
    var b: [2]u8 = undefined;
    var v: Vectors = undefined;
    v.forReading(&.{ b[0..0], &a });
    try std.testing.expectEqual(@as([]u8, &a), v.only().?);
    v.forReading(&.{ &a, &b });
    try std.testing.expectEqual(null, v.only());
    v.forReading(&.{});
    try std.testing.expectEqual(null, v.only());
}
