const photonrt = @import("photonrt");
const check = @import("check");

const n = 1000;
var ran: bool = false;

fn mark(x: u32) u32 {
    ran = true;
    return x;
}

fn next(x: usize) usize {
    return x + 1;
}

/// More than a pointer holds, both ways.
fn nextOfThree(a: usize, b: usize, last: usize) [3]usize {
    return .{ a + 1, b + 1, last + 1 };
}

/// A result that may be an error.
fn even(x: usize) error{Odd}!usize {
    return if (x % 2 == 0) x else error.Odd;
}

var tasks: [n]photonrt.Task(usize) = undefined;
var large: [n]photonrt.Task([3]usize) = undefined;
var fallible: [n]photonrt.Task(error{Odd}!usize) = undefined;

/// Spawns with each index, and joins forwards or backwards.
fn all(comptime function: anytype, list: anytype, comptime args: fn (i: usize) @import("std").meta.ArgsTuple(@TypeOf(function)), comptime expect: anytype, backwards: bool) void {
    const self = photonrt.Coroutine.current().?;
    for (list, 0..) |*task, i| task.* = check.spawn(function, args(i));
    for (list[1..], list[0 .. n - 1]) |b, a| check.that(a.co != b.co and b.co != self);
    for (0..n) |i| {
        const k = if (backwards) n - 1 - i else i;
        expect(list[k], k);
    }
}

fn one(i: usize) struct { usize } {
    return .{i};
}

fn three(i: usize) struct { usize, usize, usize } {
    return .{ i, i * 2, i * 3 };
}

fn expectNext(task: photonrt.Task(usize), i: usize) void {
    check.eq(i + 1, check.join(task));
}

fn expectThree(task: photonrt.Task([3]usize), i: usize) void {
    check.eq(@as([3]usize, .{ i + 1, i * 2 + 1, i * 3 + 1 }), check.join(task));
}

fn expectEven(task: photonrt.Task(error{Odd}!usize), i: usize) void {
    if (i % 2 == 0) check.eq(i, check.join(task)) else check.err(error.Odd, task.join());
}

pub fn body() !void {
    const task = check.spawn(mark, .{7});
    if (check.vcpus() == 1) check.eq(false, ran); // not before its turn
    check.eq(7, try task.join());
    check.eq(true, ran);

    for (0..20) |round| {
        const backwards = round % 2 == 1;
        all(next, &tasks, one, expectNext, backwards);
        all(nextOfThree, &large, three, expectThree, backwards);
        all(even, &fallible, one, expectEven, backwards);
    }
    check.untilLive(1);
}
