//! A pipeline of std.Io.Queue: numbers, their squares, and their sum, with four workers in the middle.
const std = @import("std");
const photonrt = @import("photonrt");
const Io = std.Io;
const Queue = Io.Queue(u64);

pub fn main() !void {
    try photonrt.Io.run(std.heap.smp_allocator, .{}, start, .{});
}

fn start(io: Io) !void {
    var numbers_buffer: [64]u64 = undefined;
    var squares_buffer: [64]u64 = undefined;
    var numbers: Queue = .init(&numbers_buffer);
    var squares: Queue = .init(&squares_buffer);

    var sum = try io.concurrent(add, .{ io, &squares });
    defer _ = sum.cancel(io) catch {};
    var workers: Io.Group = .init;
    defer workers.cancel(io);
    for (0..4) |_| try workers.concurrent(io, square, .{ io, &numbers, &squares });

    const n = 100_000;
    for (0..n) |i| try numbers.putOne(io, i);
    numbers.close(io);
    try workers.await(io);
    squares.close(io);

    const got = try sum.await(io);
    const want = (n - 1) * n * (2 * n - 1) / 6;
    std.debug.print("the squares of the numbers below {d} add up to {d}\n", .{ n, got });
    if (got != want) return error.WrongSum;
}

fn square(io: Io, numbers: *Queue, squares: *Queue) Io.Cancelable!void {
    while (true) {
        const n = numbers.getOne(io) catch |e| switch (e) {
            error.Closed => return,
            error.Canceled => return error.Canceled,
        };
        squares.putOne(io, n * n) catch |e| switch (e) {
            error.Closed => return,
            error.Canceled => return error.Canceled,
        };
    }
}

fn add(io: Io, squares: *Queue) Io.Cancelable!u64 {
    var sum: u64 = 0;
    while (true) {
        sum += squares.getOne(io) catch |e| switch (e) {
            error.Closed => return sum,
            error.Canceled => return error.Canceled,
        };
    }
}
