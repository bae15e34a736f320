//! All vCPUs of a group are held up: a spare stands in for what may move, within its cap, and is stood down when one is free
//! again.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const Atomic = std.atomic.Value;
const Held = photonrt.Task(void);

var found: Atomic(u32) = .init(0);
var stuck: Atomic(u32) = .init(0);
var ran: Atomic(u32) = .init(0);
var let_go: Atomic(bool) = .init(false);
var bound_stop: Atomic(bool) = .init(false);
var group: photonrt.Group = .current;

fn stuckInside() void {
    const bracket: photonrt.Bracket = .enter();
    defer bracket.leave();
    _ = stuck.fetchAdd(1, .monotonic);
    while (!let_go.load(.monotonic)) check.hold(200 * check.us);
}

fn stalled() void {
    _ = stuck.fetchAdd(1, .monotonic);
    while (!let_go.load(.monotonic)) std.atomic.spinLoopHint();
}

fn onStall(stall: *const photonrt.Stall, arg: ?*anyopaque) callconv(.c) void {
    check.eq(@as(?*anyopaque, @ptrCast(&group)), arg);
    if (stall.group == @backingInt(group)) _ = found.fetchAdd(1, .monotonic);
}

fn once() u32 {
    check.eq(group, photonrt.Group.self());
    _ = ran.fetchAdd(1, .monotonic);
    return photonrt.currentVcpu();
}

/// Not migratable: where it has begun it stays, on the spare too.
fn bound() !void {
    const here = photonrt.currentVcpu();
    _ = ran.fetchAdd(1, .monotonic);
    while (!bound_stop.load(.monotonic)) {
        try photonrt.sleep(.ms(1));
        check.eq(here, photonrt.currentVcpu());
    }
}

fn spawnThere(vcpu: u32, comptime function: anytype) @TypeOf(photonrt.spawnWith(.{}, function, .{})) {
    return photonrt.spawnWith(.{ .group = group, .vcpu = vcpu }, function, .{});
}

fn until(what: *Atomic(u32), n: u32) !void {
    while (what.load(.monotonic) < n) try photonrt.sleep(.us(200));
}

fn begin(vcpus: u32) !void {
    group = try .create(.{ .vcpus = vcpus });
    ran.store(0, .monotonic);
    bound_stop.store(false, .monotonic);
}

/// Both vCPUs: the second by `second`.
fn holdUp(comptime second: fn () void) ![2]Held {
    let_go.store(false, .monotonic);
    stuck.store(0, .monotonic);
    found.store(0, .monotonic);
    const both: [2]Held = .{ try spawnThere(1, stuckInside), try spawnThere(2, second) };
    try until(&stuck, 2);
    // What has been sent to a vCPU before its stall is found waits for its end.
    if (second == stalled) try until(&found, 1);
    return both;
}

fn stoodIn(comptime second: fn () void) !void {
    try begin(2);
    check.eq(0, check.stats().spares);
    const held = try holdUp(second);
    const free = try spawnThere(0, once);
    const stays = try spawnThere(0, bound);
    try until(&ran, 2);
    check.ge(check.join(free), 3);
    check.eq(1, check.stats().spares);
    check.eq(1, check.stats().spares_active);
    check.eq(2, try group.vcpuCount());
    check.eq(3, check.info(stays.co).vcpu);
    check.err(error.Timeout, group.destroy(.ms(1))); // what lives there counts
    let_go.store(true, .monotonic);
    for (held) |task| check.join(task);
    while (check.stats().spares_active != 0) try photonrt.sleep(.ms(1));
    // It takes nothing more, though it still has one to run.
    for (0..50) |_| check.ge(2, check.join(try spawnThere(0, once)));
    check.eq(3, check.info(stays.co).vcpu);

    // The same one stands in again.
    const again = try holdUp(second);
    check.eq(3, check.join(try spawnThere(0, once)));
    check.eq(1, check.stats().spares);
    let_go.store(true, .monotonic);
    bound_stop.store(true, .monotonic);
    for (again) |task| check.join(task);
    check.join(stays);
    try group.destroy(.forever);
    check.eq(0, check.stats().spares);
}

/// `spares` of them at most, each of which gets stuck as well.
fn capped(vcpus: u32, spares: u32) !void {
    try begin(vcpus);
    var held: [8]Held = undefined;
    const all = held[0 .. vcpus + spares];
    let_go.store(false, .monotonic);
    stuck.store(0, .monotonic);
    for (all[0..vcpus], 1..) |*task, vcpu| task.* = try spawnThere(@intCast(vcpu), stuckInside);
    try until(&stuck, vcpus);
    for (all[vcpus..], vcpus + 1..) |*task, n| {
        task.* = try spawnThere(0, stuckInside);
        try until(&stuck, @intCast(n));
    }
    const last = try spawnThere(0, once);
    try photonrt.sleep(.ms(30));
    check.eq(0, ran.load(.monotonic));
    check.eq(spares, check.stats().spares);
    let_go.store(true, .monotonic);
    for (all) |task| check.join(task);
    _ = check.join(last);
    try group.destroy(.forever);
}

fn byDefault() !void {
    try stoodIn(stuckInside);
    try stoodIn(stalled);
    try capped(1, 0); // its coroutines run one at a time
    try capped(2, 2);
}

pub fn plain() !void {
    var config = check.config();
    config.on_stall = onStall;
    config.on_stall_arg = &group;
    try photonrt.run(config, byDefault, .{});
    config.spares = 1;
    try photonrt.run(config, capped, .{ 2, 1 });
    config.spares = 0;
    try photonrt.run(config, capped, .{ 2, 0 });
    config.spares = 257;
    check.err(error.InvalidArgument, photonrt.run(config, byDefault, .{}));
}
