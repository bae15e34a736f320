//! Batches: several operations that are waited for together.
//!
//! ```text
//!   submitted:  a -> b -> c           poll_many: [ a | b | c ]   one wait for all of them
//!                    |                                 |
//!   completed:       b      <----- try b, now ---------'         what is ready and can be done
//! ```
//! An operation is carried out when its descriptor is ready, by the task that waits. So while nobody
//! waits nothing is under way: a timeout or a cancel finds each operation either completed, with its
//! result in the list, or still submitted, untouched. `cancel` has nothing to stop, and `pending` and
//! `userdata` are never used.
//!
//! A descriptor that is ready may not be any more when it is tried: another task was faster. Then the
//! operation goes on waiting. A file on a disk is always ready and yet not there at once: it is waited
//! for on its own, which is as long as the disk takes, and what is a wait for somebody else can't hold
//! up the others that way. So is a request to a device (ioctl), once its descriptor is ready for anything.
//!
//! Rejected: one co_io_batch with CO_BATCH_ANY. It takes up to four hundred bytes for each operation, so
//! the array would have to be allocated; all but one of its operations would be called off and
//! submitted again for each completion; and those called off may have completed, so that one await
//! would give many results, which is right but helps nobody.
const std = @import("std");
const builtin = @import("builtin");
const c = @import("c");
const core = @import("core.zig");
const operate = @import("operate.zig");
const Io = std.Io;
const Batch = Io.Batch;
const Operation = Io.Operation;
const Index = Operation.OptionalIndex;
const posix = std.posix;

/// Operations that are waited for without memory being allocated.
const small = 64;

/// Waits until one of the operations has completed. Blocks; a cancelation point.
pub fn batchAwaitAsync(userdata: ?*anyopaque, batch: *Batch) Io.Cancelable!void {
    return wait(userdata, batch, .none) catch |e| switch (e) {
        error.Canceled => |canceled| canceled,
        error.Timeout => unreachable, // there is none
        // It may do one after the other.
        error.ConcurrencyUnavailable => complete(batch, .none, try operate.operate(userdata, first(batch).operation)),
    };
}

/// Waits until one of the operations has completed, or for `timeout`. Blocks; a cancelation point.
/// `error.ConcurrencyUnavailable`: there are more than 64 of them and no memory for a list.
pub fn batchAwaitConcurrent(userdata: ?*anyopaque, batch: *Batch, timeout: Io.Timeout) Batch.AwaitConcurrentError!void {
    return wait(userdata, batch, timeout);
}

/// Nothing is under way: see the head of this file.
pub fn batchCancel(_: ?*anyopaque, batch: *Batch) void {
    std.debug.assert(batch.pending.head == .none and batch.userdata == null);
}

fn wait(userdata: ?*anyopaque, batch: *Batch, timeout: Io.Timeout) Batch.AwaitConcurrentError!void {
    const io = core.from(userdata);
    if (batch.submitted.head == .none) return core.checkCancel();
    // One is mostly there already, or else will be when its descriptor is ready.
    const alone = batch.submitted.head == batch.submitted.tail and batch.completed.head == .none;
    if (alone and try attempt(batch, .none)) return;

    const deadline: core.Deadline = .init(io, timeout);
    var few: [small]c.struct_pollfd = undefined;
    const n = count(batch);
    const fds = if (n <= small) few[0..n] else io.gpa.alloc(c.struct_pollfd, n) catch return error.ConcurrencyUnavailable;
    defer if (n > small) io.gpa.free(fds);
    fill(fds, batch);

    while (true) {
        const had = batch.completed.head != .none;
        const ns = if (had) c.CO_NOW else deadline.next(io) orelse c.CO_NOW;
        const rc = c.co_io_poll_many(fds.ptr, @intCast(fds.len), ns);
        if (rc < 0) switch (core.errno(rc)) {
            .TIMEDOUT => continue, // perhaps not yet, by the caller's clock
            .AGAIN => return if (!had) error.Timeout,
            .CANCELED => return if (!had) core.canceled(),
            .NOMEM, .INVAL => return error.ConcurrencyUnavailable,
            else => continue, // an interrupt
        };
        if (try harvest(batch, fds)) return;
    }
}

