const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const fd = photonrt.fd;

const Handle = fd.Handle;
var stopped: std.atomic.Value(u32) = .init(0);

fn reads(from: Handle) void {
    var buffer: [64]u8 = @splat(7);
    check.err(error.Canceled, fd.read(from, &buffer, .forever));
    check.that(std.mem.allEqual(u8, &buffer, 7));
    _ = stopped.fetchAdd(1, .monotonic);
}

const big: [1 << 20]u8 = @splat(0);

fn writes(to: Handle) void {
    while (fd.write(to, &big, .forever)) |n| check.ge(n, 1) else |e| check.eq(error.Canceled, e);
    _ = stopped.fetchAdd(1, .monotonic);
}

fn joins(from: Handle) !void {
    const task = check.spawn(reads, .{from});
    check.err(error.Canceled, task.join());
    try task.co.cancel(); // it is no child of the scope
    check.that(photonrt.acknowledgeCancel());
    check.join(task);
    _ = stopped.fetchAdd(1, .monotonic);
}

fn locks(mutex: *photonrt.Mutex) void {
    check.err(error.Canceled, mutex.lock());
    _ = stopped.fetchAdd(1, .monotonic);
}

fn once(pair: [2]Handle, silent: Handle, full: Handle, timeout: photonrt.Timeout) !void {
    var mutex: photonrt.Mutex = .init;
    try mutex.lock();
    defer mutex.unlock();
    stopped.store(0, .monotonic);
    const s: photonrt.Scope = try .open(.{ .policy = .fail_fast, .timeout = timeout });
    for (0..8) |_| {
        _ = try s.spawn(reads, .{pair[0]});
        _ = try s.spawn(reads, .{silent});
    }
    _ = try s.spawn(writes, .{pair[0]});
    _ = try s.spawn(writes, .{full});
    _ = try s.spawn(joins, .{silent});
    _ = try s.spawn(locks, .{&mutex});
    if (timeout == .forever) {
        try photonrt.sleep(.ms(2));
        check.err(error.Canceled, s.close());
    } else {
        check.err(error.DeadlineExpired, s.wait(.forever));
        check.err(error.DeadlineExpired, s.close());
    }
    check.eq(16 + 2 + 3, stopped.load(.monotonic));
}

pub fn body() !void {
    for (0..4) |i| {
        // Nobody reads what is written: the writers fill it and wait.
        const pair = try photonrt.net.pair();
        const full = try fd.pipe();
        const silent = try fd.pipe();
        try once(pair, silent[0], full[1], if (i % 2 == 1) .ms(5) else .forever);
        for (pair ++ full ++ silent) |handle| fd.close(handle);
    }
}
