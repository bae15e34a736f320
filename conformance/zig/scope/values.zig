const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;

const Scope = photonrt.Scope;
const Name = []const u8;
var user_key: u8 = 0;
const user: photonrt.ScopedValue(*const Name) = .{ .key = &user_key };
const maybe_user: photonrt.ScopedValue(?*const Name) = .{ .key = &user_key };
var depth_key: u8 = 0;
const depth: photonrt.ScopedValue(*const u32) = .{ .key = &depth_key };
var nothing_key: u8 = 0;
const nothing: photonrt.ScopedValue(*const Name) = .{ .key = &nothing_key };

const anna: Name = "anna";
const bert: Name = "bert";
const mine: Name = "mine";

fn sees(name: ?*const Name) void {
    check.eq(name, user.get());
    photonrt.yield();
    check.eq(name, user.get());
}

/// Binds itself, for itself only.
fn rebinds(name: *const Name) void {
    user.with(&mine, sees, .{&mine});
    sees(name);
}

fn inAnna() !*const Name {
    sees(&anna);
    check.that(user.isBound());
    check.that(!depth.isBound());
    // Children see it, by reference, each with its own changes.
    const s: Scope = try .open(.{});
    for (0..20) |i| check.eq(i, if (i % 2 == 1) try s.spawn(sees, .{&anna}) else try s.spawn(rebinds, .{&anna}));
    {
        // What is bound after the opening is not seen by its children, wherever they are spawned.
        var binding: photonrt.Binding = undefined;
        try user.begin(&binding, &bert);
        defer binding.end();
        sees(&bert);
        check.eq(20, try s.spawn(sees, .{&anna}));
        const t: Scope = try .open(.{});
        check.eq(0, try t.spawn(sees, .{&bert}));
        try t.wait(.forever);
        try t.close();
    }
    try s.wait(.forever);
    try s.close();
    // Others, spawned without a scope, see nothing.
    check.join(check.spawn(sees, .{null}));
    sees(&anna);
    return user.get().?;
}

fn recurse(n: u32) void {
    check.eq(n, depth.get().?.*);
    const next = n + 1;
    if (n < 100) depth.with(&next, recurse, .{next});
    check.eq(n, depth.get().?.*);
}

fn entry(arg: ?*anyopaque) callconv(.c) ?*anyopaque {
    return arg;
}

fn endsAnothers(binding: *photonrt.Binding) void {
    check.errno(.PERM, c.co_value_end(&binding.raw)); // the innermost in force, and not its own
}

fn beginAndEnd() !void {
    var a: photonrt.Binding = undefined;
    var b: photonrt.Binding = undefined;
    check.errno(.INVAL, c.co_value_begin(null, &user_key, null));
    check.errno(.INVAL, c.co_value_begin(&a.raw, null, null));
    check.errno(.INVAL, c.co_value_call(null, null, entry, null, null));
    check.errno(.INVAL, c.co_value_call(&user_key, null, null, null, null));
    check.errno(.INVAL, c.co_value_end(null));
    check.eq(null, maybe_user.get());
    try maybe_user.begin(&a, null); // bound to null is bound
    check.that(user.isBound());
    check.eq(null, user.get());
    check.eq(@as(?*const Name, null), maybe_user.get().?);
    try nothing.begin(&b, &bert);
    check.err(error.Busy, user.begin(&a, &bert));
    check.errno(.INVAL, c.co_value_end(&a.raw)); // the inner one first
    const s: Scope = try .open(.{});
    check.eq(0, try s.spawn(endsAnothers, .{&b}));
    try s.wait(.forever);
    try s.close();
    b.end();
    check.errno(.INVAL, c.co_value_end(&b.raw));
    a.end();
    check.that(!user.isBound());
}

fn onThread() !void {
    check.that(!user.isBound());
    check.eq(&anna, try user.with(&anna, inAnna, .{}));
    try beginAndEnd();
}

fn migrates(name: *const Name) !void {
    for (0..6) |i| {
        try photonrt.Coroutine.current().?.migrate(.current, @as(u32, @intCast(i)) % check.vcpus() + 1);
        sees(name);
    }
}

/// A block is used again by the next coroutine: what was begun and never ended is gone.
fn neverEnds() !void {
    const binding = try std.heap.c_allocator.create(photonrt.Binding);
    check.that(!user.isBound());
    try user.begin(binding, &anna);
    std.heap.c_allocator.destroy(binding);
}

pub fn body() !void {
    check.that(!user.isBound());
    check.eq(null, user.get());
    check.eq(null, c.co_value_get(null));
    check.eq(&anna, try user.with(&anna, inAnna, .{}));
    check.that(!user.isBound());
    const one: u32 = 1;
    depth.with(&one, recurse, .{one});
    try beginAndEnd();
    try check.onThread(onThread, .{});
    for (0..10) |_| check.join(check.spawn(neverEnds, .{}));
    var binding: photonrt.Binding = undefined;
    try user.begin(&binding, &bert);
    defer binding.end();
    const s: Scope = try .open(.{});
    for (0..10) |i| check.eq(i, try s.spawnWith(.{ .migratable = true }, migrates, .{&bert}));
    try s.wait(.forever);
    try s.close();
}
