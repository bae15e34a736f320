//! `std.Io` on photonrt's vCPUs: each task is a coroutine, each wait gives its vCPU to others.
//!
//! ```text
//!   std.Io{ userdata, vtable }
//!              |         `--> vtable: an entry for each field of std.Io.VTable, chosen at compile time
//!              v                native   a module below has a function of that name
//!   Io{ threaded, ... }         direct   Threaded's own: never blocks
//!       ^                       looking  Threaded's own, after a look for a cancel request
//!       |                       offload  the coroutine waits, Threaded's own runs on a thread
//!       `- userdata is `&threaded`, so entries of Threaded find what they expect, and ours get back
//!          to the Io by @fieldParentPtr
//! ```
//! Every entry works in coroutines and on plain threads, which it then blocks.
//!
//! ```
//! var rt: photonrt.Io = undefined;
//! try rt.init(gpa, .{ .vcpus = 2 });
//! defer rt.deinit();
//! const io = rt.io();
//! ```
//! or `photonrt.Io.run(gpa, .{}, myMain, .{args})`, which makes the calling thread one of the vCPUs.
//!
//! Rejected: a table that is filled in at run time. This one is constant data, and a name that is
//! wrong, or that a new release of std has dropped, does not compile.
const std = @import("std");
const c = @import("c");
const offload = @import("Io/offload.zig");
const stall = @import("Io/stall.zig");
const Memory = @import("Io/memory.zig").Memory;
const Stderr = @import("Io/stderr.zig").Stderr;

const Io = @This();

/// For what is not native.
threaded: std.Io.Threaded,
gpa: std.mem.Allocator,
/// Of tasks, from `gpa`.
memory: Memory,
/// Threads of `threaded` that are free to run an entry.
slots: offload.Slots,
stderr: Stderr,
/// It has started the runtime, and stops it.
owner: bool,

/// Modules with native entries: each public function that takes a `userdata` is the entry of its name.
const natives = .{
    @import("Io/task.zig"),
    @import("Io/group.zig"),
    @import("Io/wait.zig"),
    @import("Io/process.zig"),
    @import("Io/stderr.zig"),
    @import("Io/dir.zig"),
    @import("Io/operate.zig"),
    @import("Io/batch.zig"),
    @import("Io/net.zig"),
    @import("Io/file.zig"),
};

/// Threaded's entries that never block.
const direct = [_][]const u8{ "crashHandler", "now", "clockResolution", "random", "progressParentFile" };

/// Threaded's entries that never block, and are cancelation points by their errors.
const looking = [_][]const u8{
    "fileIsTty",          "fileSupportsAnsiEscapeCodes", "fileEnableAnsiEscapeCodes",
    "processCurrentPath", "inheritParentDir",            "inheritParentFile",
};

/// Threaded's entries.
pub const base: *const std.Io.VTable = base: {
    var threaded: std.Io.Threaded = .init_single_threaded;
    break :base threaded.io().vtable;
};

/// Where the entry of a name comes from.
pub const Source = enum { native, direct, looking, offload };

/// Where the entry `name` of `std.Io.VTable` comes from.
pub fn source(comptime name: []const u8) Source {
    @setEvalBranchQuota(100_000);
    if (!@hasField(std.Io.VTable, name)) @compileError("std.Io.VTable has no " ++ name);
    if (native(name) != null) return .native;
    for (direct) |n| if (std.mem.eql(u8, n, name)) return .direct;
    for (looking) |n| if (std.mem.eql(u8, n, name)) return .looking;
    return .offload;
}

fn native(comptime name: []const u8) ?type {
    var found: ?type = null;
    for (natives) |module| if (@hasDecl(module, name)) {
        if (found != null) @compileError("two native entries called " ++ name);
        found = module;
    };
    return found;
}

pub const vtable: std.Io.VTable = table: {
    @setEvalBranchQuota(1_000_000);
    var table: std.Io.VTable = undefined;
    for (@typeInfo(std.Io.VTable).@"struct".field_names) |name| {
        @field(table, name) = switch (source(name)) {
            .native => @field(native(name).?, name),
            .direct => @field(base, name),
            .looking => offload.Looking(name).entry,
            .offload => offload.Offload(name).entry,
        };
    }
    break :table table;
};

comptime {
    @setEvalBranchQuota(1_000_000);
    for (direct ++ looking) |name| switch (source(name)) {
        .direct, .looking => {},
        else => @compileError(name ++ " is native as well"),
    };
    for (natives) |module| for (std.meta.declarations(module)) |name| {
        const info = @typeInfo(@TypeOf(@field(module, name)));
        if (info == .@"fn" and info.@"fn".param_types.len > 0 and info.@"fn".param_types[0] == ?*anyopaque)
            _ = source(name);
    };
}

