//! `std.Io` on photonrt's vCPUs: each task is a coroutine, each wait gives its vCPU to others.
//!
//! ```text
//!   std.Io{ userdata, vtable }
//!              |         `--> vtable: an entry for each field of std.Io.VTable, chosen at compile time
//!              v                native   a module below has a function of that name
//!   Io{ threaded, ... }         base     Threaded's own: never blocks, or belongs to the OS thread
//!       ^                       inline   Threaded's own, after a look for a cancel request
//!       |                       offload  the coroutine waits, Threaded's entry runs on a thread
//!       `- userdata is `&threaded`, so entries of Threaded find what they expect, and ours get back
//!          to the Io by @fieldParentPtr
//! ```
//! Every entry works in coroutines, and on plain threads, which it then blocks.
const std = @import("std");
const c = @import("c");
const offload = @import("Io/offload.zig");

const Io = @This();

/// For what is not native. Set up by `init`.
threaded: std.Io.Threaded,
/// Memory of tasks. Thread-safe.
gpa: std.mem.Allocator,
/// How many threads may run entries of Threaded at once.
threads: Threads,
/// How tasks are spawned.
task_attr: c.co_attr_t,

/// Modules with native entries. A public function that is called as a field of `std.Io.VTable` is that entry.
const natives = .{
    @import("Io/task.zig"),
    @import("Io/group.zig"),
    @import("Io/wait.zig"),
    @import("Io/operate.zig"),
    @import("Io/batch.zig"),
    @import("Io/net.zig"),
    @import("Io/file.zig"),
};

/// Entries that never block, or are about the calling OS thread: Threaded's, as they are.
const direct = [_][]const u8{
    "crashHandler",  "now",          "clockResolution",    "random",           "lockStderr",
    "tryLockStderr", "unlockStderr", "progressParentFile", "inheritParentDir", "inheritParentFile",
};

/// Entries that never block, and whose errors make them cancelation points.
const looking = [_][]const u8{ "fileIsTty", "fileSupportsAnsiEscapeCodes", "fileEnableAnsiEscapeCodes", "processCurrentPath" };

/// Threaded's entries.
pub const base: *const std.Io.VTable = base: {
    var threaded: std.Io.Threaded = .init_single_threaded;
    break :base threaded.io().vtable;
};

const vtable: std.Io.VTable = table: {
    @setEvalBranchQuota(1_000_000);
    var table: std.Io.VTable = base.*;
    for (@typeInfo(std.Io.VTable).@"struct".field_names) |name| {
        if (native(name)) |module| {
            @field(table, name) = @field(module, name);
        } else if (contains(&direct, name)) {
            // As it is.
        } else if (contains(&looking, name)) {
            @field(table, name) = offload.Inline(name).entry;
        } else {
            @field(table, name) = offload.Offload(name).entry;
        }
    }
    break :table table;
};

fn native(comptime name: []const u8) ?type {
    var found: ?type = null;
    for (natives) |module| if (@hasDecl(module, name)) {
        if (found != null) @compileError("two native entries called " ++ name);
        found = module;
    };
    return found;
}

fn contains(names: []const []const u8, name: []const u8) bool {
    for (names) |n| if (std.mem.eql(u8, n, name)) return true;
    return false;
}

/// How to start.
pub const Options = struct {
    /// OS threads that run tasks; 0: as many as CPUs this process may use. At most 256.
    vcpus: u32 = 0,
    engine: Engine = .auto,
    /// Bytes of stack for a task, rounded up to a power of two from 16 KiB to 8 MiB; 0: 256 KiB.
    /// This is address space: memory is committed as it is touched.
    stack_size: u64 = 0,
    /// OS threads at most that do what would block; 0: 64.
    blocking_max: u32 = 0,
    /// Nanoseconds that a task may keep its vCPU without waiting before that is reported on standard error; null: no
    /// reports, unless the environment variable PHOTONRT_STALL_MS asks for them.
    stall: ?i64 = null,
    /// See `std.Io.Threaded.InitOptions`.
    argv0: std.Io.Threaded.Argv0 = .empty,
    /// See `std.Io.Threaded.InitOptions`.
    environ: std.process.Environ = .empty,
    /// See `std.Io.Threaded.InitOptions`.
    disable_memory_mapping: bool = false,
};

/// How to wait for the system.
pub const Engine = enum(u32) {
    /// The best that works here.
    auto = c.CO_ENGINE_AUTO,
    /// io_uring.
    uring = c.CO_ENGINE_URING,
    /// epoll or kqueue.
    ready = c.CO_ENGINE_READY,
    /// poll(2): works everywhere.
    offload = c.CO_ENGINE_OFFLOAD,
};

/// Why the runtime did not start.
pub const StartError = error{
    /// An option is out of its range.
    InvalidOptions,
    /// One runtime at a time lives in a process.
    AlreadyRunning,
    /// The engine asked for does not work on this system.
    EngineUnavailable,
    OutOfMemory,
    ProcessFdQuotaExceeded,
    /// The system gives no more threads.
    SystemResources,
    Unexpected,
};

/// Starts the runtime; all its vCPUs have threads of their own. `io` must stay where it is until `deinit`.
///
/// `gpa` must be thread-safe: tasks are allocated by it. Any thread but a coroutine's.
pub fn init(rt: *Io, gpa: std.mem.Allocator, options: Options) StartError!void {
    try rt.setUp(gpa, options);
    errdefer rt.threaded.deinit();
    try started(c.co_init(&config(options)));
}

/// Waits until all tasks have ended and stops the runtime. Blocks the calling thread; not from a
/// coroutine.
pub fn deinit(rt: *Io) void {
    const rc = c.co_shutdown(c.CO_FOREVER);
    std.debug.assert(rc == 0);
    rt.threaded.deinit();
    rt.* = undefined;
}

