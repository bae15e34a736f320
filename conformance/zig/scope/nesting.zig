const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

const Scope = photonrt.Scope;
const Number = std.atomic.Value(u32);
var started: Number = .init(0);
var cancelled: Number = .init(0);

fn leaf() void {
    _ = started.fetchAdd(1, .monotonic);
    check.err(error.Canceled, photonrt.sleep(.forever));
    _ = cancelled.fetchAdd(1, .monotonic);
}

fn tidiesUp() !void {
    try photonrt.sleep(.ms(1));
}

fn until(number: *Number, n: u32) !void {
    while (number.load(.monotonic) < n) try photonrt.sleep(.us(100));
}

/// Stands between: shielded, and waiting for what no cancel reaches.
fn shieldedMiddle() !void {
    const shield: photonrt.Shield = .begin();
    check.eq(0, shield.before);
    var s: Scope = try .open(.{});
    _ = try s.spawn(leaf, .{});
    _ = try s.spawn(leaf, .{});
    try until(&cancelled, 2); // it sees the cancel only by what its children do
    check.err(error.Canceled, s.spawn(leaf, .{}));
    check.err(error.Canceled, s.close());
    check.err(error.Canceled, Scope.open(.{}));
    // What must be done all the same.
    s = try .open(.{ .shielded = true });
    _ = try s.spawn(tidiesUp, .{});
    try s.wait(.forever);
    try s.close();
}

fn shielded() !void {
    const s: Scope = try .open(.{});
    _ = try s.spawn(shieldedMiddle, .{});
    try until(&started, 2);
    try s.cancel();
    check.err(error.Canceled, s.wait(.forever));
    try s.result(0);
    check.eq(2, cancelled.load(.monotonic));
    check.err(error.Canceled, s.close());
}

/// Each opens a scope and spawns the next into it: a cancel at the top reaches the bottom while all in between are shielded.
fn link(depth: u32) anyerror!void {
    if (depth == 200) return leaf();
    const shield: photonrt.Shield = .begin();
    check.eq(0, shield.before);
    const s: Scope = try .open(.{});
    check.eq(0, try s.spawn(link, .{depth + 1}));
    check.err(error.Canceled, s.wait(.forever));
    check.err(error.Canceled, s.close());
}

fn deep() !void {
    started.store(0, .monotonic);
    cancelled.store(0, .monotonic);
    const s: Scope = try .open(.{});
    check.eq(0, try s.spawn(link, .{1}));
    try until(&started, 1);
    try s.cancel();
    check.err(error.Canceled, s.wait(.forever));
    check.eq(1, cancelled.load(.monotonic));
    check.err(error.Canceled, s.close());
}

/// One coroutine with scopes inside of each other, closed in turn; children in each.
fn ownNesting() !void {
    var scopes: [50]Scope = undefined;
    started.store(0, .monotonic);
    cancelled.store(0, .monotonic);
    for (&scopes) |*s| {
        s.* = try .open(.{});
        check.eq(0, try s.spawn(leaf, .{}));
    }
    try until(&started, scopes.len);
    try scopes[20].cancel(); // and all inside of it, but nothing around
    var i: usize = scopes.len;
    while (i > 20) {
        i -= 1;
        check.err(error.Canceled, scopes[i].wait(.forever));
        check.err(error.Canceled, scopes[i].close());
    }
    check.eq(scopes.len - 20, cancelled.load(.monotonic));
    while (i > 0) {
        i -= 1;
        check.eq(0, (try scopes[i].info()).cancelled);
        check.err(error.WouldBlock, scopes[i].wait(.now));
        check.err(error.Canceled, scopes[i].close());
    }
}

/// Cancelled before they have run, children run all the same, with the cancel pending.
fn fresh(ran: *Number) void {
    check.that(photonrt.cancelPending());
    _ = ran.fetchAdd(1, .monotonic);
}

fn neverBegun() !void {
    var ran: Number = .init(0);
    const s: Scope = try .open(.{});
    for (0..100) |i| check.eq(i, try s.spawnWith(.{ .vcpu = photonrt.currentVcpu() }, fresh, .{&ran}));
    try s.cancel();
    check.eq(0, ran.load(.monotonic));
    check.err(error.Canceled, s.close());
    check.eq(100, ran.load(.monotonic));
}

fn cancelsFromInside() !void {
    try Scope.current().?.cancel();
    check.that(photonrt.cancelPending());
    check.err(error.Canceled, photonrt.sleep(.ms(1)));
}

fn byOthers() !void {
    var s: Scope = try .open(.{});
    _ = try s.spawn(leaf, .{});
    _ = try s.spawn(cancelsFromInside, .{});
    check.err(error.Canceled, s.wait(.forever));
    check.err(error.Canceled, s.close());
    s = try .open(.{});
    _ = try s.spawn(leaf, .{});
    try check.onThread(Scope.cancel, .{s});
    check.err(error.Canceled, s.wait(.forever));
    check.err(error.Canceled, s.close());
    s = try .open(.{});
    try s.cancel(); // finds nobody
    check.err(error.Canceled, s.spawn(leaf, .{}));
    try s.wait(.forever);
    try s.close();
}

pub fn body() !void {
    try shielded();
    try deep();
    try ownNesting();
    try neverBegun();
    try byOthers();
}
