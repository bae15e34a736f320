//! While one coroutine is stuck in foreign code on the only vCPU of its group, or on each of them: a migratable one holds
//! nobody up; one that is not holds up those that must stay, and no others.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const Atomic = std.atomic.Value;
const Task = photonrt.Task(anyerror!void);

var let_go: Atomic(bool) = .init(false);
var turns: Atomic(u32) = .init(0);
var stuck: Atomic(u32) = .init(0);
var group: photonrt.Group = undefined;

fn stuckInside() anyerror!void {
    const bracket: photonrt.Bracket = .enter();
    defer bracket.leave();
    check.eq(1, bracket.depth);
    _ = stuck.fetchAdd(1, .monotonic);
    while (!let_go.load(.monotonic)) check.hold(200 * check.us);
}

fn turning() anyerror!void {
    while (!let_go.load(.monotonic)) {
        _ = turns.fetchAdd(1, .monotonic);
        try photonrt.sleep(.us(200));
    }
}

fn once() anyerror!void {
    _ = turns.fetchAdd(1, .monotonic);
}

fn spawnThere(vcpu: u32, migratable: bool, comptime function: fn () anyerror!void) !Task {
    return photonrt.spawnWith(.{ .group = group, .vcpu = vcpu, .migratable = migratable }, function, .{});
}

fn until(what: *Atomic(u32), n: u32) !void {
    while (what.load(.monotonic) < n) try photonrt.sleep(.us(200));
}

fn begin(vcpus: u32) !void {
    group = try .create(.{ .vcpus = vcpus });
    turns.store(0, .monotonic);
    let_go.store(false, .monotonic);
    stuck.store(0, .monotonic);
}

fn migratableHoldsNobodyUp() !void {
    try begin(1);
    var all: [3]Task = undefined;
    const other = try spawnThere(1, false, turning);
    for (&all) |*task| task.* = try spawnThere(1, true, stuckInside);
    try until(&stuck, 3);
    try until(&turns, turns.load(.monotonic) + 10);
    check.err(error.Timeout, group.destroy(.ms(2))); // they are its own still
    let_go.store(true, .monotonic);
    for (all) |task| check.join(task);
    check.join(other);
    try group.destroy(.forever);
}

fn othersGoElsewhere() !void {
    try begin(2);
    var all: [40]Task = undefined;
    const held = try spawnThere(1, false, stuckInside);
    try until(&stuck, 1);
    // For either vCPU, by chance; none may wait for the stuck one.
    for (&all, 0..) |*task, i| {
        const migratable = i % 4 == 0;
        task.* = if (i % 2 == 1) try spawnThere(0, migratable, once) else try spawnThere(0, migratable, turning);
    }
    try until(&turns, all.len + 100);
    check.eq(.running, try held.co.state());
    let_go.store(true, .monotonic);
    check.join(held);
    for (all) |task| check.join(task);
    try group.destroy(.forever);
}

fn timersGoElsewhere() !void {
    try begin(2);
    // Both begin on the first vCPU: the sleeper parks there, and then the other gets stuck.
    const sleeper = try spawnThere(0, true, turning);
    try until(&turns, 3);
    const held = try spawnThere(@max(check.info(sleeper.co).vcpu, 1), false, stuckInside);
    try until(&stuck, 1);
    try until(&turns, turns.load(.monotonic) + 20);
    let_go.store(true, .monotonic);
    check.join(sleeper);
    check.join(held);
    try group.destroy(.forever);
}

pub fn body() !void {
    try migratableHoldsNobodyUp();
    try othersGoElsewhere();
    try timersGoElsewhere();
}
