//! Starting and stopping, and the table.
const std = @import("std");
const c = @import("c");
const Io = @import("../../Io.zig");
const t = @import("fixture.zig");
const expectEqual = std.testing.expectEqual;
const expectError = std.testing.expectError;

fn add(io: std.Io, a: u32, b: u32) u32 {
    _ = io;
    return a + b;
}

fn nothing() void {}

fn fails(io: std.Io) error{Broken}!u32 {
    _ = io;
    return error.Broken;
}

test "run gives what its function gives" {
    try expectEqual(3, try Io.run(t.gpa, .{ .vcpus = 1 }, add, .{ 1, 2 }));
    try expectError(error.Broken, Io.run(t.gpa, .{ .vcpus = 2 }, fails, .{}));
}

test "run waits for the other tasks" {
    const body = struct {
        var ended: std.atomic.Value(u32) = .init(0);
        var group: std.Io.Group = .init;

        fn late(io: std.Io) std.Io.Cancelable!void {
            defer _ = ended.fetchAdd(1, .monotonic);
            try io.sleep(.fromMilliseconds(5), .awake);
        }

        fn forever(io: std.Io) std.Io.Cancelable!void {
            defer _ = ended.fetchAdd(1, .monotonic);
            const timeout: std.Io.Timeout = .none;
            try timeout.sleep(io);
        }

        fn leaves(io: std.Io, comptime task: anytype) !void {
            group = .init;
            for (0..3) |_| try group.concurrent(io, task, .{io});
        }
    };
    try Io.run(t.gpa, .{ .vcpus = 2 }, body.leaves, .{body.late});
    try expectEqual(3, body.ended.load(.monotonic));
    try Io.run(t.gpa, .{ .vcpus = 2, .cancel_rest = true }, body.leaves, .{body.forever});
    try expectEqual(6, body.ended.load(.monotonic));
}

test "a runtime at a time" {
    var rt: Io = undefined;
    try rt.init(t.gpa, .{ .vcpus = 1 });
    defer rt.deinit();
    var other: Io = undefined;
    try expectError(error.AlreadyRunning, other.init(t.gpa, .{}));
    try expectError(error.AlreadyRunning, Io.run(t.gpa, .{}, add, .{ 1, 2 }));
}

test "options out of range" {
    var rt: Io = undefined;
    try expectError(error.InvalidOptions, rt.init(t.gpa, .{ .vcpus = 1000 }));
    try expectError(error.InvalidOptions, rt.init(t.gpa, .{ .stack_size = 1 << 40 }));
    try expectError(error.InvalidOptions, Io.run(t.gpa, .{ .stall = -2 }, add, .{ 1, 2 }));
}

test "options take effect" {
    const body = struct {
        fn body(_: std.Io, vcpus: u32, stack: u64, flags: u32) !void {
            try expectEqual(vcpus, @as(u32, @intCast(c.co_group_vcpu_count(0))));
            var info = std.mem.zeroes(c.co_info_t);
            info.size = @sizeOf(c.co_info_t);
            try expectEqual(0, c.co_info(c.co_self(), &info));
            try expectEqual(stack, info.stack_size);
            try expectEqual(flags, info.flags & ~@as(u32, c.CO_DETACHED));
        }
    }.body;
    try Io.run(t.gpa, .{ .vcpus = 2 }, body, .{ 2, 256 << 10, 0 });
    try Io.run(t.gpa, .{ .vcpus = 1, .stack_size = 100_000, .migratable = true }, body, .{ 1, 128 << 10, c.CO_MIGRATABLE });
}

test "each engine" {
    const body = struct {
        fn body(_: std.Io, engine: u32) !void {
            var stats = std.mem.zeroes(c.co_stats_t);
            stats.size = @sizeOf(c.co_stats_t);
            try expectEqual(0, c.co_stats(&stats));
            try expectEqual(engine, stats.engine);
        }
    }.body;
    for ([_]Io.Engine{ .uring, .ready, .offload }) |engine| {
        Io.run(t.gpa, .{ .vcpus = 1, .engine = engine }, body, .{@backingInt(engine)}) catch |err| {
            // Only io_uring may be forbidden.
            if (engine != .uring or err != error.EngineUnavailable) return err;
        };
    }
}

test "attached to a runtime that somebody else has started" {
    var cfg = std.mem.zeroes(c.co_config_t);
    cfg.size = @sizeOf(c.co_config_t);
    cfg.vcpus = 2;
    try expectEqual(0, c.co_init(&cfg));
    var rt: Io = undefined;
    rt.attach(t.gpa, .{});
    const io = rt.io();
    var future = try io.concurrent(add, .{ io, 1, 2 });
    try expectEqual(3, future.await(io));
    rt.deinit();
    // Nothing of a group touches the Io once it has been awaited.
    for (0..200) |_| {
        var other: Io = undefined;
        other.attach(t.gpa, .{});
        defer other.deinit();
        var group: std.Io.Group = .init;
        for (0..4) |_| try group.concurrent(other.io(), nothing, .{});
        try group.await(other.io());
    }
    try expectEqual(0, c.co_shutdown(c.CO_FOREVER));
}

test "without a runtime" {
    var rt: Io = undefined;
    rt.attach(t.gpa, .{});
    defer rt.deinit();
    const io = rt.io();
    try expectError(error.ConcurrencyUnavailable, io.concurrent(add, .{ io, 1, 2 }));
    var future = io.async(add, .{ io, 1, 2 });
    try expectEqual(null, future.any_future);
    try expectEqual(3, future.await(io));
    var group: std.Io.Group = .init;
    const counts = struct {
        fn up(n: *u32) void {
            n.* += 1;
        }
    };
    var n: u32 = 0;
    try expectError(error.ConcurrencyUnavailable, group.concurrent(io, counts.up, .{&n}));
    try expectEqual(0, n);
    group.async(io, counts.up, .{&n});
    try expectEqual(1, n);
    try group.await(io);
    try io.sleep(.fromMilliseconds(1), .awake);
}

test "where each entry comes from" {
    @setEvalBranchQuota(100_000);
    const names = comptime @typeInfo(std.Io.VTable).@"struct".field_names;
    var counts: std.enums.EnumArray(Io.Source, u32) = .initFill(0);
    inline for (names) |name| counts.getPtr(Io.source(name)).* += 1;
    try expectEqual(names.len, counts.get(.native) + counts.get(.direct) + counts.get(.looking) + counts.get(.offload));
    inline for (.{
        "async",       "concurrent", "await",                "cancel",      "groupAsync",   "groupConcurrent",       "groupAwait",
        "groupCancel", "recancel",   "swapCancelProtection", "sleep",       "futexWait",    "futexWake",             "childWait",
        "childKill",   "lockStderr", "tryLockStderr",        "checkCancel", "unlockStderr", "futexWaitUncancelable",
    }) |name| try expectEqual(.native, comptime Io.source(name));
}
