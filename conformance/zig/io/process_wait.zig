//! Children: one each, any of several, stopped ones; two who wait for one; and the vCPU goes on.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const c = photonrt.c;
const W = std.posix.W;
const pid_t = std.posix.pid_t;
const Timeout = photonrt.Timeout;
const wait = photonrt.process.wait;

extern "c" fn usleep(us: c_uint) c_int;
extern "c" fn pause() c_int;
extern "c" fn waitid(kind: c_int, id: c_uint, info: *std.c.siginfo_t, options: c_int) c_int;

fn child(delay_ms: u32, code: u8) pid_t {
    const pid = check.sys(std.c.fork());
    if (pid == 0) {
        _ = usleep(delay_ms * 1000);
        std.c._exit(code);
    }
    return pid;
}

/// One that ends when it is told to.
const Held = struct {
    pid: pid_t,
    gate: net.Pair,

    fn start(code: u8) Held {
        const gate = net.pipe();
        const pid = check.sys(std.c.fork());
        if (pid == 0) {
            var byte: [1]u8 = undefined;
            _ = std.c.close(gate[1]);
            while (std.c.read(gate[0], &byte, 1) < 0) {}
            std.c._exit(code);
        }
        return .{ .pid = pid, .gate = gate };
    }

    fn letGo(held: Held) void {
        net.closeAll(&held.gate);
    }

    fn letGoLater(held: Held) !void {
        try photonrt.sleep(.ms(3));
        held.letGo();
    }
};

fn sleeper() pid_t {
    const pid = check.sys(std.c.fork());
    if (pid == 0) while (true) {
        _ = pause();
    };
    return pid;
}

fn kill(pid: pid_t, signal: std.posix.SIG) void {
    _ = check.sys(std.c.kill(pid, signal));
}

/// It has ended, and nobody has asked for it yet.
fn untilEnded(pid: pid_t) void {
    var info: std.c.siginfo_t = undefined;
    _ = check.sys(waitid(1, @intCast(pid), &info, W.EXITED | W.NOWAIT)); // P_PID
}

/// With all that wait4(2) takes.
fn wait4(pid: pid_t, status: ?*u32, options: c_int, usage: ?*std.c.rusage, timeout: Timeout) photonrt.IoError!pid_t {
    return @intCast(try photonrt.fd.result(c.co_process_wait(pid, @ptrCast(status), options, @ptrCast(usage), timeout.raw())));
}

fn countOpen() usize {
    const dir = std.c.opendir("/proc/self/fd") orelse check.fail("no /proc/self/fd", .{});
    defer _ = std.c.closedir(dir);
    var n: usize = 0;
    while (std.c.readdir(dir)) |_| n += 1;
    return n;
}

fn one() !void {
    var status: u32 = 0x7777;
    var usage: std.c.rusage = undefined;
    @memset(std.mem.asBytes(&usage), 0xff);
    const held: Held = .start(7);
    check.err(error.WouldBlock, wait(held.pid, .now));
    check.err(error.WouldBlock, wait4(held.pid, &status, 0, &usage, .now));
    check.err(error.WouldBlock, wait4(held.pid, &status, W.NOHANG, null, .forever));
    check.eq(0x7777, status);
    const later = check.spawn(Held.letGoLater, .{held});
    check.eq(held.pid, try wait4(held.pid, &status, 0, &usage, .forever));
    check.join(later);
    check.that(W.IFEXITED(status));
    check.eq(7, W.EXITSTATUS(status));
    check.that(usage.maxrss > 0 and usage.utime.sec == 0);
    check.err(error.NoChild, wait(held.pid, .forever));
    // It has ended before anybody asks.
    var pid = child(0, 0);
    untilEnded(pid);
    check.eq(pid, (try wait(pid, .now)).pid);
    // By a signal.
    pid = sleeper();
    const before = photonrt.clock();
    check.err(error.Timeout, wait(pid, .ms(3)));
    check.ge(photonrt.clock() - before, 3 * check.ms);
    kill(pid, .KILL);
    const ended = try wait(pid, .forever);
    check.eq(pid, ended.pid);
    check.that(W.IFSIGNALED(ended.status));
    check.eq(.KILL, W.TERMSIG(ended.status));
}

