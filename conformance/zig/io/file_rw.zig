const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const fd = photonrt.fd;

extern "c" fn umask(mask: std.c.mode_t) std.c.mode_t;

fn reading(file: net.Handle, out: []const u8) !void {
    var in: [10001]u8 = undefined;
    check.eq(out.len, try fd.write(file, out, .forever));
    check.eq(out.len, net.position(file)); // at the position, which moves
    check.eq(5, try fd.write(file, out[0..5], .seconds(10)));
    check.eq(0, try fd.read(file, &in, .forever));
    net.seek(file, 1);
    check.eq(100, try fd.read(file, in[0..100], .forever));
    net.same(in[0..100], 1, 1);
    const rest = out.len - 101;
    check.eq(rest, try fd.read(file, in[0..rest], .seconds(10)));
    net.same(in[0..rest], 1, 101);
    check.eq(5, try fd.read(file, in[0..100], .forever));
    check.eq(0, try fd.read(file, in[0..100], .forever));
}

/// The p-calls leave the position.
fn atOffsets(file: net.Handle) !void {
    var out: [50]u8 = undefined;
    var in: [300]u8 = undefined;
    net.seek(file, 7);
    check.eq(300, try fd.pread(file, &in, 5000, .forever));
    net.same(&in, 1, 5000);
    net.fill(&out, 2, 0);
    check.eq(50, try fd.pwrite(file, &out, 20000, .forever));
    check.eq(50, try fd.pread(file, in[0..100], 20000, .forever));
    net.same(in[0..50], 2, 0);
    check.eq(10, try fd.pread(file, in[0..10], 15000, .forever));
    for (in[0..10]) |b| check.eq(0, b);
    check.eq(0, try fd.pread(file, in[0..10], 50000, .forever));
    check.eq(7, net.position(file));
    check.eq(0, try fd.read(file, in[0..0], .forever));
    check.eq(0, try fd.write(file, out[0..0], .forever));
}

pub fn body() !void {
    _ = umask(0);
    var out: [10000]u8 = undefined;
    net.fill(&out, 1, 0);
    const file = try fd.open("file", .{ .ACCMODE = .RDWR, .CREAT = true, .EXCL = true }, 0o640, .forever);
    check.that(net.closesOnExec(file));
    check.eq(std.posix.S.IFREG | 0o640, net.stat(std.posix.AT.FDCWD, "file", 0).mode);
    try reading(file, &out);
    try atOffsets(file);
    try fd.sync(file, .forever);
    net.close(file);

    const more = net.open("file", .{ .ACCMODE = .WRONLY, .APPEND = true });
    check.eq(3, try fd.write(more, "end", .forever));
    net.close(more);
    check.eq(20053, net.stat(std.posix.AT.FDCWD, "file", 0).size);
    const empty = net.open("file", .{ .TRUNC = true });
    check.eq(0, try fd.read(empty, out[0..10], .forever));
    net.close(empty);
}
