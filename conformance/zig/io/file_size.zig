const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const c = photonrt.c;
const forever = c.CO_FOREVER;
const syncData = photonrt.fd.syncData;

fn length(fd: net.Handle) i64 {
    var st: c.co_stat_t = .{ .size = @sizeOf(c.co_stat_t) };
    check.eq(0, c.co_io_statx(fd, null, std.os.linux.AT.EMPTY_PATH, &st, forever));
    return st.length;
}

fn works(fd: net.Handle) !void {
    var in: [5]u8 = undefined;
    check.eq(6, try photonrt.fd.write(fd, "abcdef", .forever));
    try syncData(fd, .forever);
    check.eq(0, c.co_io_ftruncate(fd, 3, forever));
    check.eq(3, length(fd));
    check.eq(0, c.co_io_ftruncate(fd, 100000, 10 * check.sec));
    check.eq(100000, length(fd));
    check.eq(5, try photonrt.fd.pread(fd, &in, 1, .forever));
    check.bytes("bc\x00\x00\x00", &in);
    check.eq(0, c.co_io_fallocate(fd, 0, 0, 200000, forever));
    check.eq(200000, length(fd));
    check.eq(0, c.co_io_fallocate(fd, 0, 10, 10, forever));
    check.eq(200000, length(fd));
    if (@import("builtin").os.tag == .linux) {
        check.eq(0, c.co_io_fallocate(fd, 1, 0, 300000, forever)); // FALLOC_FL_KEEP_SIZE
        check.eq(200000, length(fd));
    }
}

fn errors(fd: net.Handle) !void {
    check.errno(.INVAL, c.co_io_ftruncate(fd, -1, forever));
    check.errno(.INVAL, c.co_io_fallocate(fd, 0, -1, 10, forever));
    check.errno(.INVAL, c.co_io_fallocate(fd, 0, 0, 0, forever));
    check.errno(.FBIG, c.co_io_fallocate(fd, 0, 0, std.math.maxInt(i64), forever));
    check.errno(.OPNOTSUPP, c.co_io_fallocate(fd, 1 << 30, 0, 10, forever));
    check.errno(.INVAL, c.co_io_ftruncate(fd, 0, -2));
    check.errno(.INVAL, c.co_io_fallocate(fd, 0, 0, 1, -2));
    check.err(error.InvalidArgument, syncData(fd, .ns(-2)));
    // Nothing tells whether they would wait.
    check.errno(.AGAIN, c.co_io_ftruncate(fd, 0, c.CO_NOW));
    check.errno(.AGAIN, c.co_io_fallocate(fd, 0, 0, 1, c.CO_NOW));
    check.err(error.WouldBlock, syncData(fd, .now));
    check.eq(200000, length(fd));

    const reader = net.open("file", .{});
    check.errno(.INVAL, c.co_io_ftruncate(reader, 0, forever));
    check.errno(.BADF, c.co_io_fallocate(reader, 0, 0, 1, forever));
    try syncData(reader, .forever);
    net.close(reader);
    const pipe = try photonrt.fd.pipe();
    check.errno(.INVAL, c.co_io_ftruncate(pipe[1], 0, forever));
    check.errno(.SPIPE, c.co_io_fallocate(pipe[1], 0, 0, 1, forever));
    check.err(error.InvalidArgument, syncData(pipe[1], .forever));
    net.closeAll(&pipe);
}

pub fn body() !void {
    const fd = net.open("file", .{ .ACCMODE = .RDWR, .CREAT = true });
    try works(fd);
    try errors(fd);
    // A close meanwhile: done before it, or not at all.
    for (0..50) |i| {
        const other = net.open("file", .{ .ACCMODE = .RDWR });
        const closing = check.spawnOn(2, net.close, .{other});
        const rc = c.co_io_ftruncate(other, @intCast(i), forever);
        if (rc != 0) check.errno(.BADF, rc) else check.eq(i, length(fd));
        check.join(closing);
    }
    net.close(fd);
    for ([_]net.Handle{ fd, -1, 1000000 }) |bad| {
        check.errno(.BADF, c.co_io_ftruncate(bad, 0, forever));
        check.errno(.BADF, c.co_io_fallocate(bad, 0, 0, 1, forever));
        check.err(error.BadDescriptor, syncData(bad, .forever));
        check.err(error.BadDescriptor, syncData(bad, .now));
    }
}
