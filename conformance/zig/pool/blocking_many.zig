//! More calls than threads, while others want their turns: all are run, never more than the cap at once.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const Atomic = std.atomic.Value;

const calls = 200;
const cap = 64;
const enough = 10;

var inside: Atomic(u32) = .init(0);
var most: Atomic(u32) = .init(0);
var done: Atomic(u32) = .init(0);
var turns: Atomic(u32) = .init(0);

fn work(n: usize) usize {
    _ = most.fetchMax(inside.fetchAdd(1, .monotonic) + 1, .monotonic);
    while (true) {
        check.hold(5 * check.ms);
        if (turns.load(.monotonic) >= enough) break;
    }
    _ = inside.fetchSub(1, .monotonic);
    return n + 1;
}

fn caller(n: usize) photonrt.WaitError!usize {
    const result = try photonrt.blocking(.forever, work, .{n});
    _ = done.fetchAdd(1, .monotonic);
    return result;
}

pub fn body() !void {
    var tasks: [calls]photonrt.Task(photonrt.WaitError!usize) = undefined;
    for (&tasks, 0..) |*task, i| task.* = check.spawn(caller, .{i});
    while (done.load(.monotonic) < calls) : (_ = turns.fetchAdd(1, .monotonic)) try photonrt.sleep(.ms(1));
    for (tasks, 0..) |task, i| check.eq(i + 1, check.join(task));
    check.ge(most.load(.monotonic), 2);
    check.ge(turns.load(.monotonic), enough); // or none of them had ended
    check.ge(cap, most.load(.monotonic));
}
