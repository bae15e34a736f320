const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

fn echo(x: u32) u32 {
    photonrt.yield();
    return x;
}

fn nap(x: u32) u32 {
    check.must(photonrt.sleep(.ms(2)));
    return x;
}

fn parked(x: u32) [5]u32 {
    check.must(photonrt.park(.forever));
    return @splat(x);
}

fn onThread() void {
    check.eq(null, photonrt.Coroutine.current());
    var tasks: [200]photonrt.Task(u32) = undefined;
    for (&tasks, 0..) |*task, i| task.* = if (i % 10 == 0) check.spawn(nap, .{@intCast(i)}) else check.spawn(echo, .{@intCast(i)});
    for (tasks, 0..) |task, i| {
        if (i % 3 == 0) check.must(task.co.wait(.forever));
        check.eq(i, check.join(task));
        check.err(error.NotFound, task.join());
    }
    const task = check.spawn(parked, .{5});
    check.err(error.WouldBlock, task.joinTimeout(.now));
    check.err(error.WouldBlock, task.co.wait(.now));
    const before = photonrt.clock();
    check.err(error.Timeout, task.joinTimeout(.ms(3)));
    check.ge(photonrt.clock() - before, 3 * check.ms);
    check.err(error.InvalidArgument, task.joinTimeout(.ns(-5)));
    check.must(task.co.unpark());
    check.eq(@as([5]u32, @splat(5)), check.join(task));
}

pub fn plain() !void {
    check.init();
    for (0..10) |_| {
        var threads: [3]std.Thread = undefined;
        for (&threads) |*thread| thread.* = check.thread(onThread, .{});
        for (threads) |thread| thread.join();
    }
    try photonrt.shutdown(.forever);
}
