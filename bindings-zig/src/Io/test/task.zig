//! async, concurrent, await, cancel.
const std = @import("std");
const c = @import("c");
const Io = @import("../../Io.zig");
const t = @import("fixture.zig");
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const expectError = std.testing.expectError;

fn sum(a: u64, b: u64) u64 {
    return a + b;
}

test "results" {
    try t.everywhere(struct {
        fn body(io: std.Io) !void {
            var one = try io.concurrent(sum, .{ 1, 2 });
            try expectEqual(3, one.await(io));
            try expectEqual(3, one.await(io)); // once more is the same
            try expectEqual(3, one.cancel(io));
            var many: [100]std.Io.Future(u64) = undefined;
            for (&many, 0..) |*f, i| f.* = if (i % 2 == 0) try io.concurrent(sum, .{ i, 1 }) else io.async(sum, .{ i, 1 });
            for (&many, 0..) |*f, i| try expectEqual(i + 1, f.await(io));
        }
    }.body);
}

fn nothing() void {}

fn Sized(comptime n: usize, comptime alignment: usize) type {
    return struct {
        data: [n]u8 align(alignment),

        const Self = @This();

        fn filled(byte: u8) Self {
            return .{ .data = @splat(byte) };
        }

        fn next(self: Self) Self {
            if (!std.mem.isAligned(@intFromPtr(&self), alignment)) @panic("a misaligned argument");
            return .filled(self.data[0] + 1);
        }

        noinline fn check(io: std.Io) !void {
            var future = try io.concurrent(next, .{filled(7)});
            for (future.await(io).data) |byte| try expectEqual(8, byte);
        }
    };
}

test "any size and alignment" {
    const body = struct {
        fn body(io: std.Io) !void {
            var none = try io.concurrent(nothing, .{});
            none.await(io);
            inline for (.{ .{ 1, 1 }, .{ 3, 1 }, .{ 48, 16 }, .{ 100, 64 }, .{ 5000, 8 }, .{ 8192, 4096 }, .{ 64, 16384 } }) |s| {
                try Sized(s[0], s[1]).check(io);
            }
        }
    }.body;
    // A debug build keeps some ten copies of each on the stack.
    for ([_]u32{ 1, 2 }) |vcpus| try Io.run(t.gpa, .{ .vcpus = vcpus, .stack_size = 2 << 20 }, body, .{});
}

const Big = [200_000]u8;

fn bigResult(big: *Big, byte: u8) Big {
    big.* = @splat(byte);
    return big.*;
}

test "a large result" {
    const body = struct {
        fn body(io: std.Io) !void {
            const big = try t.gpa.create(Big);
            defer t.gpa.destroy(big);
            var future = try t.gpa.create(std.Io.Future(Big));
            defer t.gpa.destroy(future);
            future.* = try io.concurrent(bigResult, .{ big, 9 });
            _ = future.await(io);
            for (future.result) |byte| try expectEqual(9, byte);
        }
    }.body;
    try Io.run(t.gpa, .{ .vcpus = 2, .stack_size = 2 << 20 }, body, .{});
}

fn fallible(fail: bool) error{Refused}!u32 {
    return if (fail) error.Refused else 5;
}

test "errors are results" {
    try t.everywhere(struct {
        fn body(io: std.Io) !void {
            var good = try io.concurrent(fallible, .{false});
            var bad = try io.concurrent(fallible, .{true});
            try expectEqual(5, try good.await(io));
            try expectError(error.Refused, bad.await(io));
        }
    }.body);
}

fn fib(io: std.Io, n: u32) u32 {
    if (n < 2) return n;
    var a = io.async(fib, .{ io, n - 1 });
    var b = io.async(fib, .{ io, n - 2 });
    return a.await(io) + b.await(io);
}

test "tasks of tasks" {
    try t.everywhere(struct {
        fn body(io: std.Io) !void {
            try expectEqual(610, fib(io, 15));
        }
    }.body);
}

test "more tasks than a thread keeps memory for" {
    try t.everywhere(struct {
        fn body(io: std.Io) !void {
            const futures = try t.gpa.alloc(std.Io.Future(u64), 3000);
            defer t.gpa.free(futures);
            for (0..2) |_| {
                for (futures, 0..) |*f, i| f.* = try io.concurrent(sum, .{ i, 1 });
                for (futures, 0..) |*f, i| try expectEqual(i + 1, f.await(io));
            }
        }
    }.body);
}

test "without memory" {
    const body = struct {
        fn body(io: std.Io) !void {
            try expectError(error.ConcurrencyUnavailable, io.concurrent(sum, .{ 1, 2 }));
            var future = io.async(sum, .{ 1, 2 });
            try expectEqual(null, future.any_future);
            try expectEqual(3, future.await(io));
        }
    }.body;
    try Io.run(.failing, .{ .vcpus = 1 }, body, .{});
}

fn sleepForever(io: std.Io) std.Io.Cancelable!void {
    const timeout: std.Io.Timeout = .none;
    return timeout.sleep(io);
}

test "cancel of a task that waits, and of one that has not begun" {
    try t.everywhere(struct {
        fn body(io: std.Io) !void {
            var waiting: t.Blocked(std.Io.Cancelable!void) = undefined;
            try waiting.start(io, sleepForever, .{io});
            try expectError(error.Canceled, waiting.future.cancel(io));
            var fresh = try io.concurrent(sleepForever, .{io});
            try expectError(error.Canceled, fresh.cancel(io));
            var ended = try io.concurrent(sum, .{ 1, 2 });
            try expectEqual(3, ended.cancel(io));
        }
    }.body);
}

