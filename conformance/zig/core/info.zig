const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const Coroutine = photonrt.Coroutine;
const c = photonrt.c;

fn parked() void {
    check.must(photonrt.park(.forever));
}

fn running() void {
    const self = Coroutine.current().?;
    const info = check.info(self);
    check.eq(photonrt.State.running, check.must(self.state()));
    check.eq(@backingInt(self), info.co);
    check.eq(@backingInt(photonrt.Group.self().?), info.group);
    check.eq(photonrt.currentVcpu(), info.vcpu);
}

fn named(want: []const u8, co: Coroutine) void {
    const info = check.info(co);
    const got = std.mem.sliceTo(&info.name, 0);
    if (!std.mem.eql(u8, want, got)) check.fail("it is called \"{s}\", not \"{s}\"", .{ got, want });
}

fn names() !void {
    var long_name: [99:0]u8 = @splat('n');
    const cut: [31]u8 = @splat('n');

    const task = try photonrt.spawnWith(.{ .name = "from the attr" }, parked, .{});
    named("from the attr", task.co);
    try task.co.setName("new");
    named("new", task.co); // nothing is left of the longer one
    try task.co.setName(&long_name);
    named(&cut, task.co);
    try task.co.setName(null);
    named("", task.co);
    try task.co.setName("x");
    try task.co.setName("");
    named("", task.co);
    try task.co.unpark();
    try task.join();
    check.err(error.NotFound, task.co.setName("gone"));

    const other = try photonrt.spawnWith(.{ .name = &long_name }, parked, .{});
    long_name = @splat('z'); // it was copied
    named(&cut, other.co);
    try other.co.unpark();
    try other.join();
}

fn states() !void {
    const sizes = [_]struct { u64, u64 }{
        .{ 0, 256 << 10 }, .{ 1, 16 << 10 }, .{ 16 << 10, 16 << 10 }, .{ 20_000, 32 << 10 }, .{ 8 << 20, 8 << 20 },
    };
    for (sizes) |size| {
        const asked, const given = size;
        const task = try photonrt.spawnWith(.{ .vcpu = photonrt.currentVcpu(), .stack_size = asked, .save_fp = true }, parked, .{});
        const info = check.info(task.co);
        check.eq(@backingInt(task.co), info.co);
        check.eq(@backingInt(photonrt.State.fresh), info.state);
        check.eq(@backingInt(photonrt.Group.self().?), info.group);
        check.eq(photonrt.currentVcpu(), info.vcpu);
        check.eq(c.CO_SAVE_FP, info.flags);
        check.eq(given, info.stack_size);
        check.untilState(task.co, .parked);
        try task.co.unpark();
        switch (try task.co.state()) {
            .ready, .running, .ended => {},
            else => |state| check.fail("it is {t}", .{state}),
        }
        check.untilState(task.co, .ended);
        try task.join();
    }
    try check.spawn(running, .{}).join();
    running();
}

fn structs() void {
    var info: c.co_info_t = undefined;
    const self = c.co_self();
    check.errno(.INVAL, c.co_info(self, null));
    for (0..8) |size| {
        info.size = @intCast(size);
        check.errno(.INVAL, c.co_info(self, &info));
    }
    @memset(std.mem.asBytes(&info), 0xaa);
    info.size = 16; // an older header's: size, state, co
    check.eq(0, c.co_info(self, &info));
    check.eq(16, info.size);
    check.eq(c.CO_STATE_RUNNING, info.state);
    check.eq(self, info.co);
    check.eq(0xaaaaaaaaaaaaaaaa, info.group); // and not a byte more
    check.err(error.NotFound, Coroutine.info(.none));
    check.err(error.NotFound, Coroutine.info(@fromBackingInt(self + 1)));
}

pub fn body() !void {
    try names();
    try states();
    structs();
}
