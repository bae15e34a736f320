const photonrt = @import("photonrt");
const check = @import("check");

fn size(want: u64) void {
    check.eq(want, check.info(photonrt.Coroutine.current().?).stack_size);
}

fn entry(want: u64) !void {
    try check.spawn(size, .{want}).join();
    const task = try photonrt.spawnWith(.{ .stack_size = 64 << 10 }, size, .{64 << 10});
    try task.join();
}

pub fn plain() !void {
    for ([_][2]u64{ .{ 0, 256 << 10 }, .{ 1, 16 << 10 }, .{ 100_000, 128 << 10 }, .{ 8 << 20, 8 << 20 } }) |pair| {
        const asked, const given = pair;
        var config = check.config();
        config.stack_size = asked;
        try photonrt.run(config, entry, .{given});
    }
}
