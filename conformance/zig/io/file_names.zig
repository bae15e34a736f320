const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const c = photonrt.c;
const AT = std.posix.AT;
const forever = c.CO_FOREVER;

extern "c" fn umask(mask: std.c.mode_t) std.c.mode_t;

fn make(path: [:0]const u8) void {
    const fd = net.open(path, .{ .ACCMODE = .RDWR, .CREAT = true, .EXCL = true });
    const n = photonrt.fd.write(fd, path, .forever) catch |e| check.fail("{t}", .{e});
    check.eq(path.len, n);
    net.close(fd);
}

/// The file that has this name says that; null: there is none.
fn says(want: ?[]const u8, path: [*:0]const u8) void {
    const fd = photonrt.fd.open(path, .{}, 0, .forever) catch |e| {
        check.eq(error.FileNotFound, e);
        return check.that(want == null);
    };
    var room: [100]u8 = undefined;
    const n = photonrt.fd.read(fd, &room, .forever) catch |e| check.fail("{t}", .{e});
    check.bytes(want orelse "(no file)", room[0..n]);
    net.close(fd);
}

fn fromHere() void {
    var text: [20]u8 = @splat('.');
    _ = umask(0);
    make("a");
    check.eq(0, c.co_io_rename("a", "b", forever));
    says(null, "a");
    says("a", "b");
    check.eq(0, c.co_io_link("b", "c", 10 * check.sec));
    check.eq(0, c.co_io_unlink("b", forever));
    says(null, "b");
    says("a", "c");
    check.errno(.NOENT, c.co_io_unlink("b", forever));
    check.eq(0, c.co_io_symlink("c", "s", forever));
    says("a", "s");
    check.errno(.EXIST, c.co_io_symlink("c", "s", forever));
    check.eq(1, c.co_io_readlink("s", &text, text.len, forever));
    check.bytes("c.", text[0..2]);
    check.errno(.INVAL, c.co_io_readlink("c", &text, text.len, forever));
    check.errno(.INVAL, c.co_io_readlink("s", &text, 0, forever));
    check.eq(0, c.co_io_mkdir("d", 0o751, forever));
    check.eq(std.posix.S.IFDIR | 0o751, net.stat(AT.FDCWD, "d", 0).mode);
    check.errno(.EXIST, c.co_io_mkdir("d", 0o700, forever));
    check.errno(.ISDIR, c.co_io_unlink("d", forever));
    check.errno(.NOTDIR, c.co_io_rmdir("c", forever));
    make("d/in");
    check.errno(.NOTEMPTY, c.co_io_rmdir("d", forever));
    check.errno(.NOTDIR, c.co_io_rename("d", "c", forever));
    check.errno(.INVAL, c.co_io_rename("d", "d/below", forever));
    check.eq(0, c.co_io_unlink("d/in", forever));
    check.eq(0, c.co_io_rmdir("d", forever));
    check.eq(0, c.co_io_unlink("c", forever));
    check.eq(0, c.co_io_unlink("s", forever));
}

fn fromDirectories() !void {
    const openAt = photonrt.fd.openAt;
    const folder: std.posix.O = .{ .DIRECTORY = true };
    const writing: std.posix.O = .{ .ACCMODE = .WRONLY, .CREAT = true };
    var text: [20]u8 = undefined;
    check.eq(0, c.co_io_mkdir("x", 0o700, forever));
    const x = net.open("x", folder);
    check.eq(0, c.co_io_mkdirat(x, "y", 0o700, forever));
    const y = try openAt(x, "y", folder, 0, .forever);
    check.that(net.closesOnExec(y));
    const f = try openAt(y, "f", writing, 0o600, .seconds(10));
    check.eq(1, try photonrt.fd.write(f, "f", .forever));
    net.close(f);
    says("f", "x/y/f");
    check.eq(0, c.co_io_linkat(y, "f", x, "g", 0, forever));
    check.eq(0, c.co_io_renameat(y, "f", x, "h", 0, forever));
    says("f", "x/g");
    says("f", "x/h");
    check.eq(0, c.co_io_symlinkat("../h", y, "s", forever));
    check.eq(4, c.co_io_readlinkat(y, "s", &text, text.len, forever));
    check.bytes("../h", text[0..4]);
    check.eq(2, c.co_io_readlinkat(y, "s", &text, 2, forever));
    says("f", "x/y/s");
    // The same directory twice; an absolute path, for which the descriptor does not matter.
    check.eq(0, c.co_io_renameat(x, "g", x, "i", 0, forever));
    check.err(error.BadDescriptor, openAt(-5, "x", .{}, 0, .forever));
    net.close(try openAt(-5, "/", .{}, 0, .forever));
    check.errno(.EXIST, c.co_io_renameat(x, "h", x, "i", 1, forever)); // RENAME_NOREPLACE
    check.errno(.INVAL, c.co_io_renameat(x, "h", x, "i", 1 << 20, forever));
    check.errno(.INVAL, c.co_io_linkat(x, "h", x, "j", 1 << 20, forever));
    check.errno(.INVAL, c.co_io_unlinkat(x, "h", 1 << 20, forever));
    check.eq(0, c.co_io_unlinkat(x, "h", 0, forever));
    check.eq(0, c.co_io_unlinkat(x, "i", 0, forever));
    check.eq(0, c.co_io_unlinkat(y, "s", 0, forever));
    check.errno(.ISDIR, c.co_io_unlinkat(x, "y", 0, forever));
    check.eq(0, c.co_io_unlinkat(x, "y", AT.REMOVEDIR, forever));
    check.err(error.FileNotFound, openAt(y, "f", writing, 0o600, .forever));
    net.close(y);
    check.err(error.BadDescriptor, openAt(y, "f", .{}, 0, .forever));
    check.errno(.BADF, c.co_io_renameat(x, "h", y, "i", 0, forever));
    net.close(x);
    check.eq(0, c.co_io_rmdir("x", forever));
}

