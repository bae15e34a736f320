//! The program's own function gets the stalls, with addresses; and all that may be set about them.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const builtin = @import("builtin");
const c = photonrt.c;
const Atomic = std.atomic.Value;
const spin = check.stall.spin;
const spinTwice = check.stall.spinTwice;

extern "c" fn setenv(name: [*:0]const u8, value: [*:0]const u8, overwrite: c_int) c_int;

const Seen = struct {
    /// Counts after the rest has been written.
    calls: Atomic(u64) = .init(0),
    last: photonrt.Stall = undefined,
    in_spin: bool = false,
    in_entry: bool = false,
};

var seen: Seen = .{};
var expected: photonrt.Coroutine = .none;
var urgent: Atomic(u32) = .init(0);
var with_addresses = true;

/// Whether it is in a function, which begins at `first` and is not longer than that.
fn within(address: usize, first: usize, size: usize) bool {
    return address -% first < size;
}

fn onStall(stall: *const photonrt.Stall, arg: ?*anyopaque) callconv(.c) void {
    const s: *Seen = @ptrCast(@alignCast(arg.?));
    check.eq(&seen, s);
    check.eq(@sizeOf(photonrt.Stall), stall.size);
    check.eq(null, photonrt.Coroutine.current());
    check.eq({}, photonrt.sleep(.ms(1))); // as any thread
    s.last = stall.*;
    s.in_spin = false;
    s.in_entry = false;
    for (stall.addresses[0..stall.depth]) |address| {
        const at = @intFromPtr(address);
        if (within(at, @intFromPtr(&spin), 512)) s.in_spin = true;
        if (within(at, @intFromPtr(&spinTwice), 2048)) s.in_entry = true;
    }
    _ = s.calls.fetchAdd(1, .release);
}

fn checkLast(name: []const u8) !void {
    // Counted first, then called.
    while (seen.calls.load(.acquire) != check.stats().stalls) try photonrt.sleep(.ms(1));
    check.eq(@backingInt(expected), seen.last.co);
    check.that(std.mem.eql(u8, name, std.mem.sliceTo(&seen.last.name, 0)));
    check.eq(check.vcpus(), seen.last.vcpu);
    check.eq(@backingInt(photonrt.Group.self().?), seen.last.group);
    check.ge(seen.last.duration_ns, 10 * check.ms);
}

fn blocks(n: *u64) anyerror!void {
    while (check.stats().stalls < n.*) check.hold(20 * check.ms);
}

fn runNamed(comptime function: fn (*u64) anyerror!void, n: *u64, name: [:0]const u8) !void {
    // The signal does not run on that stack.
    const task = try photonrt.spawnWith(.{ .vcpu = check.vcpus(), .name = name, .stack_size = 16 << 10 }, function, .{n});
    expected = task.co;
    check.join(task);
    try checkLast(name);
}

fn start() !void {
    var n: u64 = 1;
    seen.calls.store(0, .monotonic);
    try runNamed(spinTwice, &n, "computing");
    check.eq(0, seen.last.blocked);
    check.eq(with_addresses, seen.in_spin);
    check.eq(with_addresses, seen.in_entry);
    n += 1;
    try runNamed(blocks, &n, "blocked");
    check.eq(with_addresses, seen.last.depth > 1);
    check.eq(3, check.stats().stalls);
    check.eq(0, std.c.raise(.URG)); // not ours: for who had it before
}

fn quiet() !void {
    check.stall.burn(60 * check.ms);
    try photonrt.sleep(.ms(20));
    check.eq(0, check.stats().stalls);
}

fn onUrgent(signal: std.posix.SIG) callconv(.c) void {
    check.eq(.URG, signal);
    _ = urgent.fetchAdd(1, .monotonic);
}

pub fn plain() !void {
    if (builtin.abi.isMusl()) check.skip("musl has no unwind tables for a signal's frame", .{});
    const act: std.posix.Sigaction = .{ .handler = .{ .handler = onUrgent }, .mask = std.posix.sigemptyset(), .flags = 0 };
    std.posix.sigaction(.URG, &act, null);
    var config = check.config();
    config.on_stall = onStall;
    config.on_stall_arg = &seen;
    try photonrt.run(config, start, .{});
    check.eq(1, urgent.load(.monotonic));
    var after: std.posix.Sigaction = undefined;
    std.posix.sigaction(.URG, null, &after);
    check.that(after.handler.handler == &onUrgent);

    with_addresses = false;
    config.no_signals = true;
    try photonrt.run(config, start, .{});
    check.eq(2, urgent.load(.monotonic));

    seen.calls.store(0, .monotonic);
    config.stall = c.CO_FOREVER;
    try photonrt.run(config, quiet, .{});
    config.stall = 3600 * check.sec;
    try photonrt.run(config, quiet, .{});
    config.stall = -2;
    check.err(error.InvalidArgument, photonrt.run(config, quiet, .{}));
    config.stall = 0;
    for ([_][:0]const u8{ "0", "3600000" }) |limit| {
        check.eq(0, setenv("PHOTONRT_STALL_MS", limit, 1));
        try photonrt.run(config, quiet, .{});
    }
    check.eq(0, setenv("PHOTONRT_STALL_MS", "ten", 1));
    check.err(error.InvalidArgument, photonrt.run(config, quiet, .{}));
    check.eq(0, seen.calls.load(.monotonic));
    check.eq(0, setenv("PHOTONRT_STALL_MS", "0", 1)); // what the program says counts more
    config.stall = 10 * check.ms;
    try photonrt.run(config, start, .{});
}
