//! Entries that block in the system: the coroutine waits while Threaded's entry runs on a thread.
//!
//! ```text
//!   coroutine            Threaded's pool                      the runtime's pool
//!   ---------            ---------------                      ------------------
//!   can be canceled -->  concurrent(job)                 or   co_blocking(job)  <-- can't be
//!   waits for `done`     base entry, done = 1, wake
//!   canceled? cancel --> signals the thread: EINTR
//!   copies the result    task ended
//! ```
//! An entry whose errors have Canceled runs as a task of Threaded: only those can be interrupted in
//! a system call. If it completed in spite of the request, the request stays pending. Any other
//! entry takes the runtime's own pool, which costs no allocation.
//!
//! Threads are few (`Io.Options.blocking_max`): who finds none waits for one, and may be canceled
//! meanwhile. If Threaded can't have a thread, or memory, its entry runs on the runtime's pool and is
//! not canceled; if there is no thread there either, it runs where it is, as foreign code that holds
//! up its vCPU. Slow, but not an error that the system call does not have.
//!
//! Children inherit the signal mask of the thread that made them, and the runtime's pool blocks all
//! signals: what makes or replaces a process never runs there.
//!
//! On a plain thread, or in a bracket of co_blocking_enter, the entry is called straight.
//!
//! Rejected: Threaded's await as the place to wait. It sleeps on a futex of the system, on the vCPU;
//! it is only called when the task has nothing left to do but to say so.
const std = @import("std");
const c = @import("c");
const core = @import("core.zig");
const has = @import("../errors.zig").has;
const Io = @import("../Io.zig");

/// The entry `name` of `std.Io.VTable`, run off the vCPU by Threaded's own.
pub fn Offload(comptime name: []const u8) type {
    const Entry = @typeInfo(@FieldType(std.Io.VTable, name)).pointer.child;
    const Result = @typeInfo(Entry).@"fn".return_type.?;
    const Args = std.meta.ArgsTuple(Entry);
    const cancelable = hasCanceled(Result);
    const makes_processes = std.mem.startsWith(u8, name, "process");
    return struct {
        /// The entry itself.
        pub const entry = Spread(Entry, run).call;

        fn run(args: Args) Result {
            var job: Job = .{ .args = args };
            if (cancelable) try core.checkCancel();
            if (!core.inCoroutine()) {
                job.call();
            } else if (cancelable) {
                try job.concurrently();
            } else {
                job.away();
            }
            return job.result;
        }

        const Job = struct {
            args: Args,
            result: Result = undefined,
            /// 0; 1 when `result` is there. A futex.
            done: std.atomic.Value(u32) = .init(0),

            fn call(job: *Job) void {
                job.result = @call(.auto, @field(Io.base, name), job.args);
            }

            /// On the runtime's pool, or right here; deaf to requests.
            fn away(job: *Job) void {
                if (makes_processes) here(thunk, job) else blocking(thunk, job);
            }

            fn thunk(arg: ?*anyopaque) callconv(.c) ?*anyopaque {
                const job: *Job = @ptrCast(@alignCast(arg));
                job.call();
                return null;
            }

            /// As a task of Threaded, to which a cancel is passed on.
            fn concurrently(job: *Job) error{Canceled}!void {
                const userdata = job.args[0];
                const slots = &core.from(userdata).slots;
                try slots.acquire();
                defer slots.release();
                const context = std.mem.asBytes(&job);
                const future = Io.base.concurrent(userdata, 0, .@"1", context, .of(*Job), task) catch
                    return job.away();
                while (job.done.load(.acquire) == 0) { // .release in task
                    const rc = c.co_futex_wait(&job.done.raw, 0, c.CO_FOREVER);
                    if (rc == 0 or core.errno(rc) != .CANCELED) continue;
                    _ = c.co_cancel_clear();
                    cancelTask(userdata, future);
                    // It completed in spite of the request, which stays pending.
                    if (!isCanceled(job.result)) core.rearm();
                    return;
                }
                Io.base.await(userdata, future, &.{}, .@"1");
            }

            fn task(context: *const anyopaque, _: *anyopaque) void {
                const job: *Job = @as(*const *Job, @ptrCast(@alignCast(context))).*;
                job.call();
                job.done.store(1, .release); // .acquire in concurrently
                // The address only: the job may be gone.
                _ = c.co_futex_wake(&job.done.raw, 1);
            }
        };
    };
}

/// Threaded's cancel, which signals the thread until it has seen the request and then waits for the
/// task's end: off the vCPU.
fn cancelTask(userdata: ?*anyopaque, future: *std.Io.AnyFuture) void {
    const Request = struct {
        userdata: ?*anyopaque,
        future: *std.Io.AnyFuture,

        fn make(arg: ?*anyopaque) callconv(.c) ?*anyopaque {
            const request: *@This() = @ptrCast(@alignCast(arg));
            Io.base.cancel(request.userdata, request.future, &.{}, .@"1");
            return null;
        }
    };
    var request: Request = .{ .userdata = userdata, .future = future };
    blocking(Request.make, &request);
}

