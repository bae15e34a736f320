const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

var in_shutdown: std.atomic.Value(bool) = .init(false);

fn parked() void {
    check.err(error.Canceled, photonrt.park(.forever));
}

fn end() void {}

fn endLarge(_: [100]u8) void {}

fn fromCoroutine() void {
    check.err(error.Deadlock, photonrt.shutdown(.now));
    check.err(error.Deadlock, photonrt.shutdown(.forever));
}

/// Coroutines may spawn while the rest is drained; plain threads may not.
fn spawnsLate() void {
    while (!in_shutdown.load(.seq_cst)) check.must(photonrt.sleep(.ms(1)));
    check.must(photonrt.sleep(.ms(10)));
    check.join(check.spawn(end, .{}));
    check.err(error.Canceled, photonrt.park(.forever));
}

fn shutDown() void {
    in_shutdown.store(true, .seq_cst);
    check.must(photonrt.shutdown(.forever));
}

const Find = struct {
    co: photonrt.Coroutine,
    found: bool = false,

    fn at(info: *const photonrt.c.co_info_t, find: *Find) bool {
        find.found = info.co == @backingInt(find.co);
        return !find.found;
    }
};

pub fn plain() !void {
    check.init();
    try check.spawn(fromCoroutine, .{}).join();
    check.err(error.InvalidArgument, photonrt.shutdown(.ns(-2)));
    check.err(error.InvalidArgument, photonrt.shutdown(.ns(std.math.minInt(i64))));
    const left = check.spawn(parked, .{});
    check.err(error.WouldBlock, photonrt.shutdown(.now));
    const before = photonrt.clock();
    check.err(error.Timeout, photonrt.shutdown(.ms(5)));
    check.ge(photonrt.clock() - before, 5 * check.ms);
    var find: Find = .{ .co = left.co };
    photonrt.forEach(&find, Find.at);
    check.that(find.found); // says what is left
    check.ge(check.stats().live, 1);
    try left.co.cancel();
    try photonrt.shutdown(.forever);
    check.err(error.NotFound, photonrt.shutdown(.now));

    check.init();
    const late = check.spawn(spawnsLate, .{});
    const thread = check.thread(shutDown, .{});
    while (!in_shutdown.load(.seq_cst)) photonrt.yield();
    while (photonrt.spawnDetached(end, .{})) |_| {
        try photonrt.sleep(.us(100));
    } else |e| check.eq(error.ShuttingDown, e);
    check.err(error.ShuttingDown, photonrt.spawn(end, .{}));
    check.err(error.ShuttingDown, photonrt.spawn(endLarge, .{@splat(0)}));
    check.err(error.ShuttingDown, photonrt.Group.create(.{}));
    check.err(error.Busy, photonrt.shutdown(.now));
    check.err(error.Busy, photonrt.shutdown(.ms(1)));
    check.err(error.Busy, photonrt.init(check.config()));
    try photonrt.sleep(.ms(30));
    try late.co.cancel();
    thread.join();
    check.err(error.NotFound, photonrt.spawnDetached(end, .{}));
    check.err(error.NotFound, photonrt.shutdown(.forever));
}
