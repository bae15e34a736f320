const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

var ended: std.atomic.Value(u32) = .init(0);

fn grandchild() void {
    check.must(photonrt.sleep(.ms(5)));
    _ = ended.fetchAdd(1, .seq_cst);
}

fn child() void {
    check.must(photonrt.sleep(.ms(20)));
    for (0..4) |_| check.must(photonrt.spawnDetached(grandchild, .{}));
    _ = ended.fetchAdd(1, .seq_cst);
}

fn entry() !void {
    for (0..10) |_| try photonrt.spawnDetached(child, .{});
    _ = try photonrt.spawn(child, .{}); // joinable, and never joined
}

pub fn plain() !void {
    try photonrt.run(check.config(), entry, .{});
    check.eq(11 + 44, ended.load(.seq_cst));
}
