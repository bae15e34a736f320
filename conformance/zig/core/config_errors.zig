const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;

extern "c" fn setenv(name: [*:0]const u8, value: [*:0]const u8, overwrite: c_int) c_int;

const Newer = extern struct { known: c.co_config_t, tail: [2]u64 };
const max = std.math.maxInt;

var runs: u32 = 0;

fn entry() void {
    runs += 1;
}

fn rawEntry(arg: ?*anyopaque) callconv(.c) ?*anyopaque {
    runs += 1;
    return arg;
}

/// Both ways to start refuse it, and leave no runtime behind.
fn refused(want: anyerror, config: photonrt.Config) void {
    check.err(want, photonrt.run(config, entry, .{}));
    check.err(error.NotFound, photonrt.stats());
    check.err(want, photonrt.init(config));
    check.err(error.NotFound, photonrt.stats());
    check.eq(0, runs);
}

/// The same for what `Config` can't say.
fn refusedRaw(want: std.posix.E, config: *const c.co_config_t) void {
    check.errno(want, c.co_run(config, rawEntry, null, null));
    check.err(error.NotFound, photonrt.stats());
    check.errno(want, c.co_init(config));
    check.err(error.NotFound, photonrt.stats());
    check.eq(0, runs);
}

fn with(comptime field: []const u8, value: @FieldType(photonrt.Config, field)) photonrt.Config {
    var config = check.config();
    @field(config, field) = value;
    return config;
}

fn refuses() void {
    var raw = check.config().raw();
    for (0..8) |size| {
        raw.size = @intCast(size);
        refusedRaw(.INVAL, &raw);
    }
    var newer: Newer = .{ .known = check.config().raw(), .tail = .{ 0, 1 } };
    newer.known.size = @sizeOf(Newer);
    refusedRaw(.@"2BIG", &newer.known);
    raw = check.config().raw();
    raw.flags = 1 << 20;
    refusedRaw(.INVAL, &raw);
    raw = check.config().raw();
    raw.reserved = 1;
    refusedRaw(.INVAL, &raw);
    raw = check.config().raw();
    check.errno(.INVAL, c.co_run(&raw, null, null, null));

    refused(error.InvalidArgument, with("engine", @fromBackingInt(c.CO_ENGINE_OFFLOAD + 1)));
    refused(error.InvalidArgument, with("engine", @fromBackingInt(max(u32))));
    refused(error.InvalidArgument, with("vcpus", 257));
    refused(error.InvalidArgument, with("vcpus", max(u32)));
    refused(error.InvalidArgument, with("stack_size", (8 << 20) + 1));
    refused(error.InvalidArgument, with("stack_size", max(u64)));
    refused(error.InvalidArgument, with("stack_decay", -1));

    var room: [16]u8 = undefined;
    const was = std.fmt.bufPrintSentinel(&room, "{s}", .{check.getenv("PHOTONRT_ENGINE") orelse ""}, 0) catch unreachable;
    check.eq(0, setenv("PHOTONRT_ENGINE", "epoll", 1)); // no engine's name
    refused(error.InvalidArgument, with("engine", .auto));
    check.eq(0, setenv("PHOTONRT_ENGINE", was, 1));
}

fn forcedReady() !void {
    check.eq(@backingInt(photonrt.Engine.ready), check.stats().engine);
    try photonrt.sleep(.ms(1));
}

fn twoVcpus(arg: ?*anyopaque) callconv(.c) ?*anyopaque {
    check.eq(2, check.stats().vcpus);
    return arg;
}

fn takes() !void {
    var newer: Newer = .{ .known = check.config().raw(), .tail = .{ 0, 0 } };
    newer.known.size = @sizeOf(Newer);
    check.eq(0, c.co_run(&newer.known, rawEntry, null, null));
    // A header of the past: only size and vcpus. The rest of the struct must not be looked at.
    var raw = check.config().raw();
    raw.size = 8;
    raw.vcpus = 2;
    raw.engine = max(u32);
    raw.reserved = 1;
    check.eq(0, c.co_run(&raw, twoVcpus, null, null));
    try photonrt.run(with("engine", .ready), forcedReady, .{}); // stands above the environment
    var config = check.config();
    config.stack_size = 1;
    config.stack_cache = 1;
    config.stack_decay = 1;
    config.blocking_max = 1;
    config.seed = 42;
    try photonrt.run(config, entry, .{});
    check.eq(2, runs);
}

pub fn plain() !void {
    refuses();
    try takes();
}
