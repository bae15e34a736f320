const photonrt = @import("photonrt");
const check = @import("check");

fn end(x: u32) u32 {
    return x;
}

/// More than a pointer holds: it lies on the ended coroutine's stack until the join.
fn large(x: u64) [8]u64 {
    return @splat(x);
}

fn late(x: u32) u32 {
    check.must(photonrt.sleep(.ms(5)));
    return x;
}

fn waitFor(co: photonrt.Coroutine) void {
    check.must(co.wait(.forever));
}

fn joined(task: anytype, want: anytype) !void {
    check.untilState(task.co, .ended);
    try task.co.wait(.now);
    try task.co.wait(.forever); // as often as one likes
    check.eq(want, try task.joinTimeout(.now));
    check.err(error.NotFound, task.co.wait(.now));
    check.err(error.NotFound, task.joinTimeout(.now));
    check.err(error.NotFound, task.join());
}

pub fn body() !void {
    try joined(check.spawn(end, .{77}), 77);
    try joined(check.spawn(large, .{78}), @as([8]u64, @splat(78)));

    const task = check.spawn(late, .{79});
    try check.spawn(waitFor, .{task.co}).join();
    check.eq(79, try task.joinTimeout(.now));
}
