//! Lengths over INT_MAX count as INT_MAX rounded down to a page, on every engine.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;

pub fn body() !void {
    const most = std.math.maxInt(c_int) / 4096 * 4096;
    const len = 3 << 30;
    const null_ = net.open("/dev/null", .{ .ACCMODE = .RDWR });
    const rights: std.c.PROT = .{ .READ = true, .WRITE = true };
    const p = std.c.mmap(null, len, rights, .{ .TYPE = .PRIVATE, .ANONYMOUS = true, .NORESERVE = true }, -1, 0);
    check.that(p != std.c.MAP_FAILED);
    const huge = @as([*]u8, @ptrCast(p))[0..len];
    check.eq(most, try photonrt.fd.write(null_, huge, .forever)); // touches none of it
    check.eq(most, try photonrt.fd.write(null_, huge[0 .. std.math.maxInt(c_int) + 1], .forever));
    check.eq(1 << 20, try photonrt.fd.write(null_, huge[0 .. 1 << 20], .forever));
    check.eq(0, try photonrt.fd.read(null_, huge, .forever));
    const fds = net.unixPair();
    check.eq(4, try photonrt.net.send(fds[0], "some", 0, .forever));
    check.eq(4, try photonrt.net.receive(fds[1], huge, 0, .forever));
    check.eq(4, try photonrt.fd.write(fds[0], "more", .forever));
    check.eq(4, try photonrt.fd.read(fds[1], huge, .forever));
    net.closeAll(&fds);
    net.close(null_);
}
