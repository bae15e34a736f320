//! Structured concurrency: what is spawned in a scope has ended when it is closed, on whatever way the code leaves it.
//!
//! ```zig
//! var scope: photonrt.Scope = try .open(.{ .policy = .fail_fast, .timeout = .seconds(2) });
//! defer scope.close() catch {};
//! _ = try scope.spawn(fetchUser, .{id});
//! _ = try scope.spawn(fetchOrders, .{id});
//! try scope.wait(.forever);
//! ```
const std = @import("std");
const c = @import("c");
const errors = @import("errors.zig");
const call = @import("call.zig");
const Timeout = @import("time.zig").Timeout;
const Group = @import("group.zig").Group;
const task = @import("task.zig");

/// When a scope is cancelled by itself.
pub const Policy = enum(u32) {
    /// By its deadline only.
    all = c.CO_SCOPE_ALL,
    /// The first child that fails cancels the others.
    fail_fast = c.CO_SCOPE_FAIL_FAST,
    /// The first child that ends well cancels the others, and the scope has ended well.
    first = c.CO_SCOPE_FIRST,
};

/// How to open a scope.
pub const Options = struct {
    policy: Policy = .all,
    /// Results and numbers of children are not kept: for scopes that get many children in their life.
    no_results: bool = false,
    /// Cancels and deadlines of the scopes around do not reach it.
    shielded: bool = false,
    /// After this time it is cancelled. The deadline of the scope around holds too.
    timeout: Timeout = .forever,
    /// The children's group; `.current`: that of who spawns them.
    group: Group = .current,
    /// Bytes of their stacks; 0: the config's.
    stack_size: u64 = 0,
};

/// `Canceled`: the scope around has been cancelled. `NotFound`: a deadline, and no runtime.
pub const OpenError = error{ InvalidArgument, Canceled, OutOfMemory, NotFound, WouldBlock, Unexpected };
/// `Canceled`: the scope has been cancelled, or is being closed.
pub const SpawnError = error{ Canceled, Overflow } || task.SpawnError;
/// The first error of a child, `DeadlineExpired` for the scope's time, and what a wait ends with.
pub const Error = errors.IoError;

/// What is known of a scope.
pub const Info = c.co_scope_info_t;

