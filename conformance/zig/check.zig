//! What the Zig cases share: checks that say what they saw, and the frame that a case runs in.
//!
//! ```zig
//! const photonrt = @import("photonrt");
//! const check = @import("check");
//!
//! pub fn body() !void {
//!     try photonrt.sleep(.now);
//!     check.err(error.Timeout, photonrt.park(.ms(1)));
//! }
//! ```
//! A failed check prints the values and where it was called from, and ends the process with 1: what comes after a broken
//! promise proves nothing. So does an error that a body returns. `skip` prints its reason and ends it with 77.
//!
//! The driver's watchdog sends SIGQUIT: a thread that waits for it prints every coroutine and the runtime's figures.
const std = @import("std");
const photonrt = @import("photonrt");
pub const c = photonrt.c;

/// Sockets, pipes, streams of bytes.
pub const net = @import("check/net.zig");

/// Batches of operations.
pub const batch = @import("check/batch.zig");
/// A name service of the test's own.
pub const resolver = @import("check/resolver.zig");
/// Messages and control messages.
pub const messages = @import("check/messages.zig");

pub const us = 1_000;
pub const ms = 1_000_000;
pub const sec = 1_000_000_000;

/// Ends the process with 1.
pub fn fail(comptime format: []const u8, args: anytype) noreturn {
    @branchHint(.cold);
    failAt(@returnAddress(), format, args);
}

fn failAt(address: usize, comptime format: []const u8, args: anytype) noreturn {
    std.debug.print(format ++ "\n", args);
    std.debug.dumpCurrentStackTrace(.{ .first_address = address });
    std.c._exit(1);
}

/// `ok` holds.
pub fn that(holds: bool) void {
    if (!holds) failAt(@returnAddress(), "not true", .{});
}

/// Two values are equal.
pub fn eq(want: anytype, got: anytype) void {
    if (!same(want, got)) failAt(@returnAddress(), "is {any}, expected {any}", .{ got, want });
}

fn same(want: anytype, got: anytype) bool {
    return switch (@typeInfo(@TypeOf(got))) {
        .@"enum" => got == @as(@TypeOf(got), want),
        .int => if (@typeInfo(@TypeOf(want)) == .int) std.math.compare(got, .eq, want) else got == want,
        else => std.meta.eql(got, @as(@TypeOf(got), want)),
    };
}

/// One number is at least another.
pub fn ge(got: anytype, low: anytype) void {
    if (got < low) failAt(@returnAddress(), "is {d}, expected at least {d}", .{ got, low });
}

/// A call has failed with `want`.
pub fn err(want: anyerror, got: anytype) void {
    const address = @returnAddress();
    if (got) |value| {
        failAt(address, "is {any}, expected {t}", .{ value, want });
    } else |e| if (e != want) failAt(address, "is {t}, expected {t}", .{ e, want });
}

/// A call of `photonrt.c` has failed with the errno.
pub fn errno(want: std.posix.E, got: anytype) void {
    const number = -@as(i64, @intCast(@backingInt(want)));
    if (got != number) failAt(@returnAddress(), "is {d}, expected {d} ({t})", .{ got, number, want });
}

/// A call of `photonrt.c` has not failed; gives its value.
pub fn ok(got: anytype) @TypeOf(got) {
    if (got < 0) failAt(@returnAddress(), "is {d} ({s})", .{ got, c.co_strerror(@intCast(got)) });
    return got;
}

fn lastErrno() std.posix.E {
    return @fromBackingInt(@intCast(std.c._errno().*));
}

/// A call of libc has not failed; gives its value.
pub fn sys(got: anytype) @TypeOf(got) {
    if (got < 0) failAt(@returnAddress(), "errno {t}", .{lastErrno()});
    return got;
}

/// Two runs of bytes are equal.
pub fn bytes(want: []const u8, got: []const u8) void {
    if (!std.mem.eql(u8, want, got)) failAt(@returnAddress(), "is \"{f}\", expected \"{f}\"", .{
        std.ascii.hexEscape(got, .lower),
        std.ascii.hexEscape(want, .lower),
    });
}

