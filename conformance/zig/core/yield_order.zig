//! After a yield every other runnable coroutine of the vCPU has run. All are on vCPU 1, one at a time, so that plain counters
//! do.
const photonrt = @import("photonrt");
const check = @import("check");

const n = 50;
const last = 200;
var steps: [n]u32 = @splat(0);
var started: u32 = 0;

fn stepper(me: usize) void {
    started += 1;
    while (started < n) photonrt.yield();
    for (0..last) |step| {
        const seen = steps;
        steps[me] += 1;
        if (step % 2 == 1) photonrt.yield() else photonrt.c.co_yield();
        for (seen, steps, 0..) |before, now, i| {
            if (i != me and before < last and now == before) {
                check.fail("coroutine {d} has not run in a round of {d}, which is at step {d}", .{ i, me, step });
            }
        }
    }
}

pub fn body() !void {
    var tasks: [n]photonrt.Task(void) = undefined;
    for (&tasks, 0..) |*task, i| task.* = check.spawnOn(1, stepper, .{i});
    for (tasks) |task| try task.join();
}
