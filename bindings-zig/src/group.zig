//! Groups of vCPUs: some work apart, with a policy of its own.
const std = @import("std");
const c = @import("c");
const errors = @import("errors.zig");
const call = @import("call.zig");
const Timeout = @import("time.zig").Timeout;
const Coroutine = @import("task.zig").Coroutine;

/// How to create a group.
pub const Attr = struct {
    policy: Policy = .threads,
    /// vCPUs; 0: one, or in a pinned group one for each CPU that the process may use.
    vcpus: u32 = 0,
    /// A name for its threads and for reports, copied, 11 bytes at most.
    name: ?[*:0]const u8 = null,
};

/// What runs a group's vCPUs.
pub const Policy = union(enum) {
    /// A thread each.
    threads,
    /// A thread each, bound to a CPU; nothing moves but by `Coroutine.migrate`.
    pinned,
    /// One vCPU, run inside `Group.poll`.
    external,
    /// One vCPU; each runnable coroutine is handed over as a token, see `Token.run`.
    custom: struct {
        ctx: ?*anyopaque = null,
        on_ready: *const fn (ctx: ?*anyopaque, token: c.co_token_t, co: c.co_t) callconv(.c) void,
    },
};

pub const CreateError = error{
    InvalidArgument,
    NotFound,
    ShuttingDown,
    WouldBlock,
    ProcessFdQuotaExceeded,
    OutOfMemory,
    Unexpected,
};

/// `Deadlock`: from a coroutine of that group. `PermissionDenied`: the default group.
pub const DestroyError = error{ NotFound, Deadlock, PermissionDenied } || errors.WaitError;

/// `Busy`: another thread is polling it. `Deadlock`: from a coroutine.
pub const PollError = error{ InvalidArgument, NotFound, Busy, Deadlock, Unexpected };

/// What `Group.call` itself can end with.
pub const CallError = error{ NotFound, ShuttingDown, OutOfMemory } || errors.WaitError;

/// A group of vCPUs. A number that stays safe to use for ever.
pub const Group = enum(u64) {
    /// The calling coroutine's; on a plain thread the default one.
    current = 0,
    _,

    /// The group that the calling coroutine is in; null on a plain thread.
    pub fn self() ?Group {
        const group = c.co_group_self();
        return if (group == 0) null else @fromBackingInt(group);
    }

    /// Creates a group in the running runtime. `WouldBlock`: no thread is to be had. Any thread.
    pub fn create(attr: Attr) CreateError!Group {
        var raw = std.mem.zeroes(c.co_group_attr_t);
        raw.size = @sizeOf(c.co_group_attr_t);
        raw.vcpus = attr.vcpus;
        raw.name = attr.name;
        switch (attr.policy) {
            .threads => {},
            .pinned => raw.flags = c.CO_GROUP_PINNED,
            .external => raw.flags = c.CO_GROUP_EXTERNAL,
            .custom => |custom| {
                raw.flags = c.CO_GROUP_CUSTOM;
                raw.ctx = custom.ctx;
                raw.on_ready = custom.on_ready;
            },
        }
        var group: c.co_group_t = 0;
        const rc = c.co_group_create(&group, &raw);
        if (rc < 0) return errors.of(CreateError, rc);
        return @fromBackingInt(group);
    }

    /// Waits until its coroutines have ended, then ends its threads. Blocks; a cancellation point. Plain threads too.
    pub fn destroy(group: Group, timeout: Timeout) DestroyError!void {
        const rc = c.co_group_destroy(@backingInt(group), timeout.raw());
        if (rc < 0) return errors.of(DestroyError, rc);
    }

    /// Runs an external group on the calling thread until nothing is runnable, waiting up to `timeout` for the first.
    /// How many times a coroutine was resumed. Of a custom group it looks after I/O and timers, and gives how many have
    /// become runnable. Blocks the calling thread.
    pub fn poll(group: Group, timeout: Timeout) PollError!u64 {
        const n = c.co_group_poll(@backingInt(group), timeout.raw());
        if (n < 0) return errors.of(PollError, n);
        return @intCast(n);
    }

    /// A descriptor that is readable when `poll` of this external or custom group has something to do. It belongs to the group.
    pub fn fd(group: Group) error{ InvalidArgument, NotFound, Unexpected }!std.posix.fd_t {
        const n = c.co_group_fd(@backingInt(group));
        if (n < 0) return errors.of(error{ InvalidArgument, NotFound, Unexpected }, n);
        return n;
    }

    /// How many vCPUs it has. `NotFound`: stale, or no runtime.
    pub fn vcpuCount(group: Group) error{NotFound}!u32 {
        const n = c.co_group_vcpu_count(@backingInt(group));
        if (n < 0) return error.NotFound;
        return @intCast(n);
    }

    /// Runs `function(args...)` in a coroutine of this group and waits for its result. What stops the caller meanwhile (time, a cancel)
    /// cancels the callee, and the caller goes on waiting for its end; the error then goes before the result.
    ///
    /// Blocks; a cancellation point. Plain threads too.
    pub fn run(
        group: Group,
        timeout: Timeout,
        comptime function: anytype,
        args: std.meta.ArgsTuple(@TypeOf(function)),
    ) call.Merged(CallError, call.Return(function)) {
        const Frame = call.Frame(function);
        var frame: Frame = .{ .args = args };
        const rc = c.co_group_call(@backingInt(group), Frame.inPlace, &frame, null, timeout.raw());
        if (rc < 0) return errors.of(CallError, rc);
        return frame.result;
    }
};

/// The vCPU in its group, counted from 1, that the calling coroutine is on; 0 on a plain thread.
pub inline fn currentVcpu() u32 {
    return c.co_vcpu_self();
}

/// `NotFound`: a token that is stale or was never given. `Busy`: the group is being polled, or another of its tokens is run.
pub const TokenError = error{ NotFound, Busy, Deadlock, Unexpected };

/// What became of a coroutine whose token was run.
pub const Turn = enum(c_int) {
    /// It waits for something.
    parked = c.CO_TOKEN_PARKED,
    /// It has yielded, and has a new token.
    ready = c.CO_TOKEN_READY,
    /// It has ended, or has moved to another group.
    gone = c.CO_TOKEN_GONE,
    _,
};

/// A coroutine's turn in a custom group. Good once.
pub const Token = enum(u64) {
    _,

    /// Runs the coroutine on the calling thread until it waits, yields or ends. Not from a coroutine (`Deadlock`).
    pub fn run(token: Token) TokenError!Turn {
        const rc = c.co_token_run(@backingInt(token));
        if (rc < 0) return errors.of(TokenError, rc);
        return @fromBackingInt(rc);
    }
};
