const photonrt = @import("photonrt");
const check = @import("check");

fn nested() void {
    check.fail("a second runtime runs", .{});
}

fn onThread() void {
    check.err(error.Busy, photonrt.run(check.config(), nested, .{}));
    check.err(error.Busy, photonrt.init(check.config()));
    check.err(error.InvalidArgument, photonrt.shutdown(.now)); // what `run` started is not its to shut down
}

fn entry() void {
    check.err(error.Busy, photonrt.run(check.config(), nested, .{}));
    check.err(error.Busy, photonrt.init(check.config()));
    if (photonrt.shutdown(.now)) |_| check.fail("shut down from within", .{}) else |e| {
        check.that(e == error.Deadlock or e == error.InvalidArgument);
    }
    check.onThread(onThread, .{});
}

pub fn plain() !void {
    check.err(error.NotFound, photonrt.shutdown(.now));
    try photonrt.run(check.config(), entry, .{});
    check.err(error.NotFound, photonrt.shutdown(.now));
}
