//! Tasks: async, concurrent, await, cancel.
//!
//! A task is a coroutine and a block of memory, which `*AnyFuture` points to:
//! ```text
//!   block   | co start head | context, aligned | result, aligned |
//!              ^ the coroutine's argument
//! ```
//! The coroutine runs `start(context, result)` and ends. Who awaits it joins the coroutine, copies
//! the result out and frees the block.
//!
//! Rejected: context and result on the coroutine's own stack (co_spawn_copy). The stack would be
//! needed from the spawn on and until the result has been taken, not only while the task runs; and
//! it has no room for large results and no alignment beyond a page.
const std = @import("std");
const c = @import("c");
const core = @import("core.zig");
const Io = @import("../Io.zig");
const Alignment = std.mem.Alignment;

const Start = *const fn (context: *const anyopaque, result: *anyopaque) void;

const Task = struct {
    co: c.co_t,
    start: Start,
    context: [*]u8,
    result: [*]u8,
    /// The whole block.
    len: usize,
    alignment: Alignment,

    fn create(io: *Io, result_len: usize, result_align: Alignment, context: []const u8, context_align: Alignment, start: Start) error{OutOfMemory}!*Task {
        const alignment = Alignment.of(Task).max(result_align).max(context_align);
        const context_at = context_align.forward(@sizeOf(Task));
        const result_at = result_align.forward(context_at + context.len);
        const len = result_at + result_len;
        const block = io.gpa.rawAlloc(len, alignment, @returnAddress()) orelse return error.OutOfMemory;
        const task: *Task = @ptrCast(@alignCast(block));
        task.* = .{
            .co = 0,
            .start = start,
            .context = block + context_at,
            .result = block + result_at,
            .len = len,
            .alignment = alignment,
        };
        @memcpy(task.context, context);
        return task;
    }

    fn destroy(task: *Task, io: *Io) void {
        const block: [*]u8 = @ptrCast(task);
        io.gpa.rawFree(block[0..task.len], task.alignment, @returnAddress());
    }

    fn entry(arg: ?*anyopaque) callconv(.c) ?*anyopaque {
        const task: *Task = @ptrCast(@alignCast(arg));
        task.start(task.context, task.result);
        return null;
    }
};

/// Never blocks. Fails without memory, address space or a runtime.
pub fn concurrent(userdata: ?*anyopaque, result_len: usize, result_alignment: Alignment, context: []const u8, context_alignment: Alignment, start: Start) std.Io.ConcurrentError!*std.Io.AnyFuture {
    const io = core.from(userdata);
    const task = Task.create(io, result_len, result_alignment, context, context_alignment, start) catch return error.ConcurrencyUnavailable;
    if (c.co_spawn(&task.co, io.attr(), Task.entry, task) < 0) {
        task.destroy(io);
        return error.ConcurrencyUnavailable;
    }
    return @ptrCast(task);
}

/// As `concurrent`; where that fails the function runs at once, and null is returned.
pub fn async(userdata: ?*anyopaque, result: []u8, result_alignment: Alignment, context: []const u8, context_alignment: Alignment, start: Start) ?*std.Io.AnyFuture {
    return concurrent(userdata, result.len, result_alignment, context, context_alignment, start) catch {
        start(context.ptr, result.ptr);
        return null;
    };
}

/// Blocks. A cancel request for the caller goes on to the task.
pub fn await(userdata: ?*anyopaque, future: *std.Io.AnyFuture, result: []u8, _: Alignment) void {
    const task: *Task = @ptrCast(@alignCast(future));
    while (true) {
        const rc = c.co_join(task.co, null, c.CO_FOREVER);
        if (rc == 0) break;
        if (core.errno(rc) != .CANCELED) continue;
        _ = c.co_cancel_clear();
        _ = c.co_cancel(task.co);
        join(task);
        core.rearm();
        break;
    }
    finish(core.from(userdata), task, result);
}

/// Requests cancelation, then blocks until the task has ended.
pub fn cancel(userdata: ?*anyopaque, future: *std.Io.AnyFuture, result: []u8, _: Alignment) void {
    const task: *Task = @ptrCast(@alignCast(future));
    _ = c.co_cancel(task.co);
    join(task);
    finish(core.from(userdata), task, result);
}

/// Waits for the end, deaf to requests for the caller.
fn join(task: *Task) void {
    const shield: core.Shield = .begin();
    defer shield.end();
    while (c.co_join(task.co, null, c.CO_FOREVER) < 0) {}
}

fn finish(io: *Io, task: *Task, result: []u8) void {
    @memcpy(result, task.result);
    task.destroy(io);
}
