//! Coroutines: spawning any function with any arguments, joining, waking, cancelling.
//!
//! ```zig
//! var a = try photonrt.spawn(fetch, .{url});
//! errdefer a.detach();
//! const body = try a.join();
//! ```
//! The arguments are copied onto the new stack. A result that fits into a pointer comes back with the join; a larger
//! one lies on the coroutine's stack until then, and is copied from there.
const std = @import("std");
const c = @import("c");
const errors = @import("errors.zig");
const call = @import("call.zig");
const Timeout = @import("time.zig").Timeout;
const Group = @import("group.zig").Group;

/// How to spawn. `.{}` is the defaults.
pub const Attr = struct {
    /// May go on on another OS thread after it has run: for code that keeps no thread-local's address across a
    /// blocking call.
    migratable: bool = false,
    /// Floating-point control state is the coroutine's own.
    save_fp: bool = false,
    /// The group to run in.
    group: Group = .current,
    /// The vCPU of that group to stay on, counted from 1; 0: any.
    vcpu: u32 = 0,
    /// Bytes of stack, rounded up to a power of two from 16 KiB to 8 MiB; 0: the config's.
    stack_size: u64 = 0,
    /// A name for reports, copied, 31 bytes at most.
    name: ?[*:0]const u8 = null,

    /// As the ABI has it.
    pub fn raw(attr: Attr) c.co_attr_t {
        var out = std.mem.zeroes(c.co_attr_t);
        out.size = @sizeOf(c.co_attr_t);
        if (attr.migratable) out.flags |= c.CO_MIGRATABLE;
        if (attr.save_fp) out.flags |= c.CO_SAVE_FP;
        out.group = @backingInt(attr.group);
        out.vcpu = attr.vcpu;
        out.stack_size = attr.stack_size;
        out.name = attr.name;
        return out;
    }
};

/// `InvalidArgument`: a bad attribute. `NotFound`: no runtime, no such group or vCPU. `ShuttingDown`: the runtime ends. `TooBig`: the
/// arguments and the result take more than half of the stack.
pub const SpawnError = error{ InvalidArgument, NotFound, ShuttingDown, OutOfMemory, TooBig, Unexpected };

/// `NotFound`: joined, detached, or another is joining it. `Deadlock`: oneself.
pub const JoinError = error{ NotFound, Deadlock } || errors.WaitError;

/// Spawns a coroutine that runs `function(args...)` when its turn comes. Any thread; never blocks. The task is to be
/// joined or detached.
pub inline fn spawn(comptime function: anytype, args: Args(function)) SpawnError!Task(call.Return(function)) {
    return spawnRaw(null, function, args);
}

/// The same with attributes.
pub inline fn spawnWith(attr: Attr, comptime function: anytype, args: Args(function)) SpawnError!Task(call.Return(function)) {
    const raw = attr.raw();
    return spawnRaw(&raw, function, args);
}

/// Spawns a coroutine that nobody joins.
pub inline fn spawnDetached(comptime function: anytype, args: Args(function)) SpawnError!void {
    return spawnDetachedWith(.{}, function, args);
}

/// The same with attributes.
pub inline fn spawnDetachedWith(attr: Attr, comptime function: anytype, args: Args(function)) SpawnError!void {
    const raw = attr.raw();
    _ = try start(true, &raw, function, args);
}

fn Args(comptime function: anytype) type {
    return std.meta.ArgsTuple(@TypeOf(function));
}

inline fn spawnRaw(attr: ?*const c.co_attr_t, comptime function: anytype, args: Args(function)) SpawnError!Task(call.Return(function)) {
    return .{ .co = try start(false, attr, function, args) };
}

inline fn start(comptime detached: bool, attr: ?*const c.co_attr_t, comptime function: anytype, args: Args(function)) SpawnError!Coroutine {
    const Frame = call.Frame(function);
    var co: c.co_t = 0;
    const out = if (detached) null else &co;
    const rc = if (comptime Frame.one_word)
        c.co_spawn(out, attr, Frame.byWord, call.pack(args))
    else rc: {
        const frame: Frame.Copied = .init(args);
        break :rc c.co_spawn_copy(out, attr, Frame.Copied.entry, &frame, @sizeOf(Frame.Copied), @alignOf(Frame.Copied));
    };
    if (rc < 0) return errors.of(SpawnError, rc);
    return @fromBackingInt(co);
}

