//! Many coroutines work on files at once, beside one that only yields.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;

const blocks = 40;
const block = 3000;
var stop: std.atomic.Value(bool) = .init(false);

fn spin() void {
    while (!stop.load(.acquire)) photonrt.yield();
}

fn work(me: usize) !void {
    const fd = photonrt.fd;
    var buffer: [block]u8 = undefined;
    var room: [32]u8 = undefined;
    const name = try std.fmt.bufPrintSentinel(&room, "file {d}", .{me}, 0);
    const file = net.open(name, .{ .ACCMODE = .RDWR, .CREAT = true, .TRUNC = true });
    for (0..blocks) |i| {
        const at: u63 = @intCast(i * block);
        net.fill(&buffer, me, at);
        if (i % 2 == 1) {
            check.eq(block, try fd.pwrite(file, &buffer, at, .forever));
        } else {
            net.seek(file, at);
            check.eq(block, try fd.write(file, &buffer, .seconds(60)));
        }
    }
    try fd.sync(file, .forever);
    net.seek(file, 0);
    for (0..blocks) |i| {
        check.eq(block, try fd.read(file, &buffer, .forever));
        net.same(&buffer, me, i * block);
    }
    check.eq(0, try fd.read(file, &buffer, .forever));
    net.close(file);
    _ = check.sys(std.c.unlink(name));
}

pub fn body() !void {
    const spinning = check.spawnOn(1, spin, .{});
    var tasks: [32]check.Task(work) = undefined;
    for (&tasks, 0..) |*task, i| task.* = check.spawn(work, .{i});
    for (tasks) |task| check.join(task);
    stop.store(true, .release);
    check.join(spinning);
}