/// Pages of memory of one's own, with these rights: what a pointer to nothing points to.
pub fn pages(len: usize, rights: std.c.PROT) []align(std.heap.page_size_min) u8 {
    const p = std.c.mmap(null, len, rights, .{ .TYPE = .PRIVATE, .ANONYMOUS = true }, -1, 0);
    if (p == std.c.MAP_FAILED) fail("mmap: {t}", .{lastErrno()});
    return @as([*]align(std.heap.page_size_min) u8, @ptrCast(@alignCast(p)))[0..len];
}

/// The case can't be run here.
pub fn skip(comptime format: []const u8, args: anytype) noreturn {
    var room: [512]u8 = undefined;
    const text = std.fmt.bufPrint(&room, format ++ "\n", args) catch &room;
    _ = std.c.write(1, text.ptr, text.len);
    std.c._exit(77);
}

/// Writes to stdout, unbuffered.
pub fn print(comptime format: []const u8, args: anytype) void {
    var room: [1024]u8 = undefined;
    const text = std.fmt.bufPrint(&room, format, args) catch fail("the text is too long", .{});
    _ = std.c.write(1, text.ptr, text.len);
}

pub fn getenv(name: [*:0]const u8) ?[:0]const u8 {
    return std.mem.span(std.c.getenv(name) orelse return null);
}

/// vCPUs that this run of the case is to use.
pub fn vcpus() u32 {
    const text = getenv("CONF_VCPUS") orelse "1";
    const n = std.fmt.parseInt(u32, text, 10) catch 0;
    if (n < 1 or n > 256) fail("CONF_VCPUS={s} is not a number of vCPUs", .{text});
    return n;
}

pub fn config() photonrt.Config {
    return .{ .vcpus = vcpus() };
}

pub fn stats() photonrt.Stats {
    return photonrt.stats() catch |e| fail("co_stats: {t}", .{e});
}

pub fn info(co: photonrt.Coroutine) photonrt.c.co_info_t {
    return co.info() catch |e| fail("co_info: {t}", .{e});
}

/// The engine in use is the one that the driver asked for.
pub fn engine() void {
    const name = getenv("CONF_ENGINE") orelse getenv("PHOTONRT_ENGINE") orelse return;
    const want = std.meta.stringToEnum(photonrt.Engine, name) orelse fail("no engine {s}", .{name});
    eq(@backingInt(want), stats().engine);
}

/// Starts a runtime on threads of its own. End it with `photonrt.deinit`.
pub fn init() void {
    photonrt.init(config()) catch |e| fail("co_init: {t}", .{e});
    engine();
}

/// A coroutine that runs this function.
pub fn Task(comptime function: anytype) type {
    return photonrt.Task(@typeInfo(@TypeOf(function)).@"fn".return_type.?);
}

/// A coroutine that must be had.
pub fn spawn(comptime function: anytype, args: std.meta.ArgsTuple(@TypeOf(function))) Task(function) {
    return photonrt.spawn(function, args) catch |e| fail("co_spawn: {t}", .{e});
}

/// The same on vCPU `vcpu` of the default group, as far as there are that many.
pub fn spawnOn(vcpu: u32, comptime function: anytype, args: std.meta.ArgsTuple(@TypeOf(function))) Task(function) {
    return photonrt.spawnWith(.{ .vcpu = @min(vcpu, vcpus()) }, function, args) catch |e| fail("co_spawn: {t}", .{e});
}

/// What a coroutine gives in the end; it must not be an error.
pub fn join(task: anytype) Joined(@TypeOf(task)) {
    const address = @returnAddress();
    return task.join() catch |e| failAt(address, "join: {t}", .{e});
}

fn Joined(comptime T: type) type {
    return switch (@typeInfo(@typeInfo(@TypeOf(T.join)).@"fn".return_type.?)) {
        .error_union => |u| u.payload,
        else => unreachable,
    };
}

/// Lets the others run until `co` is in `state`.
pub fn untilState(co: photonrt.Coroutine, state: photonrt.State) void {
    while (@backingInt(state) != info(co).state) pause();
}

