//! Migratable ones may go on anywhere; what they wrote goes with them.
const photonrt = @import("photonrt");
const check = @import("check");

const steps = 300;
var tasks: [400]photonrt.Task(u64) = undefined;

fn worker(seed: u64) u64 {
    var kept: [32]u64 = undefined;
    var rng = seed + 1;
    var sum: u64 = 0;
    for (0..steps) |i| {
        kept[i % 32] = check.rand(&rng);
        sum +%= kept[i % 32];
        const vcpu = photonrt.currentVcpu();
        check.that(vcpu >= 1 and vcpu <= check.vcpus());
        if (i % 16 == 0) check.must(photonrt.sleep(.us(10))) else photonrt.yield();
    }
    rng = seed + 1;
    var again: u64 = 0;
    var last: [32]u64 = undefined;
    for (0..steps) |i| {
        last[i % 32] = check.rand(&rng);
        again +%= last[i % 32];
    }
    check.eq(again, sum);
    check.eq(last, kept);
    return seed;
}

fn entry(attr: photonrt.Attr) !void {
    for (&tasks, 0..) |*task, i| task.* = try photonrt.spawnWith(attr, worker, .{i});
    for (&tasks, 0..) |task, i| check.eq(i, try task.join());
}

pub fn plain() !void {
    var config = check.config();
    try photonrt.run(config, entry, .{photonrt.Attr{ .migratable = true }});
    config.migrate_all = true;
    try photonrt.run(config, entry, .{photonrt.Attr{}});
}