/// The interface. May be copied; good until `deinit`.
pub fn io(rt: *Io) std.Io {
    return .{ .userdata = &rt.threaded, .vtable = &vtable };
}

/// Starts the runtime with the calling thread as one of its vCPUs, runs `function(io, args...)` as
/// its first task and gives its result, when all other tasks have ended too.
///
/// Blocks the calling thread; not from a coroutine.
pub fn run(gpa: std.mem.Allocator, options: Options, comptime function: anytype, args: anytype) RunResult(function) {
    const Main = struct {
        io: Io,
        args: @TypeOf(args),
        result: Result(function),

        fn entry(arg: ?*anyopaque) callconv(.c) ?*anyopaque {
            const main: *@This() = @ptrCast(@alignCast(arg));
            main.result = @call(.auto, function, .{main.io.io()} ++ main.args);
            return null;
        }
    };
    var main: Main = .{ .io = undefined, .args = args, .result = undefined };
    try main.io.setUp(gpa, options);
    defer main.io.threaded.deinit();
    try started(c.co_run(&config(options), Main.entry, &main, null));
    return main.result;
}

/// What `run` returns: what the function does, or why the runtime did not start.
fn RunResult(comptime function: anytype) type {
    const R = Result(function);
    return switch (@typeInfo(R)) {
        .error_union => |u| (StartError || u.error_set)!u.payload,
        else => StartError!R,
    };
}

fn Result(comptime function: anytype) type {
    return @typeInfo(@TypeOf(function)).@"fn".return_type.?;
}

fn setUp(rt: *Io, gpa: std.mem.Allocator, options: Options) error{}!void {
    rt.* = .{
        .threaded = .init(gpa, .{
            .argv0 = options.argv0,
            .environ = options.environ,
            .disable_memory_mapping = options.disable_memory_mapping,
        }),
        .gpa = gpa,
        .threads = .{ .free = .init(if (options.blocking_max == 0) 64 else options.blocking_max) },
        .task_attr = std.mem.zeroes(c.co_attr_t),
    };
    rt.task_attr.size = @sizeOf(c.co_attr_t);
}

fn config(options: Options) c.co_config_t {
    var cfg = std.mem.zeroes(c.co_config_t);
    cfg.size = @sizeOf(c.co_config_t);
    cfg.vcpus = options.vcpus;
    cfg.engine = @backingInt(options.engine);
    cfg.stack_size = options.stack_size;
    cfg.blocking_max = options.blocking_max;
    cfg.stall_ns = options.stall orelse if (std.c.getenv("PHOTONRT_STALL_MS") == null) c.CO_FOREVER else 0;
    return cfg;
}

fn started(rc: c_int) StartError!void {
    if (rc >= 0) return;
    return switch (@as(std.posix.E, @fromBackingInt(@intCast(-rc)))) {
        .INVAL => error.InvalidOptions,
        .BUSY => error.AlreadyRunning,
        .NOSYS => error.EngineUnavailable,
        .NOMEM => error.OutOfMemory,
        .MFILE, .NFILE => error.ProcessFdQuotaExceeded,
        .AGAIN => error.SystemResources,
        else => error.Unexpected,
    };
}

/// The attributes of a task.
pub fn attr(rt: *const Io) ?*const c.co_attr_t {
    _ = rt;
    return null;
}

/// The time by a clock.
pub fn now(rt: *Io, clock: std.Io.Clock) std.Io.Timestamp {
    return base.now(&rt.threaded, clock);
}

/// A count of threads that may be used, for coroutines to wait on.
const Threads = struct {
    free: std.atomic.Value(u32),

    /// Blocks; a cancelation point.
    pub fn acquire(t: *Threads) error{Canceled}!void {
        const core = @import("Io/core.zig");
        var n = t.free.load(.monotonic);
        while (true) {
            if (n == 0) {
                const rc = c.co_futex_wait(&t.free.raw, 0, c.CO_FOREVER);
                if (rc < 0 and core.errno(rc) == .CANCELED) return core.canceled();
                n = t.free.load(.monotonic);
            } else {
                n = t.free.cmpxchgWeak(n, n - 1, .acquire, .monotonic) orelse return;
            }
        }
    }

    pub fn release(t: *Threads) void {
        _ = t.free.fetchAdd(1, .release);
        _ = c.co_futex_wake(&t.free.raw, 1);
    }
};

test {
    _ = vtable;
    inline for (natives) |module| _ = module;
    _ = @import("Io/test/operate.zig");
    _ = @import("Io/test/message.zig");
    _ = @import("Io/test/batch.zig");
    _ = @import("Io/test/net.zig");
    _ = @import("Io/test/file.zig");
    _ = @import("Io/test/http.zig");
}

fn add(a: u32, b: u32) u32 {
    return a + b;
}

test "first steps" {
    var rt: Io = undefined;
    try rt.init(std.testing.allocator, .{ .vcpus = 2 });
    defer rt.deinit();
    const i = rt.io();
    var f = try i.concurrent(add, .{ 1, 2 });
    try std.testing.expectEqual(3, f.await(i));
    const body = struct {
        fn body(io2: std.Io) !void {
            try io2.sleep(.fromMilliseconds(1), .awake);
            _ = try std.Io.Dir.cwd().statFile(io2, "build.zig", .{});
        }
    }.body;
    var g = try i.concurrent(body, .{i});
    try g.await(i);
    try body(i);
}

test "run" {
    const body = struct {
        fn body(i: std.Io, n: u32) !u32 {
            var f = try i.concurrent(add, .{ n, 2 });
            return f.await(i);
        }
    }.body;
    try std.testing.expectEqual(3, try run(std.testing.allocator, .{}, body, .{1}));
}
