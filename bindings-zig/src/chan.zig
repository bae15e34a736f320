//! Channels, futures, and waiting for several things at once.
//!
//! ```zig
//! const jobs: photonrt.Channel(Job) = try .init(16);
//! defer jobs.deinit();
//! try jobs.send(job);                       // in another coroutine: while (jobs.receive()) |job| ... else |_| {}
//! ```
//! A channel passes elements by copy, first in, first out. Its handle is a number: copy it freely, any coroutine and any thread may use
//! it, and what comes late gets `error.Freed`.
const std = @import("std");
const c = @import("c");
const errors = @import("errors.zig");
const Timeout = @import("time.zig").Timeout;
const Event = @import("sync.zig").Event;
const WaitError = errors.WaitError;

const names = [_]errors.Name{
    .{ .PIPE, error.Closed },
    .{ .BADF, error.Freed },
    .{ .ALREADY, error.AlreadyComplete },
};

/// A capacity without a limit but memory.
pub const unbounded = std.math.maxInt(usize);
/// Bytes that an element may have; what is larger goes by its address.
pub const max_element_size = c.CO_CHAN_ELEM_MAX;

/// `Closed`: the channel is closed, or was meanwhile. `Freed`: it is gone, or went meanwhile. `OutOfMemory`: unbounded ones.
pub const SendError = error{ Closed, Freed, OutOfMemory } || WaitError;
/// `Closed`: it is closed and nothing is left in it.
pub const ReceiveError = error{ Closed, Freed } || WaitError;

/// A channel of elements of type `T`.
pub fn Channel(comptime T: type) type {
    comptime std.debug.assert(@sizeOf(T) <= max_element_size);
    return struct {
        handle: c.co_chan_t,

        const Self = @This();

        /// `room` 0: a rendezvous, in which a send ends when its element has been received; n: up to n elements wait in a
        /// buffer; `unbounded`: sends never wait. Any thread; never blocks.
        pub fn init(room: usize) error{OutOfMemory}!Self {
            var handle: c.co_chan_t = 0;
            if (c.co_chan_new(&handle, @sizeOf(T), room) < 0) return error.OutOfMemory;
            return .{ .handle = handle };
        }

        /// Ends the channel, closed or not: every call on it that waits or is to come gives `error.Freed`, and elements in the
        /// buffer are dropped. Does nothing the second time. Any thread; never blocks.
        pub fn deinit(ch: Self) void {
            _ = c.co_chan_free(ch.handle);
        }

        /// To the receiver that has waited longest, or into the buffer. Blocks; a cancellation point; any thread.
        pub inline fn send(ch: Self, element: T) SendError!void {
            return ch.sendTimeout(element, .forever);
        }

        /// The same within a time. What fails has sent nothing.
        pub inline fn sendTimeout(ch: Self, element: T, timeout: Timeout) SendError!void {
            const rc = c.co_chan_send(ch.handle, @ptrCast(&element), timeout.raw());
            if (rc < 0) return errors.named(SendError, &names, rc);
        }

        /// The oldest element. Blocks; a cancellation point; any thread.
        pub inline fn receive(ch: Self) ReceiveError!T {
            return ch.receiveTimeout(.forever);
        }

        /// The same within a time. What fails has taken nothing.
        pub inline fn receiveTimeout(ch: Self, timeout: Timeout) ReceiveError!T {
            var element: T = undefined;
            const rc = c.co_chan_recv(ch.handle, @ptrCast(&element), timeout.raw());
            if (rc < 0) return errors.named(ReceiveError, &names, rc);
            return element;
        }

        /// For senders: receivers get what is in the buffer, and then `error.Closed`. Any thread; never blocks.
        pub fn close(ch: Self) error{ Closed, Freed }!void {
            const rc = c.co_chan_close(ch.handle);
            if (rc < 0) return if (rc == -@as(c_int, @backingInt(std.posix.E.PIPE))) error.Closed else error.Freed;
        }

        /// Elements in the buffer at this moment. Any thread; never blocks.
        pub fn len(ch: Self) error{Freed}!usize {
            const n = c.co_chan_len(ch.handle);
            return if (n < 0) error.Freed else @intCast(n);
        }

        /// As it was made; `maxInt(i64)` for an unbounded one.
        pub fn capacity(ch: Self) error{Freed}!usize {
            const n = c.co_chan_cap(ch.handle);
            return if (n < 0) error.Freed else @intCast(n);
        }

        /// A case of `select`: to receive into `element`; null: it is dropped.
        pub fn onReceive(ch: Self, element: ?*T) Case {
            return .{ .raw = .{ .kind = c.CO_SELECT_RECV, .handle = ch.handle, .elem = @ptrCast(element) } };
        }

        /// A case of `select`: to send `element`, which stays where it is until then.
        pub fn onSend(ch: Self, element: *const T) Case {
            return .{ .raw = .{ .kind = c.CO_SELECT_SEND, .handle = ch.handle, .elem = @ptrCast(@constCast(element)) } };
        }
    };
}

