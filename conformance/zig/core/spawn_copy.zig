const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;

fn fill(bytes: []u8, seed: u64) void {
    var rng = seed;
    for (bytes) |*byte| byte.* = @truncate(check.rand(&rng));
}

fn same(bytes: []const u8, seed: u64) void {
    var rng = seed;
    for (bytes, 0..) |byte, i| {
        if (byte != @as(u8, @truncate(check.rand(&rng)))) check.fail("byte {d} of {d} differs", .{ i, bytes.len });
    }
}

/// The environment is all pattern: its shape comes by another way.
const Shape = struct { size: usize, alignment: usize, seed: u64 };
var shape: Shape = undefined;
var room: [128 << 10]u8 align(4096) = undefined;

fn child(arg: ?*anyopaque) callconv(.c) ?*anyopaque {
    const s = shape;
    check.eq(0, @intFromPtr(arg) % s.alignment);
    check.eq(arg, c.co_env(c.co_self()));
    const env = @as([*]u8, @ptrCast(arg.?))[0..s.size];
    same(env, s.seed);
    check.must(photonrt.sleep(.now));
    same(env, s.seed);
    fill(env, s.seed + 1); // the results, where the closure was
    return arg;
}

/// Any size and alignment, as they can be had at run time.
fn copy(size: usize, alignment: usize) void {
    shape = .{ .size = size, .alignment = alignment, .seed = size * 31 + alignment };
    fill(room[0..size], shape.seed);
    var co: c.co_t = 0;
    check.eq(0, c.co_spawn_copy(&co, null, child, &room, size, alignment));
    @memset(room[0..size], 0xee); // ours again
    const there = c.co_env(co).?;
    const address = @intFromPtr(there);
    check.that(address < @intFromPtr(&room) or address >= @intFromPtr(&room) + room.len);
    check.eq(0, c.co_wait(co, c.CO_FOREVER));
    check.eq(@as(?*anyopaque, there), c.co_env(co));
    same(@as([*]u8, @ptrCast(there))[0..size], shape.seed + 1);
    var result: ?*anyopaque = null;
    check.eq(0, c.co_join(co, &result, c.CO_FOREVER));
    check.eq(@as(?*anyopaque, there), result);
    check.eq(null, c.co_env(co));
}

/// The same by types: what goes in comes out, of each size and alignment.
fn typed(comptime size: usize, comptime alignment: usize) !void {
    const Env = struct {
        bytes: [size]u8 align(alignment),
        seed: u64,

        fn turn(env: @This(), at: *usize) @This() {
            at.* = @intFromPtr(&env);
            same(&env.bytes, env.seed);
            check.must(photonrt.sleep(.now));
            same(&env.bytes, env.seed);
            var next: @This() = .{ .bytes = undefined, .seed = env.seed + 1 };
            fill(&next.bytes, next.seed);
            return next;
        }
    };
    var env: Env = .{ .bytes = undefined, .seed = size * 31 + alignment };
    fill(&env.bytes, env.seed);
    var at: usize = 0;
    const task = try photonrt.spawnWith(wide, Env.turn, .{ env, &at });
    const seed = env.seed;
    @memset(std.mem.asBytes(&env), 0xee);
    env = try task.join();
    check.eq(0, at % alignment);
    check.eq(seed + 1, env.seed);
    same(&env.bytes, env.seed);
    check.err(error.NotFound, task.join());
}

fn types() !void {
    inline for (.{ 1, 16, 64, 4096 }) |alignment| inline for (.{ 1, 7, 8, 1000, 4097 }) |size| try typed(size, alignment);
}

/// An unoptimised function keeps many copies of what it passes on.
const wide: photonrt.Attr = .{ .stack_size = 1 << 20 };

fn never(arg: ?*anyopaque) callconv(.c) ?*anyopaque {
    check.fail("a refused coroutine runs", .{});
    return arg;
}

fn end(arg: ?*anyopaque) callconv(.c) ?*anyopaque {
    return arg;
}

var detached: std.atomic.Value(u32) = .init(0);

fn count(a: u64, b: u64) void {
    _ = detached.fetchAdd(@intCast(a + b), .seq_cst);
}

fn tooMuch(_: [8193]u8) void {
    check.fail("a refused coroutine runs", .{});
}

fn errors() void {
    var co: c.co_t = 77;
    check.errno(.INVAL, c.co_spawn_copy(&co, null, never, null, 1, 1));
    check.errno(.INVAL, c.co_spawn_copy(&co, null, never, &room, 1, 0));
    check.errno(.INVAL, c.co_spawn_copy(&co, null, never, &room, 1, 3));
    check.errno(.INVAL, c.co_spawn_copy(&co, null, never, &room, 1, 8192));
    check.errno(.INVAL, c.co_spawn_copy(&co, null, null, &room, 1, 1));
    check.errno(.@"2BIG", c.co_spawn_copy(&co, null, never, &room, std.math.maxInt(usize), 1));
    check.errno(.@"2BIG", c.co_spawn_copy(&co, null, never, &room, 256 << 10, 1));
    const attr = photonrt.Attr.raw(.{ .stack_size = 16 << 10 });
    check.errno(.@"2BIG", c.co_spawn_copy(&co, &attr, never, &room, 8193, 1));
    check.eq(77, co);
    check.err(error.TooBig, photonrt.spawnWith(.{ .stack_size = 16 << 10 }, tooMuch, .{@splat(0)}));
    check.eq(1, check.stats().live);
}

pub fn body() !void {
    for (0..13) |bit| for ([_]usize{ 1, 2, 7, 8, 15, 64, 1000, 4096, 4097, 30_000, 100_000, 128 << 10 }) |size| {
        copy(size, @as(usize, 1) << @intCast(bit));
    };
    const task = try photonrt.spawnWith(wide, types, .{});
    try task.join();

    var co: c.co_t = 0;
    check.eq(0, c.co_spawn_copy(&co, null, end, null, 0, 1)); // nothing to copy is allowed
    check.eq(0, c.co_join(co, null, c.CO_FOREVER));
    check.eq(0, c.co_spawn(&co, null, end, null));
    check.eq(null, c.co_env(co));
    check.eq(0, c.co_join(co, null, c.CO_FOREVER));
    for (0..1000) |_| try photonrt.spawnDetached(count, .{ 0, 1 });
    check.untilLive(1);
    check.eq(1000, detached.load(.seq_cst));
    errors();
}
