const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const Coroutine = photonrt.Coroutine;

const n = 100;
var tasks: [n]photonrt.Task(void) = undefined;
var stop: std.atomic.Value(bool) = .init(false);

const Look = struct {
    seen: [n]u32 = @splat(0),
    caller: ?Coroutine = null,
    self: u32 = 0,
    calls: u32 = 0,
    stop_after: u32 = 0,

    fn at(info: *const photonrt.c.co_info_t, look: *Look) bool {
        check.ge(info.size, @sizeOf(photonrt.c.co_info_t));
        check.that(info.co != 0);
        check.that(std.enums.fromInt(photonrt.State, info.state) != null);
        for (&tasks, &look.seen, 0..) |task, *seen, i| {
            if (info.co != @backingInt(task.co)) continue;
            var room: [16]u8 = undefined;
            check.that(std.mem.eql(u8, name(&room, i), std.mem.sliceTo(&info.name, 0)));
            seen.* += 1;
        }
        if (look.caller) |co| look.self += @intFromBool(info.co == @backingInt(co));
        look.calls += 1;
        return look.calls != look.stop_after;
    }
};

fn name(room: *[16]u8, i: usize) [:0]const u8 {
    return std.fmt.bufPrintSentinel(room, "number {d}", .{i}, 0) catch unreachable;
}

fn parked() void {
    check.must(photonrt.park(.forever));
}

fn all() void {
    for (0..100) |_| {
        var look: Look = .{ .caller = Coroutine.current() };
        photonrt.forEach(&look, Look.at);
        check.eq(@as([n]u32, @splat(1)), look.seen);
        check.eq(@intFromBool(Coroutine.current() != null), look.self);
        if (Coroutine.current() != null) photonrt.yield();
    }
}

fn end() void {}

fn churn() void {
    while (!stop.load(.seq_cst)) {
        check.join(check.spawn(end, .{}));
        check.must(photonrt.spawnDetached(end, .{}));
        photonrt.yield();
    }
}

pub fn body() !void {
    for (&tasks, 0..) |*task, i| {
        var room: [16]u8 = undefined;
        task.* = try photonrt.spawnWith(.{ .name = name(&room, i) }, parked, .{});
    }
    all();
    const busy = [_]photonrt.Task(void){ check.spawnOn(1, churn, .{}), check.spawnOn(2, churn, .{}) };
    all(); // while others come and go
    check.onThread(all, .{});
    stop.store(true, .seq_cst);
    for (busy) |task| try task.join();

    var look: Look = .{ .stop_after = 5 };
    photonrt.forEach(&look, Look.at);
    check.eq(5, look.calls);
    check.errno(.INVAL, photonrt.c.co_foreach(null, null));
    for (&tasks) |task| {
        try task.co.unpark();
        try task.join();
    }
}
