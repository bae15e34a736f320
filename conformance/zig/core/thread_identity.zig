//! A coroutine that is not migratable stays on its OS thread through every kind of wait, so that thread-local state and
//! its cached addresses keep their meaning.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

threadlocal var local: u32 = 0;
var tasks: [500]photonrt.Task(void) = undefined;

fn worker(i: u64) void {
    const thread = std.Thread.getCurrentId();
    const address = &local;
    var rng = i * 77 + 1;
    for (0..100) |_| {
        switch (check.rand(&rng) % 4) {
            0 => photonrt.yield(),
            1 => check.must(photonrt.sleep(.us(@intCast(check.rand(&rng) % 50)))),
            2 => {
                check.must(photonrt.Coroutine.current().?.unpark());
                check.must(photonrt.park(.forever));
            },
            else => check.err(error.Timeout, photonrt.park(.us(10))),
        }
        check.eq(thread, std.Thread.getCurrentId());
        check.eq(address, &local);
    }
}

pub fn body() !void {
    for (&tasks, 0..) |*task, i| task.* = check.spawn(worker, .{i});
    worker(0);
    for (&tasks) |task| try task.join();
}
