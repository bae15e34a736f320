//! Signals: kept while nobody waits, to everybody who does, given back at the end.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;
const signal = photonrt.signal;
const SIG = std.posix.SIG;

const both = [_]SIG{ .USR2, .USR1 };
var own: std.atomic.Value(u32) = .init(0);

fn ownHandler(_: SIG) callconv(.c) void {
    _ = own.fetchAdd(1, .monotonic);
}

fn tell(which: SIG) void {
    _ = check.sys(std.c.kill(std.c.getpid(), which));
}

fn raise(which: SIG) void {
    check.eq(0, std.c.raise(which));
}

fn waitBoth() signal.WaitError!SIG {
    return signal.wait(&both, .forever);
}

fn tellLater(which: SIG) !void {
    try photonrt.sleep(.ms(2));
    tell(which);
}

fn kept() !void {
    try signal.subscribe(&both);
    check.err(error.WouldBlock, signal.wait(&both, .now));
    const before = photonrt.clock();
    check.err(error.Timeout, signal.wait(&both, .ms(2)));
    check.ge(photonrt.clock() - before, 2 * check.ms);
    raise(.USR1); // has been handled when it returns
    raise(.USR1);
    check.eq(.USR1, try signal.wait(&both, .now));
    check.err(error.WouldBlock, signal.wait(&both, .now)); // once for each number
    raise(.USR2);
    check.err(error.WouldBlock, signal.wait(&.{.USR1}, .now));
    raise(.USR1);
    const first = try signal.wait(&both, .forever);
    check.that(first == .USR1 or first == .USR2);
    check.eq(if (first == .USR1) SIG.USR2 else SIG.USR1, try signal.wait(&both, .forever));
    check.err(error.WouldBlock, signal.wait(&both, .now));
}

fn awaited() !void {
    for (0..20) |i| {
        const which = both[i % 2];
        const task = check.spawn(tellLater, .{which});
        check.eq(which, try signal.wait(&both, .forever));
        check.join(task);
    }
    check.err(error.WouldBlock, signal.wait(&both, .now));
}

/// A plain thread that waits.
const Waiter = struct {
    tid: std.atomic.Value(std.Thread.Id) = .init(0),
    got: signal.WaitError!SIG = undefined,

    fn wait(waiter: *Waiter) void {
        waiter.tid.store(std.Thread.getCurrentId(), .release);
        waiter.got = waitBoth();
    }

    /// Until it sleeps in the system, which it does nowhere else.
    fn untilAsleep(waiter: *Waiter) !void {
        while (waiter.tid.load(.acquire) == 0) try photonrt.sleep(.us(100));
        var path: [64]u8 = undefined;
        const stat = try std.fmt.bufPrintSentinel(&path, "/proc/self/task/{d}/stat", .{waiter.tid.load(.acquire)}, 0);
        while (true) {
            var text: [512]u8 = undefined;
            const file = check.sys(std.c.open(stat, .{ .CLOEXEC = true }));
            const len = check.sys(std.c.read(file, &text, text.len));
            _ = check.sys(std.c.close(file));
            const name_end = std.mem.lastIndexOf(u8, text[0..@intCast(len)], ") ").?;
            if (text[name_end + 2] == 'S') return;
            try photonrt.sleep(.us(100));
        }
    }
};

/// Coroutines and a thread, each gets it.
fn toAll() !void {
    var waiter: Waiter = .{};
    const Waiting = photonrt.Task(signal.WaitError!SIG);
    var tasks: [2]Waiting = undefined;
    for (&tasks, 1..) |*task, vcpu| task.* = check.spawnOn(@intCast(vcpu), waitBoth, .{});
    const thread = check.thread(Waiter.wait, .{&waiter});
    for (tasks) |task| check.untilState(task.co, .parked);
    try waiter.untilAsleep();
    check.err(error.Busy, signal.release(.USR1));
    tell(.USR1);
    for (tasks) |task| check.eq(.USR1, check.join(task));
    thread.join();
    check.eq(.USR1, try waiter.got);
    check.err(error.WouldBlock, signal.wait(&both, .now));
    // Ended otherwise.
    for (&tasks, 1..) |*task, vcpu| task.* = check.spawnOn(@intCast(vcpu), waitBoth, .{});
    for (tasks) |task| check.untilState(task.co, .parked);
    try tasks[0].co.cancel();
    check.err(error.Canceled, tasks[0].join());
    try tasks[1].co.interrupt(error.InputOutput);
    check.err(error.Interrupted, tasks[1].join());
}

