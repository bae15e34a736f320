const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

const workers = 8;
const rounds = 1500;
const rooms = [_]usize{ 0, 0, 3, photonrt.unbounded };
var channels: [rooms.len]photonrt.Channel(i64) = undefined;
var sum: std.atomic.Value(i64) = .init(0);
var in_flight: std.atomic.Value(i64) = .init(0);
var running: std.atomic.Value(u32) = .init(workers + 1);
var tasks: [workers]check.Task(worker) = undefined;

fn worker(me: u64) !void {
    var seed = me + 1;
    for (0..rounds) |_| {
        var room: [6]photonrt.Case = undefined;
        var in: [6]i64 = @splat(-1);
        var out: [6]i64 = undefined;
        const cases = room[0 .. 1 + check.rand(&seed) % 6];
        for (cases, 0..) |*case, k| {
            const r = check.rand(&seed);
            const ch = channels[(r >> 1) % channels.len];
            out[k] = @as(i64, @intCast(r >> 40)) + 1;
            case.* = if (r & 1 == 1) ch.onSend(&out[k]) else ch.onReceive(&in[k]);
            case.raw.result = 77;
        }
        const timeout: photonrt.Timeout = .us(@intCast(check.rand(&seed) % 3 * 20));
        const done: ?usize = photonrt.select(cases, timeout) catch |e| failed: {
            switch (e) {
                error.Canceled => check.that(photonrt.acknowledgeCancel()),
                error.WouldBlock, error.Timeout, error.Interrupted => {},
                else => return e,
            }
            break :failed null;
        };
        for (cases, 0..) |case, k| {
            check.eq(@as(u32, if (k == done) 0 else 77), case.raw.result);
            if (case.raw.kind == photonrt.c.CO_SELECT_RECV) check.eq(k == done, in[k] != -1);
        }
        const i = done orelse continue;
        const sends = cases[i].raw.kind == photonrt.c.CO_SELECT_SEND;
        _ = sum.fetchAdd(if (sends) out[i] else -in[i], .monotonic);
        _ = in_flight.fetchAdd(if (sends) 1 else -1, .monotonic);
    }
    _ = running.fetchSub(1, .monotonic);
}

fn pest() !void {
    var seed: u64 = 99;
    while (running.load(.monotonic) > 0) {
        const target = tasks[check.rand(&seed) % workers].co;
        const hit = if (check.rand(&seed) & 1 == 1) target.cancel() else target.interrupt(error.Interrupted);
        hit catch |e| check.eq(error.NotFound, e); // it has ended
        try photonrt.sleep(.us(20));
    }
}

pub fn body() !void {
    for (&channels, rooms) |*ch, room| ch.* = try .init(room);
    for (&tasks, 0..) |*task, i| task.* = check.spawnOn(@as(u32, @intCast(i)) % 2 + 1, worker, .{i});
    const thread = check.thread(worker, .{workers});
    const p = check.spawn(pest, .{});
    for (tasks) |task| try task.co.wait(.forever);
    check.join(p);
    for (tasks) |task| check.join(task);
    thread.join();
    var left: usize = 0;
    for (channels) |ch| {
        left += try ch.len();
        while (ch.receiveTimeout(.now)) |n| {
            _ = sum.fetchSub(n, .monotonic);
        } else |e| check.eq(error.WouldBlock, e);
        ch.deinit();
    }
    check.eq(left, in_flight.load(.monotonic));
    check.eq(0, sum.load(.monotonic));
}