/// Each call with a path that is not there, in each of its places.
fn badPointers(p: ?[*]const u8) void {
    var text: [20]u8 = undefined;
    const here = AT.FDCWD;
    for ([_]c_int{
        c.co_io_openat(here, p, 0, 0, forever),
        c.co_io_unlink(p, forever),
        c.co_io_unlinkat(here, p, 0, forever),
        c.co_io_rmdir(p, forever),
        c.co_io_rename(p, "a", forever),
        c.co_io_rename("a", p, forever),
        c.co_io_renameat(here, p, here, "a", 0, forever),
        c.co_io_mkdir(p, 0o700, forever),
        c.co_io_mkdirat(here, p, 0o700, forever),
        c.co_io_link(p, "a", forever),
        c.co_io_linkat(here, ".", here, p, 0, forever),
        c.co_io_symlink(p, "a", forever),
        c.co_io_symlink("a", p, forever),
        c.co_io_symlinkat("a", here, p, forever),
        @intCast(c.co_io_readlink(p, &text, text.len, forever)),
        @intCast(c.co_io_readlinkat(here, p, &text, text.len, forever)),
    }) |rc| check.errno(.FAULT, rc);
}

/// What was refused has not happened.
fn withoutTime(timeout: i64, want: std.posix.E) void {
    var text: [20]u8 = undefined;
    make("a");
    check.eq(0, c.co_io_symlink("a", "s", forever));
    check.errno(want, c.co_io_unlink("a", timeout));
    check.errno(want, c.co_io_rename("a", "b", timeout));
    check.errno(want, c.co_io_link("a", "b", timeout));
    check.errno(want, c.co_io_symlink("a", "b", timeout));
    check.errno(want, c.co_io_mkdir("b", 0o700, timeout));
    check.errno(want, c.co_io_rmdir("b", timeout));
    check.errno(want, c.co_io_readlink("s", &text, text.len, timeout));
    says("a", "a");
    says(null, "b");
    check.eq(0, c.co_io_unlink("a", forever));
    check.eq(0, c.co_io_unlink("s", forever));
}

/// With hardly any time: done and reported, or not done.
fn hardlyAnyTime() void {
    var late: u32 = 0;
    for (0..100) |i| {
        const rc = c.co_io_mkdir("t", 0o700, @intCast(1 + i * 500));
        if (rc != 0) {
            check.errno(.TIMEDOUT, rc);
            check.errno(.NOENT, c.co_io_rmdir("t", forever));
            late += 1;
        } else {
            check.eq(0, c.co_io_rmdir("t", forever));
        }
    }
    check.print("{d} of 100 came too late\n", .{late});
}

fn everything() !void {
    fromHere();
    try fromDirectories();
    badPointers(null);
}

pub fn body() !void {
    try everything();
    const nothing = check.pages(4096, .{});
    badPointers(nothing.ptr);
    check.eq(0, c.co_io_symlink("target", "link", forever));
    check.errno(.FAULT, c.co_io_readlink("link", nothing.ptr, 10, forever));
    withoutTime(c.CO_NOW, .AGAIN);
    withoutTime(-2, .INVAL);
    hardlyAnyTime();
    try check.onThread(everything, .{});
}
