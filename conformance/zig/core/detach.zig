const photonrt = @import("photonrt");
const check = @import("check");

fn parked() void {
    check.must(photonrt.park(.forever));
}

fn end() void {}

fn detachSelf() void {
    const self = photonrt.Coroutine.current().?;
    check.must(self.detach());
    check.err(error.NotFound, self.detach());
}

pub fn body() !void {
    const lost = check.spawn(parked, .{});
    lost.detach();
    check.err(error.NotFound, lost.co.detach());
    check.err(error.NotFound, lost.join());
    try lost.co.unpark();
    check.untilLive(1);
    check.err(error.NotFound, lost.co.detach());

    for (0..1000) |_| { // before its first run, and after its end
        check.spawn(end, .{}).detach();
        const task = check.spawn(end, .{});
        check.untilState(task.co, .ended);
        task.detach();
        check.err(error.NotFound, task.co.detach());
        check.err(error.NotFound, task.joinTimeout(.now));
    }
    _ = check.spawn(detachSelf, .{});
    check.untilLive(1);
}