/// Tries what is ready. False: nothing has completed after all.
fn harvest(batch: *Batch, fds: []const c.struct_pollfd) Io.Cancelable!bool {
    var before: Index = .none;
    var index = batch.submitted.head;
    for (fds) |entry| {
        const next = batch.storage[index.toIndex()].submission.node.next;
        if (entry.revents == 0 or !try attempt(batch, before)) before = index;
        index = next;
    }
    return batch.completed.head != .none;
}

/// Carries out the operation after `before`, if it can be done now. A cancel request stays pending if
/// something has completed.
fn attempt(batch: *Batch, before: Index) Io.Cancelable!bool {
    const index = after(batch, before);
    const operation = batch.storage[index.toIndex()].submission.operation;
    const result = operate.perform(operation, c.CO_NOW) catch |stop| switch (stop) {
        error.WouldWait => if (isOnDisk(handle(operation)))
            operate.perform(operation, c.CO_FOREVER) catch return requested(batch)
        else
            return false,
        error.CancelRequested => return requested(batch),
    };
    complete(batch, before, result);
    return true;
}

fn requested(batch: *const Batch) Io.Cancelable!bool {
    return if (batch.completed.head != .none) false else core.canceled();
}

fn after(batch: *const Batch, before: Index) Index {
    return if (before == .none) batch.submitted.head else batch.storage[before.toIndex()].submission.node.next;
}

fn first(batch: *const Batch) *const Operation.Storage.Submission {
    return &batch.storage[batch.submitted.head.toIndex()].submission;
}

/// Moves the operation after `before` to the completed ones.
fn complete(batch: *Batch, before: Index, result: Operation.Result) void {
    const index = after(batch, before);
    const storage = &batch.storage[index.toIndex()];
    const next = storage.submission.node.next;
    if (before == .none) {
        batch.submitted.head = next;
    } else {
        batch.storage[before.toIndex()].submission.node.next = next;
    }
    if (next == .none) batch.submitted.tail = before;

    storage.* = .{ .completion = .{ .node = .{ .next = .none }, .result = result } };
    if (batch.completed.tail == .none) {
        batch.completed.head = index;
    } else {
        batch.storage[batch.completed.tail.toIndex()].completion.node.next = index;
    }
    batch.completed.tail = index;
}

fn count(batch: *const Batch) usize {
    var n: usize = 0;
    var index = batch.submitted.head;
    while (index != .none) : (index = batch.storage[index.toIndex()].submission.node.next) n += 1;
    return n;
}

/// One entry for each operation, in the list's order.
fn fill(fds: []c.struct_pollfd, batch: *const Batch) void {
    var index = batch.submitted.head;
    for (fds) |*entry| {
        const submission = &batch.storage[index.toIndex()].submission;
        entry.* = .{
            .fd = handle(submission.operation),
            .events = switch (submission.operation) {
                .file_read_streaming, .net_receive, .net_read => posix.POLL.IN,
                .file_write_streaming, .net_send, .net_write => posix.POLL.OUT,
                .device_io_control => posix.POLL.IN | posix.POLL.OUT,
            },
            .revents = 0,
        };
        index = submission.node.next;
    }
}

fn handle(operation: Operation) posix.fd_t {
    return switch (operation) {
        inline .file_read_streaming, .file_write_streaming, .device_io_control => |o| o.file.handle,
        inline else => |o| o.socket_handle,
    };
}

/// Whether it waits for a device only, and not for what somebody else does.
fn isOnDisk(fd: posix.fd_t) bool {
    const mode: u32 = switch (builtin.os.tag) {
        .linux => mode: {
            const linux = std.os.linux;
            var stat: linux.Statx = undefined;
            const rc = linux.statx(fd, "", linux.AT.EMPTY_PATH, .{ .TYPE = true }, &stat);
            if (linux.errno(rc) != .SUCCESS) return false;
            break :mode stat.mode;
        },
        else => mode: {
            var stat: std.c.Stat = undefined;
            if (std.c.fstat(fd, &stat) != 0) return false;
            break :mode stat.mode;
        },
    };
    return posix.S.ISREG(mode) or posix.S.ISBLK(mode) or posix.S.ISDIR(mode);
}
