const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

const Scope = photonrt.Scope;

fn sleeps() void {
    check.err(error.Canceled, photonrt.sleep(.forever));
}

fn failsWhenCancelled() !void {
    try photonrt.sleep(.forever);
}

fn quick() void {
    photonrt.sleep(.ms(1)) catch |e| check.eq(error.Canceled, e);
}

fn passes() !void {
    const began = photonrt.clock();
    const s: Scope = try .open(.{ .timeout = .ms(20) });
    const at = Scope.deadline().?;
    check.that(at >= began + 20 * check.ms and at <= photonrt.clock() + 20 * check.ms);
    check.eq(at, (try s.info()).deadline);
    for (0..10) |i| check.eq(i, if (i % 2 == 1) try s.spawn(quick, .{}) else try s.spawn(failsWhenCancelled, .{}));
    check.err(error.Timeout, s.wait(.ms(5))); // the wait's own
    check.err(error.DeadlineExpired, s.wait(.forever)); // the scope's
    check.ge(photonrt.clock(), at);
    check.err(error.Canceled, s.result(0));
    try s.result(1);
    const info = try s.info();
    check.eq(-1, info.failed);
    check.errno(.TIME, info.@"error");
    check.err(error.Canceled, s.spawn(quick, .{}));
    check.err(error.DeadlineExpired, s.close());
    check.eq(null, Scope.deadline());
}

/// What has passed already is a deadline, too.
fn passed() !void {
    const before = photonrt.clock();
    const s: Scope = try .open(.{ .timeout = .until(before) });
    check.that(Scope.deadline().? <= photonrt.clock());
    while ((try s.info()).cancelled == 0) try photonrt.sleep(.us(100));
    check.err(error.Canceled, s.spawn(quick, .{}));
    try s.wait(.forever); // it ended nobody
    try s.close();
}

/// What ends in time, or has failed before, is not changed by it.
fn doesNotMatter() !void {
    var s: Scope = try .open(.{ .timeout = .ms(2) });
    check.eq(0, try s.spawn(quick, .{}));
    while ((try s.info()).running > 0) try photonrt.sleep(.us(100));
    var late = false;
    s.wait(.now) catch |e| {
        check.eq(error.DeadlineExpired, e); // the child may have been late
        late = true;
    };
    try photonrt.sleep(.ms(4));
    check.eq(1, (try s.info()).cancelled);
    if (late) check.err(error.DeadlineExpired, s.close()) else try s.close();
    s = try .open(.{ .timeout = .seconds(100) });
    check.eq(0, try s.spawn(quick, .{}));
    check.err(error.Canceled, s.close());
    s = try .open(.{ .policy = .fail_fast, .timeout = .ns(std.math.maxInt(i64)) }); // too far for the clock: never
    try s.close();
}

/// The owner itself is not cancelled; it is told by `wait` only.
fn ownerGoesOn() !void {
    const s: Scope = try .open(.{ .timeout = .ms(1) });
    try photonrt.sleep(.ms(5));
    check.that(!photonrt.cancelPending());
    try s.wait(.forever); // it ended nobody
    try s.close();
}

fn innerDeadlines(outer: i64) !void {
    check.eq(outer, Scope.deadline().?);
    const s: Scope = try .open(.{ .timeout = .seconds(100) }); // cannot be later
    check.eq(outer, Scope.deadline().?);
    check.eq(outer, (try s.info()).deadline);
    check.eq(0, try s.spawn(sleeps, .{}));
    const t: Scope = try .open(.{ .timeout = .ms(1) }); // but earlier
    check.that(Scope.deadline().? < outer);
    check.eq(0, try t.spawn(sleeps, .{}));
    check.err(error.DeadlineExpired, t.wait(.forever));
    if (photonrt.clock() >= outer) { // a slow machine: the outer one's has passed as well
        const result = s.wait(.forever);
        if (!photonrt.cancelPending()) check.err(error.DeadlineExpired, result);
    }
    check.err(error.DeadlineExpired, t.close());
    const u: Scope = try .open(.{ .shielded = true }); // and not at all
    check.eq(null, Scope.deadline());
    try u.close();
    const shield: photonrt.Shield = .begin();
    check.eq(0, shield.before);
    check.err(error.DeadlineExpired, s.wait(.forever)); // the outer one's, which has come down
    check.err(error.DeadlineExpired, s.close());
    return error.InputOutput; // too late to count
}

fn nested() !void {
    const s: Scope = try .open(.{ .policy = .fail_fast, .timeout = .ms(60) });
    check.eq(0, try s.spawn(innerDeadlines, .{Scope.deadline().?}));
    check.err(error.DeadlineExpired, s.wait(.forever));
    check.err(error.InputOutput, s.result(0));
    check.err(error.DeadlineExpired, s.close());
}

/// Thousands at a time, most of them closed before their deadline: an alarm that comes late hits nobody else.
fn shortLived(n: u64) !void {
    var seed = n;
    for (0..100) |i| {
        var s: Scope = try .open(.{ .timeout = .ns(1 + @as(i64, @intCast(check.rand(&seed) % 400)) * check.us) });
        // A very short one may be over before it gets a child.
        const spawned = if (i % 3 != 0) s.spawn(quick, .{}) else s.spawn(sleeps, .{});
        const empty = if (spawned) |_| false else |e| if (e == error.Canceled) true else return e;
        if (i % 12 == 0 and !empty) check.err(error.DeadlineExpired, s.wait(.forever)); // then it sleeps
        if (s.close()) {
            check.that(empty or i % 3 != 0);
        } else |e| check.that(e == error.DeadlineExpired or e == error.Canceled);
        s = try .open(.{});
        _ = try s.spawn(quick, .{});
        if (i % 10 == 0) try s.wait(.forever); // nobody else's deadline has come here
        s.close() catch |e| check.that(e == error.Canceled and i % 10 != 0);
    }
}

fn onThread() !void {
    const s: Scope = try .open(.{ .timeout = .ms(10) });
    check.eq(0, try s.spawn(sleeps, .{}));
    check.err(error.Timeout, s.wait(.ms(1)));
    check.err(error.DeadlineExpired, s.wait(.forever));
    check.err(error.DeadlineExpired, s.close());
}

pub fn body() !void {
    try passes();
    try passed();
    try doesNotMatter();
    try ownerGoesOn();
    try nested();
    var tasks: [20]check.Task(shortLived) = undefined;
    for (&tasks, 1..) |*task, n| task.* = check.spawn(shortLived, .{n});
    for (tasks) |task| check.join(task);
    try check.onThread(onThread, .{});
}
