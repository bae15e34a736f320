//! Clock, process figures, output.
const std = @import("std");
const Io = std.Io;

pub var io: Io = undefined;
pub var name: []const u8 = "";
pub const gpa = std.heap.smp_allocator;

/// Of the monotonic clock, ns.
pub fn now() i64 {
    return @intCast(Io.Clock.awake.now(io).nanoseconds);
}
pub fn since(t0: i64) f64 {
    return @floatFromInt(now() - t0);
}
pub fn div(a: f64, n: usize) f64 {
    return a / @as(f64, @floatFromInt(n));
}
pub fn out(row: []const u8, tail: []const u8, value: f64, unit: []const u8) void {
    var buf: [128]u8 = undefined;
    const line = std.fmt.bufPrint(&buf, "{s}{s} {d:.2} {s}\n", .{ row, tail, value, unit }) catch unreachable;
    Io.File.stdout().writeStreamingAll(io, line) catch std.process.exit(1);
}
pub fn fail(why: []const u8) noreturn {
    std.debug.print("{s}: FAILED: {s}\n", .{ name, why });
    std.process.exit(1);
}
pub fn skip(why: []const u8) noreturn {
    std.debug.print("{s}: skipped: {s}\n", .{ name, why });
    std.process.exit(3);
}
pub fn must(result: anytype) @typeInfo(@TypeOf(result)).error_union.payload {
    return result catch |err| {
        if (err == error.ConcurrencyUnavailable)
            skip("the kernel gives no more threads (kernel.pid_max, vm.max_map_count, a container)");
        fail(@errorName(err));
    };
}
pub fn room(comptime T: type, n: usize) []T {
    return must(gpa.alloc(T, n));
}

/// CPU time so far, ms.
pub fn cpuMs() f64 {
    const r = std.posix.getrusage(std.posix.rusage.SELF);
    const us = (r.utime.sec + r.stime.sec) * 1_000_000 + r.utime.usec + r.stime.usec;
    return @as(f64, @floatFromInt(us)) / 1e3;
}
/// A line of /proc/self/status, bytes.
pub fn status(key: []const u8) f64 {
    var buf: [4096]u8 = undefined;
    const text = must(Io.Dir.cwd().readFile(io, "/proc/self/status", &buf));
    var lines = std.mem.splitScalar(u8, text, '\n');
    while (lines.next()) |line| {
        if (!std.mem.startsWith(u8, line, key)) continue;
        var words = std.mem.tokenizeAny(u8, line[key.len..], ": \t");
        const kb = must(std.fmt.parseInt(u64, words.next().?, 10));
        return @floatFromInt(kb * 1024);
    }
    return 0;
}

pub fn sleepMs(ms: i64) Io.Cancelable!void {
    return io.sleep(.fromMilliseconds(ms), .awake);
}
/// Rows of how late sleeps were, us. Sorts.
pub fn quantiles(late: []i64, rows: []const struct { []const u8, f64 }) void {
    std.mem.sort(i64, late, {}, std.sort.asc(i64));
    if (late[0] < 0) fail("a sleep ended early");
    for (rows) |row| {
        const i: usize = @intFromFloat(@as(f64, @floatFromInt(late.len)) * row[1]);
        out(name, row[0], @as(f64, @floatFromInt(late[@min(i, late.len - 1)])) / 1e3, "us");
    }
}
