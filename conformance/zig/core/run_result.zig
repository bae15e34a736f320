const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

var caller: std.Thread.Id = undefined;

fn onCaller() void {
    check.eq(caller, std.Thread.getCurrentId());
}

fn child(x: u64) u64 {
    return x;
}

fn entry(x: u64) u64 {
    onCaller();
    check.that(photonrt.Coroutine.current() != null);
    check.eq(1, photonrt.currentVcpu());
    check.eq(x, check.join(check.spawn(child, .{x})));
    onCaller();
    return x + 1;
}

fn large(x: u8) [1000]u8 {
    onCaller();
    return @splat(x);
}

fn fails(e: anyerror) anyerror!u32 {
    onCaller();
    return e;
}

fn raw(arg: ?*anyopaque) callconv(.c) ?*anyopaque {
    onCaller();
    return arg;
}

pub fn plain() !void {
    caller = std.Thread.getCurrentId();
    for (0..20) |i| {
        check.eq(i + 1, try photonrt.run(check.config(), entry, .{i}));
        check.eq(@as([1000]u8, @splat(7)), try photonrt.run(check.config(), large, .{7}));
        check.err(error.Odd, photonrt.run(check.config(), fails, .{error.Odd}));
        check.eq(null, photonrt.Coroutine.current());
        check.eq(0, photonrt.currentVcpu());
    }
    check.eq(8, try photonrt.run(.{}, entry, .{7}));
    var byte: u8 = 0;
    var result: ?*anyopaque = null;
    check.eq(0, photonrt.c.co_run(null, raw, &byte, &result)); // without a config
    check.that(result == @as(?*anyopaque, &byte));
    check.eq(0, photonrt.c.co_run(null, raw, &byte, null)); // and without a place for the result
}
