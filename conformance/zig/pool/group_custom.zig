//! A custom group: its coroutines run only where and when the host runs their tokens. A priority scheduler; tokens on several
//! threads; I/O, sleeps, calls to other groups through poll and fd; every outcome of a token and every error.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;
const Atomic = std.atomic.Value;
const Group = photonrt.Group;
const Token = photonrt.Token;

const rounds = 40;

/// A host: what has become ready, by priority (of a coroutine's name: "0", "1", ...).
const Host = struct {
    lock: std.c.pthread_mutex_t = std.c.PTHREAD_MUTEX_INITIALIZER,
    queues: [10]Queue = @splat(.{}),
    given: u32 = 0,
    group: Group = .current,
    stop: Atomic(bool) = .init(false),

    const Queue = struct {
        tokens: [256]Token = undefined,
        first: u32 = 0,
        last: u32 = 0,
    };

    fn create(h: *Host) !void {
        h.* = .{};
        h.group = try .create(.{ .policy = .{ .custom = .{ .ctx = h, .on_ready = onReady } } });
        check.eq(1, try h.group.vcpuCount());
    }

    fn onReady(ctx: ?*anyopaque, number: c.co_token_t, handle: c.co_t) callconv(.c) void {
        const h: *Host = @ptrCast(@alignCast(ctx.?));
        const token: Token = @fromBackingInt(number);
        const co: photonrt.Coroutine = @fromBackingInt(handle);
        check.eq(null, photonrt.Coroutine.current()); // as on a plain thread
        check.that(number != 0);
        check.err(error.Busy, token.run());
        const name = check.info(co).name[0];
        const queue = &h.queues[if (std.ascii.isDigit(name)) name - '0' else 9];
        check.eq(.SUCCESS, std.c.pthread_mutex_lock(&h.lock));
        queue.tokens[queue.last % 256] = token;
        queue.last += 1;
        h.given += 1;
        check.eq(.SUCCESS, std.c.pthread_mutex_unlock(&h.lock));
    }

    fn take(h: *Host) ?Token {
        check.eq(.SUCCESS, std.c.pthread_mutex_lock(&h.lock));
        defer check.eq(.SUCCESS, std.c.pthread_mutex_unlock(&h.lock));
        for (&h.queues) |*queue| {
            if (queue.first == queue.last) continue;
            defer queue.first += 1;
            return queue.tokens[queue.first % 256];
        }
        return null;
    }

    fn attr(h: *Host, name: [*:0]const u8) photonrt.Attr {
        return .{ .group = h.group, .name = name };
    }
};

var order: [8]u8 = undefined;
var ordered: usize = 0;

fn note(letter: u8) u8 {
    for (0..2) |i| {
        if (i > 0) photonrt.yield();
        order[ordered] = letter;
        ordered += 1;
    }
    return letter;
}

/// Spawned in one order, run in another: by priority, first come first served within one.
fn priorities() !void {
    var h: Host = undefined;
    try h.create();
    const third = try photonrt.spawnWith(h.attr("2"), note, .{'c'});
    const first = try photonrt.spawnWith(h.attr("0"), note, .{'a'});
    const second = try photonrt.spawnWith(h.attr("1"), note, .{'b'});
    const fourth = try photonrt.spawnWith(h.attr("2"), note, .{'d'});
    check.eq(0, ordered);
    check.eq(4, try h.group.poll(.now));
    check.eq(0, try h.group.poll(.now));
    check.eq(4, h.given);
    var ready: u32 = 0;
    var gone: u32 = 0;
    while (h.take()) |token| {
        switch (try token.run()) {
            .ready => ready += 1,
            .gone => gone += 1,
            else => |turn| check.fail("{any}", .{turn}),
        }
        check.err(error.NotFound, token.run()); // good once
    }
    check.eq(4, ready);
    check.eq(4, gone);
    check.that(std.mem.eql(u8, "aabbcdcd", &order));
    for ([_]photonrt.Task(u8){ first, second, third, fourth }, "abcd") |task, letter| {
        check.eq(letter, try task.joinTimeout(.now));
    }
    check.eq(0, try h.group.poll(.ms(1)));
    try h.group.destroy(.forever);
}

