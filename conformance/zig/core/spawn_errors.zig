const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;
const max = std.math.maxInt;

fn never(arg: ?*anyopaque) callconv(.c) ?*anyopaque {
    check.fail("a refused coroutine runs", .{});
    return arg;
}

fn neverSmall() void {
    check.fail("a refused coroutine runs", .{});
}

fn neverLarge(_: [100]u8) [100]u8 {
    check.fail("a refused coroutine runs", .{});
}

fn end(arg: ?*anyopaque) callconv(.c) ?*anyopaque {
    return arg;
}

fn refused(want: anyerror, attr: photonrt.Attr) void {
    const spawned = check.stats().spawned;
    check.err(want, photonrt.spawnWith(attr, neverSmall, .{}));
    check.err(want, photonrt.spawnWith(attr, neverLarge, .{@splat(0)}));
    check.err(want, photonrt.spawnDetachedWith(attr, neverSmall, .{}));
    check.eq(spawned, check.stats().spawned);
    check.eq(1, check.stats().live);
}

/// The same for what `Attr` can't say.
fn refusedRaw(want: std.posix.E, attr: ?*const c.co_attr_t, function: c.co_entry_t) void {
    const spawned = check.stats().spawned;
    var co: c.co_t = 77;
    var byte: u8 = 0;
    check.errno(want, c.co_spawn(&co, attr, function, null));
    check.errno(want, c.co_spawn_copy(&co, attr, function, &byte, 1, 1));
    check.eq(77, co);
    check.errno(want, c.co_spawn(null, attr, function, null));
    check.eq(spawned, check.stats().spawned);
    check.eq(1, check.stats().live);
}

pub fn body() !void {
    const Newer = extern struct { known: c.co_attr_t, tail: [2]u64 };
    var newer: Newer = .{ .known = photonrt.Attr.raw(.{}), .tail = .{ 1, 0 } };
    newer.known.size = @sizeOf(Newer);

    refusedRaw(.INVAL, null, null);
    var attr = photonrt.Attr.raw(.{});
    for (0..8) |size| {
        attr.size = @intCast(size);
        refusedRaw(.INVAL, &attr, never);
    }
    refusedRaw(.@"2BIG", &newer.known, never);
    attr = photonrt.Attr.raw(.{});
    attr.flags = 1 << 20;
    refusedRaw(.INVAL, &attr, never);
    attr = photonrt.Attr.raw(.{});
    attr.reserved = 1;
    refusedRaw(.INVAL, &attr, never);
    refused(error.InvalidArgument, .{ .stack_size = (8 << 20) + 1 });
    refused(error.InvalidArgument, .{ .stack_size = max(u64) });
    refused(error.NotFound, .{ .group = @fromBackingInt(0xdeadbeef0badcafe) });
    refused(error.NotFound, .{ .vcpu = check.vcpus() + 1 });
    refused(error.NotFound, .{ .vcpu = max(u32) });

    newer.tail[0] = 0;
    var co: c.co_t = 0;
    check.eq(0, c.co_spawn(&co, &newer.known, end, null)); // a newer header that asks for nothing new
    check.eq(0, c.co_join(co, null, c.CO_FOREVER));
    attr = photonrt.Attr.raw(.{});
    attr.size = 8; // an older one: what is beyond is not looked at
    attr.stack_size = max(u64);
    attr.vcpu = max(u32);
    check.eq(0, c.co_spawn(&co, &attr, end, null));
    check.eq(0, c.co_join(co, null, c.CO_FOREVER));
}