/// What may block the thread it is called on.
pub const Function = *const fn (arg: ?*anyopaque) callconv(.c) ?*anyopaque;

/// Runs `function(arg)` on the runtime's pool, or right here if no thread is to be had, and waits for
/// it; not a cancelation point; any thread.
pub fn blocking(function: Function, arg: ?*anyopaque) void {
    const shield: core.Shield = .begin();
    const rc = c.co_blocking(function, arg, null, c.CO_FOREVER);
    shield.end();
    if (rc < 0) here(function, arg);
}

/// As foreign code, for which those on this vCPU wait.
fn here(function: Function, arg: ?*anyopaque) void {
    _ = c.co_blocking_enter();
    defer _ = c.co_blocking_leave();
    _ = function(arg);
}

/// Threads of Threaded that are free.
pub const Slots = struct {
    /// A futex.
    free: std.atomic.Value(u32),

    pub fn init(n: u32) Slots {
        return .{ .free = .init(n) };
    }

    /// Blocks; a cancelation point.
    fn acquire(slots: *Slots) error{Canceled}!void {
        var n = slots.free.load(.monotonic);
        while (true) {
            if (n > 0) {
                // Relaxed: nothing but the number is handed on.
                n = slots.free.cmpxchgWeak(n, n - 1, .monotonic, .monotonic) orelse return;
                continue;
            }
            const rc = c.co_futex_wait(&slots.free.raw, 0, c.CO_FOREVER);
            if (rc < 0 and core.errno(rc) == .CANCELED) return core.canceled();
            n = slots.free.load(.monotonic);
        }
    }

    fn release(slots: *Slots) void {
        // One who waits for each slot: of two that come free one may be taken by somebody else.
        _ = slots.free.fetchAdd(1, .monotonic);
        _ = c.co_futex_wake(&slots.free.raw, 1);
    }
};

/// Entries that never block, and are cancelation points by their errors: called where they are.
pub fn Looking(comptime name: []const u8) type {
    const Entry = @typeInfo(@FieldType(std.Io.VTable, name)).pointer.child;
    const Result = @typeInfo(Entry).@"fn".return_type.?;
    return struct {
        pub const entry = Spread(Entry, run).call;

        fn run(args: std.meta.ArgsTuple(Entry)) Result {
            if (comptime hasCanceled(Result)) try core.checkCancel();
            return @call(.auto, @field(Io.base, name), args);
        }
    };
}

/// A function with the parameters of `Entry` that hands them on as a tuple.
pub fn Spread(comptime Entry: type, comptime run: anytype) type {
    const info = @typeInfo(Entry).@"fn";
    const R = info.return_type.?;
    const P = info.param_types;
    // A language without variadic generics needs one function for each number of parameters.
    return switch (P.len) {
        1 => struct {
            pub fn call(a: P[0].?) R {
                return run(.{a});
            }
        },
        2 => struct {
            pub fn call(a: P[0].?, b: P[1].?) R {
                return run(.{ a, b });
            }
        },
        3 => struct {
            pub fn call(a: P[0].?, b: P[1].?, d: P[2].?) R {
                return run(.{ a, b, d });
            }
        },
        4 => struct {
            pub fn call(a: P[0].?, b: P[1].?, d: P[2].?, e: P[3].?) R {
                return run(.{ a, b, d, e });
            }
        },
        5 => struct {
            pub fn call(a: P[0].?, b: P[1].?, d: P[2].?, e: P[3].?, f: P[4].?) R {
                return run(.{ a, b, d, e, f });
            }
        },
        6 => struct {
            pub fn call(a: P[0].?, b: P[1].?, d: P[2].?, e: P[3].?, f: P[4].?, g: P[5].?) R {
                return run(.{ a, b, d, e, f, g });
            }
        },
        7 => struct {
            pub fn call(a: P[0].?, b: P[1].?, d: P[2].?, e: P[3].?, f: P[4].?, g: P[5].?, h: P[6].?) R {
                return run(.{ a, b, d, e, f, g, h });
            }
        },
        else => @compileError("an entry of std.Io.VTable has more parameters than any had"),
    };
}

/// Is error.Canceled among what an entry can return?
fn hasCanceled(comptime Result: type) bool {
    return switch (@typeInfo(Result)) {
        .error_union => |u| has(u.error_set, error.Canceled),
        .error_set => has(Result, error.Canceled),
        else => false,
    };
}

fn isCanceled(result: anytype) bool {
    if (@typeInfo(@TypeOf(result)) == .error_set) return result == error.Canceled;
    return if (result) |_| false else |e| e == error.Canceled;
}
