const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const Group = photonrt.Group;
const c = photonrt.c;

fn refused(want: anyerror, attr: photonrt.group.Attr) void {
    const groups = check.stats().groups;
    check.err(want, Group.create(attr));
    check.eq(groups, check.stats().groups);
}

/// The same for what `Attr` can't say.
fn refusedRaw(want: std.posix.E, attr: *const c.co_group_attr_t) void {
    var group: c.co_group_t = 77;
    const groups = check.stats().groups;
    check.errno(want, c.co_group_create(&group, attr));
    check.eq(77, group);
    check.eq(groups, check.stats().groups);
}

fn raw(size: u32) c.co_group_attr_t {
    var attr = std.mem.zeroes(c.co_group_attr_t);
    attr.size = size;
    return attr;
}

fn never(_: ?*anyopaque, _: c.co_token_t, _: c.co_t) callconv(.c) void {
    check.fail("a token of a group that was refused", .{});
}

pub fn body() !void {
    const Newer = extern struct { known: c.co_group_attr_t, tail: u64 };
    var newer: Newer = .{ .known = raw(@sizeOf(Newer)), .tail = 1 };

    check.errno(.INVAL, c.co_group_create(null, null));
    for (0..8) |size| refusedRaw(.INVAL, &raw(@intCast(size)));
    refusedRaw(.@"2BIG", &newer.known);
    newer.tail = 0;
    var made: c.co_group_t = 0;
    check.eq(0, c.co_group_create(&made, &newer.known));
    try @as(Group, @fromBackingInt(made)).destroy(.forever);
    var attr = raw(@sizeOf(c.co_group_attr_t));
    attr.flags = 1 << 20;
    refusedRaw(.INVAL, &attr);
    attr = raw(@sizeOf(c.co_group_attr_t));
    attr.reserved = 1;
    refusedRaw(.INVAL, &attr);
    refused(error.InvalidArgument, .{ .vcpus = 257 });
    refused(error.InvalidArgument, .{ .vcpus = std.math.maxInt(u32) });
    refused(error.InvalidArgument, .{ .vcpus = 2, .policy = .external });
    refused(error.InvalidArgument, .{ .vcpus = 2, .policy = .{ .custom = .{ .on_ready = never } } });

    const home = Group.self().?;
    for ([_]u64{ 1, 2, 77, 1 << 32, std.math.maxInt(u64) }) |number| {
        const forged: Group = @fromBackingInt(number);
        if (forged == home) continue;
        check.err(error.NotFound, forged.destroy(.forever));
        check.err(error.NotFound, forged.vcpuCount());
        check.err(error.NotFound, forged.fd());
        check.err(error.NotFound, photonrt.Coroutine.current().?.migrate(forged, 0));
    }
    check.err(error.InvalidArgument, home.fd());
    check.err(error.InvalidArgument, Group.fd(.current));
    check.err(error.Deadlock, home.poll(.now)); // not from a coroutine
}
