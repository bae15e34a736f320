const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

var tasks: [100_000]photonrt.Task(void) = undefined;

fn parked() void {
    check.must(photonrt.park(.forever));
}

/// Spawns until it fails twice in a row, and gives those that there are. Between the two all that were spawned begin:
/// what was kept for one of them on a vCPU that it did not begin on can then be had.
fn fill(stack_size: u64) []photonrt.Task(void) {
    var refused: u32 = 0;
    var n: usize = 0;
    while (n < tasks.len) {
        const spawned = check.stats().spawned;
        if (photonrt.spawnWith(.{ .stack_size = stack_size }, parked, .{})) |task| {
            tasks[n] = task;
            n += 1;
            refused = 0;
            continue;
        } else |e| check.eq(error.OutOfMemory, e);
        check.eq(spawned, check.stats().spawned);
        check.untilLive(n + 1);
        refused += 1;
        if (refused == 2) return tasks[0..n];
    }
    check.fail("no end of memory", .{});
}

fn release(some: []const photonrt.Task(void)) !void {
    try photonrt.sleep(.ms(1));
    for (some) |task| try task.co.unpark();
    for (some) |task| try task.join();
    check.untilLive(1);
}

pub fn body() !void {
    const limit = try std.posix.getrlimit(.AS);
    check.err(error.InvalidArgument, photonrt.sleep(.ns(-7))); // what is bound lazily is bound now
    try std.posix.setrlimit(.AS, .{ .cur = check.proc.memory().space + (512 << 20), .max = limit.max });
    for (0..3) |_| {
        const large = fill(8 << 20);
        check.ge(large.len, 1);
        try photonrt.sleep(.ms(1));
        try release(large);
        const small = fill(64 << 10);
        check.ge(small.len, large.len); // what the large ones held can be had again
        try release(small);
    }
    try std.posix.setrlimit(.AS, limit);
    for (0..100) |_| {
        const task = check.spawn(parked, .{});
        try task.co.unpark();
        try task.join();
    }
}