/// Until only `n` coroutines are alive: an ended one is counted out shortly after its joiner knows.
pub fn untilLive(n: u64) void {
    while (stats().live != n) pause();
}

/// Lets the others run for a moment.
pub fn pause() void {
    photonrt.sleep(.us(50)) catch |e| fail("co_sleep: {t}", .{e});
}

/// A plain thread.
pub fn thread(comptime function: anytype, args: std.meta.ArgsTuple(@TypeOf(function))) std.Thread {
    return std.Thread.spawn(.{}, function, args) catch |e| fail("a thread: {t}", .{e});
}

/// Runs `function(args...)` on a plain thread to its end while the caller, a coroutine, sleeps.
pub fn onThread(comptime function: anytype, args: std.meta.ArgsTuple(@TypeOf(function))) @typeInfo(@TypeOf(function)).@"fn".return_type.? {
    const Call = struct {
        args: @TypeOf(args),
        result: @typeInfo(@TypeOf(function)).@"fn".return_type.? = undefined,
        done: std.atomic.Value(bool) = .init(false),

        fn run(call: *@This()) void {
            call.result = @call(.auto, function, call.args);
            call.done.store(true, .release);
        }
    };
    var call: Call = .{ .args = args };
    const t = thread(Call.run, .{&call});
    while (!call.done.load(.acquire)) photonrt.sleep(.us(100)) catch |e| fail("co_sleep: {t}", .{e});
    t.join();
    return call.result;
}

/// A generator of one's own: the same numbers in each run (xorshift64*, Vigna 2016).
pub fn rand(state: *u64) u64 {
    var x = if (state.* != 0) state.* else 0x9e3779b97f4a7c15;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    state.* = x;
    return x *% 2685821657736338717;
}

/// Runs a case's body as the main coroutine.
pub fn run(comptime body: fn () anyerror!void) !void {
    start();
    const Main = struct {
        fn main() anyerror!u64 {
            engine();
            try body();
            return 77;
        }
    };
    eq(77, try photonrt.run(config(), Main.main, .{}));
}

/// Runs a case's body on the plain main thread, before any runtime exists.
pub fn runPlain(comptime body: fn () anyerror!void) !void {
    start();
    try body();
}

extern "c" fn sigwait(set: *const std.posix.sigset_t, number: *c_int) c_int;

/// The watchdog's ear, and writes to a broken pipe as errors.
fn start() void {
    const ignore: std.posix.Sigaction = .{ .handler = .{ .handler = std.posix.SIG.IGN }, .mask = std.posix.sigemptyset(), .flags = 0 };
    std.posix.sigaction(.PIPE, &ignore, null);
    const watch = struct {
        var set: std.posix.sigset_t = undefined;

        fn watch() void {
            while (sigwait(&set, &got) != 0) {}
            std.debug.print("the watchdog ended this case; its coroutines (100 at most):\n", .{});
            if (photonrt.stats()) |s| {
                std.debug.print("  live {d} spawned {d} polls {d} wakeups {d}\n", .{ s.live, s.spawned, s.polls, s.wakeups });
            } else |_| {}
            var left: u32 = 100;
            photonrt.forEach(&left, dump);
            std.c._exit(124);
        }
        var got: c_int = 0;
    };
    watch.set = std.posix.sigemptyset();
    std.posix.sigaddset(&watch.set, .QUIT);
    std.posix.sigprocmask(std.posix.SIG.BLOCK, &watch.set, null);
    const t = std.Thread.spawn(.{ .stack_size = 1 << 20 }, watch.watch, .{}) catch fail("no thread for the watchdog", .{});
    t.detach();
}

fn dump(i: *const photonrt.c.co_info_t, left: *u32) bool {
    std.debug.print("  {x} state {d} group {x} vcpu {d} \"{s}\"\n", .{ i.co, i.state, i.group, i.vcpu, std.mem.sliceTo(&i.name, 0) });
    left.* -= 1;
    return left.* > 0;
}

/// A panic ends the process by SIGABRT, with its trace; see main.zig.
pub fn panicked(message: []const u8, address: ?usize) noreturn {
    std.debug.defaultPanic(message, address);
}
