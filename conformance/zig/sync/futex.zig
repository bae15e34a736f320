//! Waiting for words: which waiters a wake finds, how many, in which order; words side by side and many of them; a word that is
//! gone.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;

const Word = std.atomic.Value(u32);
const all = std.math.maxInt(u32);
var words: [2000]Word = @splat(.init(0));
var order: [12]usize = undefined;
var woken: usize = 0;

fn waitInOrder(i: usize) !void {
    try photonrt.futexWait(&words[1], 0, .forever);
    order[woken] = i;
    woken += 1;
}

fn waitAt(word: *const Word) !void {
    try photonrt.futexWait(word, word.load(.monotonic), .forever);
}

fn errors() void {
    const bytes: [*]const u8 = @ptrCast(&words);
    check.errno(.INVAL, c.co_futex_wait(null, 0, c.CO_NOW));
    check.errno(.INVAL, waitAtByte(bytes + 1, 0, c.CO_NOW));
    check.errno(.INVAL, waitAtByte(bytes + 2, 0, c.CO_FOREVER));
    check.errno(.INVAL, c.co_futex_wake(null, 1));
    check.errno(.INVAL, wakeAtByte(bytes + 3, 1));
    check.err(error.WouldBlock, photonrt.futexWait(&words[0], 1, .forever));
    check.err(error.WouldBlock, photonrt.futexWait(&words[0], 1, .ms(1)));
    check.err(error.WouldBlock, photonrt.futexWait(&words[0], 0, .now));
    check.err(error.InvalidArgument, photonrt.futexWait(&words[0], 0, .ns(-2)));
    check.err(error.Timeout, photonrt.futexWait(&words[0], 0, .ms(1)));
    check.eq(0, photonrt.futexWake(&words[0], all));
}

/// Addresses that are no u32's: the library's own entries, as who has no types sees them.
const waitAtByte = @extern(*const fn ([*]const u8, u32, i64) callconv(.c) c_int, .{ .name = "co_futex_wait" });
const wakeAtByte = @extern(*const fn ([*]const u8, u32) callconv(.c) c_int, .{ .name = "co_futex_wake" });

fn numbers() void {
    var tasks: [order.len]check.Task(waitInOrder) = undefined;
    for (&tasks, 0..) |*task, i| {
        task.* = check.spawnOn(1, waitInOrder, .{i});
        check.untilState(task.co, .parked);
    }
    check.eq(0, photonrt.futexWake(&words[0], all));
    check.eq(0, photonrt.futexWake(&words[2], all));
    check.eq(0, photonrt.futexWake(&words[1], 0));
    check.eq(1, photonrt.futexWake(&words[1], 1));
    check.eq(4, photonrt.futexWake(&words[1], 4));
    check.eq(tasks.len - 5, photonrt.futexWake(&words[1], all));
    for (tasks) |task| check.join(task);
    for (order, 0..) |i, want| check.eq(want, i);
}

var tasks_of_words: [words.len]check.Task(waitAt) = undefined;

fn many() void {
    for (&tasks_of_words, &words, 0..) |*task, *word, i| {
        task.* = check.spawnOn(@as(u32, @intCast(i)) % 2 + 1, waitAt, .{word});
    }
    for (tasks_of_words) |task| check.untilState(task.co, .parked);
    var i = words.len;
    while (i > 0) {
        i -= 1;
        check.eq(1, photonrt.futexWake(&words[i], 3));
    }
    for (tasks_of_words) |task| check.join(task);
}

fn gone() !void {
    const word = try std.heap.c_allocator.create(Word);
    word.* = .init(5);
    const task = check.spawn(waitAt, .{word});
    check.untilState(task.co, .parked);
    std.heap.c_allocator.destroy(word); // the address is all that a wake needs
    check.eq(1, photonrt.futexWake(word, 1));
    check.join(task);
}

fn waitOnThread() !void {
    check.err(error.WouldBlock, photonrt.futexWait(&words[3], 9, .forever));
    try photonrt.futexWait(&words[3], 0, .forever);
}

fn threads() !void {
    const both = .{ check.thread(waitOnThread, .{}), check.thread(waitOnThread, .{}) };
    var n: usize = 0;
    while (n < 2) {
        n += photonrt.futexWake(&words[3], 2);
        try photonrt.sleep(.us(500));
    }
    check.eq(0, photonrt.futexWake(&words[3], 2));
    inline for (both) |thread| thread.join();
}

pub fn body() !void {
    errors();
    numbers();
    many();
    try gone();
    try threads();
}
