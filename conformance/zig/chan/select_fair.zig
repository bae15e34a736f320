const photonrt = @import("photonrt");
const check = @import("check");

const many = 2000;

fn choose(room: usize, comptime n: usize, least: usize) !void {
    var channels: [n]photonrt.Channel(u8) = undefined;
    var cases: [n]photonrt.Case = undefined;
    var chosen: [n]usize = @splat(0);
    var elem: u8 = 1;
    for (&channels, &cases, 0..) |*ch, *case, i| {
        ch.* = try .init(room);
        for (0..3) |_| try ch.sendTimeout(elem, .now);
        case.* = if (i % 2 == 1) ch.onSend(&elem) else ch.onReceive(&elem);
    }
    for (0..many) |k| {
        const i = try photonrt.select(&cases, if (k % 2 == 1) .now else .forever);
        try cases[i].result();
        chosen[i] += 1;
        if (i % 2 == 1) _ = try channels[i].receiveTimeout(.now) else try channels[i].sendTimeout(elem, .now);
    }
    for (channels, chosen) |ch, times| {
        check.ge(times, many * least / 100);
        ch.deinit();
    }
}

fn all() !void {
    try choose(4, 2, 30);
    try choose(photonrt.unbounded, 2, 30);
    try choose(4, 5, 10);
}

pub fn body() !void {
    try all();
    try check.onThread(all, .{});
}
