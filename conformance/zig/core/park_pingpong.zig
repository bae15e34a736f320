const photonrt = @import("photonrt");
const check = @import("check");

const rounds = 20_000;
var pairs: [4]Pair = @splat(.{});

const Pair = struct {
    side: [2]photonrt.Task(void) = undefined,
    /// Plain: park and unpark order its accesses.
    ball: u32 = 0,

    fn player(pair: *Pair, me: u1) void {
        check.must(photonrt.park(.forever)); // until both are known
        for (0..rounds) |i| {
            while (pair.ball != 2 * i + me) check.must(photonrt.park(.forever));
            pair.ball += 1;
            if (pair.ball < 2 * rounds) check.must(pair.side[~me].co.unpark()); // at the last, the other has ended
        }
    }
};

pub fn body() !void {
    for (&pairs) |*pair| {
        pair.side = .{ check.spawnOn(1, Pair.player, .{ pair, 0 }), check.spawnOn(2, Pair.player, .{ pair, 1 }) };
        for (pair.side) |task| try task.co.unpark();
    }
    for (&pairs) |*pair| {
        const first, const second = pair.side;
        try first.co.wait(.forever);
        try second.join();
        try first.join();
        check.eq(2 * rounds, pair.ball);
    }
}