fn parks() !void {
    try photonrt.park(.forever);
    try photonrt.sleep(.ms(2));
}

var home: Group = undefined;

fn moves() !u32 {
    try photonrt.Coroutine.current().?.migrate(home, 0);
    check.eq(home, Group.self());
    return 7;
}

/// Whether it is readable within that many milliseconds.
fn readable(fd: std.posix.fd_t, ms: c_int) bool {
    var p = [_]std.c.pollfd{.{ .fd = fd, .events = std.c.POLL.IN, .revents = 0 }};
    return check.ok(std.c.poll(&p, 1, ms)) == 1;
}

fn outcomes() !void {
    var h: Host = undefined;
    try h.create();
    const fd = try h.group.fd();
    check.that(!readable(fd, 0));
    const task = try photonrt.spawnWith(h.attr("0"), parks, .{});
    check.that(readable(fd, 5000)); // a wake makes it readable
    check.eq(1, try h.group.poll(.now));
    check.that(!readable(fd, 0));
    const token = h.take().?;
    check.eq(.fresh, try task.co.state());
    check.eq(.parked, try token.run());
    check.err(error.NotFound, token.run());
    check.eq(null, h.take());
    check.err(error.WouldBlock, h.group.destroy(.now));
    try task.co.unpark();
    check.eq(1, try h.group.poll(.forever));
    check.eq(.ready, try task.co.state());
    check.eq(0, try h.group.poll(.now)); // a token is given once
    const begun = photonrt.clock();
    check.eq(.parked, try h.take().?.run()); // it sleeps
    check.that(readable(fd, 5000)); // a timer makes it readable
    check.ge(photonrt.clock() - begun, 1 * check.ms);
    check.eq(1, try h.group.poll(.seconds(1)));
    check.ge(photonrt.clock() - begun, 2 * check.ms);
    check.eq(.gone, try h.take().?.run());
    try (try task.joinTimeout(.now));
    try movers(&h);
    try woken(&h, token);
    try h.group.destroy(.forever);
    check.err(error.NotFound, h.group.poll(.now));
}

/// To another group: by themselves, and by somebody else while they have a token.
fn movers(h: *Host) !void {
    const attr: photonrt.Attr = .{ .group = h.group, .migratable = true };
    const willing = try photonrt.spawnWith(attr, moves, .{});
    check.eq(1, try h.group.poll(.seconds(1)));
    check.eq(.gone, try h.take().?.run());
    check.eq(7, check.join(willing));
    const moved = try photonrt.spawnWith(attr, moves, .{});
    check.eq(1, try h.group.poll(.seconds(1)));
    const token = h.take().?;
    try moved.co.migrate(home, 1);
    check.eq(0, try h.group.poll(.now));
    check.err(error.NotFound, token.run());
    check.eq(7, check.join(moved));
}

/// Forged tokens; then one coroutine's turns to its end.
fn woken(h: *Host, stale: Token) !void {
    const task = try photonrt.spawnWith(h.attr("0"), parks, .{});
    const number = @backingInt(stale);
    for ([_]u64{ 0, 1, std.math.maxInt(u64), number ^ 1, number +% (1 << 32) }) |forged| {
        check.err(error.NotFound, Token.run(@fromBackingInt(forged)));
    }
    check.eq(1, try h.group.poll(.seconds(1)));
    check.eq(.parked, try h.take().?.run());
    try task.co.unpark();
    check.eq(1, try h.group.poll(.seconds(1)));
    check.eq(.parked, try h.take().?.run());
    check.eq(1, try h.group.poll(.seconds(1)));
    check.eq(.gone, try h.take().?.run());
    try (try task.joinTimeout(.now));
    // Cancelled while it has one: it runs, and finds out.
    const cancelled = try photonrt.spawnWith(h.attr("0"), parks, .{});
    check.eq(1, try h.group.poll(.seconds(1)));
    const token = h.take().?;
    try cancelled.co.cancel();
    check.eq(.gone, try token.run());
    check.err(error.Canceled, try cancelled.joinTimeout(.now));
}