/// How to start.
pub const Options = struct {
    /// OS threads that run tasks; 0: as many as CPUs this process may use. At most 256.
    vcpus: u32 = 0,
    engine: Engine = .auto,
    /// Bytes of stack for a task, rounded up to a power of two from 16 KiB to 8 MiB; 0: 256 KiB.
    /// This is address space: memory is committed as it is touched.
    stack_size: u64 = 0,
    /// Bytes of dead tasks' stacks that one vCPU keeps for reuse at once; 0: 64 MiB.
    stack_cache: u64 = 0,
    /// When the system gives no more guard pages, go on with stacks that have none. Otherwise
    /// `concurrent` fails then, and `async` runs the function in place.
    unguarded_ok: bool = false,
    /// OS threads at most for entries that block in the system, of each of two kinds: those that can
    /// be canceled, and those that can't. 0: 64.
    blocking_max: u32 = 0,
    /// Tasks may go on on another OS thread after a wait. For programs that keep no address of a
    /// thread-local variable across one.
    migratable: bool = false,
    /// Name the task whose stack has overflowed, then pass the signal on to what was there before,
    /// which is Zig's own handler. Needs SIGSEGV and SIGBUS.
    report_overflow: bool = true,
    /// `run` only: when the first task has ended, request of the others that they end.
    cancel_rest: bool = false,
    /// Nanoseconds that a task may keep its vCPU without waiting before that is reported on standard error; null: no
    /// reports, unless the environment variable PHOTONRT_STALL_MS asks for them.
    stall: ?i64 = null,
    /// Seed of the scheduler's random choices; 0: from the system.
    seed: u64 = 0,
    /// As in `std.Io.Threaded.InitOptions`: `std.process.Init.Minimal` has it.
    argv0: std.Io.Threaded.Argv0 = .empty,
    /// As in `std.Io.Threaded.InitOptions`: what a child is given, and where programs are found.
    environ: std.process.Environ = .empty,
    /// As in `std.Io.Threaded.InitOptions`.
    disable_memory_mapping: bool = false,

    fn config(options: Options) c.co_config_t {
        var cfg = std.mem.zeroes(c.co_config_t);
        cfg.size = @sizeOf(c.co_config_t);
        cfg.vcpus = options.vcpus;
        cfg.engine = @backingInt(options.engine);
        cfg.stack_size = options.stack_size;
        cfg.stack_cache = options.stack_cache;
        cfg.blocking_max = options.blocking_max;
        cfg.stall_ns = options.stall orelse if (std.c.getenv("PHOTONRT_STALL_MS") == null) c.CO_FOREVER else 0;
        cfg.on_stall = stall.report;
        cfg.seed = options.seed;
        if (options.unguarded_ok) cfg.flags |= c.CO_UNGUARDED_OK;
        if (options.migratable) cfg.flags |= c.CO_MIGRATE_ALL;
        if (!options.report_overflow) cfg.flags |= c.CO_NO_SIGNALS;
        return cfg;
    }
};

/// What the runtime does I/O with.
pub const Engine = @import("runtime.zig").Engine;

/// Why the runtime did not start.
pub const StartError = error{
    /// An option is out of its range.
    InvalidOptions,
    /// One runtime at a time lives in a process.
    AlreadyRunning,
    /// The engine that was asked for does not work on this system.
    EngineUnavailable,
    OutOfMemory,
    ProcessFdQuotaExceeded,
    SystemFdQuotaExceeded,
    /// The system gives no more threads.
    SystemResources,
} || std.Io.UnexpectedError;

/// Starts the runtime, all its vCPUs on threads of their own. `rt` must stay where it is until `deinit`.
///
/// `gpa` must be thread-safe; it must outlive `rt`. Blocks the calling thread for as long as it takes
/// to start threads; not from a coroutine.
pub fn init(rt: *Io, gpa: std.mem.Allocator, options: Options) StartError!void {
    rt.setUp(gpa, options);
    errdefer rt.threaded.deinit();
    try started(c.co_init(&options.config()));
    rt.owner = true;
    // Not that it must succeed.
    _ = c.co_group_call(0, enter, rt, null, c.CO_FOREVER);
}

/// In a coroutine of the group whose threads end before the Io does.
fn enter(arg: ?*anyopaque) callconv(.c) ?*anyopaque {
    const rt: *Io = @ptrCast(@alignCast(arg));
    rt.memory.group = c.co_group_self();
    return null;
}

