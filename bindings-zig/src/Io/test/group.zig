//! Groups, and Select above them.
const std = @import("std");
const c = @import("c");
const Io = @import("../../Io.zig");
const t = @import("fixture.zig");
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const expectError = std.testing.expectError;

const Counter = std.atomic.Value(u32);

fn up(n: *Counter) void {
    _ = n.fetchAdd(1, .monotonic);
}

test "all members have run when await returns" {
    try t.everywhere(struct {
        fn body(io: std.Io) !void {
            for ([_]u32{ 0, 1, 2, 63, 64, 65, 500 }) |n| {
                var count: Counter = .init(0);
                var group: std.Io.Group = .init;
                for (0..n) |i| if (i % 2 == 0) try group.concurrent(io, up, .{&count}) else group.async(io, up, .{&count});
                try group.await(io);
                try expectEqual(n, count.load(.monotonic));
                try expectEqual(null, group.token.raw);
                try group.await(io); // nothing left
                group.cancel(io);
            }
        }
    }.body);
}

test "a group that is used again" {
    try t.everywhere(struct {
        fn body(io: std.Io) !void {
            var count: Counter = .init(0);
            var group: std.Io.Group = .init;
            for (0..100) |i| {
                try group.concurrent(io, up, .{&count});
                if (i % 3 == 0) try io.sleep(.zero, .awake); // perhaps it empties by itself
                if (i % 7 == 0) try group.await(io);
                if (i % 11 == 0) group.cancel(io);
            }
            try group.await(io);
            try expectEqual(100, count.load(.monotonic));
        }
    }.body);
}

fn addMore(io: std.Io, group: *std.Io.Group, count: *Counter, depth: u32) std.Io.Cancelable!void {
    up(count);
    if (depth == 0) return;
    for (0..2) |_| group.async(io, addMore, .{ io, group, count, depth - 1 });
}

test "members add members" {
    try t.everywhere(struct {
        fn body(io: std.Io) !void {
            var count: Counter = .init(0);
            var group: std.Io.Group = .init;
            group.async(io, addMore, .{ io, &group, &count, 8 });
            try group.await(io);
            try expectEqual(511, count.load(.monotonic));
        }
    }.body);
}

fn forever(io: std.Io, canceled: *Counter) std.Io.Cancelable!void {
    const timeout: std.Io.Timeout = .none;
    timeout.sleep(io) catch |err| {
        up(canceled);
        return err;
    };
}

test "cancel reaches each member once" {
    try t.everywhere(struct {
        fn body(io: std.Io) !void {
            for ([_]u32{ 1, 64, 200 }) |n| for ([_]bool{ false, true }) |let_begin| {
                var canceled: Counter = .init(0);
                var group: std.Io.Group = .init;
                for (0..n) |_| try group.concurrent(io, forever, .{ io, &canceled });
                if (let_begin) try io.sleep(.fromMilliseconds(2), .awake);
                group.cancel(io);
                try expectEqual(n, canceled.load(.monotonic));
            };
        }
    }.body);
}

fn napTwice(io: std.Io, canceled: *Counter) void {
    for (0..2) |_| io.sleep(.fromMilliseconds(1), .awake) catch up(canceled);
}

test "a member hears a request once" {
    try t.everywhere(struct {
        fn body(io: std.Io) !void {
            var canceled: Counter = .init(0);
            var group: std.Io.Group = .init;
            for (0..100) |_| try group.concurrent(io, napTwice, .{ io, &canceled });
            group.cancel(io);
            try expect(canceled.load(.monotonic) <= 100);
        }
    }.body);
}

fn addsLate(io: std.Io, group: *std.Io.Group, canceled: *Counter) std.Io.Cancelable!void {
    forever(io, canceled) catch {};
    // The group has been canceled: this one is, too.
    group.concurrent(io, forever, .{ io, canceled }) catch @panic("no memory");
}