/// Several of these run what there is.
fn worker(h: *Host) void {
    while (!h.stop.load(.acquire)) {
        const token = h.take() orelse {
            check.hold(100 * check.us);
            continue;
        };
        while (true) : (check.hold(20 * check.us)) {
            if (token.run()) |_| break else |e| check.eq(error.Busy, e);
        }
    }
}

/// One waits for more.
fn poller(h: *Host) void {
    while (!h.stop.load(.acquire)) {
        _ = h.group.poll(.ms(5)) catch |e| switch (e) {
            error.NotFound => return, // destroyed
            error.Busy => {},
            else => check.fail("poll: {t}", .{e}),
        };
    }
}

fn elsewhere() void {
    check.eq(home, Group.self());
    photonrt.yield();
}

/// No lock: all of one group, so never two at once, on whatever threads.
const Shared = struct {
    inside: u32 = 0,
    rounds: u32 = 0,
};

fn job(shared: *Shared, ends: [2]std.posix.fd_t) !void {
    const inside: *volatile u32 = &shared.inside;
    var byte = [1]u8{7};
    for (0..rounds) |i| {
        check.eq(0, inside.*);
        inside.* += 1;
        for (0..50) |_| std.atomic.spinLoopHint();
        inside.* -= 1;
        check.eq(0, inside.*);
        shared.rounds += 1;
        switch (i % 10) {
            0, 5 => try photonrt.sleep(.us(@intCast(i % 3 * 50))),
            1, 6 => try home.run(.forever, elsewhere, .{}),
            3 => {
                const bracket: photonrt.Bracket = .enter();
                defer bracket.leave();
                check.eq(1, bracket.depth);
                check.hold(20 * check.us);
            },
            2, 7 => {
                check.eq(1, try photonrt.fd.write(ends[1], &byte, .forever));
                check.eq(1, try photonrt.fd.read(ends[0], &byte, .forever));
            },
            else => photonrt.yield(),
        }
    }
}

fn threads() !void {
    var h: Host = undefined;
    var shared: Shared = .{};
    var pipes: [20][2]std.posix.fd_t = undefined;
    var all: [20]check.Task(job) = undefined;
    try h.create();
    const polling = check.thread(poller, .{&h});
    for (&all, &pipes, 0..) |*task, *ends, i| {
        ends.* = try photonrt.fd.pipe();
        task.* = try photonrt.spawnWith(h.attr(if (i % 2 == 1) "1" else "0"), job, .{ &shared, ends.* });
    }
    var workers: [3]std.Thread = undefined;
    for (&workers) |*thread| thread.* = check.thread(worker, .{&h});
    for (all) |task| check.join(task);
    check.eq(all.len * rounds, shared.rounds);
    try h.group.destroy(.forever);
    h.stop.store(true, .release);
    for (workers) |thread| thread.join();
    polling.join();
    for (pipes) |ends| for (ends) |fd| photonrt.fd.close(fd);
}

fn errors() !void {
    const custom = c.CO_GROUP_CUSTOM;
    var attr = std.mem.zeroes(c.co_group_attr_t);
    attr.size = @sizeOf(c.co_group_attr_t);
    attr.flags = custom;
    var group: c.co_group_t = 7;
    check.errno(.INVAL, c.co_group_create(&group, &attr)); // no on_ready
    attr.on_ready = Host.onReady;
    attr.vcpus = 1;
    attr.flags = custom | c.CO_GROUP_EXTERNAL;
    check.errno(.INVAL, c.co_group_create(&group, &attr));
    attr.flags = 0;
    check.errno(.INVAL, c.co_group_create(&group, &attr)); // on_ready of another kind
    check.eq(7, group);
    check.err(error.InvalidArgument, Group.create(.{ .policy = .{ .custom = .{ .on_ready = Host.onReady } }, .vcpus = 2 }));
    var h: Host = undefined;
    try h.create();
    check.err(error.Deadlock, h.group.poll(.now)); // in a coroutine
    check.err(error.Deadlock, Token.run(@fromBackingInt(1)));
    try h.group.destroy(.forever);
}

pub fn body() !void {
    home = Group.self().?;
    try errors();
    try check.onThread(priorities, .{});
    try check.onThread(outcomes, .{});
    try check.onThread(threads, .{});
}
