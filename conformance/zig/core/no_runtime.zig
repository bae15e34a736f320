const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const Coroutine = photonrt.Coroutine;
const Group = photonrt.Group;

fn never() void {
    check.fail("runs without a runtime", .{});
}

fn neverLarge(_: [100]u8) void {
    never();
}

fn nobody(info: *const photonrt.c.co_info_t, _: void) bool {
    check.fail("coroutine {x} without a runtime", .{info.co});
}

fn checks() !void {
    check.err(error.NotFound, photonrt.spawn(never, .{}));
    check.err(error.NotFound, photonrt.spawnDetached(never, .{}));
    check.err(error.NotFound, photonrt.spawn(neverLarge, .{@splat(0)}));
    check.err(error.NotFound, photonrt.stats());
    check.err(error.NotFound, photonrt.shutdown(.now));
    check.err(error.NotFound, Group.create(.{}));
    check.err(error.NotFound, Group.vcpuCount(.current));
    for ([_]u64{ 0, 1, 0x100000001, std.math.maxInt(u64) }) |number| {
        const task: photonrt.Task(void) = .{ .co = @fromBackingInt(number) };
        check.err(error.NotFound, task.joinTimeout(.now));
        check.err(error.NotFound, task.co.wait(.now));
        check.err(error.NotFound, task.co.detach());
        check.err(error.NotFound, task.co.unpark());
        check.err(error.NotFound, task.co.interrupt(error.Interrupted));
        check.err(error.NotFound, task.co.cancel());
        check.err(error.NotFound, task.co.setName("x"));
        check.err(error.NotFound, task.co.info());
        check.err(error.NotFound, task.co.migrate(.current, 0));
        check.eq(null, photonrt.c.co_env(number));
    }
    photonrt.forEach({}, nobody);
    check.eq(null, Coroutine.current());
    check.eq(null, Group.self());
    check.eq(0, photonrt.currentVcpu());
    check.err(error.PermissionDenied, photonrt.park(.now));
    check.errno(.PERM, photonrt.c.co_cancel_shield(1));
    check.errno(.PERM, photonrt.c.co_cancel_clear());
    const shield: photonrt.Shield = .begin(); // does nothing
    shield.end();
    check.that(!photonrt.acknowledgeCancel());
    check.that(!photonrt.cancelPending());
    photonrt.yield();
    photonrt.c.co_yield();
    const before = photonrt.clock();
    try photonrt.sleep(.ms(2));
    check.ge(photonrt.clock() - before, 2 * check.ms);
    try photonrt.sleepUntil(photonrt.clock() + check.ms);
    check.err(error.InvalidArgument, photonrt.sleep(.ns(-2)));
}

fn entry() void {}

pub fn plain() !void {
    try checks();
    try photonrt.run(check.config(), entry, .{});
    try checks(); // and again after one has been
}
