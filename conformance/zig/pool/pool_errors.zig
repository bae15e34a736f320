//! Bad arguments, bad handles, what can't be had.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;
const Pool = photonrt.Pool;

fn work(n: u32) u32 {
    return n + 1;
}

fn destroys(pool: Pool) void {
    check.err(error.Deadlock, pool.close(.forever));
}

/// A child in the pool's own group may not close it either.
fn spawns(pool: Pool) void {
    check.join(check.spawn(destroys, .{pool}));
}

fn entry(arg: ?*anyopaque) callconv(.c) ?*anyopaque {
    return arg;
}

fn badOptions() void {
    const group = photonrt.Group.self().?;
    const bad = [_]photonrt.pool.Options{
        .{ .stack_size = std.math.maxInt(u64) },
        .{ .idle = -2 },
        .{ .vcpus = 257 },
        .{ .vcpus = 1, .group = group },
    };
    for (bad) |options| check.err(error.InvalidArgument, Pool.init(options));
    check.err(error.NotFound, Pool.init(.{ .group = @fromBackingInt(77777) }));
}

/// What Zig's types leave no room for.
fn badAttributes() !Pool {
    const size = @sizeOf(c.co_pool_attr_t);
    var pool: c.co_pool_t = 0;
    var attr = std.mem.zeroes(c.co_pool_attr_t);
    check.errno(.INVAL, c.co_pool_new(null, null));
    attr.size = size;
    check.errno(.INVAL, c.co_pool_new(null, &attr));
    attr.size = 4;
    check.errno(.INVAL, c.co_pool_new(&pool, &attr));
    attr.size = size;
    for ([_]u32{ c.CO_DETACHED, 1 << 30 }) |flags| {
        attr.flags = flags;
        check.errno(.INVAL, c.co_pool_new(&pool, &attr));
    }
    attr.flags = 0;
    attr.reserved = 1;
    check.errno(.INVAL, c.co_pool_new(&pool, &attr));
    check.eq(0, pool);
    const Longer = extern struct { attr: c.co_pool_attr_t, more: u64 };
    var longer = std.mem.zeroes(Longer);
    longer.attr.size = @sizeOf(Longer);
    longer.more = 1;
    check.errno(.@"2BIG", c.co_pool_new(&pool, &longer.attr));
    check.eq(0, pool);
    longer.more = 0;
    check.eq(0, c.co_pool_new(&pool, &longer.attr));
    return @fromBackingInt(pool);
}

fn badArguments(pool: Pool) !void {
    const raw = @backingInt(pool);
    var place: u8 = 0;
    var result: ?*anyopaque = &place;
    check.errno(.INVAL, c.co_pool_submit(raw, null, null, c.CO_FOREVER));
    check.errno(.INVAL, c.co_pool_call(raw, null, null, &result, c.CO_FOREVER));
    check.errno(.AGAIN, c.co_pool_call(raw, entry, null, &result, c.CO_NOW));
    check.eq(@as(?*anyopaque, &place), result);
    check.errno(.INVAL, c.co_pool_info(raw, null));
    var info = std.mem.zeroes(c.co_pool_info_t);
    info.size = 4;
    check.errno(.INVAL, c.co_pool_info(raw, &info));
    check.err(error.InvalidArgument, pool.submit(.ns(-2), work, .{1}));
    check.err(error.InvalidArgument, pool.run(.ns(-2), work, .{1}));
    check.err(error.WouldBlock, pool.run(.now, work, .{1}));
    check.err(error.InvalidArgument, pool.wait(.ns(-2)));
    check.err(error.InvalidArgument, pool.close(.ns(-2)));
    try pool.wait(.now);
    check.eq(2, try pool.run(.forever, work, .{1}));
    try pool.close(.forever);
}

fn start() !void {
    badOptions();
    var pool = try badAttributes();
    try badArguments(pool);
    var seed: u64 = 7;
    for (0..10_000) |i| {
        const forged: Pool = @fromBackingInt(if (i < 3) i else check.rand(&seed));
        check.err(error.NotFound, forged.submit(.forever, work, .{1}));
        check.err(error.NotFound, forged.run(.forever, work, .{1}));
        check.err(error.NotFound, forged.wait(.forever));
        check.err(error.NotFound, forged.close(.forever));
        check.err(error.NotFound, forged.info());
    }
    check.err(error.NotFound, pool.info());
    pool = try .init(.{ .vcpus = 1 });
    try pool.run(.forever, spawns, .{pool});
    try pool.close(.forever);
}

pub fn plain() !void {
    try photonrt.run(check.config(), start, .{});
}
