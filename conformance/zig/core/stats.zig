const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;

const n = 100;

fn parked() void {
    check.must(photonrt.park(.forever));
}

fn onThread() void {
    check.ge(check.stats().live, 1);
}

fn figures() !void {
    const before = check.stats();
    check.eq(@sizeOf(photonrt.Stats), before.size);
    const engine: photonrt.Engine = @fromBackingInt(before.engine);
    check.that(engine == .uring or engine == .ready or engine == .offload);
    check.eq(check.vcpus(), before.vcpus);
    check.eq(1, before.groups);
    check.eq(1, before.live);
    check.ge(before.spawned, 1);

    var tasks: [n]photonrt.Task(void) = undefined;
    for (&tasks) |*task| task.* = check.spawn(parked, .{});
    for (tasks) |task| check.untilState(task.co, .parked); // it may have its stack from its first run on only
    check.untilLive(n + 1);
    const s = check.stats();
    check.eq(n + 1, s.live);
    check.eq(before.spawned + n, s.spawned);
    check.ge(s.stacks_used, n);
    check.ge(s.stack_reserved, n * 256 << 10);
    check.ge(s.guards_light + s.guards_mprotect, n);
    check.eq(0, s.guards_none);
    check.ge(s.polls, before.polls + 1);
    for (tasks) |task| {
        try task.co.unpark();
        try task.join();
    }
    check.untilLive(1);
    while (check.stats().stacks_used > before.stacks_used) try photonrt.sleep(.ms(1));
    check.eq(before.spawned + n, check.stats().spawned);
    check.onThread(onThread, .{});
}

fn structs() void {
    var s: c.co_stats_t = undefined;
    check.errno(.INVAL, c.co_stats(null));
    for (0..8) |size| {
        s.size = @intCast(size);
        check.errno(.INVAL, c.co_stats(&s));
    }
    @memset(std.mem.asBytes(&s), 0xaa);
    s.size = 12; // an older header's: size, engine, vcpus
    check.eq(0, c.co_stats(&s));
    check.eq(12, s.size);
    check.eq(check.vcpus(), s.vcpus);
    check.eq(0xaaaaaaaa, s.groups);
    const Newer = extern struct { known: c.co_stats_t, tail: u64 };
    var newer: Newer = .{ .known = std.mem.zeroes(c.co_stats_t), .tail = 99 };
    newer.known.size = @sizeOf(Newer);
    check.eq(0, c.co_stats(&newer.known)); // a newer header's: what this library does not know stays
    check.eq(99, newer.tail);
    check.eq(check.vcpus(), newer.known.vcpus);
}

pub fn body() !void {
    try figures();
    structs();
}
