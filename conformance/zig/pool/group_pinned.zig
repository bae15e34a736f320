//! A pinned group: as many vCPUs as CPUs, each thread bound to its own; nothing is stolen, what is spawned stays, what comes from
//! outside is dealt out by turns; only Coroutine.migrate moves.
const std = @import("std");
const builtin = @import("builtin");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;
const Group = photonrt.Group;
const linux = builtin.os.tag == .linux;

var group: Group = undefined;
var n: u32 = undefined;

const Cpus = std.StaticBitSet(@bitSizeOf(std.c.cpu_set_t));

/// What a thread, 0 for the caller, may run on.
fn affinity(thread: c_int) Cpus {
    var set = std.mem.zeroes(std.c.cpu_set_t);
    check.eq(0, std.c.sched_getaffinity(thread, @sizeOf(std.c.cpu_set_t), &set));
    var cpus: Cpus = .empty;
    for (0..Cpus.bit_length) |i| {
        cpus.setValue(i, set[i / @bitSizeOf(usize)] >> @intCast(i % @bitSizeOf(usize)) & 1 == 1);
    }
    return cpus;
}

/// The only CPU that the caller's thread may run on.
fn boundTo() ?usize {
    const cpus = affinity(0);
    return if (cpus.count() == 1) cpus.findFirstSet() else null;
}

fn where() u32 {
    return photonrt.currentVcpu();
}

fn note(at: *u32) void {
    at.* = photonrt.currentVcpu();
}

/// Spins for a while, so that an idle vCPU would have taken it, could it.
fn stays() u32 {
    const at = photonrt.currentVcpu();
    for (0..20) |_| {
        const until = photonrt.clock() + 20 * check.us;
        while (photonrt.clock() < until) {}
        photonrt.yield();
        check.eq(at, photonrt.currentVcpu());
    }
    return at;
}

fn parent(last: *u32) !void {
    const me = photonrt.currentVcpu();
    var all: [32]photonrt.Task(u32) = undefined;
    for (&all, 0..) |*task, i| {
        task.* = try photonrt.spawnWith(.{ .migratable = i % 2 == 1 }, stays, .{});
        try photonrt.spawnDetached(note, .{last}); // here too
    }
    for (all) |task| check.eq(me, check.join(task));
    check.eq(me, last.*);
    if (linux) check.that(boundTo() != null);
    if (n > 1) {
        const moved = try photonrt.spawnWith(.{ .migratable = true }, where, .{});
        try moved.co.migrate(group, me % n + 1);
        check.eq(me % n + 1, check.join(moved));
    }
}

fn countCpus() usize {
    return affinity(0).count();
}

/// What a bound thread starts is not bound: a thread of the pool, another group's.
fn fromInside(count: usize) !void {
    check.eq(count, try photonrt.blocking(.forever, countCpus, .{}));
    const other: Group = try .create(.{});
    check.eq(count, try other.run(.forever, countCpus, .{}));
    try other.destroy(.forever);
}

fn ofTheirOwn() !void {
    const all = affinity(std.c.getpid());
    check.eq(n, all.count());
    var seen: Cpus = .empty;
    for (1..n + 1) |vcpu| {
        const cpu = check.join(try photonrt.spawnWith(.{ .group = group, .vcpu = @intCast(vcpu) }, boundTo, .{})).?;
        check.that(all.isSet(cpu));
        check.that(!seen.isSet(cpu)); // each its own
        seen.set(cpu);
    }
    check.eq(all.count(), countCpus()); // the default group is free
    try group.run(.forever, fromInside, .{all.count()});
}

pub fn body() !void {
    group = try .create(.{ .policy = .pinned });
    n = try group.vcpuCount();
    if (linux) try ofTheirOwn();
    try group.destroy(.forever);
    group = try .create(.{ .policy = .pinned, .vcpus = 3 }); // more than CPUs, perhaps
    n = 3;
    check.eq(3, try group.vcpuCount());
    const stolen = check.stats().stolen;
    var count: [4]u32 = @splat(0);
    // By turns.
    for (0..30) |_| count[check.join(try photonrt.spawnWith(.{ .group = group }, where, .{}))] += 1;
    check.eq([_]u32{ 0, 10, 10, 10 }, count);
    var last: [6]u32 = undefined;
    var all: [6]check.Task(parent) = undefined;
    for (&all, &last) |*task, *at| task.* = try photonrt.spawnWith(.{ .group = group }, parent, .{at});
    for (all) |task| check.join(task);
    if (check.vcpus() == 1) check.eq(stolen, check.stats().stolen);
    try group.destroy(.forever);
    var attr = std.mem.zeroes(c.co_group_attr_t);
    attr.size = @sizeOf(c.co_group_attr_t);
    attr.flags = c.CO_GROUP_PINNED | c.CO_GROUP_EXTERNAL;
    var out: c.co_group_t = 0;
    check.errno(.INVAL, c.co_group_create(&out, &attr));
}
