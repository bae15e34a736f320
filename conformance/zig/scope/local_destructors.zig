const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

/// Values are letters, and destructors note them.
const Local = photonrt.Local(u8);
var letters = "abcxzfnt".*;
var a: Local = undefined;
var b: Local = undefined;
var c: Local = undefined;
var room: [64]u8 = undefined;
var log: std.ArrayList(u8) = .initBuffer(&room);

fn letter(wanted: u8) *u8 {
    return &letters[std.mem.indexOfScalar(u8, &letters, wanted).?];
}

fn note(value: *u8) void {
    log.appendAssumeCapacity(value.*);
}

fn endA(value: *u8) void {
    check.eq(null, a.get()); // its own is gone
    check.eq(null, c.get()); // newer ones too
    check.must(c.set(letter('z'))); // for the next round
    note(value);
}

fn endB(value: *u8) void {
    check.that(a.get() != null); // older ones are still there
    check.that(photonrt.Coroutine.current() != null);
    check.must(photonrt.sleep(.ms(1))); // it may block
    note(value);
}

fn inOrder() !void {
    try a.set(letter('a'));
    try b.set(letter('b'));
    try c.set(letter('x'));
    try c.set(letter('c')); // the value before gets no destructor
}

const Again = struct {
    var local: photonrt.Local(Again) = undefined;
    left: u32,
    calls: u32 = 0,

    fn end(again: *Again) void {
        again.calls += 1;
        if (again.left == 0) return;
        again.left -= 1;
        check.must(local.set(again));
    }

    fn run(again: *Again) !void {
        try local.set(again);
    }

    fn rounds(left: u32, want: u32) void {
        var again: Again = .{ .left = left };
        check.join(check.spawn(run, .{&again}));
        check.eq(want, again.calls);
    }
};

const Number = std.atomic.Value(u32);

fn endSlowly(n: *Number) void {
    check.must(photonrt.sleep(.ms(20)));
    n.store(1, .release);
}

fn endCancelled(n: *Number) void {
    check.err(error.Canceled, photonrt.sleep(.ms(1)));
    _ = n.fetchAdd(1, .acq_rel);
}

fn cancelled(local: photonrt.Local(Number), n: *Number) !void {
    check.err(error.Canceled, photonrt.sleep(.forever));
    try local.set(n);
}

fn sets(local: photonrt.Local(Number), n: *Number) !void {
    try local.set(n);
}

/// Who waits for the end waits for the destructors; a detached one has them too.
fn waitedFor() !void {
    var n: Number = .init(0);
    const slow: photonrt.Local(Number) = try .init(endSlowly);
    check.join(check.spawn(sets, .{ slow, &n }));
    check.eq(1, n.load(.acquire));
    n.store(0, .release);
    try photonrt.spawnDetached(sets, .{ slow, &n });
    while (n.load(.acquire) == 0) try photonrt.sleep(.ms(1));
    slow.deinit();
    const stopped: photonrt.Local(Number) = try .init(endCancelled);
    const task = check.spawn(cancelled, .{ stopped, &n });
    check.untilState(task.co, .parked);
    try task.co.cancel();
    check.join(task);
    check.eq(2, n.load(.acquire));
    stopped.deinit();
}

fn freedBeforeTheEnd() !void {
    var local: Local = try .init(note);
    try local.set(letter('f'));
    local.deinit();
    local = try .init(note);
    try local.set(letter('n'));
    try local.set(null); // taken back
    local.deinit();
}

fn endOnThread(value: *u8) void {
    check.eq(null, photonrt.Coroutine.current());
    check.must(photonrt.sleep(.ms(1))); // blocks the thread, which is ending
    const fds = check.must(photonrt.fd.pipe());
    var byte: [1]u8 = undefined;
    check.err(error.Timeout, photonrt.fd.read(fds[0], &byte, .ms(1)));
    for (fds) |fd| photonrt.fd.close(fd);
    note(value);
}

fn onThread(local: Local) !void {
    try local.set(letter('t'));
    _ = try photonrt.arena.allocator.alloc(u8, 100);
}

pub fn body() !void {
    a = try .init(endA);
    b = try .init(endB);
    c = try .init(note);
    Again.local = try .init(Again.end);
    check.join(check.spawn(inOrder, .{}));
    check.that(std.mem.eql(u8, "cbaz", log.items));
    Again.rounds(0, 1);
    Again.rounds(2, 3);
    Again.rounds(100, 4);
    try waitedFor();
    log.clearRetainingCapacity();
    check.join(check.spawn(freedBeforeTheEnd, .{}));
    check.eq(0, log.items.len);
    const of_thread: Local = try .init(endOnThread);
    try check.onThread(onThread, .{of_thread});
    check.that(std.mem.eql(u8, "t", log.items));
}