fn errors() !void {
    const pid = child(0, 3);
    untilEnded(pid);
    check.errno(.FAULT, c.co_process_wait(pid, @ptrFromInt(8), 0, null, c.CO_FOREVER));
    check.errno(.FAULT, c.co_process_wait(pid, null, 0, @ptrFromInt(8), c.CO_FOREVER));
    check.errno(.INVAL, c.co_process_wait(pid, null, 0x40000000, null, c.CO_FOREVER));
    check.err(error.InvalidArgument, wait(pid, .ns(-2)));
    const ended = try wait(pid, .now); // still there to be had
    check.eq(pid, ended.pid);
    check.eq(3, W.EXITSTATUS(ended.status));
    check.err(error.NoChild, wait(std.c.getpid(), .forever));
    check.err(error.NoChild, wait(std.c.getppid(), .forever));
    check.err(error.NoChild, wait(-1, .forever));
}

fn several() !void {
    const pids = [_]pid_t{ child(2, 1), child(6, 2), child(0, 4) };
    var seen: u32 = 0;
    for (pids) |_| {
        const ended = try wait(-1, .forever);
        const k = std.mem.indexOfScalar(pid_t, &pids, ended.pid) orelse check.fail("{d} is no child", .{ended.pid});
        check.eq(@as(u8, 1) << @intCast(k), W.EXITSTATUS(ended.status));
        seen |= W.EXITSTATUS(ended.status);
    }
    check.eq(7, seen);
    const held: Held = .start(5);
    _ = check.sys(std.c.setpgid(held.pid, held.pid));
    check.err(error.NoChild, wait(0, .now)); // none in our own group
    check.err(error.Timeout, wait(-held.pid, .ms(1)));
    held.letGo();
    const ended = try wait(-held.pid, .forever);
    check.eq(held.pid, ended.pid);
    check.eq(5, W.EXITSTATUS(ended.status));
}

fn stops() !void {
    var status: u32 = 0;
    const pid = sleeper();
    kill(pid, .STOP);
    check.eq(pid, try wait4(pid, &status, W.UNTRACED, null, .forever));
    check.that(W.IFSTOPPED(status));
    check.eq(.STOP, W.STOPSIG(status));
    kill(pid, .CONT);
    check.eq(pid, try wait4(pid, &status, W.CONTINUED, null, .forever));
    check.eq(0xffff, status);
    kill(pid, .TERM);
    check.eq(pid, try wait4(pid, &status, W.UNTRACED | W.CONTINUED, null, .forever));
    check.that(W.IFSIGNALED(status));
    check.eq(.TERM, W.TERMSIG(status));
}

fn waitFor(pid: pid_t) photonrt.process.WaitError!pid_t {
    return (try wait(pid, .forever)).pid;
}

fn together() !void {
    const pid = sleeper();
    const a = check.spawnOn(1, waitFor, .{pid});
    const b = check.spawnOn(2, waitFor, .{pid});
    const cancelled = check.spawn(waitFor, .{pid});
    const interrupted = check.spawn(waitFor, .{pid});
    for ([_]photonrt.Coroutine{ a.co, b.co, cancelled.co, interrupted.co }) |co| check.untilState(co, .parked);
    try cancelled.co.cancel();
    check.err(error.Canceled, cancelled.join());
    try interrupted.co.interrupt(error.InputOutput);
    check.err(error.Interrupted, interrupted.join());
    kill(pid, .KILL);
    const other = b.join();
    if (a.join()) |got| {
        check.eq(pid, got);
        check.err(error.NoChild, other);
    } else |e| {
        check.eq(error.NoChild, e);
        check.eq(pid, try other);
    }
}

/// One vCPU waits for many at once.
fn many() !void {
    var tasks: [30]photonrt.Task(photonrt.process.WaitError!pid_t) = undefined;
    var pids: [30]pid_t = undefined;
    for (&tasks, &pids, 0..) |*task, *pid, i| {
        pid.* = child(@intCast(5 + i % 3), @intCast(i));
        task.* = check.spawnOn(1, waitFor, .{pid.*});
    }
    for (tasks, pids) |task, pid| check.eq(pid, check.join(task));
}

fn alone() !void {
    try one();
    try errors();
    try several();
    try stops();
}

pub fn body() !void {
    try alone();
    const before = countOpen();
    try alone();
    try together();
    try many();
    check.eq(before, countOpen());
    try check.onThread(alone, .{});
}
