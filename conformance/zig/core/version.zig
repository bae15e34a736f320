const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

fn text(err: c_int) []const u8 {
    return std.mem.span(photonrt.c.co_strerror(err));
}

fn equal(a: []const u8, b: []const u8) bool {
    return std.mem.eql(u8, a, b);
}

pub fn plain() !void {
    check.eq(photonrt.header_version, photonrt.version());
    var room: [64]u8 = undefined;
    const number = try std.fmt.bufPrint(&room, "{f}", .{photonrt.header_version});
    check.that(equal(number, std.mem.span(photonrt.c.co_version_string())));

    for (0..200) |i| {
        const e: c_int = @intCast(i);
        check.that(text(e).len > 0);
        check.that(equal(text(e), text(-e)));
    }
    const noent: c_int = @backingInt(std.posix.E.NOENT);
    check.that(!equal(text(noent), text(@backingInt(std.posix.E.TIMEDOUT))));
    check.that(!equal(text(noent), "unknown error"));
    for ([_]c_int{ 99999, -99999, std.math.maxInt(c_int), std.math.minInt(c_int) }) |e| check.that(equal(text(e), "unknown error"));
}
