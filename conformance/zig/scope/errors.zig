const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;

const Scope = photonrt.Scope;
const max = std.math.maxInt(u64);
var shared: Scope = undefined;

fn nothing() void {}

fn nothingRaw(arg: ?*anyopaque) callconv(.c) ?*anyopaque {
    return arg;
}

fn fromInside() !void {
    check.eq(shared, Scope.current().?);
    check.err(error.Deadlock, shared.wait(.now));
    check.err(error.Deadlock, shared.close());
    const s: Scope = try .open(.{});
    check.err(error.Deadlock, shared.wait(.now));
    check.eq(shared, Scope.current().?); // what it is a child of
    try s.close();
}

fn deeper() !void {
    const s: Scope = try .open(.{ .shielded = true });
    check.eq(shared, Scope.current().?);
    check.err(error.Deadlock, shared.close());
    try s.close();
}

fn notTheOwner() !void {
    check.eq(null, Scope.current());
    check.err(error.PermissionDenied, shared.wait(.now));
    check.err(error.PermissionDenied, shared.close());
    _ = try shared.spawn(nothing, .{}); // this anybody may
    check.eq(c.CO_SCOPE_ALL, (try shared.info()).policy);
}

fn handles() void {
    const gone = @backingInt(shared);
    const self = @backingInt(photonrt.Coroutine.current().?);
    for ([_]u64{ 0, 1, max, gone, gone + (1 << 32), gone ^ 2048, self }) |handle| {
        const s: Scope = @fromBackingInt(handle);
        check.err(error.NotFound, s.spawn(nothing, .{}));
        check.err(error.NotFound, s.spawnWith(.{ .stack_size = 32 << 10 }, nothing, .{}));
        check.errno(.SRCH, c.co_scope_spawn(handle, nothingRaw, null));
        check.errno(.SRCH, c.co_scope_spawn_with(handle, null, nothingRaw, null));
        check.err(error.NotFound, s.wait(.forever));
        check.err(error.NotFound, s.cancel());
        check.err(error.NotFound, s.close());
        check.err(error.NotFound, s.result(0));
        check.err(error.NotFound, s.info());
    }
}

fn attrOf() c.co_scope_attr_t {
    var attr = std.mem.zeroes(c.co_scope_attr_t);
    attr.size = @sizeOf(c.co_scope_attr_t);
    return attr;
}

fn opening() !void {
    var handle: c.co_scope_t = 7;
    check.errno(.INVAL, c.co_scope_open(null, null));
    var attr = attrOf();
    attr.policy = 3;
    check.errno(.INVAL, c.co_scope_open(&handle, &attr));
    attr = attrOf();
    attr.flags = 4;
    check.errno(.INVAL, c.co_scope_open(&handle, &attr));
    attr = attrOf();
    attr.reserved = 1;
    check.errno(.INVAL, c.co_scope_open(&handle, &attr));
    attr = attrOf();
    attr.size = 4;
    check.errno(.INVAL, c.co_scope_open(&handle, &attr));
    var newer: extern struct { attr: c.co_scope_attr_t, more: u64 } = .{ .attr = attrOf(), .more = 1 };
    newer.attr.size = @sizeOf(@TypeOf(newer));
    check.errno(.@"2BIG", c.co_scope_open(&handle, &newer.attr));
    check.eq(7, handle);
    newer.more = 0;
    check.eq(0, c.co_scope_open(&handle, &newer.attr));
    check.eq(0, c.co_scope_close(handle));
    check.err(error.InvalidArgument, Scope.open(.{ .timeout = .ns(-2) }));
    const s: Scope = try .open(.{ .timeout = .forever });
    check.eq(null, Scope.deadline());
    try s.close();
}

fn large(_: [10_000]u8) void {}

fn spawning() !void {
    const s: Scope = try .open(.{});
    const handle = @backingInt(s);
    const attr: photonrt.Attr = .{};
    var raw = attr.raw();
    var env: [64]u8 = @splat(0);
    check.errno(.INVAL, c.co_scope_spawn(handle, null, null));
    check.errno(.INVAL, c.co_scope_spawn_with(handle, null, null, null));
    check.errno(.INVAL, c.co_scope_spawn_copy(handle, null, null, &env, 1, 1));
    raw.flags = c.CO_DETACHED;
    check.errno(.INVAL, c.co_scope_spawn_with(handle, &raw, nothingRaw, null));
    raw.flags = 1 << 30;
    check.errno(.INVAL, c.co_scope_spawn_with(handle, &raw, nothingRaw, null));
    check.err(error.InvalidArgument, s.spawnWith(.{ .stack_size = max }, nothing, .{}));
    check.err(error.NotFound, s.spawnWith(.{ .group = @fromBackingInt(12345) }, nothing, .{}));
    check.err(error.TooBig, s.spawnWith(.{ .stack_size = 16 << 10 }, large, .{@splat(0)}));
    check.errno(.INVAL, c.co_scope_spawn_copy(handle, null, nothingRaw, null, 1, 1));
    for ([_]usize{ 0, 3, 8192 }) |alignment| {
        check.errno(.INVAL, c.co_scope_spawn_copy(handle, null, nothingRaw, &env, 1, alignment));
    }
    for ([_]usize{ std.math.maxInt(usize), 1 << 30 }) |size| {
        check.errno(.@"2BIG", c.co_scope_spawn_copy(handle, null, nothingRaw, &env, size, 1));
    }
    // None of these left a trace.
    var info = try s.info();
    check.eq(0, info.spawned);
    check.eq(0, info.running);
    check.eq(0, try s.spawn(nothing, .{}));
    try s.wait(.forever);
    check.err(error.InvalidArgument, s.result(1));
    check.err(error.InvalidArgument, s.result(std.math.maxInt(u31)));
    var result: ?*anyopaque = &env;
    check.errno(.INVAL, c.co_scope_result(handle, -1, &result));
    check.eq(@as(?*anyopaque, &env), result);
    check.errno(.INVAL, c.co_scope_info(handle, null));
    info.size = 4;
    check.errno(.INVAL, c.co_scope_info(handle, &info));
    check.err(error.InvalidArgument, s.wait(.ns(-2)));
    try s.close();
}

fn waits() !void {
    try photonrt.sleep(.forever);
}

fn running() !void {
    const s: Scope = try .open(.{});
    check.eq(0, try s.spawn(waits, .{}));
    check.err(error.Running, s.result(0));
    const inner: Scope = try .open(.{});
    check.err(error.Busy, s.close()); // the inner one first; nothing is done
    check.eq(0, (try s.info()).cancelled);
    try inner.close();
    const self = photonrt.Coroutine.current().?;
    try self.interrupt(error.Interrupted);
    check.err(error.Interrupted, s.wait(.forever));
    try self.cancel();
    check.err(error.Canceled, s.wait(.forever));
    check.eq(0, (try s.info()).cancelled);
    check.err(error.Canceled, s.close()); // waits, cancelled or not
    check.that(photonrt.acknowledgeCancel());
}

pub fn body() !void {
    try opening();
    check.eq(null, Scope.current());
    check.eq(null, Scope.deadline());
    shared = try .open(.{});
    _ = try shared.spawn(fromInside, .{});
    _ = try shared.spawn(deeper, .{});
    check.join(check.spawn(notTheOwner, .{}));
    try check.onThread(notTheOwner, .{});
    try shared.wait(.forever);
    try shared.close();
    handles();
    try spawning();
    try running();
}
