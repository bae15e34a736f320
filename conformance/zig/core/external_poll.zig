//! A host's event loop waits with poll(2) on the group's descriptor and lets the group run; timers in the group and
//! wakes from elsewhere must make the descriptor readable.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const Counter = std.atomic.Value(u32);

var host: std.Thread.Id = undefined;
var group: photonrt.Group = undefined;
var ended: Counter = .init(0);

fn onHost() void {
    check.eq(host, std.Thread.getCurrentId());
    check.eq(group, photonrt.Group.self().?);
}

fn sleeper(i: u32) void {
    const ns = @as(i64, i) * 100 * check.us;
    for (0..20) |_| {
        const before = photonrt.clock();
        onHost();
        check.must(photonrt.sleep(.ns(ns)));
        check.ge(photonrt.clock() - before, ns);
    }
    _ = ended.fetchAdd(1, .seq_cst);
}

fn parked(woken: *Counter) void {
    for (0..200) |_| {
        check.must(photonrt.park(.forever));
        onHost();
        _ = woken.fetchAdd(1, .seq_cst);
    }
    _ = ended.fetchAdd(1, .seq_cst);
}

const Wake = struct {
    task: photonrt.Task(void) = undefined,
    woken: Counter = .init(0),

    fn run(wake: *Wake) void {
        for (0..200) |i| {
            check.must(wake.task.co.unpark());
            while (wake.woken.load(.seq_cst) == i) photonrt.yield();
        }
    }
};

fn yielder() void {
    for (0..1000) |_| photonrt.yield();
    _ = ended.fetchAdd(1, .seq_cst);
}

/// Until `n` have ended: only ever entered when the descriptor says so.
fn drive(n: u32) !void {
    var fds = [_]std.posix.pollfd{.{ .fd = try group.fd(), .events = std.posix.POLL.IN, .revents = 0 }};
    while (ended.load(.seq_cst) < n) {
        _ = try std.posix.poll(&fds, -1);
        check.eq(std.posix.POLL.IN, fds[0].revents);
        _ = try group.poll(.now);
    }
}

pub fn plain() !void {
    host = std.Thread.getCurrentId();
    check.init();
    group = try .create(.{ .policy = .external });
    check.eq(1, try group.vcpuCount());

    const attr: photonrt.Attr = .{ .group = group };
    const spinning = try photonrt.spawnWith(attr, yielder, .{});
    var sleepers: [5]photonrt.Task(void) = undefined;
    for (&sleepers, 0..) |*task, i| task.* = try photonrt.spawnWith(attr, sleeper, .{@intCast(i)});
    var by_thread: Wake = .{};
    var by_coroutine: Wake = .{};
    by_thread.task = try photonrt.spawnWith(attr, parked, .{&by_thread.woken});
    by_coroutine.task = try photonrt.spawnWith(attr, parked, .{&by_coroutine.woken});
    const thread = check.thread(Wake.run, .{&by_thread});
    const waker = check.spawn(Wake.run, .{&by_coroutine});
    try drive(sleepers.len + 3);

    thread.join();
    try waker.join();
    try spinning.join();
    for (sleepers) |task| try task.join();
    try by_thread.task.join();
    try by_coroutine.task.join();
    try group.destroy(.forever);
    photonrt.deinit();
}