/// A coroutine whose result is of type `R`: to be joined once, or detached.
pub fn Task(comptime R: type) type {
    return struct {
        co: Coroutine,

        const Self = @This();

        /// Waits until it has ended and gives its result. After an error of the join (time, a cancel) it is as it was,
        /// and can be joined again; where `R` is an error union itself its errors come out here too, and
        /// `joinTimeout` or `Coroutine.wait` tell the two apart.
        ///
        /// Blocks; a cancellation point. Plain threads too.
        pub inline fn join(task: Self) call.Merged(JoinError, R) {
            return task.joinTimeout(.forever) catch |e| return e;
        }

        /// The same within a time; the task's own result as it is. One joiner at a time: another gets `NotFound` at once where `R` fits
        /// into a pointer; where it does not, both wait, and that is to be avoided.
        pub inline fn joinTimeout(task: Self, timeout: Timeout) JoinError!R {
            if (comptime call.small(R)) {
                var result: ?*anyopaque = null;
                const rc = c.co_join(@backingInt(task.co), &result, timeout.raw());
                if (rc < 0) return errors.of(JoinError, rc);
                return call.unpack(R, result);
            }
            var result: R = undefined;
            // It lies at the beginning of what was copied: see `call.Frame.Copied`.
            const rc = c.co_join_copy(@backingInt(task.co), null, 0, @ptrCast(&result), @sizeOf(R), timeout.raw());
            if (rc < 0) return errors.of(JoinError, rc);
            return result;
        }

        /// Nobody will join it. Asserts that nobody has.
        pub fn detach(task: Self) void {
            errors.must(c.co_detach(@backingInt(task.co)));
        }

        /// Asks it to end, see `Coroutine.cancel`, waits for it whatever happens, and gives its result.
        pub fn cancel(task: Self) R {
            _ = c.co_cancel(@backingInt(task.co));
            const shield: Shield = .begin();
            defer shield.end();
            return task.joinTimeout(.forever) catch unreachable;
        }
    };
}

/// `NotFound`: stale, or ended.
pub const HandleError = error{NotFound};

/// What is known of a coroutine.
pub const Info = c.co_info_t;

/// What a coroutine is doing.
pub const State = enum(u32) {
    fresh = c.CO_STATE_FRESH,
    ready = c.CO_STATE_READY,
    running = c.CO_STATE_RUNNING,
    parked = c.CO_STATE_PARKED,
    ended = c.CO_STATE_ENDED,
    _,
};

