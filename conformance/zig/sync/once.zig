//! Done by one, seen by all; tried again after a failure; refused from within. As a call, and as its two halves.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;

const members = 8;
var once: photonrt.Once = .init;
var tried: photonrt.Once = .init;
var objects: [60]photonrt.Once = undefined;
var values: [objects.len]usize = undefined;
var runs: [objects.len]u32 = undefined;
var tries: std.atomic.Value(u32) = .init(0);
var failed: std.atomic.Value(u32) = .init(0);

fn countRun(i: usize) !void {
    runs[i] += 1;
    if (i % 3 == 0) try photonrt.sleep(.us(200)); // it may block
    values[i] = i + 1;
}

fn allObjects() !void {
    for (&objects, 0..) |*object, i| {
        if (i % 4 != 3) {
            try object.call(.forever, countRun, .{i});
        } else if (check.ok(c.co_once_begin(&object.raw, c.CO_FOREVER)) == 1) {
            try countRun(i);
            check.eq(0, c.co_once_end(&object.raw, 1));
        }
        check.eq(i + 1, values[i]);
        check.eq(1, runs[i]);
    }
}

/// Two fail, the third succeeds, and nobody tries after that.
fn failsTwice() !void {
    try photonrt.sleep(.us(300));
    if (tries.fetchAdd(1, .monotonic) < 2) return error.InputOutput;
}

fn tryIt() !void {
    tried.call(.forever, failsTwice, .{}) catch |e| {
        if (e != error.InputOutput) return e;
        _ = failed.fetchAdd(1, .monotonic);
    };
}

fn recursive() error{Domain}!void {
    check.err(error.Deadlock, once.call(.forever, recursive, .{}));
    check.errno(.DEADLK, c.co_once_begin(&once.raw, c.CO_NOW));
    return error.Domain;
}

fn never() void {
    check.fail("done again", .{});
}

fn neverRaw(_: ?*anyopaque) callconv(.c) c_int {
    never();
    return 0;
}

fn notTheRunner() void {
    check.errno(.PERM, c.co_once_end(&once.raw, 1));
    check.errno(.AGAIN, c.co_once_begin(&once.raw, c.CO_NOW));
    check.err(error.WouldBlock, once.call(.now, never, .{}));
    check.err(error.Timeout, once.call(.ms(1), never, .{}));
}

var taken_over: u32 = 0;

fn takesOver() !void {
    try once.call(.forever, takeOver, .{});
}

fn takeOver() void {
    taken_over += 1;
}

pub fn body() !void {
    check.errno(.INVAL, c.co_once(null, neverRaw, null, c.CO_NOW));
    check.errno(.INVAL, c.co_once(&once.raw, null, null, c.CO_NOW));
    check.err(error.InvalidArgument, once.call(.ns(-2), never, .{}));
    check.errno(.INVAL, c.co_once_begin(null, c.CO_NOW));
    check.errno(.INVAL, c.co_once_end(null, 1));
    check.errno(.PERM, c.co_once_end(&once.raw, 1));
    check.err(error.Domain, once.call(.now, recursive, .{}));
    check.eq(1, c.co_once_begin(&once.raw, c.CO_NOW));
    check.onThread(notTheRunner, .{});
    check.join(check.spawnOn(2, notTheRunner, .{}));
    const task = check.spawnOn(2, takesOver, .{});
    check.untilState(task.co, .parked);
    check.eq(0, c.co_once_end(&once.raw, 0));
    check.errno(.PERM, c.co_once_end(&once.raw, 0));
    check.join(task);
    check.eq(1, taken_over);
    try once.call(.now, never, .{});
    check.eq(0, c.co_once(&once.raw, neverRaw, null, c.CO_NOW));
    check.eq(0, c.co_once_begin(&once.raw, c.CO_NOW));

    for (check.crew.kinds) |kind| {
        @memset(&objects, .init);
        @memset(&values, 0);
        @memset(&runs, 0);
        check.Crew.run(kind, members, allObjects, .{});
        tried = .init;
        tries.store(0, .monotonic);
        failed.store(0, .monotonic);
        check.Crew.run(kind, members, tryIt, .{});
        check.eq(3, tries.load(.monotonic));
        check.eq(2, failed.load(.monotonic));
    }
}
