//! Futexes, what std builds of them, sleep, clocks.
const std = @import("std");
const c = @import("c");
const Io = @import("../../Io.zig");
const t = @import("fixture.zig");
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const expectError = std.testing.expectError;

const Word = std.atomic.Value(u32);

fn waitWhileZero(io: std.Io, word: *Word) std.Io.Cancelable!void {
    while (word.load(.acquire) == 0) try io.futexWait(u32, &word.raw, 0);
}

fn waitWhileZeroUncancelable(io: std.Io, word: *Word) void {
    while (word.load(.acquire) == 0) io.futexWaitUncancelable(u32, &word.raw, 0);
}

test "futex: woken, by whomever" {
    try t.everywhere(struct {
        fn body(io: std.Io) !void {
            var word: Word = .init(0);
            var waiters: [8]t.Blocked(std.Io.Cancelable!void) = undefined;
            for (&waiters) |*w| try w.start(io, waitWhileZero, .{ io, &word });
            var deaf: t.Blocked(void) = undefined;
            try deaf.start(io, waitWhileZeroUncancelable, .{ io, &word });
            const thread = try std.Thread.spawn(.{}, struct {
                fn main(i: std.Io, w: *Word) void {
                    waitWhileZeroUncancelable(i, w);
                }
            }.main, .{ io, &word });
            word.store(1, .release);
            io.futexWake(u32, &word.raw, std.math.maxInt(u32));
            for (&waiters) |*w| try w.future.await(io);
            deaf.future.await(io);
            thread.join();
        }
    }.body);
}

test "futex: another value, no time" {
    try t.everywhere(struct {
        fn body(io: std.Io) !void {
            var word: u32 = 5;
            try io.futexWait(u32, &word, 4);
            io.futexWaitUncancelable(u32, &word, 4);
            inline for (.{ .awake, .boot, .real }) |clock| {
                const before = std.Io.Clock.now(clock, io);
                const ms: std.Io.Clock.Duration = .{ .clock = clock, .raw = .fromMilliseconds(3) };
                try io.futexWaitTimeout(u32, &word, 5, .{ .duration = ms });
                try io.futexWaitTimeout(u32, &word, 5, .{ .deadline = .fromNow(io, ms) });
                try expect(before.untilNow(io, clock).toMilliseconds() >= 6);
            }
            // In the past: at once.
            try io.futexWaitTimeout(u32, &word, 5, .{ .duration = .{ .clock = .awake, .raw = .fromNanoseconds(-5) } });
            try io.futexWaitTimeout(u32, &word, 5, .{ .deadline = .{ .clock = .boot, .raw = .zero } });
        }
    }.body);
}

test "futex: canceled" {
    try t.everywhere(struct {
        fn body(io: std.Io) !void {
            var word: Word = .init(0);
            var waiter: t.Blocked(std.Io.Cancelable!void) = undefined;
            try waiter.start(io, waitWhileZero, .{ io, &word });
            try expectError(error.Canceled, waiter.future.cancel(io));
            var deaf: t.Blocked(void) = undefined;
            try deaf.start(io, waitWhileZeroUncancelable, .{ io, &word });
            _ = c.co_cancel(deaf.co.raw);
            word.store(1, .release);
            io.futexWake(u32, &word.raw, 1);
            deaf.future.await(io);
        }
    }.body);
    try t.inCoroutines(struct {
        fn body(io: std.Io) !void {
            var word: u32 = 5;
            const late: std.Io.Timeout = .{ .deadline = .{ .clock = .awake, .raw = .zero } };
            _ = c.co_cancel(c.co_self());
            try expectError(error.Canceled, io.futexWait(u32, &word, 4)); // although there is nothing to wait for
            io.recancel();
            try expectError(error.Canceled, io.futexWaitTimeout(u32, &word, 5, late));
            io.recancel();
            io.futexWaitUncancelable(u32, &word, 4);
            try expectError(error.Canceled, io.checkCancel());
        }
    }.body);
}

test "sleep: never too early, by each clock" {
    try t.everywhere(struct {
        fn body(io: std.Io) !void {
            inline for (.{ .awake, .boot, .real }) |clock| {
                const ms: std.Io.Clock.Duration = .{ .clock = clock, .raw = .fromMilliseconds(3) };
                const before = std.Io.Clock.now(clock, io);
                try ms.sleep(io);
                try expect(before.untilNow(io, clock).toMilliseconds() >= 3);
                const at: std.Io.Clock.Timestamp = .fromNow(io, ms);
                try at.wait(io);
                try expect(at.compare(.lte, .now(io, clock)));
                try at.wait(io); // it has passed
            }
            try io.sleep(.zero, .awake);
            try io.sleep(.fromMilliseconds(-1), .awake);
        }
    }.body);
}

fn burn(io: std.Io, stop: *std.atomic.Value(bool)) void {
    while (!stop.load(.monotonic)) io.sleep(.zero, .awake) catch {};
}

