//! Tasks that sleep, wait, are cancelled, or block.
const std = @import("std");
const c = @import("common.zig");
const Io = std.Io;
const Group = Io.Group;

fn sleeper(ms: i64, late: *i64) void {
    const t0 = c.now();
    c.must(c.sleepMs(ms));
    late.* = c.now() - t0 - ms * 1_000_000;
}
/// 64-bit LCG, seed 42.
pub fn timers(n: usize) void {
    const ms = c.room(i64, n);
    const late = c.room(i64, n);
    var x: u64 = 42;
    for (ms) |*d| {
        x = x *% 6364136223846793005 +% 1442695040888963407;
        d.* = @intCast((x >> 33) % 1001);
    }
    var all: Group = .init;
    const cpu = c.cpuMs();
    const t0 = c.now();
    for (ms, late) |d, *l| c.must(all.concurrent(c.io, sleeper, .{ d, l }));
    c.must(all.await(c.io));
    const wall = c.since(t0) / 1e6;
    c.out("timers_wall", "", wall, "ms");
    c.out("timers_cpu", "", c.cpuMs() - cpu, "ms");
    c.quantiles(late, &.{ .{ "_min", 0 }, .{ "_p50", 0.5 }, .{ "_p99", 0.99 } });
}

// ---- cancel_storm: all tasks are one group, which is cancelled as a whole
const Storm = struct {
    never: Io.Queue(u64),
    begun: std.atomic.Value(usize) = .init(0),
    ended: std.atomic.Value(usize) = .init(0),

    fn receiver(s: *Storm) Io.Cancelable!void {
        _ = s.begun.fetchAdd(1, .release);
        _ = s.never.getOne(c.io) catch |err| return s.end(err);
    }
    fn dreamer(s: *Storm) Io.Cancelable!void {
        _ = s.begun.fetchAdd(1, .release);
        c.io.sleep(.fromSeconds(3600), .awake) catch |err| return s.end(err);
    }
    fn end(s: *Storm, err: anyerror) Io.Cancelable!void {
        if (err != error.Canceled) c.fail(@errorName(err));
        _ = s.ended.fetchAdd(1, .release);
        return error.Canceled;
    }
};
pub fn cancelStorm(n: usize) void {
    var best = std.math.inf(f64);
    for (0..5) |_| {
        var s: Storm = .{ .never = .init(&.{}) };
        var all: Group = .init;
        for (0..n) |i| {
            if (i % 2 == 0) {
                c.must(all.concurrent(c.io, Storm.receiver, .{&s}));
            } else {
                c.must(all.concurrent(c.io, Storm.dreamer, .{&s}));
            }
        }
        while (s.begun.load(.acquire) < n) c.must(c.sleepMs(10));
        c.must(c.sleepMs(10));
        const t0 = c.now();
        all.cancel(c.io);
        best = @min(best, c.div(c.since(t0), n));
        if (s.ended.load(.acquire) != n) c.fail("not all ended by the cancel");
    }
    c.out(c.name, "", best, "ns");
    c.out(c.name, "_ended", @floatFromInt(n), "tasks");
}

// ---- blocking64: a task has a thread, so it may just block
fn stuck(ms: usize) void {
    const linux = std.os.linux;
    var left: linux.timespec = .{ .sec = @intCast(ms / 1000), .nsec = @intCast(ms % 1000 * 1_000_000) };
    while (linux.errno(linux.nanosleep(&left, &left)) == .INTR) {}
}
const Late = struct { ns: []i64, n: usize = 0 };
fn beside(late: *Late, over: *std.atomic.Value(bool)) void {
    while (!over.load(.monotonic)) {
        const t0 = c.now();
        c.must(c.sleepMs(1));
        if (late.n == late.ns.len) c.fail("more sleeps than there is time for");
        late.ns[late.n] = c.now() - t0 - 1_000_000;
        late.n += 1;
    }
}
pub fn blocking64(ms: usize) void {
    var late: [8]Late = undefined;
    var over: std.atomic.Value(bool) = .init(false);
    var others: Group = .init;
    var blocked: Group = .init;
    const t0 = c.now();
    for (&late) |*l| {
        l.* = .{ .ns = c.room(i64, ms * 4 + 1000) };
        c.must(others.concurrent(c.io, beside, .{ l, &over }));
    }
    for (0..64) |_| c.must(blocked.concurrent(c.io, stuck, .{ms}));
    c.must(blocked.await(c.io));
    const wall = c.since(t0) / 1e6;
    over.store(true, .monotonic);
    c.must(others.await(c.io));
    var all: std.ArrayList(i64) = .empty;
    for (late) |l| c.must(all.appendSlice(c.gpa, l.ns[0..l.n]));
    c.quantiles(all.items, &.{ .{ "", 0.99 }, .{ "_p50", 0.5 }, .{ "_max", 1 } });
    c.out(c.name, "_wall", wall, "ms");
}

// ---- parked
fn parker(begun: *std.atomic.Value(usize), never: *Io.Event) void {
    _ = begun.fetchAdd(1, .release);
    c.must(never.wait(c.io));
}
pub fn parked(n: usize) void {
    var begun: std.atomic.Value(usize) = .init(0);
    var never: Io.Event = .unset;
    var all: Group = .init;
    const rss = c.status("VmRSS");
    const pte = c.status("VmPTE");
    for (0..n) |_| c.must(all.concurrent(c.io, parker, .{ &begun, &never }));
    while (begun.load(.acquire) < n) c.must(c.sleepMs(10));
    c.must(c.sleepMs(50));
    c.out(c.name, "", c.div(c.status("VmRSS") - rss, n), "B/task");
    c.out(c.name, "_pte", c.div(c.status("VmPTE") - pte, n), "B/task");
    std.process.exit(0);
}