/// A value of type `T` that arrives once, or an error in its place.
pub fn Future(comptime T: type) type {
    comptime std.debug.assert(@sizeOf(T) <= max_element_size);
    return struct {
        handle: c.co_future_t,

        const Self = @This();
        /// `AlreadyComplete`: it has its value or its error, and keeps it. `Freed`: nobody wants it any more.
        pub const CompleteError = error{ AlreadyComplete, Freed, InvalidArgument, Unexpected };
        /// What a wait ends with, and whatever `fail` was given.
        pub const Error = errors.IoError || error{Freed} || WaitError;

        /// Any thread; never blocks.
        pub fn init() error{OutOfMemory}!Self {
            var handle: c.co_future_t = 0;
            if (c.co_future_new(&handle, @sizeOf(T)) < 0) return error.OutOfMemory;
            return .{ .handle = handle };
        }

        /// Ends the future: calls that wait or are to come give `error.Freed`. Any thread; never blocks.
        pub fn deinit(f: Self) void {
            _ = c.co_future_free(f.handle);
        }

        /// Gives it its value, once. Any thread, and from callbacks of foreign code; never blocks.
        pub fn complete(f: Self, value: T) CompleteError!void {
            const rc = c.co_future_complete(f.handle, @ptrCast(&value));
            if (rc < 0) return errors.named(CompleteError, &names, rc);
        }

        /// Gives it an error: one that has an errno, see `errors.names`. Any thread; never blocks.
        pub fn fail(f: Self, err: anyerror) CompleteError!void {
            const number = errors.errno(err) orelse return error.InvalidArgument;
            const rc = c.co_future_fail(f.handle, number);
            if (rc < 0) return errors.named(CompleteError, &names, rc);
        }

        /// As often as one likes, by any number of callers. Blocks; a cancellation point; any thread.
        pub fn wait(f: Self, timeout: Timeout) Error!T {
            var value: T = undefined;
            const rc = c.co_future_wait(f.handle, @ptrCast(&value), timeout.raw());
            if (rc < 0) return errors.named(Error, &.{.{ .BADF, error.Freed }}, rc);
            return value;
        }

        /// A case of `select`: its value goes to `value`; null: it is dropped.
        pub fn on(f: Self, value: ?*T) Case {
            return .{ .raw = .{ .kind = c.CO_SELECT_FUTURE, .handle = f.handle, .elem = @ptrCast(value) } };
        }
    };
}

/// One of the things that `select` waits for: `Channel.onReceive`, `Channel.onSend`, `Future.on`, or made here.
pub const Case = extern struct {
    raw: c.co_select_t,

    /// For the event to be set.
    pub fn event(e: *Event) Case {
        return .{ .raw = .{ .kind = c.CO_SELECT_EVENT, .elem = @ptrCast(&e.raw) } };
    }

    /// For a time to pass, with nothing else done before.
    pub fn after(time: Timeout) Case {
        return .{ .raw = .{ .kind = c.CO_SELECT_TIMEOUT, .timeout_ns = time.raw() } };
    }

    /// Never done: a place in the list that is switched off.
    pub const never: Case = .{ .raw = .{ .kind = c.CO_SELECT_RECV } };

    /// `Closed`, `Freed`: of a channel. `Freed`, and what its `fail` was given: of a future. `InvalidArgument`: no place for the element.
    pub const Error = error{ Closed, Freed } || errors.IoError;

    /// What became of the case that `select` has chosen: done, or what its own call would have given.
    pub fn result(case: Case) Error!void {
        const rc = case.raw.result;
        if (rc >= 0) return;
        if (case.raw.kind == c.CO_SELECT_FUTURE) return errors.named(Error, &.{.{ .BADF, error.Freed }}, rc);
        return errors.named(Error, &.{ .{ .PIPE, error.Closed }, .{ .BADF, error.Freed } }, rc);
    }
};

/// `OutOfMemory`: more than 16 cases.
pub const SelectError = error{OutOfMemory} || WaitError;

/// Waits until one of the cases can go on and does that one alone: its index, whatever its `result`. Of several that can, one is chosen
/// by chance. With an error none has been done.
///
/// ```zig
/// var job: Job = undefined;
/// var cases = [_]photonrt.Case{ jobs.onReceive(&job), .event(&quit), .after(.ms(50)) };
/// switch (try photonrt.select(&cases, .forever)) {
///     0 => if (cases[0].result()) work(job) else |_| return,
///     else => return,
/// }
/// ```
/// Blocks; a cancellation point; any thread.
pub fn select(cases: []Case, timeout: Timeout) SelectError!usize {
    const i = c.co_select(@ptrCast(cases.ptr), cases.len, timeout.raw());
    if (i < 0) return errors.of(SelectError, i);
    return @intCast(i);
}
