//! Started and stopped over and over: nothing is left of one life in the next.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const Task = photonrt.Task(void);

const lives = 30;

fn child() void {
    check.must(photonrt.sleep(.us(10)));
}

fn work() void {
    var tasks: [100]Task = undefined;
    for (&tasks) |*task| task.* = check.spawn(child, .{});
    for (tasks) |task| check.join(task);
}

fn stale(old: []const Task) void {
    for (old) |task| {
        check.err(error.NotFound, task.co.unpark());
        check.err(error.NotFound, task.joinTimeout(.now));
        check.err(error.NotFound, task.co.cancel());
    }
}

const Held = struct {
    files: usize,
    threads: usize,
    space: u64,

    fn now() Held {
        return .{
            .files = check.proc.entries("/proc/self/fd"),
            .threads = check.proc.entries("/proc/self/task"),
            .space = check.proc.memory().space,
        };
    }
};

pub fn plain() !void {
    var old: [lives]Task = undefined;
    var old_groups: [lives]photonrt.Group = undefined;
    var held: Held = undefined;
    for (0..lives) |life| {
        try photonrt.init(check.config());
        stale(old[0..life]);
        for (old_groups[0..life]) |group| check.err(error.NotFound, group.vcpuCount());
        old[life] = check.spawn(work, .{});
        try old[life].join();
        old_groups[life] = try .create(.{});
        check.eq(2, check.stats().groups);
        try old_groups[life].destroy(.forever);
        stale(old[0 .. life + 1]);
        try photonrt.shutdown(.forever);
        stale(old[0 .. life + 1]);
        try photonrt.run(check.config(), work, .{});
        if (life == 4) held = .now(); // libc's own caches are filled by now
    }
    const now: Held = .now();
    check.eq(held.files, now.files);
    check.eq(held.threads, now.threads);
    check.ge(held.space + (16 << 20), now.space);
}
