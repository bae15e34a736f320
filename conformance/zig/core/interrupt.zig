const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const Coroutine = photonrt.Coroutine;
const c = photonrt.c;
const E = std.posix.E;

var joinee: photonrt.Task(void) = undefined;
var joins_failed: std.atomic.Value(u32) = .init(0);

fn inPark() void {
    check.err(error.Interrupted, photonrt.park(.forever));
    check.err(error.Timeout, photonrt.park(.ms(1))); // once
}

/// An error that a wait has no name for: its number is in what the C call gives.
fn inSleep() void {
    check.errno(.HOSTDOWN, c.co_sleep(3600 * check.sec));
    check.must(photonrt.sleep(.ms(1)));
}

fn inRead(fd: photonrt.fd.Handle) void {
    var byte: [1]u8 = undefined;
    check.err(error.NoSpaceLeft, photonrt.fd.read(fd, &byte, .forever));
    check.err(error.Timeout, photonrt.fd.read(fd, &byte, .ms(1)));
}

fn inJoin() void {
    check.eq(-4095, c.co_join(@backingInt(joinee.co), null, c.CO_FOREVER));
    joins_failed.store(1, .seq_cst);
    check.err(error.Interrupted, joinee.co.wait(.forever));
    joins_failed.store(2, .seq_cst);
    check.join(joinee);
}

fn untilUnparked() void {
    check.must(photonrt.park(.forever));
}

fn fresh() void {
    photonrt.yield(); // no cancellation point
    check.errno(.TIME, c.co_sleep(3600 * check.sec));
    check.must(photonrt.sleep(.now));
}

fn shielded(main: Coroutine) void {
    {
        const shield: photonrt.Shield = .begin();
        defer shield.end();
        check.must(main.unpark());
        check.must(photonrt.park(.forever)); // the interrupt comes during this
        check.must(photonrt.sleep(.ms(1)));
    }
    check.err(error.Interrupted, photonrt.sleep(.seconds(3600)));
    check.must(photonrt.sleep(.now));
}

fn interruptMain(main: Coroutine) void {
    check.must(main.interrupt(error.Timeout));
}

pub fn body() !void {
    const self = Coroutine.current().?;

    const parked = check.spawn(inPark, .{});
    check.untilState(parked.co, .parked);
    try parked.co.interrupt(error.Interrupted);
    try parked.join();

    const sleeping = check.spawn(inSleep, .{});
    check.untilState(sleeping.co, .parked);
    check.eq(0, c.co_interrupt(@backingInt(sleeping.co), @backingInt(E.HOSTDOWN)));
    try sleeping.join();

    const pipe = try photonrt.fd.pipe();
    const reading = check.spawn(inRead, .{pipe[0]});
    check.untilState(reading.co, .parked);
    try reading.co.interrupt(error.NoSpaceLeft);
    try reading.join();
    for (pipe) |fd| photonrt.fd.close(fd);

    joinee = check.spawn(untilUnparked, .{});
    const joining = check.spawn(inJoin, .{});
    check.untilState(joining.co, .parked);
    check.eq(0, c.co_interrupt(@backingInt(joining.co), 4095));
    while (joins_failed.load(.seq_cst) != 1) try photonrt.sleep(.now);
    try joining.co.interrupt(error.PermissionDenied);
    while (joins_failed.load(.seq_cst) != 2) try photonrt.sleep(.now);
    try joinee.co.unpark(); // the join that was given up left it as it was
    try joining.join();

    try self.interrupt(error.Interrupted); // before the call; the last of several counts
    try self.interrupt(error.Timeout);
    check.err(error.Timeout, photonrt.park(.seconds(3600)));
    try photonrt.sleep(.now);
    check.err(error.WouldBlock, photonrt.park(.now));
    check.that(!photonrt.cancelPending());
    check.that(!photonrt.acknowledgeCancel());

    // Not run by another before it is interrupted.
    const young = try photonrt.spawnWith(.{ .vcpu = photonrt.currentVcpu() }, fresh, .{});
    try young.co.interrupt(error.Interrupted);
    try young.co.interrupt(error.DeadlineExpired);
    try young.join();

    const held_off = check.spawn(shielded, .{self});
    try photonrt.park(.forever);
    try held_off.co.interrupt(error.Interrupted);
    try held_off.co.unpark();
    try held_off.join();

    check.thread(interruptMain, .{self}).join(); // from a plain thread
    check.err(error.Timeout, photonrt.park(.forever));

    for ([_]c_int{ 0, -1, -@as(c_int, @backingInt(E.INTR)), 4096, std.math.maxInt(c_int), std.math.minInt(c_int) }) |bad| {
        check.errno(.INVAL, c.co_interrupt(@backingInt(self), bad));
    }
    check.err(error.InvalidArgument, self.interrupt(error.NobodyKnows));
    try photonrt.sleep(.now);
    const last = check.spawn(untilUnparked, .{});
    try last.co.unpark();
    check.untilState(last.co, .ended);
    check.err(error.NotFound, last.co.interrupt(error.Interrupted));
    try last.join();
    check.err(error.NotFound, last.co.interrupt(error.Interrupted));
}