/// Counts how often it was canceled in `n` short naps.
fn countCanceled(io: std.Io, n: u32) u32 {
    var canceled: u32 = 0;
    for (0..n) |_| io.sleep(.zero, .awake) catch {
        canceled += 1;
    };
    return canceled;
}

test "a request fires once" {
    try t.everywhere(struct {
        fn body(io: std.Io) !void {
            var future = try io.concurrent(countCanceled, .{ io, 10 });
            try expect(future.cancel(io) <= 1); // it may have been done before
        }
    }.body);
    try t.inCoroutines(struct {
        fn body(io: std.Io) !void {
            _ = c.co_cancel(c.co_self());
            try expectEqual(1, countCanceled(io, 10));
            _ = c.co_cancel(c.co_self());
            try expectError(error.Canceled, io.checkCancel());
            try io.checkCancel();
            io.recancel();
            try expectEqual(1, countCanceled(io, 10));
        }
    }.body);
}

/// What a task that awaits another finds when it is canceled: what the other gave, and whether the
/// request is still there for itself.
fn awaits(io: std.Io, comptime inner: anytype) struct { @typeInfo(@TypeOf(inner)).@"fn".return_type.?, bool } {
    var future = io.concurrent(inner, .{io}) catch unreachable;
    const result = future.await(io);
    const pending = if (io.checkCancel()) |_| false else |_| true;
    return .{ result, pending };
}

fn deaf(io: std.Io) std.Io.Cancelable!void {
    const before = io.swapCancelProtection(.blocked);
    defer _ = io.swapCancelProtection(before);
    for (0..100) |_| try io.sleep(.fromMicroseconds(50), .awake);
}

fn hearsAndPassesOn(io: std.Io) std.Io.Cancelable!void {
    sleepForever(io) catch io.recancel();
}

fn hears(io: std.Io) std.Io.Cancelable!u8 {
    sleepForever(io) catch return 7;
    return 8;
}

test "a request goes on to the awaited task, and stays if that has not noticed" {
    try t.everywhere(struct {
        fn body(io: std.Io) !void {
            const Case = struct {
                fn check(i: std.Io, comptime inner: anytype, expected: anytype, pending: bool) !void {
                    const Main = struct {
                        fn main(j: std.Io) @TypeOf(awaits(j, inner)) {
                            return awaits(j, inner);
                        }
                    };
                    var outer: t.Blocked(@TypeOf(awaits(i, inner))) = undefined;
                    try outer.start(i, Main.main, .{i});
                    const result = outer.future.cancel(i);
                    try expectEqual(expected, result[0]);
                    try expectEqual(pending, result[1]);
                }
            };
            try Case.check(io, sleepForever, error.Canceled, false);
            try Case.check(io, hears, 7, false);
            try Case.check(io, deaf, {}, true);
            try Case.check(io, hearsAndPassesOn, {}, true);
        }
    }.body);
}

test "a canceled awaiter of a task that has ended keeps the request" {
    try t.inCoroutines(struct {
        fn body(io: std.Io) !void {
            var future = try io.concurrent(sum, .{ 1, 2 });
            try io.sleep(.fromMilliseconds(1), .awake);
            _ = c.co_cancel(c.co_self());
            try expectEqual(3, future.await(io));
            try expectError(error.Canceled, io.checkCancel());
        }
    }.body);
}

test "protection" {
    try t.inCoroutines(struct {
        fn body(io: std.Io) !void {
            try expectEqual(.unblocked, io.swapCancelProtection(.blocked));
            try expectEqual(.blocked, io.swapCancelProtection(.blocked));
            _ = c.co_cancel(c.co_self());
            try io.sleep(.fromMicroseconds(10), .awake);
            try io.checkCancel();
            try expectEqual(.blocked, io.swapCancelProtection(.unblocked));
            try expectError(error.Canceled, io.checkCancel());
        }
    }.body);
}

test "plain threads are never canceled" {
    var rt: Io = undefined;
    try rt.init(t.gpa, .{ .vcpus = 1 });
    defer rt.deinit();
    const io = rt.io();
    try expectEqual(.unblocked, io.swapCancelProtection(.blocked));
    try expectEqual(.unblocked, io.swapCancelProtection(.unblocked));
    try io.checkCancel();
    io.recancel();
    try io.checkCancel();
}

fn hammer(io: std.Io, n: u32) !void {
    for (0..n) |i| {
        var a = try io.concurrent(sleepForever, .{io});
        var b = try io.concurrent(sum, .{ i, i });
        if (i % 3 == 0) try io.sleep(.zero, .awake);
        try expectError(error.Canceled, a.cancel(io));
        try expectEqual(2 * i, if (i % 2 == 0) b.await(io) else b.cancel(io));
    }
}

test "from several threads at once" {
    var rt: Io = undefined;
    try rt.init(t.gpa, .{ .vcpus = 2 });
    defer rt.deinit();
    const io = rt.io();
    var tasks: [4]std.Io.Future(@typeInfo(@TypeOf(hammer)).@"fn".return_type.?) = undefined;
    for (&tasks) |*f| f.* = try io.concurrent(hammer, .{ io, 300 });
    const thread = try std.Thread.spawn(.{}, struct {
        fn main(i: std.Io) void {
            hammer(i, 100) catch @panic("on a thread");
        }
    }.main, .{io});
    try hammer(io, 100);
    thread.join();
    for (&tasks) |*f| try f.await(io);
}
