//! Rounds in which all come before anybody goes on, with one leader in each; those who give up leave a place.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;

const parties = 5;
const Number = std.atomic.Value(u32);
var barrier: photonrt.Barrier = .init;
var come: [200]Number = undefined;
var leaders: [come.len]Number = undefined;

fn rounds() !void {
    for (&come, &leaders, 0..) |*here, *led, i| {
        _ = here.fetchAdd(1, .monotonic);
        const leader = try barrier.wait(parties, if (i % 3 != 0) .forever else .seconds(3600));
        check.eq(parties, here.load(.monotonic));
        if (leader) _ = led.fetchAdd(1, .monotonic);
    }
}

/// Comes, and does not lead.
fn follows(of: u32) !void {
    check.eq(false, try barrier.wait(of, .forever));
}

fn givesUp() void {
    check.err(error.Timeout, barrier.wait(3, .ms(5)));
}

pub fn body() !void {
    check.errno(.INVAL, c.co_barrier_wait(null, 2, c.CO_NOW));
    check.err(error.InvalidArgument, barrier.wait(0, .now));
    check.that(try barrier.wait(1, .now));
    check.err(error.WouldBlock, barrier.wait(2, .now));
    check.err(error.Timeout, barrier.wait(7, .ms(1)));
    const one = check.spawnOn(2, follows, .{2}); // those that left had said another number: forgotten
    check.untilState(one.co, .parked);
    check.err(error.InvalidArgument, barrier.wait(3, .forever));
    check.err(error.InvalidArgument, barrier.wait(1, .now));
    check.that(try barrier.wait(2, .now));
    check.join(one);

    const stays = check.spawnOn(1, follows, .{3});
    check.join(check.spawnOn(2, givesUp, .{}));
    check.err(error.WouldBlock, barrier.wait(3, .now)); // two are missing again
    const comes = check.spawn(follows, .{3});
    check.untilState(comes.co, .parked);
    check.that(try barrier.wait(3, .now));
    check.join(stays);
    check.join(comes);

    for (check.crew.kinds) |kind| {
        for (&come, &leaders) |*here, *led| {
            here.* = .init(0);
            led.* = .init(0);
        }
        check.Crew.run(kind, parties, rounds, .{});
        for (&leaders) |*led| check.eq(1, led.load(.monotonic));
    }
}
