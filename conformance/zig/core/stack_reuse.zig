//! After a spike and the decay, unused stacks have gone back to the system.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

const n = 20_000;
var tasks: [n]photonrt.Task(void) = undefined;
var begun: std.atomic.Value(u32) = .init(0);

fn parked() void {
    _ = begun.fetchAdd(1, .seq_cst);
    check.must(photonrt.park(.forever));
}

fn resident() u64 {
    return check.proc.memory().resident;
}

fn entry() !void {
    const before = resident();
    for (&tasks) |*task| task.* = check.spawn(parked, .{});
    while (begun.load(.seq_cst) < n) try photonrt.sleep(.ms(1)); // a coroutine may have its stack from its first run on only
    const spike = resident() -| before;
    check.ge(spike, n * 4096);
    for (&tasks) |task| try task.co.unpark();
    for (&tasks) |task| try task.join();
    check.untilLive(1);
    // No limit but the watchdog's on how long the decay takes; control blocks may stay.
    while (check.stats().stacks_cached * 10 > n or resident() > before + spike / 4) try photonrt.sleep(.ms(50));
}

pub fn plain() !void {
    var config = check.config();
    config.stack_decay = 50 * check.ms;
    try photonrt.run(config, entry, .{});
}
