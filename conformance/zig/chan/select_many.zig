const photonrt = @import("photonrt");
const check = @import("check");

const most = 200;
var channels: [most]photonrt.Channel(i64) = undefined;
var got: [most]i64 = undefined;
var cases: [most]photonrt.Case = undefined;

fn sendOne(i: usize) !void {
    try channels[i].send(@intCast(i));
}

fn with(n: usize, step: usize) !void {
    for (cases[0..n], channels[0..n], got[0..n]) |*case, ch, *place| case.* = ch.onReceive(place);
    var i: usize = 0;
    while (i < n) : (i += step) {
        @memset(&got, -1);
        if (i % 3 == 0) check.err(error.WouldBlock, photonrt.select(cases[0..n], .now));
        const task = check.spawnOn(@as(u32, @intCast(i)) % 2 + 1, sendOne, .{i});
        check.eq(i, try photonrt.select(cases[0..n], .forever));
        for (got[0..n], 0..) |element, k| check.eq(if (k == i) @as(i64, @intCast(i)) else -1, element);
        check.join(task);
    }
}

pub fn body() !void {
    for (&channels) |*ch| ch.* = try .init(0);
    for ([_]usize{ 1, 2, 8, 16, 17, 64, most }) |n| try with(n, if (n > 20) 7 else 1);
    try check.onThread(with, .{ 40, 3 });
    for (channels) |ch| ch.deinit();
}
