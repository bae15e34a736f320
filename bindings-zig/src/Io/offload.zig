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
//! meanwhile. If the system refuses to give any, the entry runs where it is, as foreign code that
//! holds up its vCPU: slow, but not an error that the caller's set does not have.
//!
//! On a plain thread, or in a bracket of co_blocking_enter, the entry is called straight.
const std = @import("std");
const c = @import("c");
const core = @import("core.zig");
const Io = @import("../Io.zig");

/// The entry `name` of `std.Io.VTable`, run off the vCPU by Threaded's own.
pub fn Offload(comptime name: []const u8) type {
    const Entry = @typeInfo(@FieldType(std.Io.VTable, name)).pointer.child;
    const Result = @typeInfo(Entry).@"fn".return_type.?;
    const Args = std.meta.ArgsTuple(Entry);
    return struct {
        /// The entry itself.
        pub const entry = Spread(Entry, run).call;

        fn run(args: Args) Result {
            var job: Job = .{ .args = args };
            const cancelable = comptime hasCanceled(Result);
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

            /// On the runtime's pool; the caller waits, deaf to cancels.
            fn away(job: *Job) void {
                const shield: core.Shield = .begin();
                defer shield.end();
                const Thunk = struct {
                    fn thunk(arg: ?*anyopaque) callconv(.c) ?*anyopaque {
                        const j: *Job = @ptrCast(@alignCast(arg));
                        j.call();
                        return null;
                    }
                };
                while (true) {
                    const rc = c.co_blocking(Thunk.thunk, job, null, c.CO_FOREVER);
                    if (rc == 0) return;
                    if (core.errno(rc) != .AGAIN) continue; // an interrupt, before it began
                    _ = c.co_blocking_enter();
                    defer _ = c.co_blocking_leave();
                    return job.call();
                }
            }

            /// As a task of Threaded, to which a cancel is passed on.
            fn concurrently(job: *Job) error{Canceled}!void {
                const io = core.from(job.args[0]);
                try io.threads.acquire();
                defer io.threads.release();
                const pointer: *Job = job;
                const future = Io.base.concurrent(job.args[0], 0, .@"1", std.mem.asBytes(&pointer), .of(*Job), task) catch return job.away();
                var nothing: [0]u8 = .{};
                while (job.done.load(.acquire) == 0) { // .release in task
                    const rc = c.co_futex_wait(&job.done.raw, 0, c.CO_FOREVER);
                    if (rc == 0 or core.errno(rc) != .CANCELED) continue;
                    _ = c.co_cancel_clear();
                    // Threaded signals the thread until it has seen the request: off the vCPU.
                    Cancel.run(job.args[0], future);
                    // It completed in spite of the request, which stays pending.
                    if (!isCanceled(job.result)) core.rearm();
                    return;
                }
                // Ended but for a few instructions: Threaded's futex is for plain threads.
                Io.base.await(job.args[0], future, &nothing, .@"1");
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

/// Threaded's cancel, which waits for the task's end: on the runtime's pool.
const Cancel = struct {
    userdata: ?*anyopaque,
    future: *std.Io.AnyFuture,

    fn run(userdata: ?*anyopaque, future: *std.Io.AnyFuture) void {
        var request: Cancel = .{ .userdata = userdata, .future = future };
        const shield: core.Shield = .begin();
        defer shield.end();
        while (true) {
            const rc = c.co_blocking(thunk, &request, null, c.CO_FOREVER);
            if (rc == 0) return;
            if (core.errno(rc) != .AGAIN) continue;
            _ = thunk(&request); // no thread to be had: here
            return;
        }
    }

    fn thunk(arg: ?*anyopaque) callconv(.c) ?*anyopaque {
        const request: *Cancel = @ptrCast(@alignCast(arg));
        var nothing: [0]u8 = .{};
        Io.base.cancel(request.userdata, request.future, &nothing, .@"1");
        return null;
    }
};

/// Entries that don't block, but are cancelation points by their errors: called where they are.
pub fn Inline(comptime name: []const u8) type {
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
fn Spread(comptime Entry: type, comptime run: anytype) type {
    const info = @typeInfo(Entry).@"fn";
    const R = info.return_type.?;
    const P = info.param_types;
    // A language without variadic generics needs one function for each number of parameters.
    return switch (P.len) {
        1 => struct {
            fn call(a: P[0].?) R {
                return run(.{a});
            }
        },
        2 => struct {
            fn call(a: P[0].?, b: P[1].?) R {
                return run(.{ a, b });
            }
        },
        3 => struct {
            fn call(a: P[0].?, b: P[1].?, d: P[2].?) R {
                return run(.{ a, b, d });
            }
        },
        4 => struct {
            fn call(a: P[0].?, b: P[1].?, d: P[2].?, e: P[3].?) R {
                return run(.{ a, b, d, e });
            }
        },
        5 => struct {
            fn call(a: P[0].?, b: P[1].?, d: P[2].?, e: P[3].?, f: P[4].?) R {
                return run(.{ a, b, d, e, f });
            }
        },
        6 => struct {
            fn call(a: P[0].?, b: P[1].?, d: P[2].?, e: P[3].?, f: P[4].?, g: P[5].?) R {
                return run(.{ a, b, d, e, f, g });
            }
        },
        7 => struct {
            fn call(a: P[0].?, b: P[1].?, d: P[2].?, e: P[3].?, f: P[4].?, g: P[5].?, h: P[6].?) R {
                return run(.{ a, b, d, e, f, g, h });
            }
        },
        else => @compileError("an entry of std.Io.VTable has more parameters than any had"),
    };
}

/// Is error.Canceled among what an entry can return?
fn hasCanceled(comptime Result: type) bool {
    @setEvalBranchQuota(100_000);
    const Set = switch (@typeInfo(Result)) {
        .error_union => |u| u.error_set,
        .error_set => Result,
        else => return false,
    };
    const names = @typeInfo(Set).error_set.error_names orelse return true;
    for (names) |name| if (std.mem.eql(u8, name, "Canceled")) return true;
    return false;
}

fn isCanceled(result: anytype) bool {
    if (@typeInfo(@TypeOf(result)) == .error_set) return result == error.Canceled;
    return if (result) |_| false else |e| e == error.Canceled;
}
