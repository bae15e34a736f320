const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

var threads: [257]std.Thread.Id = undefined;

fn firstLook(vcpu: u32) void {
    threads[vcpu] = std.Thread.getCurrentId();
}

fn stays(vcpu: u32) void {
    for (0..200) |i| {
        check.eq(vcpu, photonrt.currentVcpu());
        check.eq(threads[vcpu], std.Thread.getCurrentId());
        if (i % 10 != 0) photonrt.yield() else check.must(photonrt.sleep(.us(20)));
    }
}

pub fn body() !void {
    const n = check.vcpus();
    const tasks = try std.heap.c_allocator.alloc(photonrt.Task(void), n * 50);
    defer std.heap.c_allocator.free(tasks);
    for (1..n + 1) |v| try check.spawnOn(@intCast(v), firstLook, .{@intCast(v)}).join();
    for (2..n + 1) |v| check.that(threads[v] != threads[v - 1]);
    for (tasks, 0..) |*task, i| {
        const vcpu: u32 = @intCast(i % n + 1);
        task.* = check.spawnOn(vcpu, stays, .{vcpu});
    }
    for (tasks) |task| try task.join();
}
