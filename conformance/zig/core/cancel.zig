const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const Coroutine = photonrt.Coroutine;
const Shield = photonrt.Shield;

fn end() void {}

/// What every cancellation point says once cancelled.
fn allFail() void {
    check.that(photonrt.cancelPending());
    for (0..3) |_| {
        check.err(error.Canceled, photonrt.sleep(.ms(1)));
        check.err(error.Canceled, photonrt.sleep(.forever));
        check.err(error.Canceled, photonrt.sleepUntil(photonrt.clock() + check.sec));
        check.err(error.Canceled, photonrt.park(.forever));
        check.err(error.Canceled, photonrt.park(.seconds(1)));
    }
    photonrt.yield();
}

fn cancelSelf() void {
    check.must(Coroutine.current().?.cancel());
}

fn sticky() void {
    check.err(error.Canceled, photonrt.park(.forever));
    allFail();
    cancelSelf(); // once more is nothing new
    allFail();
    check.that(photonrt.acknowledgeCancel());
    check.that(!photonrt.cancelPending());
    check.that(!photonrt.acknowledgeCancel());
    check.must(photonrt.sleep(.ms(1)));
    check.err(error.Timeout, photonrt.park(.ms(1)));
    cancelSelf(); // and a new one counts
    allFail();
}

fn shielded(main: Coroutine) void {
    {
        const outer: Shield = .begin();
        defer outer.end();
        const inner: Shield = .begin();
        check.eq(0, outer.before);
        check.eq(1, inner.before);
        check.eq(1, photonrt.c.co_cancel_shield(7));
        check.must(main.unpark());
        check.must(photonrt.park(.forever)); // the cancel comes during this
        check.that(!photonrt.cancelPending());
        check.must(photonrt.sleep(.ms(1)));
        check.join(check.spawn(end, .{}));
        inner.end();
        check.must(photonrt.sleep(.ms(1))); // the outer one still holds it off
    }
    allFail();
    {
        const again: Shield = .begin();
        defer again.end();
        check.eq(0, again.before);
        check.must(photonrt.sleep(.ms(1)));
    }
    allFail();
    check.eq(0, photonrt.c.co_cancel_shield(0));
}

/// A coroutine that is cancelled before it ran still runs.
fn neverRun(x: u32) u32 {
    allFail();
    return x + 1;
}

fn clearedUnderShield() void {
    {
        const shield: Shield = .begin();
        defer shield.end();
        cancelSelf();
        check.that(photonrt.acknowledgeCancel());
    }
    check.must(photonrt.sleep(.ms(1)));
}

fn acknowledges() void {
    check.err(error.Canceled, photonrt.park(.forever));
    check.that(photonrt.acknowledgeCancel());
    check.eq(1, check.info(Coroutine.current().?).acknowledged);
}

fn cancelsItselfAgain() void {
    acknowledges();
    cancelSelf();
    check.eq(0, check.info(Coroutine.current().?).acknowledged);
}

fn ignores() void {
    check.err(error.Canceled, photonrt.park(.forever));
}

fn clearsNothing() void {
    check.that(!photonrt.acknowledgeCancel());
}

/// Who has cancelled a coroutine learns whether it noticed.
fn acknowledged(comptime function: fn () void, cancel: bool) !u32 {
    const task = check.spawn(function, .{});
    if (cancel) {
        check.untilState(task.co, .parked);
        try task.co.cancel();
    }
    try task.co.wait(.forever);
    const yes = check.info(task.co).acknowledged;
    try task.join();
    return yes;
}

/// The way to end a task early: cancel, wait for it, have its result.
fn untilCanceled() photonrt.ParkError!u32 {
    try photonrt.park(.forever);
    return 1;
}

pub fn body() !void {
    const self = Coroutine.current().?;

    check.eq(1, try acknowledged(acknowledges, true));
    check.eq(0, try acknowledged(cancelsItselfAgain, true));
    check.eq(0, try acknowledged(ignores, true));
    check.eq(0, try acknowledged(clearsNothing, false));

    const first = check.spawn(sticky, .{});
    check.untilState(first.co, .parked);
    try first.co.cancel();
    try first.co.cancel();
    try first.join();

    const second = check.spawn(shielded, .{self});
    try photonrt.park(.forever);
    try second.co.cancel();
    try second.co.unpark();
    try second.join();

    const third = check.spawnOn(photonrt.currentVcpu(), neverRun, .{41});
    try third.co.cancel();
    check.eq(42, try third.join());
    try check.spawn(clearedUnderShield, .{}).join();
    check.err(error.Canceled, check.spawn(untilCanceled, .{}).cancel());

    try self.cancel(); // the main coroutine is one like the others
    allFail();
    check.err(error.Canceled, check.spawn(untilCanceled, .{}).cancel()); // which its own cancel does not call off
    check.that(photonrt.acknowledgeCancel());
    const last = check.spawn(end, .{});
    check.untilState(last.co, .ended);
    check.err(error.NotFound, last.co.cancel());
    try last.join();
    check.err(error.NotFound, last.co.cancel());
}
