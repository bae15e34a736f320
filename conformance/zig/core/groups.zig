const photonrt = @import("photonrt");
const check = @import("check");
const Group = photonrt.Group;

fn where(group: Group, vcpu: u32) void {
    check.eq(group, Group.self().?);
    for (0..20) |i| {
        const v = photonrt.currentVcpu();
        check.that(if (vcpu != 0) v == vcpu else v >= 1);
        if (i % 4 != 0) photonrt.yield() else check.must(photonrt.sleep(.us(100)));
    }
}

fn childOfGroup(group: Group) void {
    check.join(check.spawn(where, .{ group, 0 })); // `.current`: the spawner's own
    where(group, 0);
}

fn runIn(group: Group, vcpu: u32) !void {
    const any = try photonrt.spawnWith(.{ .group = group }, childOfGroup, .{group});
    try any.join();
    const one = try photonrt.spawnWith(.{ .group = group, .vcpu = vcpu }, where, .{ group, vcpu });
    try one.join();
}

fn parked() void {
    check.must(photonrt.park(.forever));
}

fn destroyOwn() void {
    check.err(error.Deadlock, Group.self().?.destroy(.forever));
    check.err(error.Deadlock, Group.self().?.destroy(.now));
}

fn destroyDefault(home: Group) void {
    check.err(error.PermissionDenied, home.destroy(.forever));
    check.err(error.PermissionDenied, Group.destroy(.current, .now)); // on a plain thread it is the default group
    check.eq(check.vcpus(), check.must(Group.vcpuCount(.current)));
    check.eq(null, Group.self());
}

fn cancelled(group: Group) void {
    check.err(error.Canceled, group.destroy(.forever));
}

fn life(vcpus: u32) !void {
    const groups = check.stats().groups;
    const all = check.stats().vcpus;
    const n = @max(vcpus, 1);
    const group: Group = try .create(.{ .vcpus = vcpus, .name = "a name longer than eleven bytes" });
    check.that(group != .current and group != Group.self().?);
    check.eq(n, try group.vcpuCount());
    check.eq(groups + 1, check.stats().groups);
    check.eq(all + n, check.stats().vcpus);
    for (1..n + 1) |v| try runIn(group, @intCast(v));

    check.err(error.NotFound, photonrt.spawnWith(.{ .group = group, .vcpu = n + 1 }, parked, .{}));
    const left = try photonrt.spawnWith(.{ .group = group }, parked, .{});
    check.err(error.WouldBlock, group.destroy(.now));
    const before = photonrt.clock();
    check.err(error.Timeout, group.destroy(.ms(2)));
    check.ge(photonrt.clock() - before, 2 * check.ms);
    check.err(error.InvalidArgument, group.destroy(.ns(-2)));
    const gives_up = check.spawn(cancelled, .{group});
    check.untilState(gives_up.co, .parked);
    try gives_up.co.cancel();
    try gives_up.join();
    try runIn(group, 0); // it goes on
    const own = try photonrt.spawnWith(.{ .group = group }, destroyOwn, .{});
    try own.join();
    try left.co.unpark();
    try group.destroy(.forever); // waits for that one
    try left.join();

    check.err(error.NotFound, group.destroy(.forever));
    check.err(error.NotFound, group.vcpuCount());
    check.err(error.NotFound, group.fd());
    check.err(error.NotFound, photonrt.spawnWith(.{ .group = group }, parked, .{}));
    check.eq(groups, check.stats().groups);
    check.eq(all, check.stats().vcpus);
}

pub fn body() !void {
    const home = Group.self().?;
    check.eq(check.vcpus(), try home.vcpuCount());
    check.eq(check.vcpus(), try Group.vcpuCount(.current));
    check.ge(check.stats().groups, 1);
    for (0..5) |_| {
        try life(0);
        try life(1);
        try life(2);
    }
    check.onThread(destroyDefault, .{home});
    if (home.destroy(.now)) |_| check.fail("the default group is gone", .{}) else |e| {
        check.that(e == error.PermissionDenied or e == error.Deadlock);
    }
}
