//! Timers in groups that a host runs: the descriptor tells when one is due, also when it is set, brought forward or put off from
//! elsewhere while the host sleeps; the callback runs on the host's thread.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;
const Group = photonrt.Group;
const Ticks = check.timer.Ticks;
const Timer = photonrt.Timer;

var group: Group = undefined;
var host: std.c.pthread_t = undefined;
var tokens: [64]photonrt.Token = undefined;
var ready: usize = 0;

fn onReady(_: ?*anyopaque, token: c.co_token_t, _: c.co_t) callconv(.c) void {
    check.that(ready < tokens.len);
    tokens[ready] = @fromBackingInt(token);
    ready += 1;
}

/// Sleeps on the descriptor as a host does, and runs what there is, until there were `calls`.
fn runUntil(t: *Ticks, calls: u64) !void {
    var p = [_]std.c.pollfd{.{ .fd = try group.fd(), .events = std.c.POLL.IN, .revents = 0 }};
    while (t.calls.load(.acquire) < calls or t.inside.load(.acquire) != 0) {
        check.eq(1, check.ok(std.c.poll(&p, 1, 20_000)));
        _ = try group.poll(.now);
        var next: usize = 0;
        while (next < ready) : (next += 1) _ = try tokens[next].run(); // which may make others ready
        ready = 0;
    }
}

fn atHost(timer: Timer, expiries: u64, t: *Ticks) void {
    check.that(std.c.pthread_self() == host);
    check.eq(group, Group.self());
    check.timer.tick(timer, expiries, t);
}

fn start(delay: photonrt.Timeout, period: i64, t: *Ticks) Timer {
    return check.timer.start(.{ .delay = delay, .period = period, .group = group }, t, atHost);
}

fn change(timer: Timer, delay: photonrt.Timeout) void {
    check.hold(2 * check.ms);
    check.eq(true, timer.reset(delay));
}

fn hosted() !void {
    host = std.c.pthread_self();
    var t: Ticks = .{};
    var begun = photonrt.clock();
    const regular = start(.ms(3), 1 * check.ms, &t);
    try runUntil(&t, 5);
    check.ge(photonrt.clock() - begun, 3 * check.ms);
    try regular.stop(.forever);
    // One whose callback sleeps.
    var held: Ticks = .{ .hold = .ms(1) };
    const sleeper = start(.now, 0, &held);
    try runUntil(&held, 1);
    try sleeper.stop(.forever);
    // Brought forward, and put off, by another thread.
    t.calls.store(0, .monotonic);
    const timer = start(.seconds(3600), 0, &t);
    var other = check.thread(change, .{ timer, .ms(1) });
    try runUntil(&t, 1);
    other.join();
    check.eq(false, try timer.reset(.ms(20)));
    begun = photonrt.clock();
    other = check.thread(change, .{ timer, .ms(25) });
    try runUntil(&t, 2);
    other.join();
    check.ge(photonrt.clock() - begun, 20 * check.ms);
    try timer.stop(.forever);
}

pub fn body() !void {
    for ([_]photonrt.group.Policy{ .external, .{ .custom = .{ .on_ready = onReady } } }) |policy| {
        group = try .create(.{ .policy = policy });
        try check.onThread(hosted, .{});
        try group.destroy(.forever);
    }
}
