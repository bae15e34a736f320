const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;

const Scope = photonrt.Scope;

fn nothing() void {}

fn failsFirst(e: anyerror) !void {
    try photonrt.sleep(.ms(2));
    return e;
}

/// Waits until another child has failed.
fn untilFailed() !void {
    while ((try Scope.current().?.info()).@"error" == 0) try photonrt.sleep(.us(100));
}

fn failsSecond(e: anyerror) !void {
    try untilFailed();
    return e;
}

fn untilCancelled() void {
    check.err(error.Canceled, photonrt.sleep(.forever));
}

fn failsWhenCancelled() !void {
    try photonrt.sleep(.forever);
}

/// As C has it, so that there is a result to keep.
fn succeedsSecond(arg: ?*anyopaque) callconv(.c) ?*anyopaque {
    check.must(untilFailed());
    return arg;
}

fn all() !void {
    var mark: u8 = 0;
    const s: Scope = try .open(.{});
    check.eq(0, try s.spawn(failsFirst, .{error.InputOutput}));
    check.eq(1, c.co_scope_spawn(@backingInt(s), succeedsSecond, &mark));
    check.eq(2, try s.spawn(failsSecond, .{error.FileNotFound}));
    check.err(error.InputOutput, s.wait(.forever)); // the first, and all are waited for
    check.err(error.InputOutput, s.result(0));
    try s.result(1);
    check.err(error.FileNotFound, s.result(2));
    var result: ?*anyopaque = null;
    check.eq(0, c.co_scope_result(@backingInt(s), 1, &result));
    check.eq(@as(?*anyopaque, &mark), result);
    const info = try s.info();
    check.eq(0, info.cancelled);
    check.errno(.IO, info.@"error");
    check.eq(0, info.failed);
    check.eq(1, info.succeeded);
    check.eq(@as(?*anyopaque, &mark), info.result);
    check.eq(0, info.running);
    check.eq(3, info.spawned);
    check.eq(c.CO_FOREVER, info.deadline);
    check.eq(3, try s.spawn(nothing, .{})); // and more, after a wait
    check.err(error.InputOutput, s.wait(.seconds(1)));
    check.err(error.InputOutput, s.close());
    check.err(error.NotFound, s.close());
}

fn echo(arg: ?*anyopaque) callconv(.c) ?*anyopaque {
    return arg;
}

fn succeeds(arg: ?*anyopaque) callconv(.c) ?*anyopaque {
    check.must(photonrt.sleep(.ms(1)));
    return arg;
}

fn well() !void {
    const s: Scope = try .open(.{ .policy = .fail_fast });
    try s.wait(.now); // no children yet
    var marks: [40]u8 = undefined;
    for (&marks, 0..) |*mark, i| check.eq(i, c.co_scope_spawn(@backingInt(s), if (i % 2 == 1) echo else succeeds, mark));
    check.err(error.WouldBlock, s.wait(.now));
    check.err(error.Timeout, s.wait(.us(1))); // the wait's own; they go on
    try s.wait(.forever);
    for (&marks, 0..) |*mark, i| {
        var result: ?*anyopaque = null;
        check.eq(0, c.co_scope_result(@backingInt(s), @intCast(i), &result));
        check.eq(@as(?*anyopaque, mark), result);
        try s.result(@intCast(i));
    }
    try s.close();
}

fn failFast() !void {
    const s: Scope = try .open(.{ .policy = .fail_fast });
    check.eq(0, try s.spawn(untilCancelled, .{}));
    check.eq(1, try s.spawn(failsWhenCancelled, .{}));
    check.eq(2, try s.spawn(failsFirst, .{error.InputOutput}));
    check.err(error.InputOutput, s.wait(.forever));
    try s.result(0); // it was cancelled, and ended well all the same
    check.err(error.Canceled, s.result(1));
    const info = try s.info();
    check.eq(1, info.cancelled);
    check.eq(2, info.failed);
    check.eq(-1, info.succeeded); // after the cancel nothing counts
    check.err(error.Canceled, s.spawn(nothing, .{}));
    try s.cancel();
    check.err(error.InputOutput, s.close());
}

fn first() !void {
    var mark: u8 = 0;
    var s: Scope = try .open(.{ .policy = .first });
    check.eq(0, try s.spawn(untilCancelled, .{}));
    check.eq(1, try s.spawn(failsFirst, .{error.InputOutput}));
    check.eq(2, c.co_scope_spawn(@backingInt(s), succeedsSecond, &mark));
    check.eq(3, try s.spawn(failsWhenCancelled, .{}));
    try s.wait(.forever);
    const info = try s.info();
    check.eq(1, info.cancelled);
    check.eq(2, info.succeeded);
    check.eq(@as(?*anyopaque, &mark), info.result);
    check.errno(.IO, info.@"error");
    try s.close();
    // None succeeds: the first error.
    s = try .open(.{ .policy = .first });
    check.eq(0, try s.spawn(failsFirst, .{error.FileNotFound}));
    check.eq(1, try s.spawn(failsSecond, .{error.InputOutput}));
    check.err(error.FileNotFound, s.wait(.forever));
    check.eq(-1, (try s.info()).succeeded);
    check.err(error.FileNotFound, s.close());
}

fn lastCounts(arg: ?*anyopaque) callconv(.c) ?*anyopaque {
    const given: *const c_int = @ptrCast(@alignCast(arg.?));
    for ([_]c_int{ -5, 0, given.* }) |number| check.eq(null, c.co_scope_fail(number));
    return arg;
}

fn failValues() !void {
    const invalid = -@as(c_int, @backingInt(std.posix.E.INVAL));
    const given = [_]c_int{ 0, -1, -4095, -4096, 1, std.math.minInt(c_int) };
    const got = [_]c_int{ 0, -1, -4095, invalid, invalid, invalid };
    const s: Scope = try .open(.{});
    for (&given, 0..) |*number, i| check.eq(i, c.co_scope_spawn(@backingInt(s), lastCounts, @constCast(number)));
    check.that(std.meta.isError(s.wait(.forever)));
    for (&given, got, 0..) |*number, want, i| {
        var result: ?*anyopaque = null;
        check.eq(want, c.co_scope_result(@backingInt(s), @intCast(i), &result));
        check.eq(@as(?*const anyopaque, number), @as(?*const anyopaque, result)); // what it returned is kept, failed or not
    }
    check.that(std.meta.isError(s.close()));
    photonrt.scope.fail(error.InputOutput); // no child: nothing happens
}

fn says(e: anyerror) void {
    photonrt.scope.fail(e);
}

/// Only errors that have a number can be told: others become one that has.
fn errorsWithoutNumbers() !void {
    const s: Scope = try .open(.{});
    check.eq(0, try s.spawn(failsSecond, .{error.OfOurOwn}));
    check.eq(1, try s.spawn(says, .{error.AccessDenied}));
    check.eq(2, try s.spawn(failsOddlyWhenCancelled, .{}));
    check.eq(3, try s.spawn(nothing, .{}));
    while ((try s.info()).running > 1) try photonrt.sleep(.us(100));
    try s.cancel();
    check.err(error.AccessDenied, s.wait(.forever));
    check.err(error.InputOutput, s.result(0));
    check.err(error.AccessDenied, s.result(1));
    check.err(error.Canceled, s.result(2));
    try s.result(3);
    check.err(error.AccessDenied, s.close());
}

fn failsOddlyWhenCancelled() !void {
    photonrt.sleep(.forever) catch return error.OfOurOwn;
}

pub fn body() !void {
    try all();
    try well();
    try failFast();
    try first();
    try failValues();
    try errorsWithoutNumbers();
}