/// As `init`, in a process whose runtime somebody else has started and will stop, after `deinit`:
/// of the options, `argv0`, `environ`, `disable_memory_mapping` and `blocking_max` count. Any thread
/// and coroutine. Never blocks.
pub fn attach(rt: *Io, gpa: std.mem.Allocator, options: Options) void {
    rt.setUp(gpa, options);
}

/// Waits until all coroutines have ended, and stops the runtime. Blocks the calling thread; not from
/// a coroutine.
///
/// After `attach`: all tasks must have been awaited, and the runtime goes on.
pub fn deinit(rt: *Io) void {
    if (rt.owner) std.debug.assert(c.co_shutdown(c.CO_FOREVER) == 0);
    rt.tearDown();
    rt.* = undefined;
}

/// The interface, to be copied as one likes. Good until `deinit`.
pub fn io(rt: *Io) std.Io {
    return .{ .userdata = &rt.threaded, .vtable = &vtable };
}

/// Starts the runtime with the calling thread as one of its vCPUs, runs `function(io, args...)` as
/// its first task and gives its result when all other tasks have ended too.
///
/// `gpa` must be thread-safe. Blocks the calling thread; not from a coroutine.
pub fn run(gpa: std.mem.Allocator, options: Options, comptime function: anytype, args: anytype) RunResult(function, @TypeOf(args)) {
    const Main = struct {
        rt: Io,
        args: @TypeOf(args),
        result: Result(function, @TypeOf(args)),

        fn entry(arg: ?*anyopaque) callconv(.c) ?*anyopaque {
            const main: *@This() = @ptrCast(@alignCast(arg));
            main.rt.owner = true;
            _ = enter(&main.rt);
            main.result = @call(.auto, function, .{main.rt.io()} ++ main.args);
            return null;
        }
    };
    var main: Main = .{ .rt = undefined, .args = args, .result = undefined };
    main.rt.setUp(gpa, options);
    defer main.rt.tearDown();
    var cfg = options.config();
    if (options.cancel_rest) cfg.flags |= c.CO_RUN_CANCEL;
    try started(c.co_run(&cfg, Main.entry, &main, null));
    return main.result;
}

/// What `run` returns: what the function does, or why the runtime did not start.
fn RunResult(comptime function: anytype, comptime Args: type) type {
    const R = Result(function, Args);
    return switch (@typeInfo(R)) {
        .error_union => |u| (StartError || u.error_set)!u.payload,
        else => StartError!R,
    };
}

fn Result(comptime function: anytype, comptime Args: type) type {
    return @TypeOf(@call(.auto, function, .{@as(std.Io, undefined)} ++ @as(Args, undefined)));
}

fn setUp(rt: *Io, gpa: std.mem.Allocator, options: Options) void {
    rt.* = .{
        .threaded = .init(gpa, .{
            .argv0 = options.argv0,
            .environ = options.environ,
            .disable_memory_mapping = options.disable_memory_mapping,
        }),
        .gpa = gpa,
        .memory = .init(gpa),
        .slots = .init(if (options.blocking_max == 0) 64 else options.blocking_max),
        .stderr = .{},
        .owner = false,
    };
}

fn tearDown(rt: *Io) void {
    rt.threaded.deinit();
    rt.memory.deinit();
}

fn started(rc: c_int) StartError!void {
    if (rc >= 0) return;
    return switch (@as(std.posix.E, @fromBackingInt(@intCast(-rc)))) {
        .INVAL => error.InvalidOptions,
        .BUSY => error.AlreadyRunning,
        .NOSYS => error.EngineUnavailable,
        .NOMEM => error.OutOfMemory,
        .MFILE => error.ProcessFdQuotaExceeded,
        .NFILE => error.SystemFdQuotaExceeded,
        .AGAIN => error.SystemResources,
        else => error.Unexpected,
    };
}

test {
    inline for (natives) |module| _ = module;
    _ = @import("Io/test/start.zig");
    _ = @import("Io/test/task.zig");
    _ = @import("Io/test/group.zig");
    _ = @import("Io/test/wait.zig");
    _ = @import("Io/test/offload.zig");
    _ = @import("Io/test/process.zig");
    _ = @import("Io/test/crash.zig");
    _ = @import("Io/test/operate.zig");
    _ = @import("Io/test/message.zig");
    _ = @import("Io/test/batch.zig");
    _ = @import("Io/test/net.zig");
    _ = @import("Io/test/file.zig");
    _ = @import("Io/test/http.zig");
    _ = @import("Io/test/coverage.zig"); // the last
}
