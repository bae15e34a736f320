//! Coroutines that may run anywhere are spawned on one vCPU that stays busy: an idle one takes its share. Once one has
//! run it keeps its thread.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

var tasks: [2000]photonrt.Task(void) = undefined;
var ran_on: [3]std.atomic.Value(u32) = @splat(.init(0));

fn burn(ns: i64) void {
    const until = photonrt.clock() + ns;
    while (photonrt.clock() < until) {}
}

fn worker() void {
    const thread = std.Thread.getCurrentId();
    const vcpu = photonrt.currentVcpu();
    check.that(vcpu == 1 or vcpu == 2);
    _ = ran_on[vcpu].fetchAdd(1, .seq_cst);
    for (0..5) |_| {
        burn(5 * check.us);
        photonrt.yield();
        check.eq(thread, std.Thread.getCurrentId());
        check.eq(vcpu, photonrt.currentVcpu());
    }
    check.must(photonrt.sleep(.us(50)));
    check.eq(thread, std.Thread.getCurrentId());
}

pub fn body() !void {
    const stolen = check.stats().stolen;
    for (0..5) |_| {
        try photonrt.sleep(.ms(5)); // the other has nothing to do and sleeps
        for (&tasks, 1..) |*task, i| {
            task.* = check.spawn(worker, .{});
            if (i % 50 == 0) photonrt.yield();
        }
        for (&tasks) |task| try task.join();
    }
    const one = ran_on[1].load(.seq_cst);
    const two = ran_on[2].load(.seq_cst);
    check.eq(5 * tasks.len, one + two);
    check.ge(one, 1);
    check.ge(two, 1);
    check.ge(check.stats().stolen, stolen + 1);
}
