//! Tasks: async, concurrent, await, cancel.
//!
//! A task is a coroutine and a block of memory (`memory.zig`), which `*AnyFuture` points to. The
//! coroutine runs `start(context, result)` and ends. Who awaits it joins the coroutine, copies the
//! result out and frees the block.
//! ```text
//!   task                     awaiter                        someone
//!   ----                     -------                        -------
//!                            await: joins                   cancels the awaiter
//!                            -ECANCELED; clears it
//!   -ECANCELED at its  <---- co_cancel(task)
//!   next point; clears it    joins, deaf to further requests
//!   ends               ----> has the task acknowledged?
//!                            no: the request is the awaiter's again
//! ```
const std = @import("std");
const c = @import("c");
const core = @import("core.zig");
const Block = @import("memory.zig").Block;
const Io = @import("../Io.zig");
const Alignment = std.mem.Alignment;

const Start = *const fn (context: *const anyopaque, result: *anyopaque) void;

const Task = struct {
    block: Block,
    co: c.co_t,
    start: Start,

    fn entry(arg: ?*anyopaque) callconv(.c) ?*anyopaque {
        const task: *Task = @ptrCast(@alignCast(arg));
        task.start(task.block.context, task.block.result);
        return null;
    }

    /// Waits for the end, deaf to requests for the caller.
    fn join(task: *Task) void {
        const shield: core.Shield = .begin();
        defer shield.end();
        while (c.co_join(task.co, null, c.CO_FOREVER) < 0) {}
    }

    /// Passes a request for the awaiter on, and waits for the end.
    fn cancelAndJoin(task: *Task) void {
        @branchHint(.cold);
        _ = c.co_cancel_clear();
        _ = c.co_cancel(task.co);
        {
            const shield: core.Shield = .begin();
            defer shield.end();
            while (c.co_wait(task.co, c.CO_FOREVER) < 0) {}
        }
        var info = std.mem.zeroes(c.co_info_t);
        info.size = @sizeOf(c.co_info_t);
        if (c.co_info(task.co, &info) < 0 or info.acknowledged == 0) core.rearm();
        task.join();
    }

    fn finish(task: *Task, io: *Io, result: []u8) void {
        @memcpy(result, task.block.result);
        io.memory.destroy(task);
    }
};

/// Never blocks; any thread. Fails without memory, address space or a runtime.
pub fn concurrent(
    userdata: ?*anyopaque,
    result_len: usize,
    result_alignment: Alignment,
    context: []const u8,
    context_alignment: Alignment,
    start: Start,
) std.Io.ConcurrentError!*std.Io.AnyFuture {
    const memory = &core.from(userdata).memory;
    const task = memory.create(Task, context, context_alignment, result_len, result_alignment) catch
        return error.ConcurrencyUnavailable;
    task.start = start;
    if (c.co_spawn(&task.co, null, Task.entry, task) < 0) {
        memory.destroy(task);
        return error.ConcurrencyUnavailable;
    }
    return @ptrCast(task);
}

/// As `concurrent`; where that fails, the function runs at once and null is returned.
pub fn async(
    userdata: ?*anyopaque,
    result: []u8,
    result_alignment: Alignment,
    context: []const u8,
    context_alignment: Alignment,
    start: Start,
) ?*std.Io.AnyFuture {
    return concurrent(userdata, result.len, result_alignment, context, context_alignment, start) catch {
        start(context.ptr, result.ptr);
        return null;
    };
}

/// Blocks; any thread. A request for the caller goes on to the task, and stays the caller's if the task ends
/// without having noticed.
pub fn await(userdata: ?*anyopaque, future: *std.Io.AnyFuture, result: []u8, _: Alignment) void {
    const task: *Task = @ptrCast(@alignCast(future));
    while (true) {
        const rc = c.co_join(task.co, null, c.CO_FOREVER);
        if (rc == 0) break;
        if (core.errno(rc) == .CANCELED) {
            task.cancelAndJoin();
            break;
        }
    }
    task.finish(core.from(userdata), result);
}

/// Requests that the task end, then blocks until it has; any thread. Not a cancelation point.
pub fn cancel(userdata: ?*anyopaque, future: *std.Io.AnyFuture, result: []u8, _: Alignment) void {
    const task: *Task = @ptrCast(@alignCast(future));
    _ = c.co_cancel(task.co);
    task.join();
    task.finish(core.from(userdata), result);
}
