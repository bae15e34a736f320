const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

const Scope = photonrt.Scope;
const arena = photonrt.arena;
var key: u8 = 0;
const value: photonrt.ScopedValue(*const u32) = .{ .key = &key };
const bound: u32 = 7;
var mine: u32 = 8;
var local: photonrt.Local(u32) = undefined;
var ended: std.atomic.Value(u32) = .init(0);

fn sees() void {
    check.eq(&bound, value.get().?);
}

fn destroy(n: *u32) void {
    check.eq(&mine, n);
    _ = ended.fetchAdd(1, .monotonic);
}

/// Inside of brackets it is still itself: what it carries is its own, not its thread's.
fn within() !void {
    const used = arena.used();
    var binding: photonrt.Binding = undefined;
    try value.begin(&binding, &bound);
    defer binding.end();
    var bracket: photonrt.Bracket = .enter();
    check.eq(1, bracket.depth);
    check.eq(used, arena.used());
    check.eq(null, local.get());
    try local.set(&mine);
    _ = try arena.allocator.alloc(u8, 100);
    sees();
    const s: Scope = try .open(.{ .timeout = .seconds(100) });
    bracket.leave();
    check.eq(0, try s.spawn(sees, .{}));
    try s.wait(.forever);
    bracket = .enter();
    check.eq(1, bracket.depth);
    try s.close(); // the owner is the same
    bracket.leave();
    check.eq(used + 100, arena.used());
    check.eq(&mine, local.get().?);
}

/// Ends in the midst of them, with a scope open.
fn endsInside() !void {
    try within();
    _ = try Scope.open(.{});
    check.ge(photonrt.Bracket.enter().depth, 1);
    check.ge(photonrt.Bracket.enter().depth, 2);
}

fn each(attr: photonrt.Attr) !void {
    ended.store(0, .monotonic);
    for (0..20) |_| {
        check.join(try photonrt.spawnWith(attr, within, .{}));
        check.join(try photonrt.spawnWith(attr, endsInside, .{}));
    }
    const s: Scope = try .open(.{});
    for (0..20) |i| {
        check.eq(i, if (i % 2 == 1) try s.spawnWith(attr, endsInside, .{}) else try s.spawnWith(attr, within, .{}));
    }
    check.err(error.Busy, s.wait(.forever));
    for (0..20) |i| {
        const result = s.result(@intCast(i));
        if (i % 2 == 1) check.err(error.Busy, result) else try result;
    }
    check.err(error.Busy, s.close());
    check.eq(60, ended.load(.monotonic));
}

pub fn body() !void {
    local = try .init(destroy);
    defer local.deinit();
    try each(.{});
    try each(.{ .migratable = true });
    check.untilLive(1);
}
