const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const c = photonrt.c;
const linux = std.os.linux;
const AT = linux.AT;
const forever = c.CO_FOREVER;

/// As glibc and musl put the two numbers of a device into st_dev.
fn device(major: u64, minor: u64) u64 {
    return ((major & 0xfffff000) << 32) | ((major & 0xfff) << 8) | ((minor & 0xffffff00) << 12) | (minor & 0xff);
}

fn same(ours: *const c.co_stat_t, systems: *const linux.Statx) void {
    check.eq(systems.mode, ours.mode);
    check.eq(systems.ino, ours.ino);
    check.eq(device(systems.dev_major, systems.dev_minor), ours.dev);
    check.eq(device(systems.rdev_major, systems.rdev_minor), ours.rdev);
    check.eq(systems.nlink, ours.nlink);
    check.eq(systems.uid, ours.uid);
    check.eq(systems.gid, ours.gid);
    check.eq(systems.size, ours.length);
    check.eq(systems.blocks, ours.blocks);
    check.eq(systems.blksize, ours.blksize);
    check.eq(systems.mtime.sec, ours.mtime);
    check.eq(systems.mtime.nsec, ours.mtime_ns);
    check.eq(systems.ctime.sec, ours.ctime);
    check.eq(systems.ctime.nsec, ours.ctime_ns);
    check.eq(systems.atime.sec, ours.atime);
    check.eq(systems.atime.nsec, ours.atime_ns);
}

fn compare(dir: net.Handle, path: [:0]const u8, flags: u31) void {
    const systems = net.stat(dir, path, flags);
    // An empty path may be null.
    for ([_]?[*:0]const u8{ path, if (path.len > 0) path else null }) |p| {
        var st: c.co_stat_t = .{ .size = @sizeOf(c.co_stat_t) };
        check.eq(0, c.co_io_statx(dir, p, flags, &st, 10 * check.sec));
        check.eq(@sizeOf(c.co_stat_t), st.size);
        check.eq(0, st.reserved);
        same(&st, &systems);
    }
}

/// A shorter struct of an older header gets what fits; what is beyond a longer one's known part stays.
fn sizes(fd: net.Handle, known: *const c.co_stat_t) void {
    const Longer = extern struct { st: c.co_stat_t, beyond: [16]u8 };
    var longer: Longer = undefined;
    @memset(std.mem.asBytes(&longer), 0x55);
    longer.st.size = 16;
    check.eq(0, c.co_io_statx(fd, null, AT.EMPTY_PATH, &longer.st, forever));
    check.eq(16, longer.st.size);
    check.eq(known.ino, longer.st.ino);
    check.eq(0x5555555555555555, longer.st.dev);
    longer.st.size = @sizeOf(Longer);
    check.eq(0, c.co_io_statx(fd, null, AT.EMPTY_PATH, &longer.st, forever));
    check.eq(known.length, longer.st.length);
    for (longer.beyond) |b| check.eq(0x55, b);
    longer.st.size = 4;
    check.errno(.INVAL, c.co_io_statx(fd, null, AT.EMPTY_PATH, &longer.st, forever));
}

fn errors() void {
    const statx = c.co_io_statx;
    const here = AT.FDCWD;
    var st: c.co_stat_t = .{ .size = @sizeOf(c.co_stat_t) };
    check.errno(.NOENT, statx(here, "absent", 0, &st, forever));
    check.errno(.NOTDIR, statx(here, "file/below", 0, &st, forever));
    check.errno(.NOENT, statx(here, "", 0, &st, forever));
    check.errno(.FAULT, statx(here, null, 0, &st, forever));
    check.errno(.INVAL, statx(here, "file", 1 << 30, &st, forever));
    check.errno(.INVAL, statx(here, "file", 0, &st, -2));
    check.errno(.AGAIN, statx(here, "file", 0, &st, c.CO_NOW));
    check.errno(.FAULT, statx(here, "file", 0, null, forever));
    const nothing = check.pages(8192, .{ .READ = true });
    const second: *align(4096) c.co_stat_t = @ptrCast(@alignCast(nothing[4096..]));
    _ = check.sys(std.c.mprotect(nothing.ptr, 4096, .{}));
    check.errno(.FAULT, statx(here, "file", 0, @ptrCast(nothing.ptr), forever));
    check.errno(.FAULT, statx(here, nothing.ptr, 0, &st, forever));
    // It can be read and says a size, but it can't be written.
    _ = check.sys(std.c.mprotect(@ptrCast(second), 4096, .{ .READ = true, .WRITE = true }));
    second.size = @sizeOf(c.co_stat_t);
    _ = check.sys(std.c.mprotect(@ptrCast(second), 4096, .{ .READ = true }));
    check.errno(.FAULT, statx(here, "file", 0, second, forever));
}

pub fn body() !void {
    const fd = try photonrt.fd.open("file", .{ .ACCMODE = .RDWR, .CREAT = true }, 0o640, .forever);
    check.eq(1, try photonrt.fd.pwrite(fd, "x", 5000000000, .forever)); // more than 32 bits
    check.eq(0, c.co_io_symlink("file", "link", forever));
    check.eq(0, c.co_io_link("file", "second", forever));
    compare(AT.FDCWD, "file", 0);
    compare(AT.FDCWD, "link", 0);
    compare(AT.FDCWD, "link", AT.SYMLINK_NOFOLLOW);
    compare(AT.FDCWD, ".", 0);
    compare(AT.FDCWD, "/dev/null", 0);
    compare(fd, "", AT.EMPTY_PATH);
    const sockets = net.unixPair();
    compare(sockets[0], "", AT.EMPTY_PATH);
    net.closeAll(&sockets);
    const pipe = try photonrt.fd.pipe();
    compare(pipe[1], "", AT.EMPTY_PATH);
    net.closeAll(&pipe);

    const dir = net.open(".", .{ .DIRECTORY = true });
    var st: c.co_stat_t = .{ .size = @sizeOf(c.co_stat_t) };
    check.eq(0, c.co_io_statx(dir, "file", 0, &st, forever));
    check.eq(5000000001, st.length);
    check.eq(2, st.nlink);
    sizes(fd, &st);
    errors();
    net.closeAll(&.{ dir, fd });
    check.errno(.BADF, c.co_io_statx(dir, "file", 0, &st, forever));
    check.errno(.BADF, c.co_io_statx(fd, null, AT.EMPTY_PATH, &st, forever));
}
