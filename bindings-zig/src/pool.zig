//! Pools of coroutines, loops in parts, code that blocks.
const std = @import("std");
const c = @import("c");
const errors = @import("errors.zig");
const call = @import("call.zig");
const Timeout = @import("time.zig").Timeout;
const Group = @import("group.zig").Group;
const WaitError = errors.WaitError;

/// How to make a pool.
pub const Options = struct {
    /// Jobs at work at once, at most; 0: 64.
    max: u32 = 0,
    /// Submitted jobs that may wait for a worker.
    queue: u32 = 0,
    /// vCPUs of a group of the pool's own; 0: it runs in `group`.
    vcpus: u32 = 0,
    group: Group = .current,
    migratable: bool = false,
    save_fp: bool = false,
    /// Bytes of the workers' stacks; 0: the config's.
    stack_size: u64 = 0,
    /// Nanoseconds that a worker waits for its next job; 0: one second; -1: it stays.
    idle: i64 = 0,
    /// The workers' name, copied, 31 bytes at most.
    name: ?[*:0]const u8 = null,
};

pub const CreateError = error{ InvalidArgument, NotFound, ShuttingDown, OutOfMemory, WouldBlock, ProcessFdQuotaExceeded, Unexpected };
/// `Closed`: the pool is being closed. `NotFound`: it is gone.
pub const SubmitError = error{ Closed, NotFound, ShuttingDown, OutOfMemory } || WaitError;
/// `Deadlock`: from a job of the pool.
pub const DrainError = error{ NotFound, Deadlock } || WaitError;
/// What is known of a pool.
pub const Info = c.co_pool_info_t;

const names = [_]errors.Name{.{ .PIPE, error.Closed }};

/// Coroutines that run jobs, each of them many, so that a job costs neither a spawn nor a new stack.
pub const Pool = enum(u64) {
    _,

    /// Any thread; blocks no longer than it takes to start threads.
    pub fn init(options: Options) CreateError!Pool {
        var attr = std.mem.zeroes(c.co_pool_attr_t);
        attr.size = @sizeOf(c.co_pool_attr_t);
        if (options.migratable) attr.flags |= c.CO_MIGRATABLE;
        if (options.save_fp) attr.flags |= c.CO_SAVE_FP;
        attr.max = options.max;
        attr.queue = options.queue;
        attr.vcpus = options.vcpus;
        attr.group = @backingInt(options.group);
        attr.stack_size = options.stack_size;
        attr.idle_ns = options.idle;
        attr.name = options.name;
        var pool: c.co_pool_t = 0;
        const rc = c.co_pool_new(&pool, &attr);
        if (rc < 0) return errors.of(CreateError, rc);
        return @fromBackingInt(pool);
    }

    /// Has `function(argument)` run by a worker; nobody gets its result. The argument fits into a pointer. Waits while the pool is
    /// full. Blocks; a cancellation point; any thread.
    pub fn submit(pool: Pool, timeout: Timeout, comptime function: anytype, args: std.meta.ArgsTuple(@TypeOf(function))) SubmitError!void {
        const Frame = call.Frame(function);
        comptime std.debug.assert(Frame.one_word);
        const rc = c.co_pool_submit(@backingInt(pool), Frame.byWord, call.pack(args), timeout.raw());
        if (rc < 0) return errors.named(SubmitError, &names, rc);
    }

    /// Has `function(args...)` run by a worker and waits for its result. What stops the caller once it has begun (time, a cancel) cancels the
    /// job, and the caller waits for its end. Blocks; a cancellation point; any thread.
    pub fn run(
        pool: Pool,
        timeout: Timeout,
        comptime function: anytype,
        args: std.meta.ArgsTuple(@TypeOf(function)),
    ) call.Merged(SubmitError, call.Return(function)) {
        const Frame = call.Frame(function);
        var frame: Frame = .{ .args = args };
        const rc = c.co_pool_call(@backingInt(pool), Frame.inPlace, &frame, null, timeout.raw());
        if (rc < 0) return errors.named(SubmitError, &names, rc);
        return frame.result;
    }

    /// Waits until no job is at work or waits. Blocks; a cancellation point. Plain threads too.
    pub fn wait(pool: Pool, timeout: Timeout) DrainError!void {
        const rc = c.co_pool_wait(@backingInt(pool), timeout.raw());
        if (rc < 0) return errors.of(DrainError, rc);
    }

    /// Takes no more jobs, does those that it has, ends its workers. After a timeout or a cancel close it again to wait for the
    /// rest. Blocks; a cancellation point. Plain threads too.
    pub fn close(pool: Pool, timeout: Timeout) DrainError!void {
        const rc = c.co_pool_close(@backingInt(pool), timeout.raw());
        if (rc < 0) return errors.of(DrainError, rc);
    }

    /// What it is doing. Any thread.
    pub fn info(pool: Pool) error{NotFound}!Info {
        var out = std.mem.zeroes(Info);
        out.size = @sizeOf(Info);
        if (c.co_pool_info(@backingInt(pool), &out) < 0) return error.NotFound;
        return out;
    }
};

