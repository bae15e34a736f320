const photonrt = @import("photonrt");
const check = @import("check");
const Task = photonrt.Task(u32);

fn parked(x: u32) u32 {
    check.must(photonrt.park(.forever));
    return x;
}

fn joiner(task: Task) void {
    check.eq(7, check.join(task));
}

fn joinerThatGivesUp(task: Task) void {
    check.err(error.Canceled, task.join());
}

pub fn body() !void {
    const task = check.spawn(parked, .{7});
    const first = check.spawn(joiner, .{task});
    check.untilState(first.co, .parked);
    check.err(error.NotFound, task.join()); // another is at it
    check.err(error.NotFound, task.joinTimeout(.now));
    check.err(error.NotFound, task.co.detach());
    try task.co.unpark();
    try first.join();
    check.err(error.NotFound, task.join());
    check.err(error.NotFound, task.co.detach());

    // One that gives up makes room for the next.
    const other = check.spawn(parked, .{8});
    const second = check.spawn(joinerThatGivesUp, .{other});
    check.untilState(second.co, .parked);
    check.err(error.NotFound, other.joinTimeout(.now));
    try second.co.cancel();
    try second.join();
    check.err(error.Timeout, other.joinTimeout(.ms(1)));
    try other.co.unpark();
    check.eq(8, try other.join());
}