/// A burst: none is lost, though equal ones may be one.
fn listenFor() !u32 {
    var n: u32 = 0;
    while (true) switch (try signal.wait(&both, .forever)) {
        .USR1 => n += 1,
        .USR2 => return n,
        else => |other| check.fail("{t}", .{other}),
    };
}

fn burst() !void {
    const task = check.spawnOn(2, listenFor, .{});
    for (0..200) |i| {
        tell(.USR1);
        if (i % 8 == 0) try photonrt.sleep(.us(50));
    }
    try photonrt.sleep(.ms(5));
    tell(.USR2);
    const n = check.join(task);
    check.ge(n, 1);
    check.that(n <= 200);
}

fn errors() !void {
    const no_signals = [_]SIG{ @fromBackingInt(0), @fromBackingInt(std.math.maxInt(u32)), @fromBackingInt(65) };
    for (no_signals ++ [_]SIG{ .KILL, .STOP, .SEGV, .BUS, .FPE, .ILL }) |bad| {
        check.err(error.InvalidArgument, signal.wait(&.{ .USR1, bad }, .forever));
        check.err(error.InvalidArgument, signal.subscribe(&.{ .USR1, bad }));
        check.err(error.InvalidArgument, signal.release(bad));
    }
    check.err(error.InvalidArgument, signal.wait(&.{}, .forever));
    const too_many: [65]SIG = @splat(.USR1);
    check.err(error.InvalidArgument, signal.wait(&too_many, .forever));
    check.err(error.InvalidArgument, signal.wait(&.{.USR1}, .ns(-2)));
    check.errno(.FAULT, c.co_signal_wait(@ptrFromInt(8), 1, c.CO_FOREVER));
    check.errno(.FAULT, c.co_signal_subscribe(null, 1));
    // libc's own: refused, and the other is not taken either.
    check.err(error.InvalidArgument, signal.subscribe(&.{ .HUP, @fromBackingInt(32) }));
}

/// A signal that every thread blocks comes nevertheless; a child's end is one too.
fn others() !void {
    try signal.subscribe(&.{.HUP});
    tell(.HUP);
    check.eq(.HUP, try signal.wait(&.{.HUP}, .seconds(10)));
    try signal.release(.HUP);
    try signal.subscribe(&.{.CHLD});
    const pid = check.sys(std.c.fork());
    if (pid == 0) std.c._exit(0);
    check.eq(.CHLD, try signal.wait(&.{.CHLD}, .forever));
    check.eq(pid, (try photonrt.process.wait(-1, .now)).pid);
    try signal.release(.CHLD);
}

fn countThreads() usize {
    const dir = std.c.opendir("/proc/self/task") orelse check.fail("no /proc/self/task", .{});
    defer _ = std.c.closedir(dir);
    var n: usize = 0;
    while (std.c.readdir(dir)) |_| n += 1;
    return n;
}

fn all() !void {
    try kept();
    try awaited();
    try toAll();
    try burst();
    try errors();
    try others();
}

fn handleByOurselves() void {
    const action: std.posix.Sigaction = .{ .handler = .{ .handler = ownHandler }, .mask = std.posix.sigemptyset(), .flags = 0 };
    std.posix.sigaction(.USR1, &action, null);
}

pub fn early() void {
    var set = std.posix.sigemptyset();
    std.posix.sigaddset(&set, .HUP);
    std.posix.sigprocmask(SIG.BLOCK, &set, null);
}

pub fn body() !void {
    const before = countThreads();
    handleByOurselves();
    raise(.USR1);
    check.eq(1, own.load(.monotonic));
    try all();
    try check.onThread(all, .{});
    check.eq(1, own.load(.monotonic));
    // What was there before is there again, and the thread that listened is gone.
    raise(.USR1);
    try signal.release(.USR1);
    try signal.release(.USR1);
    raise(.USR1);
    check.eq(2, own.load(.monotonic));
    try signal.release(.USR2);
    var now: std.posix.Sigaction = undefined;
    std.posix.sigaction(.USR2, null, &now);
    check.that(now.handler.handler == SIG.DFL);
    while (countThreads() != before) try photonrt.sleep(.ms(1));
    check.err(error.WouldBlock, signal.wait(&.{.USR1}, .now)); // forgotten with the release
    // A handler that somebody has put there since stays.
    handleByOurselves();
    try signal.release(.USR1);
    raise(.USR1);
    check.eq(3, own.load(.monotonic));
}
