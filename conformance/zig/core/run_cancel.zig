const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

const each = 10;
const all = 4 * each;
var cancelled: std.atomic.Value(u32) = .init(0);

fn count() void {
    _ = cancelled.fetchAdd(1, .seq_cst);
}

fn parked() void {
    check.err(error.Canceled, photonrt.park(.forever));
    count();
}

fn sleeper() void {
    check.err(error.Canceled, photonrt.sleep(.seconds(3600)));
    count();
}

fn outlivesTheCancel() void {
    const shield: photonrt.Shield = .begin();
    defer shield.end();
    while (cancelled.load(.seq_cst) < all) check.must(photonrt.sleep(.ms(1)));
}

fn joiner() void {
    check.err(error.Canceled, check.spawn(outlivesTheCancel, .{}).join());
    count();
}

fn fresh() void {
    check.err(error.Canceled, photonrt.sleep(.seconds(3600)));
    check.that(photonrt.cancelPending());
    count();
}

fn entry() !void {
    for (0..each) |_| {
        _ = check.spawn(parked, .{});
        _ = check.spawn(sleeper, .{});
        _ = check.spawn(joiner, .{});
    }
    try photonrt.sleep(.ms(20));
    for (0..each) |_| _ = check.spawn(fresh, .{});
}

pub fn plain() !void {
    var config = check.config();
    config.cancel_rest = true;
    try photonrt.run(config, entry, .{});
    check.eq(all, cancelled.load(.seq_cst));
}
