const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const c = photonrt.c;
const fd = photonrt.fd;

fn pipeWith(flags: std.posix.O) fd.Error!net.Pair {
    var ends: net.Pair = undefined;
    _ = try fd.result(c.co_io_pipe(&ends, @bitCast(flags)));
    return ends;
}

fn works() !void {
    var byte: [1]u8 = undefined;
    var ends = try fd.pipe();
    for (ends) |end| {
        check.that(net.closesOnExec(end));
        check.that(!net.mode(end).NONBLOCK);
    }
    check.eq(1, try fd.write(ends[1], "x", .forever));
    check.eq(1, try fd.read(ends[0], &byte, .forever));
    check.bytes("x", &byte);
    check.err(error.BadDescriptor, fd.read(ends[1], &byte, .forever));
    net.closeAll(&ends);

    ends = try pipeWith(.{ .NONBLOCK = true, .CLOEXEC = true });
    check.that(net.mode(ends[0]).NONBLOCK and net.mode(ends[1]).NONBLOCK);
    check.err(error.Timeout, fd.read(ends[0], &byte, .ms(1)));
    net.closeAll(&ends);
}

pub fn body() !void {
    try works();
    // What fails leaves no descriptor behind: the numbers stay as they were.
    const next = check.sys(std.c.dup(0));
    _ = check.sys(std.c.close(next));
    check.err(error.InvalidArgument, pipeWith(.{ .APPEND = true }));
    check.errno(.FAULT, c.co_io_pipe(null, 0));
    check.errno(.FAULT, c.co_io_pipe(@ptrCast(@alignCast(net.readOnlyPage())), 0));
    var old: std.c.rlimit = undefined;
    _ = check.sys(std.c.getrlimit(.NOFILE, &old));
    var few = old;
    few.cur = @intCast(next + 1);
    _ = check.sys(std.c.setrlimit(.NOFILE, &few));
    check.err(error.ProcessFdQuotaExceeded, fd.pipe());
    _ = check.sys(std.c.setrlimit(.NOFILE, &old));
    const ends = try fd.pipe();
    check.eq(next, @min(ends[0], ends[1]));
    net.closeAll(&ends);
}
