const photonrt = @import("photonrt");
const check = @import("check");

var tasks: [300]photonrt.Task(void) = undefined;

fn sleeper(seed: u64) void {
    var rng = seed;
    for (0..40) |i| {
        const most: u64 = if (i % 4 != 0) 300 * check.us else 8 * check.ms;
        const ns: i64 = @intCast(check.rand(&rng) % most);
        const before = photonrt.clock();
        if (i % 3 != 0) {
            check.must(photonrt.sleep(.ns(ns)));
        } else check.must(photonrt.sleepUntil(before + ns));
        check.ge(photonrt.clock() - before, ns);
    }
}

fn onThread(seed: u64) void {
    sleeper(seed);
    check.must(photonrt.sleep(.now));
    check.err(error.InvalidArgument, photonrt.sleep(.ns(-2)));
}

pub fn body() !void {
    for (&tasks, 1..) |*task, seed| task.* = check.spawn(sleeper, .{seed});
    check.onThread(onThread, .{12345});
    for (&tasks) |task| try task.join();
}
