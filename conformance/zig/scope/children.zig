const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;

const Scope = photonrt.Scope;
const many = 10_000;
var results: [many]usize = undefined;

fn echo(place: *usize, n: usize) void {
    photonrt.yield();
    place.* = n;
}

/// Its environment has been copied to where it asked for, and lies there until it ends.
fn square(env: ?*anyopaque) callconv(.c) ?*anyopaque {
    const n: *const usize = @ptrCast(@alignCast(env.?));
    check.eq(0, @intFromPtr(env) % 64);
    check.eq(env, c.co_env(c.co_self()));
    const result = n.* * n.*;
    photonrt.yield();
    check.eq(result, n.* * n.*);
    return @ptrFromInt(result);
}

const Wide = struct { n: usize align(64) };

fn squareOf(wide: Wide, place: *usize) void {
    check.eq(0, @intFromPtr(&wide) % 64);
    photonrt.yield();
    place.* = wide.n * wide.n;
}

fn withMany() !void {
    @memset(&results, 0);
    var s: Scope = try .open(.{});
    for (&results, 0..) |*place, i| check.eq(i, try s.spawn(echo, .{ place, i + 1 }));
    try s.wait(.forever);
    for (results, 0..) |result, i| {
        try s.result(@intCast(i));
        check.eq(i + 1, result);
    }
    try s.close();

    s = try .open(.{ .policy = .fail_fast });
    for (0..many) |i| {
        check.eq(i, c.co_scope_spawn_copy(@backingInt(s), null, square, &i, @sizeOf(usize), 64));
        if (i % 500 == 0) try s.wait(.forever);
    }
    try s.wait(.forever);
    for (0..many) |i| {
        var result: ?*anyopaque = null;
        check.eq(0, c.co_scope_result(@backingInt(s), @intCast(i), &result));
        check.eq(i * i, @intFromPtr(result));
    }
    try s.close();

    s = try .open(.{ .policy = .fail_fast });
    for (&results, 0..) |*place, i| _ = try s.spawn(squareOf, .{ Wide{ .n = i }, place });
    try s.wait(.forever);
    for (results, 0..) |result, i| check.eq(i * i, result);
    try s.close();
}

fn sleeps(ended: *std.atomic.Value(u32)) void {
    check.err(error.Canceled, photonrt.sleep(.forever));
    _ = ended.fetchAdd(1, .monotonic);
}

fn manyCancelled() !void {
    var ended: std.atomic.Value(u32) = .init(0);
    const s: Scope = try .open(.{});
    for (0..many) |i| check.eq(i, try s.spawn(sleeps, .{&ended}));
    try photonrt.sleep(.ms(2));
    check.eq(many, (try s.info()).running);
    check.err(error.Canceled, s.close());
    check.eq(many, ended.load(.monotonic));
}

fn yields() void {
    photonrt.yield();
}

fn yieldsRaw(arg: ?*anyopaque) callconv(.c) ?*anyopaque {
    photonrt.yield();
    return arg;
}

/// A scope that lives long: nothing is kept of children that have ended.
fn withoutResults() !void {
    var mark: u8 = 0;
    const s: Scope = try .open(.{ .no_results = true });
    check.eq(0, c.co_scope_spawn(@backingInt(s), yieldsRaw, &mark));
    try s.wait(.forever);
    for (1..20 * many) |i| {
        check.eq(0, try s.spawn(yields, .{}));
        if (i % 64 == 0) photonrt.yield();
    }
    try s.wait(.forever);
    const info = try s.info();
    check.eq(20 * many, info.spawned);
    check.eq(0, info.succeeded);
    check.eq(@as(?*anyopaque, &mark), info.result);
    check.err(error.InvalidArgument, s.result(0));
    try s.close();
}

fn inGroup(group: photonrt.Group, same: bool, stack_size: u64) !void {
    check.eq(same, photonrt.Group.self().? == group);
    check.eq(stack_size, (try photonrt.Coroutine.current().?.info()).stack_size);
}

/// Where children run: as the scope says, unless their own attributes say otherwise.
fn places() !void {
    const group: photonrt.Group = try .create(.{});
    const s: Scope = try .open(.{ .group = group, .stack_size = 20 << 10 });
    check.eq(0, try s.spawn(inGroup, .{ group, true, 32 << 10 }));
    const attr: photonrt.Attr = .{ .group = photonrt.Group.self().?, .stack_size = 256 << 10, .name = "child" };
    check.eq(1, try s.spawnWith(attr, named, .{group}));
    try s.wait(.forever);
    try s.close();
    try group.destroy(.forever);
}

fn named(group: photonrt.Group) !void {
    try inGroup(group, false, 256 << 10);
    const info = try photonrt.Coroutine.current().?.info();
    check.that(std.mem.eql(u8, "child", std.mem.sliceTo(&info.name, 0)));
}

var shared: Scope = undefined;

/// Children spawn their siblings.
fn grows(n: usize) anyerror!void {
    if (n == 0) return;
    _ = try Scope.current().?.spawn(grows, .{n - 1});
    _ = try shared.spawn(grows, .{n - 1});
}

fn spawnsMany() !void {
    for (0..1000) |_| _ = try shared.spawn(yields, .{});
}

fn byAll() !void {
    shared = try .open(.{});
    check.eq(0, try shared.spawn(grows, .{9}));
    const thread = check.thread(spawnsMany, .{});
    try shared.wait(.forever);
    while ((try shared.info()).spawned < 1023 + 1000) try photonrt.sleep(.ms(1));
    thread.join();
    try shared.wait(.forever);
    check.eq(1023 + 1000, (try shared.info()).spawned);
    try shared.close();
}

fn ownerThread() !void {
    try withMany();
    const s: Scope = try .open(.{ .policy = .fail_fast });
    check.eq(0, try s.spawn(yields, .{}));
    try s.wait(.forever);
    try s.close();
}

pub fn body() !void {
    try withMany();
    try manyCancelled();
    try withoutResults();
    try places();
    try byAll();
    try check.onThread(ownerThread, .{});
    check.untilLive(1);
}