test "a member that is added to a canceled group is canceled" {
    try t.everywhere(struct {
        fn body(io: std.Io) !void {
            var canceled: Counter = .init(0);
            var group: std.Io.Group = .init;
            for (0..10) |_| try group.concurrent(io, addsLate, .{ io, &group, &canceled });
            group.cancel(io);
            try expectEqual(20, canceled.load(.monotonic));
            // And of the next use nothing is canceled.
            var count: Counter = .init(0);
            try group.concurrent(io, up, .{&count});
            try group.await(io);
            try expectEqual(1, count.load(.monotonic));
        }
    }.body);
}

fn awaitsGroup(io: std.Io, canceled: *Counter) std.Io.Cancelable!void {
    var group: std.Io.Group = .init;
    for (0..100) |_| group.concurrent(io, forever, .{ io, canceled }) catch @panic("no memory");
    defer if (group.token.raw != null) @panic("await has returned too early");
    return group.await(io);
}

test "a canceled awaiter cancels the members" {
    try t.everywhere(struct {
        fn body(io: std.Io) !void {
            var canceled: Counter = .init(0);
            var awaiter: t.Blocked(std.Io.Cancelable!void) = undefined;
            try awaiter.start(io, awaitsGroup, .{ io, &canceled });
            try expectError(error.Canceled, awaiter.future.cancel(io));
            try expectEqual(100, canceled.load(.monotonic));
        }
    }.body);
}

test "another task awaits what a plain thread has spawned" {
    var rt: Io = undefined;
    try rt.init(t.gpa, .{ .vcpus = 2 });
    defer rt.deinit();
    const io = rt.io();
    var count: Counter = .init(0);
    var group: std.Io.Group = .init;
    const spawner = try std.Thread.spawn(.{}, struct {
        fn main(i: std.Io, g: *std.Io.Group, n: *Counter) void {
            for (0..1000) |_| g.async(i, up, .{n});
        }
    }.main, .{ io, &group, &count });
    for (0..1000) |_| group.async(io, up, .{&count});
    spawner.join();
    var awaiter = try io.concurrent(std.Io.Group.await, .{ &group, io });
    try awaiter.await(io);
    try expectEqual(2000, count.load(.monotonic));
}

test "without memory" {
    const body = struct {
        fn body(io: std.Io) !void {
            var count: Counter = .init(0);
            var group: std.Io.Group = .init;
            try expectError(error.ConcurrencyUnavailable, group.concurrent(io, up, .{&count}));
            try expectEqual(0, count.load(.monotonic));
            group.async(io, up, .{&count});
            try expectEqual(1, count.load(.monotonic));
            try group.await(io);
        }
    }.body;
    try Io.run(.failing, .{ .vcpus = 1 }, body, .{});
}

const Wide = struct { data: [64]u8 align(1024) };

fn checkWide(wide: Wide, good: *Counter) void {
    for (wide.data) |byte| if (byte != 5) return;
    up(good);
}

test "arguments of any alignment" {
    try t.everywhere(struct {
        fn body(io: std.Io) !void {
            var good: Counter = .init(0);
            var group: std.Io.Group = .init;
            try group.concurrent(io, checkWide, .{ .{ .data = @splat(5) }, &good });
            try group.await(io);
            try expectEqual(1, good.load(.monotonic));
        }
    }.body);
}

const Answer = union(enum) { number: u32, canceled: std.Io.Cancelable!void };

fn answer(n: u32) u32 {
    return n;
}

fn sleepForever(io: std.Io) std.Io.Cancelable!void {
    const timeout: std.Io.Timeout = .none;
    return timeout.sleep(io);
}

test "Select" {
    try t.everywhere(struct {
        fn body(io: std.Io) !void {
            var buffer: [4]Answer = undefined;
            for (0..50) |_| {
                var select: std.Io.Select(Answer) = .init(io, &buffer);
                try select.concurrent(.number, answer, .{3});
                try select.concurrent(.canceled, sleepForever, .{io});
                try select.concurrent(.canceled, sleepForever, .{io});
                try expectEqual(3, (try select.await()).number);
                var left: u32 = 0;
                while (select.cancel()) |rest| : (left += 1) try expectError(error.Canceled, rest.canceled);
                try expectEqual(2, left);
            }
        }
    }.body);
}
