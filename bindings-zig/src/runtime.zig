//! The runtime: start, stop, settings, figures.
//!
//! One runtime lives in a process at a time. `run` is for a program whose main function is to be a coroutine,
//! `init` and `deinit` for one that keeps its main thread. For `std.Io` neither is needed: `photonrt.Io` does it.
const std = @import("std");
const c = @import("c");
const errors = @import("errors.zig");
const call = @import("call.zig");
const Timeout = @import("time.zig").Timeout;

/// What the runtime does I/O with.
pub const Engine = enum(u32) {
    /// io_uring where it works, else `ready`, else `offload`; PHOTONRT_ENGINE decides before that.
    auto = c.CO_ENGINE_AUTO,
    /// io_uring.
    uring = c.CO_ENGINE_URING,
    /// epoll or kqueue, and threads for files.
    ready = c.CO_ENGINE_READY,
    /// poll(2), and threads for files: always there.
    offload = c.CO_ENGINE_OFFLOAD,
    _,
};

/// A coroutine that has kept its vCPU for too long: see `Config.stall`.
pub const Stall = c.co_stall_t;

/// Settings of the runtime. `.{}` is the defaults.
pub const Config = struct {
    /// OS threads that run coroutines, at most 256; 0: one for each CPU that the process may use.
    vcpus: u32 = 0,
    engine: Engine = .auto,
    /// When the main coroutine of `run` has ended: cancel the others instead of waiting for them.
    cancel_rest: bool = false,
    /// When no more guard pages are to be had: hand out stacks without one (`Stats.guards_none`).
    unguarded_ok: bool = false,
    /// Leave SIGSEGV and SIGBUS alone. Otherwise a handler names the coroutine whose stack overflowed and passes
    /// the signal on.
    no_signals: bool = false,
    /// Every coroutine may go on on another OS thread after it has run.
    migrate_all: bool = false,
    /// Bytes of stack for a coroutine that asks for none, rounded up to a power of two from 16 KiB to 8 MiB; 0: 256 KiB.
    stack_size: u64 = 0,
    /// Bytes of stacks that one vCPU keeps for reuse; 0: 64 MiB.
    stack_cache: u64 = 0,
    /// Nanoseconds until unused stacks go back to the system; 0: one second.
    stack_decay: i64 = 0,
    /// OS threads at most for what would block; 0: 64.
    blocking_max: u32 = 0,
    /// Seed of the scheduler's random choices; 0: the system's.
    seed: u64 = 0,
    /// Nanoseconds that a coroutine may keep its vCPU before that is reported; 0: 10 ms, or PHOTONRT_STALL_MS;
    /// -1: no reports.
    stall: i64 = 0,
    /// Called for each stall in place of a report on standard error, on a thread of the runtime's own.
    on_stall: ?*const fn (stall: *const Stall, arg: ?*anyopaque) callconv(.c) void = null,
    on_stall_arg: ?*anyopaque = null,
    /// Spare vCPUs for each group while its own are held up; null: as many as it has.
    spares: ?u32 = null,

    /// As the ABI has it.
    pub fn raw(config: Config) c.co_config_t {
        var cfg = std.mem.zeroes(c.co_config_t);
        cfg.size = @sizeOf(c.co_config_t);
        cfg.vcpus = config.vcpus;
        cfg.engine = @backingInt(config.engine);
        if (config.cancel_rest) cfg.flags |= c.CO_RUN_CANCEL;
        if (config.unguarded_ok) cfg.flags |= c.CO_UNGUARDED_OK;
        if (config.no_signals) cfg.flags |= c.CO_NO_SIGNALS;
        if (config.migrate_all) cfg.flags |= c.CO_MIGRATE_ALL;
        cfg.stack_size = config.stack_size;
        cfg.stack_cache = config.stack_cache;
        cfg.stack_decay = config.stack_decay;
        cfg.blocking_max = config.blocking_max;
        cfg.seed = config.seed;
        cfg.stall_ns = config.stall;
        cfg.on_stall = @ptrCast(config.on_stall);
        cfg.on_stall_arg = config.on_stall_arg;
        cfg.spares = if (config.spares) |n| (if (n == 0) c.CO_SPARES_NONE else n) else 0;
        return cfg;
    }
};

/// `InvalidArgument`: a bad config. `Busy`: a runtime is running. `NotImplemented`: the engine does not work here.
/// `WouldBlock`: no thread was to be had.
pub const StartError = error{
    InvalidArgument,
    TooBig,
    Busy,
    NotImplemented,
    OutOfMemory,
    ProcessFdQuotaExceeded,
    WouldBlock,
    Unexpected,
};

/// Starts the runtime, runs `function(args...)` as its first coroutine on the calling thread, waits until the others
/// have ended too (see `Config.cancel_rest`), stops the runtime, and gives what the function returned.
///
/// Blocks the calling thread; not from a coroutine.
pub fn run(
    config: Config,
    comptime function: anytype,
    args: std.meta.ArgsTuple(@TypeOf(function)),
) call.Merged(StartError, call.Return(function)) {
    const Frame = call.Frame(function);
    var frame: Frame = .{ .args = args };
    const cfg = config.raw();
    const rc = c.co_run(&cfg, Frame.inPlace, &frame, null);
    if (rc < 0) return errors.of(StartError, rc);
    return frame.result;
}

/// Starts the runtime with all its vCPUs on threads of their own. From then on any thread may spawn, join, wake.
/// Any thread but a coroutine's.
pub fn init(config: Config) StartError!void {
    const cfg = config.raw();
    const rc = c.co_init(&cfg);
    if (rc < 0) return errors.of(StartError, rc);
}

/// `Deadlock`: from a coroutine. `InvalidArgument`: what `run` started. `NotFound`: nothing is running. `Busy`: another thread is at it,
/// or an external group is left.
pub const StopError = error{ Timeout, WouldBlock, Deadlock, InvalidArgument, NotFound, Busy, Unexpected };

/// Stops what `init` started: waits until all coroutines have ended, then ends the vCPUs. After a timeout the
/// runtime goes on. Blocks the calling thread.
pub fn shutdown(timeout: Timeout) StopError!void {
    const rc = c.co_shutdown(timeout.raw());
    if (rc < 0) return errors.of(StopError, rc);
}

/// `shutdown(.forever)`, for `defer`. Asserts that it can be done.
pub fn deinit() void {
    errors.must(c.co_shutdown(c.CO_FOREVER));
}

/// The runtime's figures: one moment's, each exact but not all from the same instant.
pub const Stats = c.co_stats_t;

/// The runtime's figures. `NotFound`: nothing is running. Any thread; never blocks.
pub fn stats() error{NotFound}!Stats {
    var out = std.mem.zeroes(Stats);
    out.size = @sizeOf(Stats);
    if (c.co_stats(&out) < 0) return error.NotFound;
    return out;
}

/// The linked library's version.
pub fn version() std.SemanticVersion {
    const v = c.co_abi_version();
    return .{ .major = v >> 16, .minor = v >> 8 & 0xff, .patch = v & 0xff };
}

/// The version that the header was of when this was compiled.
pub const header_version: std.SemanticVersion = .{
    .major = c.CO_VERSION_MAJOR,
    .minor = c.CO_VERSION_MINOR,
    .patch = c.CO_VERSION_PATCH,
};
