//! Set and unset; a set lets go everybody who waits at that moment, even if it is reset at once.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;

const n = 16;
var event: photonrt.Event = .init;
var waiting: std.atomic.Value(u32) = .init(0);
var gone: std.atomic.Value(u32) = .init(0);

fn waitEvent() !void {
    _ = waiting.fetchAdd(1, .monotonic);
    try event.wait();
    _ = gone.fetchAdd(1, .monotonic);
}

fn pulses(kind: check.crew.Kind) !void {
    for (0..3) |_| {
        var crew: check.Crew = .{ .kind = kind };
        waiting.store(0, .monotonic);
        gone.store(0, .monotonic);
        for (0..n) |_| crew.add(waitEvent, .{});
        while (waiting.load(.monotonic) != n) try photonrt.sleep(.us(100));
        while (gone.load(.monotonic) != n) { // one pulse, or more for who was not quite there yet
            event.set();
            event.reset();
            try photonrt.sleep(.us(500));
        }
        crew.end();
        check.that(!event.isSet());
    }
}

pub fn body() !void {
    check.errno(.INVAL, c.co_event_wait(null, c.CO_NOW));
    check.errno(.INVAL, c.co_event_set(null));
    check.errno(.INVAL, c.co_event_reset(null));
    check.errno(.INVAL, c.co_event_is_set(null));
    check.that(!event.isSet());
    check.err(error.WouldBlock, event.waitTimeout(.now));
    event.reset();
    event.set();
    event.set();
    check.that(event.isSet());
    try event.waitTimeout(.now);
    try event.wait();
    event.reset();
    check.err(error.Timeout, event.waitTimeout(.ms(1)));

    // Exactly one pulse for those that are known to wait.
    var tasks: [n]check.Task(waitEvent) = undefined;
    for (&tasks, 0..) |*task, i| {
        task.* = check.spawnOn(@as(u32, @intCast(i)) % 2 + 1, waitEvent, .{});
        check.untilState(task.co, .parked);
    }
    event.set();
    event.reset();
    for (tasks) |task| check.join(task);
    for (check.crew.kinds) |kind| try pulses(kind);
}
