//! Timers that call a function.
const std = @import("std");
const c = @import("c");
const errors = @import("errors.zig");
const Group = @import("group.zig").Group;
const Timeout = @import("time.zig").Timeout;

/// How to start a timer.
pub const Options = struct {
    /// Until the first expiry; `.forever`: not before `Timer.reset` says when.
    delay: Timeout = .now,
    /// Nanoseconds from each expiry to the next; 0: there is one.
    period: i64 = 0,
    group: Group = .current,
    /// Bytes of stack for the callback; 0: the config's.
    stack_size: u64 = 0,
};

pub const StartError = error{ InvalidArgument, NotFound, ShuttingDown, OutOfMemory, Unexpected };
/// `Deadlock`: from its own callback, which may cancel it. `NotFound`: stopped already.
pub const StopError = error{ NotFound, Deadlock } || errors.WaitError;

/// A timer. A number that stays safe to use for ever.
pub const Timer = enum(u64) {
    _,

    /// Has `function(timer, expiries, context)` called in a coroutine at each expiry: never early. Callbacks of one timer never overlap: `expiries`
    /// counts what expired meanwhile. The context outlives the timer. To be given to `stop` at last. Any thread; never blocks.
    pub fn start(options: Options, context: anytype, comptime function: fn (timer: Timer, expiries: u64, context: @TypeOf(context)) void) StartError!Timer {
        var timer: c.co_timer_t = 0;
        try startRaw(&timer, options, context, function);
        return @fromBackingInt(timer);
    }

    /// The same for a timer that nobody stops: it goes by itself when nothing more is to come of it.
    pub fn startDetached(options: Options, context: anytype, comptime function: fn (timer: Timer, expiries: u64, context: @TypeOf(context)) void) StartError!void {
        return startRaw(null, options, context, function);
    }

    fn startRaw(out: ?*c.co_timer_t, options: Options, context: anytype, comptime function: fn (Timer, u64, @TypeOf(context)) void) StartError!void {
        const Context = @TypeOf(context);
        comptime std.debug.assert(@typeInfo(Context) == .pointer);
        const Thunk = struct {
            fn expired(timer: c.co_timer_t, expiries: u64, arg: ?*anyopaque) callconv(.c) void {
                function(@fromBackingInt(timer), expiries, @ptrCast(@alignCast(arg.?)));
            }
        };
        var attr = std.mem.zeroes(c.co_timer_attr_t);
        attr.size = @sizeOf(c.co_timer_attr_t);
        attr.delay_ns = options.delay.raw();
        attr.period_ns = options.period;
        attr.group = @backingInt(options.group);
        attr.stack_size = options.stack_size;
        const rc = c.co_timer_start(out, &attr, Thunk.expired, @ptrCast(@constCast(context)));
        if (rc < 0) return errors.of(StartError, rc);
    }

    /// Disarms it. Whether its callback is running. Any thread, the callback too; never blocks.
    pub fn cancel(timer: Timer) error{NotFound}!bool {
        const rc = c.co_timer_cancel(@backingInt(timer));
        return if (rc < 0) error.NotFound else rc == 1;
    }

    /// Arms it anew. Whether it was armed. Any thread, the callback too; never blocks.
    pub fn reset(timer: Timer, delay: Timeout) error{ NotFound, InvalidArgument, Unexpected }!bool {
        const rc = c.co_timer_reset(@backingInt(timer), delay.raw());
        return if (rc < 0) errors.of(error{ NotFound, InvalidArgument, Unexpected }, rc) else rc == 1;
    }

    /// Cancels it, waits until its callback has returned, frees it: the context is no longer used then. Blocks only while the callback
    /// runs, and is a cancellation point then. Plain threads too.
    pub fn stop(timer: Timer, timeout: Timeout) StopError!void {
        const rc = c.co_timer_stop(@backingInt(timer), timeout.raw());
        if (rc < 0) return errors.of(StopError, rc);
    }
};
