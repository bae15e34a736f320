//! A job finds a coroutine as good as new, whatever the one before has done with it.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;
const Atomic = std.atomic.Value;
const Coroutine = photonrt.Coroutine;

var pool: photonrt.Pool = undefined;
var local: photonrt.Local(u32) = undefined;
var value: u32 = 7;
var destroyed: Atomic(usize) = .init(0);
var phase: Atomic(u32) = .init(0);
var last: Coroutine = .none;

fn destructor(at: *u32) void {
    check.eq(&value, at);
    _ = destroyed.fetchAdd(1, .monotonic);
}

fn mess(bracket: bool) !void {
    last = Coroutine.current().?;
    try local.set(&value);
    _ = try photonrt.arena.allocator.alignedAlloc(u8, .@"8", 1000);
    try last.setName("messy");
    try last.unpark();
    const shield: photonrt.Shield = .begin();
    check.eq(0, shield.before);
    _ = try photonrt.Scope.open(.{});
    try last.cancel();
    try last.interrupt(error.NotSameFileSystem);
    check.eq(1, c.co_pin());
    if (bracket) check.eq(1, photonrt.Bracket.enter().depth);
}

fn inspect() !void {
    const me = Coroutine.current().?;
    const info = check.info(me);
    check.that(me != last);
    check.err(error.NotFound, last.cancel());
    check.err(error.NotFound, last.interrupt(error.NotSameFileSystem));
    check.err(error.NotFound, last.unpark());
    check.that(std.mem.eql(u8, "tidy", std.mem.sliceTo(&info.name, 0)));
    check.eq(.running, try me.state());
    check.eq(null, c.co_env(@backingInt(me)));
    check.eq(null, local.get());
    check.eq(0, photonrt.arena.used());
    check.eq(null, photonrt.Scope.current());
    check.that(!photonrt.cancelPending());
    check.eq(0, c.co_cancel_shield(0));
    check.err(error.WouldBlock, photonrt.park(.now)); // no token, no cancel, no interrupt
    try photonrt.sleep(.now);
    const itself: photonrt.Task(void) = .{ .co = me };
    check.err(error.Deadlock, itself.joinTimeout(.now));
    check.errno(.SRCH, c.co_detach(@backingInt(me)));
    check.err(error.InvalidArgument, photonrt.unpin());
    check.eq(0, info.flags & c.CO_MIGRATABLE);
    last = me;
}

/// A job's error is its caller's to see, and that of a submitted one nobody's.
fn inspects() void {
    inspect() catch |e| check.fail("a job finds {t}", .{e});
}

/// Waits to be stopped.
fn waits() void {
    last = Coroutine.current().?;
    phase.store(1, .release);
    check.err(error.Canceled, photonrt.sleep(.forever));
    phase.store(2, .release);
    check.err(error.Canceled, photonrt.sleep(.seconds(1)));
}

fn findIdle(info: *const photonrt.c.co_info_t, idle: *Coroutine) bool {
    const co: Coroutine = @fromBackingInt(info.co);
    if (co != Coroutine.current() and std.mem.eql(u8, "tidy", std.mem.sliceTo(&info.name, 0))) idle.* = co;
    return true;
}

pub fn body() !void {
    local = try .init(destructor);
    pool = try .init(.{ .max = 1, .name = "tidy", .idle = c.CO_FOREVER });
    for (0..10) |i| {
        try pool.run(.forever, mess, .{i % 2 == 1});
        check.eq(i + 1, destroyed.load(.monotonic));
        check.err(error.NotFound, last.cancel());
        try pool.run(.forever, inspect, .{});
        // Directly after each other, without an idle moment.
        try pool.submit(.forever, inspects, .{});
        try pool.submit(.forever, inspects, .{});
        try pool.wait(.forever);
    }
    // A cancel reaches the job that it is for.
    try pool.submit(.forever, waits, .{});
    while (phase.load(.acquire) != 1) try photonrt.sleep(.us(100));
    try last.cancel();
    try pool.run(.forever, inspect, .{});
    check.eq(2, phase.load(.acquire));
    // Who cancels an idle one ends it, and the pool goes on.
    for (0..20) |i| {
        var idle: Coroutine = .none;
        photonrt.forEach(&idle, findIdle);
        if (idle != .none) {
            const task: photonrt.Task(void) = .{ .co = idle };
            check.err(error.NotFound, task.joinTimeout(.now));
            if (idle.cancel()) |_| {
                if (i % 2 == 0) try photonrt.sleep(.us(100));
            } else |_| {}
        }
        try pool.run(.forever, inspect, .{});
    }
    check.eq(1, (try pool.info()).workers);
    try pool.close(.forever);
    local.deinit();
}
