//! Bad arguments, no runtime, stale and forged handles; a group's end ends its timers; timers keep nothing running.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;
const Atomic = std.atomic.Value;
const Group = photonrt.Group;
const Ticks = check.timer.Ticks;
const Timer = photonrt.Timer;
const tick = check.timer.tick;

fn entry(_: c.co_timer_t, _: u64, arg: ?*anyopaque) callconv(.c) void {
    const t: *Ticks = @ptrCast(@alignCast(arg.?));
    _ = t.calls.fetchAdd(1, .monotonic);
}

fn badOptions(t: *Ticks) void {
    const bad = [_]photonrt.timer.Options{
        .{ .delay = .ns(-2) },
        .{ .period = -1 },
        .{ .stack_size = 1 << 40 },
    };
    for (bad) |options| {
        check.err(error.InvalidArgument, Timer.start(options, t, tick));
        check.err(error.InvalidArgument, Timer.startDetached(options, t, tick));
    }
    check.err(error.InvalidArgument, Timer.startDetached(.{ .delay = .forever }, t, tick));
    check.err(error.NotFound, Timer.start(.{ .group = @fromBackingInt(1 << 40) }, t, tick));
}

/// What Zig's types leave no room for.
fn badAttributes(t: *Ticks) Timer {
    var timer: c.co_timer_t = 7;
    var attr = std.mem.zeroes(c.co_timer_attr_t);
    check.errno(.INVAL, c.co_timer_start(&timer, null, null, null));
    attr.size = @sizeOf(c.co_timer_attr_t);
    attr.reserved = 1;
    check.errno(.INVAL, c.co_timer_start(&timer, &attr, entry, t));
    attr.reserved = 0;
    attr.size = 4;
    check.errno(.INVAL, c.co_timer_start(&timer, &attr, entry, t));
    const Longer = extern struct { attr: c.co_timer_attr_t, newer: u64 };
    var longer = std.mem.zeroes(Longer);
    longer.attr.size = @sizeOf(Longer);
    longer.attr.delay_ns = c.CO_FOREVER;
    longer.newer = 1;
    check.errno(.@"2BIG", c.co_timer_start(&timer, &longer.attr, entry, t));
    check.eq(7, timer); // untouched by what failed
    longer.newer = 0;
    check.eq(0, c.co_timer_start(&timer, &longer.attr, entry, t));
    return @fromBackingInt(timer);
}

fn badCalls() !void {
    var t: Ticks = .{};
    badOptions(&t);
    const timer = badAttributes(&t);
    check.err(error.InvalidArgument, timer.reset(.forever));
    check.err(error.InvalidArgument, timer.stop(.ns(-2)));
    const n = @backingInt(timer);
    for ([_]u64{ 0, 1, std.math.maxInt(u64), n + 1, n ^ 1 << 32, n ^ 1 << 63 }) |number| {
        const forged: Timer = @fromBackingInt(number);
        check.err(error.NotFound, forged.cancel());
        check.err(error.NotFound, forged.reset(.now));
        check.err(error.NotFound, forged.stop(.forever));
    }
    try timer.stop(.forever);
    check.eq(0, t.calls.load(.monotonic));
}

var ran_in: Atomic(u64) = .init(0);

fn noteGroup(timer: Timer, expiries: u64, t: *Ticks) void {
    ran_in.store(@backingInt(Group.self().?), .monotonic);
    tick(timer, expiries, t);
}

fn groups() !void {
    var t: Ticks = .{};
    const group: Group = try .create(.{});
    const timer = check.timer.start(.{ .period = 200 * check.us, .group = group }, &t, noteGroup);
    t.untilCalls(3);
    check.eq(@backingInt(group), ran_in.load(.monotonic));
    try timer.stop(.forever);
    const later: photonrt.timer.Options = .{ .delay = .seconds(3600), .period = 200 * check.us, .group = group };
    const armed = check.timer.start(later, &t, tick);
    check.eq(group, try group.run(.forever, Group.self, .{}));
    try group.destroy(.forever); // an armed timer holds nobody up
    check.err(error.NotFound, armed.stop(.forever));
    check.err(error.NotFound, Timer.start(later, &t, tick));
}

var left: Ticks = .{};
var left_armed: Timer = undefined;

fn leave() void {
    left_armed = check.timer.start(.{ .delay = .us(100), .period = 100 * check.us }, &left, tick);
    _ = check.timer.start(.{ .delay = .seconds(3600) }, &left, tick);
    left.untilCalls(2);
}

pub fn plain() !void {
    check.err(error.NotFound, Timer.start(.{}, &left, tick));
    check.err(error.NotFound, Timer.startDetached(.{}, &left, tick));
    check.err(error.NotFound, Timer.stop(@fromBackingInt(1), .forever));
    var config = check.config();
    for ([_]bool{ false, false, true }) |cancel_rest| {
        // Main's end is the end, whatever is armed.
        config.cancel_rest = cancel_rest;
        try photonrt.run(config, leave, .{});
        check.eq(0, left.inside.load(.monotonic));
        const calls = left.calls.load(.monotonic);
        check.hold(2 * check.ms);
        check.eq(calls, left.calls.load(.monotonic));
        check.err(error.NotFound, left_armed.cancel());
    }
    check.init();
    try badCalls();
    try groups();
    try photonrt.shutdown(.forever);
}