test "sleep by the process's CPU time" {
    try t.everywhere(struct {
        fn body(io: std.Io) !void {
            var stop: std.atomic.Value(bool) = .init(false);
            var burner = try io.concurrent(burn, .{ io, &stop });
            const before = std.Io.Clock.now(.cpu_process, io);
            try io.sleep(.fromMilliseconds(3), .cpu_process);
            try expect(before.untilNow(io, .cpu_process).toMilliseconds() >= 3);
            stop.store(true, .monotonic);
            burner.await(io);
        }
    }.body);
}

fn sleepOn(io: std.Io, timeout: std.Io.Timeout) std.Io.Cancelable!void {
    return timeout.sleep(io);
}

test "sleep: canceled" {
    try t.everywhere(struct {
        fn body(io: std.Io) !void {
            const hour: std.Io.Duration = .fromSeconds(3600);
            const timeouts = [_]std.Io.Timeout{
                .none,
                .{ .duration = .{ .clock = .awake, .raw = hour } },
                .{ .duration = .{ .clock = .boot, .raw = hour } },
                .{ .deadline = .fromNow(io, .{ .clock = .awake, .raw = hour }) },
                .{ .deadline = .fromNow(io, .{ .clock = .real, .raw = hour }) },
                .{ .duration = .{ .clock = .awake, .raw = .max } },
            };
            for (timeouts) |timeout| {
                var sleeper: t.Blocked(std.Io.Cancelable!void) = undefined;
                try sleeper.start(io, sleepOn, .{ io, timeout });
                try expectError(error.Canceled, sleeper.future.cancel(io));
            }
        }
    }.body);
    try t.inCoroutines(struct {
        fn body(io: std.Io) !void {
            _ = c.co_cancel(c.co_self());
            try expectError(error.Canceled, io.sleep(.fromMilliseconds(-5), .awake));
        }
    }.body);
}

test "an interrupt from C ends no wait" {
    try t.everywhere(struct {
        fn body(io: std.Io) !void {
            const before = std.Io.Clock.now(.awake, io);
            var sleeper: t.Blocked(std.Io.Cancelable!void) = undefined;
            const until: std.Io.Timeout = .{ .duration = .{ .clock = .awake, .raw = .fromMilliseconds(20) } };
            try sleeper.start(io, sleepOn, .{ io, until });
            _ = c.co_interrupt(sleeper.co.raw, 4);
            try sleeper.future.await(io);
            try expect(before.untilNow(io, .awake).toMilliseconds() >= 20);
        }
    }.body);
}

test "clocks" {
    try t.everywhere(struct {
        fn body(io: std.Io) !void {
            inline for (comptime std.enums.values(std.Io.Clock)) |clock| {
                const a = clock.now(io);
                const b = clock.now(io);
                if (clock != .real) try expect(a.nanoseconds <= b.nanoseconds);
                try expect((try clock.resolution(io)).nanoseconds > 0);
            }
        }
    }.body);
}

fn bump(io: std.Io, mutex: *std.Io.Mutex, n: *u64, times: u32) std.Io.Cancelable!void {
    for (0..times) |_| {
        try mutex.lock(io);
        defer mutex.unlock(io);
        n.* += 1;
    }
}

test "Mutex, by tasks and threads at once" {
    try t.everywhere(struct {
        fn body(io: std.Io) !void {
            var mutex: std.Io.Mutex = .init;
            var n: u64 = 0;
            var group: std.Io.Group = .init;
            for (0..8) |_| try group.concurrent(io, bump, .{ io, &mutex, &n, 2000 });
            const thread = try std.Thread.spawn(.{}, struct {
                fn main(i: std.Io, m: *std.Io.Mutex, count: *u64) void {
                    bump(i, m, count, 2000) catch unreachable;
                }
            }.main, .{ io, &mutex, &n });
            try group.await(io);
            thread.join();
            try expectEqual(9 * 2000, n);
        }
    }.body);
}

fn produce(io: std.Io, queue: *std.Io.Queue(u32), n: u32) !void {
    for (0..n) |i| try queue.putOne(io, @intCast(i));
}

test "Queue, Event, Condition" {
    try t.everywhere(struct {
        fn body(io: std.Io) !void {
            var buffer: [4]u32 = undefined;
            var queue: std.Io.Queue(u32) = .init(&buffer);
            var producer = try io.concurrent(produce, .{ io, &queue, 1000 });
            for (0..1000) |i| try expectEqual(i, try queue.getOne(io));
            try producer.await(io);

            var event: std.Io.Event = .unset;
            var waiter: t.Blocked(std.Io.Cancelable!void) = undefined;
            try waiter.start(io, std.Io.Event.wait, .{ &event, io });
            event.set(io);
            try waiter.future.await(io);

            const Shared = struct {
                mutex: std.Io.Mutex = .init,
                condition: std.Io.Condition = .init,
                ready: bool = false,

                fn wait(s: *@This(), i: std.Io) std.Io.Cancelable!void {
                    try s.mutex.lock(i);
                    defer s.mutex.unlock(i);
                    while (!s.ready) try s.condition.wait(i, &s.mutex);
                }
            };
            var shared: Shared = .{};
            try waiter.start(io, Shared.wait, .{ &shared, io });
            try shared.mutex.lock(io);
            shared.ready = true;
            shared.mutex.unlock(io);
            shared.condition.broadcast(io);
            try waiter.future.await(io);
        }
    }.body);
}
