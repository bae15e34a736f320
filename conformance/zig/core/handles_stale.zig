const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const Coroutine = photonrt.Coroutine;

const n = 20_000;
var old: [n]Coroutine = undefined;

fn end() void {}

fn stale(co: Coroutine) void {
    const task: photonrt.Task(void) = .{ .co = co };
    const large: photonrt.Task([4]u64) = .{ .co = co };
    check.err(error.NotFound, task.joinTimeout(.now));
    check.err(error.NotFound, task.join());
    check.err(error.NotFound, large.join());
    check.err(error.NotFound, co.wait(.forever));
    check.err(error.NotFound, co.detach());
    check.err(error.NotFound, co.unpark());
    check.err(error.NotFound, co.interrupt(error.Interrupted));
    check.err(error.NotFound, co.cancel());
    check.err(error.NotFound, co.setName("nobody"));
    check.err(error.NotFound, co.info());
    check.err(error.NotFound, co.state());
    check.err(error.NotFound, co.migrate(.current, 0));
    check.eq(null, photonrt.c.co_env(@backingInt(co)));
}

pub fn body() !void {
    const self = Coroutine.current().?;
    const number = @backingInt(self);
    var rng: u64 = 1;

    // The same slots over and over: no handle comes twice, and an old one stays stale.
    for (&old, 0..) |*co, i| {
        const task = check.spawn(end, .{});
        co.* = task.co;
        try task.join();
        stale(co.*);
        stale(old[check.rand(&rng) % (i + 1)]);
    }
    for (&old) |co| {
        check.that(co != .none and co != self);
        stale(co);
    }

    // Forged: this is the only coroutine alive, so that every other number is nobody.
    check.untilLive(1);
    stale(.none);
    stale(@fromBackingInt(std.math.maxInt(u64)));
    for (0..64) |a| {
        const bit = @as(u64, 1) << @intCast(a);
        stale(@fromBackingInt(number ^ bit));
        for (0..a) |b| stale(@fromBackingInt(number ^ bit ^ @as(u64, 1) << @intCast(b)));
    }
    for (0..n) |_| {
        const h = check.rand(&rng);
        if (h != number) stale(@fromBackingInt(h));
        if (h & 0xfff != number) stale(@fromBackingInt(h & 0xfff));
    }
    check.eq(self, Coroutine.current().?);
    try photonrt.sleep(.now); // none of the cancels above has hit this one
}