/// How to run a loop in parts.
pub const ForOptions = struct {
    /// Indices of a part, at least; 0: the runtime's choice.
    grain: u64 = 0,
    /// Coroutines at most that run parts at once; 0: one for each vCPU.
    workers: u32 = 0,
    group: Group = .current,
    /// Bytes of the helpers' stacks; 0: the config's.
    stack_size: u64 = 0,
    timeout: Timeout = .forever,
};

/// What a loop itself can end with. `NotFound`: no runtime, no such group. `ShuttingDown`: plain threads only.
pub const ForError = error{ NotFound, ShuttingDown, OutOfMemory } || WaitError;

/// Calls `function(context, begin, end)` for all of `begin..end`, in parts and on all vCPUs of a group at once. The first error that a part
/// returns ends the loop: no more begin, those that run are waited for, and it is returned. So does what stops the caller (time, a
/// cancel) while some have not begun; what was first is returned. `function` returns `void` or `anyerror!void`.
///
/// Blocks; a cancellation point. Plain threads too.
pub fn parallelFor(
    begin: u64,
    end: u64,
    options: ForOptions,
    context: anytype,
    comptime function: anytype,
) !void {
    const Context = @TypeOf(context);
    // No errno, so that it is nothing but a part's.
    const part_failed = -std.math.maxInt(c_int);
    const R = call.Return(function);
    const fails = @typeInfo(R) == .error_union;
    const State = struct {
        context: Context,
        /// The number of the first error; who changes it from 0 has been first.
        failed: std.atomic.Value(u16) = .init(0),

        fn part(arg: ?*anyopaque, from: u64, to: u64) callconv(.c) c_int {
            const state: *@This() = @ptrCast(@alignCast(arg.?));
            if (fails) {
                function(state.context, from, to) catch |e| {
                    _ = state.failed.cmpxchgStrong(0, @intFromError(e), .monotonic, .monotonic);
                    return part_failed;
                };
            } else function(state.context, from, to);
            return 0;
        }
    };
    var attr = std.mem.zeroes(c.co_for_attr_t);
    attr.size = @sizeOf(c.co_for_attr_t);
    attr.workers = options.workers;
    attr.group = @backingInt(options.group);
    attr.stack_size = options.stack_size;
    var state: State = .{ .context = context };
    const rc = c.co_parallel_for(begin, end, options.grain, State.part, &state, &attr, options.timeout.raw());
    if (fails and rc == part_failed) {
        const Set = @typeInfo(R).error_union.error_set;
        return @as(Set, @errorCast(@errorFromInt(state.failed.load(.monotonic))));
    }
    if (rc < 0) return errors.of(ForError, rc);
}

/// `WouldBlock`: no thread is to be had.
pub const BlockingError = WaitError;

/// Runs `function(args...)` on an OS thread made for what blocks, while the vCPU runs other coroutines, and gives its result. Once it has begun it
/// is waited for, however long it takes; what comes meanwhile stays for the next call. On a plain thread it runs right there.
///
/// Blocks; a cancellation point until it has begun.
pub fn blocking(
    timeout: Timeout,
    comptime function: anytype,
    args: std.meta.ArgsTuple(@TypeOf(function)),
) call.Merged(BlockingError, call.Return(function)) {
    const Frame = call.Frame(function);
    var frame: Frame = .{ .args = args };
    const rc = c.co_blocking(Frame.inPlace, &frame, null, timeout.raw());
    if (rc < 0) return errors.of(BlockingError, rc);
    return frame.result;
}

/// A bracket around foreign code that may block: see co_blocking_enter.
///
/// ```zig
/// const bracket: photonrt.Bracket = .enter();
/// defer bracket.leave();
/// ```
pub const Bracket = struct {
    depth: c_int,

    /// Never waits. On a plain thread it does nothing.
    pub fn enter() Bracket {
        return .{ .depth = c.co_blocking_enter() };
    }

    /// Not a cancellation point.
    pub fn leave(_: Bracket) void {
        errors.must(c.co_blocking_leave());
    }
};

/// `PermissionDenied`: a plain thread, or in a bracket. `Overflow`: 65535 times.
pub const PinError = error{ PermissionDenied, Overflow, InvalidArgument, Unexpected };

/// Keeps the calling coroutine on its OS thread until as many `unpin` calls. Never blocks.
pub fn pin() PinError!void {
    const rc = c.co_pin();
    if (rc < 0) return errors.of(PinError, rc);
}

/// Undoes one `pin`. Lets others run if the last one lets the caller move.
pub fn unpin() PinError!void {
    const rc = c.co_unpin();
    if (rc < 0) return errors.of(PinError, rc);
}
