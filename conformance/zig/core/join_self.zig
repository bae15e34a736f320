const photonrt = @import("photonrt");
const check = @import("check");
const Coroutine = photonrt.Coroutine;

fn joinsItself() void {
    const self: photonrt.Task(void) = .{ .co = Coroutine.current().? };
    const large: photonrt.Task([4]u64) = .{ .co = self.co };
    check.err(error.Deadlock, self.join());
    check.err(error.Deadlock, self.joinTimeout(.now));
    check.err(error.Deadlock, self.joinTimeout(.ms(1)));
    check.err(error.Deadlock, large.join());
    check.err(error.Deadlock, self.co.wait(.forever));
}

pub fn body() !void {
    joinsItself();
    try check.spawn(joinsItself, .{}).join();
}