/// A coroutine's handle: a number that stays safe to use for ever. Once the coroutine is gone, calls with it give
/// `error.NotFound`, whatever has been spawned since.
pub const Coroutine = enum(u64) {
    none = 0,
    _,

    /// The calling coroutine; null on a plain thread.
    pub inline fn current() ?Coroutine {
        const co = c.co_self();
        return if (co == 0) null else @fromBackingInt(co);
    }

    /// Nobody will join it: what it holds is freed when it ends, or now if it has. `NotFound`: stale, detached already, or somebody is joining
    /// it. Any thread; never blocks.
    pub fn detach(co: Coroutine) HandleError!void {
        if (c.co_detach(@backingInt(co)) < 0) return error.NotFound;
    }

    /// Asks it to end: each cancellation point in it gives `error.Canceled` until it calls `acknowledgeCancel`. Any
    /// thread; never blocks.
    pub fn cancel(co: Coroutine) HandleError!void {
        if (c.co_cancel(@backingInt(co)) < 0) return error.NotFound;
    }

    /// Makes the blocking call that it is in, or its next one, fail once with `err`: one that has an errno, see `errors.names`.
    /// Any thread; never blocks.
    pub fn interrupt(co: Coroutine, err: anyerror) error{ NotFound, InvalidArgument, Unexpected }!void {
        const number = errors.errno(err) orelse return error.InvalidArgument;
        const rc = c.co_interrupt(@backingInt(co), number);
        if (rc < 0) return errors.of(error{ NotFound, InvalidArgument, Unexpected }, rc);
    }

    /// Wakes it from `park`, or makes its next `park` return at once. Any thread; never blocks.
    pub inline fn unpark(co: Coroutine) HandleError!void {
        if (c.co_unpark(@backingInt(co)) < 0) return error.NotFound;
    }

    /// Waits until it has ended and leaves it joinable. Blocks; a cancellation point. Plain threads too.
    pub fn wait(co: Coroutine, timeout: Timeout) JoinError!void {
        const rc = c.co_wait(@backingInt(co), timeout.raw());
        if (rc < 0) return errors.of(JoinError, rc);
    }

    /// A name for reports, 31 bytes at most; null takes it back. Any thread.
    pub fn setName(co: Coroutine, name: ?[*:0]const u8) HandleError!void {
        if (c.co_set_name(@backingInt(co), name) < 0) return error.NotFound;
    }

    /// What is known of it. Any thread.
    pub fn info(co: Coroutine) HandleError!Info {
        var out = std.mem.zeroes(Info);
        out.size = @sizeOf(Info);
        if (c.co_info(@backingInt(co), &out) < 0) return error.NotFound;
        return out;
    }

    /// What it is doing at this moment.
    pub fn state(co: Coroutine) HandleError!State {
        return @fromBackingInt((try co.info()).state);
    }

    /// Moves it to a vCPU (counted from 1; 0: any) of `group`, where it stays. It must be fresh or migratable
    /// (`PermissionDenied`); `Busy`: the caller itself, pinned. Any thread; lets others run if it moves the caller.
    pub fn migrate(co: Coroutine, group: Group, vcpu: u32) error{ NotFound, PermissionDenied, Busy, Unexpected }!void {
        const rc = c.co_migrate(@backingInt(co), @backingInt(group), vcpu);
        if (rc < 0) return errors.of(error{ NotFound, PermissionDenied, Busy, Unexpected }, rc);
    }
};

/// Lets the other runnable coroutines of this vCPU run first. Not a cancellation point. On a plain thread:
/// sched_yield().
pub inline fn yield() void {
    c.co_yield_now();
}

/// `PermissionDenied`: a plain thread.
pub const ParkError = error{PermissionDenied} || errors.WaitError;

/// Gives up the vCPU until `Coroutine.unpark`; an unpark that came before makes it return at once. Blocks; a cancellation
/// point.
pub inline fn park(timeout: Timeout) ParkError!void {
    const rc = c.co_park(timeout.raw());
    if (rc < 0) return errors.of(ParkError, rc);
}

/// Whether the calling coroutine has been cancelled, and no shield holds it off. False on a plain thread.
pub inline fn cancelPending() bool {
    return c.co_cancel_pending() == 1;
}

/// The calling coroutine's blocking calls work again after a cancel. Whether there was one; false on a plain thread.
pub fn acknowledgeCancel() bool {
    return c.co_cancel_clear() == 1;
}

/// Holds cancels and interrupts off the calling coroutine until `end`: they are kept. Shields nest.
///
/// ```zig
/// const shield: photonrt.Shield = .begin();
/// defer shield.end();
/// ```
pub const Shield = struct {
    before: c_int,

    /// On a plain thread it does nothing.
    pub fn begin() Shield {
        return .{ .before = c.co_cancel_shield(1) };
    }

    pub fn end(shield: Shield) void {
        if (shield.before == 0) errors.must(c.co_cancel_shield(0));
    }
};

/// Calls `function(info, context)` for every coroutine that lives through the call, until it gives false. It must not
/// block. Any thread.
pub fn forEach(context: anytype, comptime function: fn (info: *const Info, context: @TypeOf(context)) bool) void {
    const Context = @TypeOf(context);
    const Thunk = struct {
        fn each(info: [*c]const Info, arg: ?*anyopaque) callconv(.c) c_int {
            const at: *const Context = @ptrCast(@alignCast(arg.?));
            return @intFromBool(!function(info, at.*));
        }
    };
    var copy = context;
    errors.must(c.co_foreach(Thunk.each, @ptrCast(&copy)));
}
