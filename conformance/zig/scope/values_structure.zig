const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;

const Scope = photonrt.Scope;
var key: u8 = 0;
const value: photonrt.ScopedValue(*const u32) = .{ .key = &key };
var ended: std.atomic.Value(u32) = .init(0);

/// Reads through the binding until it is cancelled: it must still be there.
fn reads(want: u32) void {
    while (true) {
        check.eq(want, value.get().?.*);
        photonrt.sleep(.us(50)) catch |e| break check.eq(error.Canceled, e);
    }
    check.eq(want, value.get().?.*);
    _ = ended.fetchAdd(1, .monotonic);
}

fn leavesOpen(want: u32) !void {
    for ([_]bool{ false, true }) |shielded| {
        const s: Scope = try .open(.{ .shielded = shielded });
        check.eq(0, try s.spawn(reads, .{want}));
    }
    try photonrt.sleep(.ms(1));
}

fn leavesBegun(inner: *const u32) !void {
    const binding = try photonrt.arena.allocator.create(photonrt.Binding);
    try value.begin(binding, inner);
    try leavesOpen(inner.*);
}

fn leavesOpenRaw(arg: ?*anyopaque) callconv(.c) ?*anyopaque {
    const want: *const u32 = @ptrCast(@alignCast(arg.?));
    check.must(leavesOpen(want.*));
    return arg;
}

var outer: Scope = undefined;

/// Closes a scope from outside of the binding, and leaves one open under it.
fn crosses(want: u32) !void {
    check.err(error.Canceled, outer.close());
    try leavesOpen(want);
}

fn sleeps() void {
    check.err(error.Canceled, photonrt.sleep(.forever));
}

fn twice() !void {
    var number: u32 = 42;
    const other: u32 = 43;
    ended.store(0, .monotonic);
    try value.with(&number, leavesOpen, .{42});
    check.eq(2, ended.load(.monotonic)); // cancelled and waited for before the binding went
    check.that(!value.isBound());
    var result: ?*anyopaque = null;
    check.errno(.BUSY, c.co_value_call(&key, &number, leavesOpenRaw, &number, &result));
    check.eq(@as(?*anyopaque, &number), result);
    check.eq(4, ended.load(.monotonic));

    try value.with(&other, leavesBegun, .{&number});
    check.eq(6, ended.load(.monotonic));
    check.that(!value.isBound());

    var binding: photonrt.Binding = undefined;
    try value.begin(&binding, &number);
    try leavesOpen(42);
    binding.end();
    check.eq(8, ended.load(.monotonic));
    check.errno(.INVAL, c.co_value_end(&binding.raw)); // it has ended
    try value.begin(&binding, &number);
    try leavesOpen(42);
    check.errno(.BUSY, c.co_value_end(&binding.raw));
    check.eq(10, ended.load(.monotonic));

    const around: Scope = try .open(.{});
    outer = try .open(.{});
    check.eq(0, try outer.spawn(sleeps, .{}));
    try value.with(&number, crosses, .{42});
    check.eq(12, ended.load(.monotonic));
    try around.close(); // that one it has not touched
    check.eq(null, Scope.deadline());
}

pub fn body() !void {
    try twice();
    check.join(check.spawn(twice, .{}));
    try check.onThread(twice, .{});
    const s: Scope = try .open(.{});
    check.eq(0, try s.spawn(twice, .{}));
    try s.wait(.forever);
    try s.close();
}
