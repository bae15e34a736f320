//! What a program says when a task of it crashes or stalls. Each in a child of the test, made by fork(2).
const std = @import("std");
const builtin = @import("builtin");
const c = @import("c");
const Io = @import("../../Io.zig");
const t = @import("fixture.zig");
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const system = std.posix.system;

/// Runs `crash` as a task, in a child, and gives what it printed on standard error.
fn says(comptime crash: fn (std.Io) void, stall_ns: i64, signal: *?std.posix.SIG) ![]u8 {
    var pipe: [2]c_int = undefined;
    if (std.c.pipe(&pipe) != 0) return error.NoPipe;
    const pid = std.c.fork();
    if (pid < 0) return error.NoFork;
    if (pid == 0) {
        _ = std.c.dup2(pipe[1], 2);
        const main = struct {
            fn main(io: std.Io) !void {
                var future = try io.concurrent(crash, .{io});
                future.await(io);
            }
        }.main;
        // The page allocator: what the test's own holds is the parent's.
        Io.run(std.heap.page_allocator, .{ .vcpus = 1, .stall = stall_ns }, main, .{}) catch {};
        std.c._exit(0);
    }
    _ = std.c.close(pipe[1]);
    defer _ = std.c.close(pipe[0]);
    var text: std.ArrayList(u8) = .empty;
    errdefer text.deinit(t.gpa);
    while (true) {
        try text.ensureUnusedCapacity(t.gpa, 4096);
        const n = system.read(pipe[0], text.unusedCapacitySlice().ptr, 4096);
        if (n <= 0) break;
        text.items.len += @intCast(n);
    }
    var status: c_int = 0;
    try expectEqual(pid, std.c.waitpid(pid, &status, 0));
    const s: u32 = @bitCast(status);
    signal.* = if (std.posix.W.IFSIGNALED(s)) std.posix.W.TERMSIG(s) else null;
    return text.toOwnedSlice(t.gpa);
}

/// Expects these texts, one after the other.
fn expectInOrder(text: []const u8, parts: []const []const u8) !void {
    errdefer std.debug.print("{s}\n", .{text});
    var rest = text;
    for (parts) |part| {
        const at = std.mem.indexOf(u8, rest, part) orelse {
            std.debug.print("missing: {s}\n", .{part});
            return error.TestUnexpectedResult;
        };
        rest = rest[at + part.len ..];
    }
}

/// The trace names the functions from the crash down to where the coroutine begins, and ends there.
fn expectWholeTrace(text: []const u8, first: []const u8, parts: []const []const u8) !void {
    try expectInOrder(text, &.{first});
    // Others have no traces, or inline what is to be seen in them.
    if (builtin.mode != .debug) return;
    try expectInOrder(text, parts);
    try expectEqual(1, std.mem.count(u8, text, "task_main"));
    // (An archive without debug information has the name as the linker knows it.)
    // Below it is one frame more, the one whose return address is 0.
    const at = std.mem.indexOf(u8, text, "task_main").?;
    try expect(std.mem.count(u8, text[at..], "0x") <= 2);
    try expect(std.mem.indexOf(u8, text, "unwind error") == null);
    // Printing takes longer than a task may keep its vCPU here: nothing about that comes between.
    const begin = std.mem.indexOf(u8, text, first).?;
    try expect(std.mem.indexOf(u8, text[begin..], "stall") == null);
}

noinline fn panics(io: std.Io) void {
    io.sleep(.fromMicroseconds(10), .awake) catch {};
    @panic("on purpose");
}

test "a panic" {
    var signal: ?std.posix.SIG = undefined;
    const text = try says(panics, 2_000_000, &signal);
    defer t.gpa.free(text);
    try expectEqual(.ABRT, signal);
    try expectWholeTrace(text, "panic: on purpose", &.{ "in panics", "in entry", "task_main" });
}

noinline fn faults(io: std.Io) void {
    io.sleep(.fromMicroseconds(10), .awake) catch {};
    var address: usize = 16;
    std.mem.doNotOptimizeAway(&address);
    const pointer: *volatile u32 = @ptrFromInt(address);
    pointer.* = 1;
}

test "a fault" {
    var signal: ?std.posix.SIG = undefined;
    const text = try says(faults, 2_000_000, &signal);
    defer t.gpa.free(text);
    if (builtin.mode == .debug or builtin.mode == .safe) {
        try expectEqual(.ABRT, signal);
        try expectWholeTrace(text, "Segmentation fault at address 0x10", &.{ "in faults", "in entry", "task_main" });
    } else try expectEqual(.SEGV, signal);
}

noinline fn deep(n: u64) u64 {
    var frame: [100]u64 = undefined;
    std.mem.doNotOptimizeAway(&frame);
    frame[n % 100] = n;
    return if (n == 0) 0 else deep(n - 1) + frame[n % 100];
}

fn overflows(_: std.Io) void {
    var n: u64 = 1_000_000;
    std.mem.doNotOptimizeAway(&n);
    std.mem.doNotOptimizeAway(deep(n));
}

test "a stack that overflows" {
    var signal: ?std.posix.SIG = undefined;
    const text = try says(overflows, 0, &signal);
    defer t.gpa.free(text);
    try expectInOrder(text, &.{"stack overflow in coroutine"});
    if (builtin.mode == .debug or builtin.mode == .safe) {
        try expectEqual(.ABRT, signal);
        try expectInOrder(text, &.{"Segmentation fault at address"});
    } else try expectEqual(.SEGV, signal);
    if (builtin.mode == .debug) try expectInOrder(text, &.{ "in deep", "in deep" });
}

noinline fn burns(_: std.Io) void {
    var stats = std.mem.zeroes(c.co_stats_t);
    stats.size = @sizeOf(c.co_stats_t);
    // Seldom: it is to be found here, and not in there.
    var turn: u32 = 0;
    while (turn % (1 << 22) != 0 or (c.co_stats(&stats) == 0 and stats.stalls == 0)) turn +%= 1;
}

test "a task that keeps its vCPU" {
    var signal: ?std.posix.SIG = undefined;
    const text = try says(burns, 1_000_000, &signal);
    defer t.gpa.free(text);
    try expectEqual(null, signal);
    try expectInOrder(text, &.{ "photonrt: stall: task ", " has kept vCPU 1 of group ", " ms, running" });
    if (builtin.mode != .debug) return;
    try expectInOrder(text, &.{"in burns"});
    // musl has no tables for a signal's frame: the trace is the innermost call.
    if (!builtin.abi.isMusl()) try expectInOrder(text, &.{ "in burns", "in entry", "task_main" });
}