/// The lifetime of a set of children.
pub const Scope = enum(u64) {
    _,

    /// Opens a scope inside of the innermost one that the caller has open or is a child of. The caller owns it, and closes it before those
    /// that it opened earlier. Never blocks; plain threads too.
    pub fn open(options: Options) OpenError!Scope {
        var attr = std.mem.zeroes(c.co_scope_attr_t);
        attr.size = @sizeOf(c.co_scope_attr_t);
        attr.policy = @backingInt(options.policy);
        if (options.no_results) attr.flags |= c.CO_SCOPE_NO_RESULTS;
        if (options.shielded) attr.flags |= c.CO_SCOPE_SHIELDED;
        attr.timeout_ns = options.timeout.raw();
        attr.group = @backingInt(options.group);
        attr.stack_size = options.stack_size;
        var scope: c.co_scope_t = 0;
        const rc = c.co_scope_open(&scope, &attr);
        if (rc < 0) return errors.of(OpenError, rc);
        return @fromBackingInt(scope);
    }

    /// Spawns a child. An error that `function` returns is the child's failure (one without an errno counts as
    /// `error.Canceled` if it has been cancelled, else as `error.InputOutput`); anything else is its result, which is not
    /// kept. Gives the child's number, from 0. Never blocks; from whoever knows the scope.
    pub inline fn spawn(scope: Scope, comptime function: anytype, args: std.meta.ArgsTuple(@TypeOf(function))) SpawnError!u31 {
        return scope.spawnWith(.{}, function, args);
    }

    /// The same with attributes, which go before the scope's own.
    pub fn spawnWith(
        scope: Scope,
        attr: task.Attr,
        comptime function: anytype,
        args: std.meta.ArgsTuple(@TypeOf(function)),
    ) SpawnError!u31 {
        const Child = struct {
            fn run(all: std.meta.ArgsTuple(@TypeOf(function))) void {
                switch (@typeInfo(call.Return(function))) {
                    .error_union => _ = @call(.auto, function, all) catch |e| fail(e),
                    else => _ = @call(.auto, function, all),
                }
            }
        };
        const Copied = call.Frame(Child.run).Copied;
        const raw = attr.raw();
        const frame: Copied = .init(.{args});
        const n = c.co_scope_spawn_copy(@backingInt(scope), &raw, Copied.entry, &frame, @sizeOf(Copied), @alignOf(Copied));
        if (n < 0) return errors.of(SpawnError, n);
        return @intCast(n);
    }

    /// Waits until no child is left: the first failure if there was one, see `Error`. The owner's to call. Blocks; a cancellation
    /// point. Plain threads too.
    pub fn wait(scope: Scope, timeout: Timeout) Error!void {
        const rc = c.co_scope_wait(@backingInt(scope), timeout.raw());
        if (rc < 0) return errors.of(Error, rc);
    }

    /// Cancels its children and all that is inside of it. It still has to be closed. Any thread; never blocks.
    pub fn cancel(scope: Scope) error{NotFound}!void {
        if (c.co_scope_cancel(@backingInt(scope)) < 0) return error.NotFound;
    }

    /// Cancels it if children are left, waits for them, frees it: the first failure, as `wait`. The owner's to call, for the innermost that it
    /// has open (`Busy`: there is one inside). Blocks, and can't be called off. Plain threads too.
    pub fn close(scope: Scope) Error!void {
        const rc = c.co_scope_close(@backingInt(scope));
        if (rc < 0) return errors.of(Error, rc);
    }

    /// What is known of it. Any thread.
    pub fn info(scope: Scope) error{NotFound}!Info {
        var out = std.mem.zeroes(Info);
        out.size = @sizeOf(Info);
        if (c.co_scope_info(@backingInt(scope), &out) < 0) return error.NotFound;
        return out;
    }

    /// The scope that the calling coroutine is a child of.
    pub fn current() ?Scope {
        const scope = c.co_scope_self();
        return if (scope == 0) null else @fromBackingInt(scope);
    }

    /// When the innermost scope that the caller is in will be cancelled, by `clock`; null: never.
    pub fn deadline() ?i64 {
        const at = c.co_scope_deadline();
        return if (at == c.CO_FOREVER) null else at;
    }
};

/// The calling child has failed, whatever it returns: for what is not a Zig function's error.
pub fn fail(err: anyerror) void {
    const canceled: c_int = @backingInt(std.posix.E.CANCELED);
    const other: c_int = @backingInt(std.posix.E.IO);
    const number = errors.errno(err) orelse if (task.cancelPending()) canceled else other;
    _ = c.co_scope_fail(-number);
}

/// A value that is passed down without being passed along: to all that is called, and to children of scopes that are opened inside.
///
/// ```zig
/// const request: photonrt.ScopedValue(*const Request) = .{ .key = &request_key };  // var request_key: u8 = 0;
/// try request.with(&r, handle, .{});      ... somewhere below: request.get().?
/// ```
pub fn ScopedValue(comptime Pointer: type) type {
    return struct {
        /// The key: its address, so that it stays where it is.
        key: *const anyopaque,

        const Self = @This();

        /// Runs `function(args...)` with `value` bound; afterwards the value before is back. Scopes that it leaves open are closed.
        pub fn with(
            self: Self,
            value: Pointer,
            comptime function: anytype,
            args: std.meta.ArgsTuple(@TypeOf(function)),
        ) call.Return(function) {
            const Frame = call.Frame(function);
            var frame: Frame = .{ .args = args };
            // -EBUSY says that scopes had to be closed, which has been done.
            _ = c.co_value_call(self.key, @ptrCast(@constCast(value)), Frame.inPlace, &frame, null);
            return frame.result;
        }

        /// The innermost value; null if none is bound.
        pub fn get(self: Self) ?Pointer {
            return @ptrCast(@alignCast(c.co_value_get(self.key) orelse return null));
        }
    };
}
