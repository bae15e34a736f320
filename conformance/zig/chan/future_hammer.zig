const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

const futures = 300;
const waiters = 3;
const Value = [100]u8;
const Future = photonrt.Future(Value);
const Number = std.atomic.Value(u32);

var current: std.atomic.Value(u64) = .init(0);
var turn: Number = .init(0);
var done: Number = .init(0);
var completions: Number = .init(0);

fn ofTurn(i: u32) !Future {
    while (turn.load(.acquire) < i) try photonrt.sleep(.us(10));
    return .{ .handle = current.load(.acquire) };
}

fn waiter(n: u64) !void {
    var seed = n + 1;
    for (1..futures + 1) |i| {
        const f = try ofTurn(@intCast(i));
        if (f.wait(if (check.rand(&seed) % 3 != 0) .forever else .ns(500))) |got| {
            check.that(std.mem.allEqual(u8, &got, @truncate(i)));
        } else |e| check.that(e == error.InputOutput or e == error.Freed or e == error.Timeout);
        _ = done.fetchAdd(1, .acq_rel);
    }
}

fn completer() !void {
    for (1..futures + 1) |i| {
        const f = try ofTurn(@intCast(i));
        const result = if (i % 5 != 0) f.complete(@splat(@truncate(i))) else f.fail(error.InputOutput);
        if (result) {
            _ = completions.fetchAdd(1, .acq_rel);
        } else |e| check.that(e == error.AlreadyComplete or (e == error.Freed and i % 7 == 0));
        _ = done.fetchAdd(1, .acq_rel);
    }
}

pub fn body() !void {
    var tasks: [waiters]check.Task(waiter) = undefined;
    const thread = check.thread(completer, .{});
    for (&tasks, 0..) |*task, i| task.* = check.spawnOn(@as(u32, @intCast(i)) % 2 + 1, waiter, .{i});
    const other = check.spawnOn(2, completer, .{});
    for (1..futures + 1) |i| {
        const f: Future = try .init();
        completions.store(0, .release);
        done.store(0, .release);
        current.store(f.handle, .release);
        turn.store(@intCast(i), .release);
        if (i % 7 == 0) f.deinit();
        while (done.load(.acquire) < waiters + 2) try photonrt.sleep(.us(10));
        if (i % 7 == 0) {
            check.ge(1, completions.load(.acquire));
        } else {
            check.eq(1, completions.load(.acquire));
            f.deinit();
        }
    }
    for (tasks) |task| check.join(task);
    check.join(other);
    thread.join();
}
