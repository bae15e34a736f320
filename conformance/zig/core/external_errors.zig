const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const Group = photonrt.Group;

var group: Group = undefined;
var other_polls: std.atomic.Value(bool) = .init(false);

fn fromCoroutine() void {
    check.err(error.Deadlock, group.poll(.now));
    check.err(error.Deadlock, group.poll(.forever));
}

fn pollUntilWoken() void {
    other_polls.store(true, .seq_cst);
    while (true) {
        const n = group.poll(.forever) catch |e| {
            check.eq(error.Busy, e); // the other one is trying just now
            photonrt.yield();
            continue;
        };
        return check.ge(n, 1);
    }
}

fn end() void {}

pub fn plain() !void {
    check.init();
    group = try .create(.{ .policy = .external });
    const ordinary: Group = try .create(.{});
    check.err(error.InvalidArgument, ordinary.poll(.now));
    check.err(error.InvalidArgument, ordinary.fd());
    check.err(error.InvalidArgument, group.poll(.ns(-2)));
    check.err(error.InvalidArgument, Group.poll(.current, .now)); // the default group is not external
    try check.spawn(fromCoroutine, .{}).join();

    check.eq(0, try group.poll(.now));
    const before = photonrt.clock();
    check.eq(0, try group.poll(.ms(3)));
    check.ge(photonrt.clock() - before, 3 * check.ms);
    const task = try photonrt.spawnWith(.{ .group = group }, end, .{});
    check.err(error.Timeout, task.joinTimeout(.ms(5))); // nobody runs it but the host
    check.ge(try group.poll(.now), 1);
    try task.joinTimeout(.now);
    check.eq(0, try group.poll(.now));

    check.err(error.Busy, photonrt.shutdown(.now)); // an external group exists
    const thread = check.thread(pollUntilWoken, .{});
    while (!other_polls.load(.seq_cst)) photonrt.yield();
    while (group.poll(.now)) |n| {
        check.eq(0, n);
        photonrt.yield();
    } else |e| check.eq(error.Busy, e);
    const waking = try photonrt.spawnWith(.{ .group = group }, end, .{});
    thread.join();
    try waking.join();

    try ordinary.destroy(.forever);
    try group.destroy(.forever);
    check.err(error.NotFound, group.poll(.now));
    check.err(error.NotFound, group.fd());
    photonrt.deinit();
}
