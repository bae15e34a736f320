//! Many coroutines do random things to each other through handles that may be stale: every answer is one of those that the
//! contract allows, and in the end all can be ended.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const Coroutine = photonrt.Coroutine;
const Task = photonrt.Task(void);

var slots: [64]std.atomic.Value(Coroutine) = @splat(.init(.none));

/// No error, or one of these.
fn expect(got: anytype, comptime allowed: []const anyerror) void {
    _ = got catch |e| {
        for (allowed) |a| if (a == e) return;
        check.fail("is {t}", .{e});
    };
}

fn ofSlot(rng: *u64) *std.atomic.Value(Coroutine) {
    return &slots[check.rand(rng) % slots.len];
}

fn below(rng: *u64, n: u64) photonrt.Timeout {
    return .us(@intCast(check.rand(rng) % n));
}

fn subject(seed: u64) void {
    var rng = seed;
    for (0..30) |_| switch (check.rand(&rng) % 6) {
        0 => photonrt.yield(),
        1 => expect(photonrt.sleep(below(&rng, 100)), &.{ error.Interrupted, error.Canceled }),
        2 => expect(photonrt.park(.us(@intCast(check.rand(&rng) % 100 + 1))), &.{ error.Timeout, error.Interrupted, error.Canceled }),
        3 => expect(photonrt.park(.now), &.{ error.WouldBlock, error.Interrupted, error.Canceled }),
        4 => {
            const task: Task = .{ .co = ofSlot(&rng).load(.seq_cst) };
            expect(task.joinTimeout(.us(50)), &.{ error.Timeout, error.NotFound, error.Deadlock, error.Interrupted, error.Canceled });
        },
        else => {
            {
                const shield: photonrt.Shield = .begin();
                defer shield.end();
                check.must(photonrt.sleep(.us(10)));
            }
            _ = photonrt.acknowledgeCancel();
        },
    };
}

fn step(rng: *u64) void {
    const slot = ofSlot(rng);
    const co = slot.load(.seq_cst);
    const task: Task = .{ .co = co };
    const stale = [_]anyerror{error.NotFound};
    switch (check.rand(rng) % 10) {
        0, 1 => {
            const bits = check.rand(rng);
            const attr: photonrt.Attr = .{
                .migratable = bits & 1 != 0,
                .save_fp = bits & 2 != 0,
                .stack_size = @as(u64, 16 << 10) << @intCast(check.rand(rng) % 4),
            };
            const fresh = check.must(photonrt.spawnWith(attr, subject, .{check.rand(rng) | 1}));
            if (bits & 4 != 0) fresh.detach();
            const before = slot.swap(fresh.co, .seq_cst);
            expect(before.detach(), &stale);
        },
        2 => expect(task.joinTimeout(below(rng, 200)), &.{ error.Timeout, error.WouldBlock, error.NotFound }),
        3 => expect(co.wait(below(rng, 200)), &.{ error.Timeout, error.WouldBlock, error.NotFound }),
        4 => expect(co.unpark(), &stale),
        5 => expect(co.interrupt(error.Interrupted), &stale),
        6 => expect(co.cancel(), &stale),
        7 => {
            expect(co.info(), &stale);
            expect(co.setName("subject"), &stale);
        },
        8 => expect(co.migrate(.current, 0), &.{ error.NotFound, error.PermissionDenied }),
        else => photonrt.yield(),
    }
}

fn worker(seed: u64) void {
    var rng = seed;
    for (0..4000) |_| step(&rng);
}

pub fn body() !void {
    var workers: [8]Task = undefined;
    for (&workers, 0..) |*task, i| task.* = check.spawnOn(@intCast(i % 2 + 1), worker, .{i * 1000 + 17});
    check.onThread(worker, .{4711});
    for (workers) |task| try task.join();
    for (&slots) |*slot| {
        const co = slot.load(.seq_cst);
        expect(co.cancel(), &.{error.NotFound});
        expect(co.detach(), &.{error.NotFound});
    }
    check.untilLive(1);
}
