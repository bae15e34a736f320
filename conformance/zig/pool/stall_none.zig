//! What gives its vCPU back, or has said that it won't, is no stall, however long it takes.
const photonrt = @import("photonrt");
const check = @import("check");
const cpuTime = check.stall.cpuTime;

fn works() void {
    check.stall.burn(40 * check.ms);
    check.hold(30 * check.ms);
}

fn yields() anyerror!void {
    const until = cpuTime() + 40 * check.ms;
    while (cpuTime() < until) photonrt.yield(); // alone on its vCPU, perhaps
}

fn sleeps() anyerror!void {
    for (0..20) |i| try photonrt.sleep(.us(@intCast(i * 100)));
}

fn brackets() anyerror!void {
    for (0..2) |_| {
        {
            const bracket: photonrt.Bracket = .enter();
            defer bracket.leave();
            check.eq(1, bracket.depth);
            works();
        }
        try photonrt.blocking(.forever, works, .{});
    }
}

pub fn body() !void {
    var tasks: [2][3]photonrt.Task(anyerror!void) = undefined;
    for (&tasks, [_]bool{ false, true }) |*three, migratable| {
        const attr: photonrt.Attr = .{ .migratable = migratable };
        three.* = .{
            try photonrt.spawnWith(attr, yields, .{}),
            try photonrt.spawnWith(attr, sleeps, .{}),
            try photonrt.spawnWith(attr, brackets, .{}),
        };
    }
    for (tasks) |three| for (three) |task| check.join(task);
    try photonrt.sleep(.ms(20));
    check.eq(0, check.stats().stalls);
}
