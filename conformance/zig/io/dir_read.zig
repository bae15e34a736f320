const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const c = photonrt.c;
const linux = std.os.linux;
const Entry = c.co_dirent_t;

const files = 700;
const Name = [256]u8;
var buffer: [65536]u8 align(@alignOf(Entry)) = undefined;
var seen: std.bit_set.Static(files) = .empty;

/// A name for file `i`; they have every length.
fn nameOf(room: *Name, i: usize) [:0]u8 {
    room.* = @splat('n');
    const number = std.fmt.bufPrint(room, "{d}-", .{i}) catch unreachable;
    const len = number.len + i % 240;
    room[len] = 0;
    return room[0..len :0];
}

fn readDir(dir: net.Handle, into: []u8) photonrt.IoError!usize {
    return photonrt.fd.result(c.co_io_readdir(dir, into.ptr, into.len, c.CO_FOREVER));
}

fn entryAt(at: usize) *const Entry {
    return @ptrCast(@alignCast(buffer[at..].ptr));
}

/// The name follows right after the entry.
fn nameOfEntry(entry: *const Entry) [:0]const u8 {
    const name: [*:0]const u8 = @ptrCast(@as([*]const Entry, @ptrCast(entry)) + 1);
    return std.mem.span(name);
}

/// Takes the entries that are in the buffer; how many of the files were among them.
fn take(n: usize) !usize {
    var count: usize = 0;
    var at: usize = 0;
    check.eq(0, n % 8);
    while (at < n) {
        const entry = entryAt(at);
        const name = nameOfEntry(entry);
        check.ge(n - at, entry.size);
        check.eq(name.len, entry.name_length);
        check.ge(entry.size, @sizeOf(Entry) + name.len + 1);
        at += entry.size;
        if (std.mem.eql(u8, name, ".") or std.mem.eql(u8, name, "..")) continue;
        const i = try std.fmt.parseInt(usize, name[0..std.mem.indexOfScalar(u8, name, '-').?], 10);
        var want: Name = undefined;
        check.bytes(nameOf(&want, i), name);
        check.that(!seen.isSet(i));
        seen.set(i);
        const DT = linux.DT;
        check.that(entry.type == @as(u16, if (i % 10 != 0) DT.REG else DT.DIR) or entry.type == DT.UNKNOWN);
        if (i % 100 == 0) {
            var room: [300]u8 = undefined;
            const path = try std.fmt.bufPrintSentinel(&room, "dir/{s}", .{name}, 0);
            check.eq(net.stat(std.posix.AT.FDCWD, path, 0).ino, entry.ino);
        }
        count += 1;
    }
    return count;
}

fn all(dir: net.Handle, len: usize) !void {
    var count: usize = 0;
    seen = .empty;
    net.seek(dir, 0);
    while (true) {
        const n = try readDir(dir, buffer[0..len]);
        if (n == 0) break;
        check.ge(len, n);
        count += try take(n);
    }
    check.eq(files, count);
    check.eq(0, try readDir(dir, buffer[0..len])); // and it stays at the end
}

/// From after any entry on.
fn goOn(dir: net.Handle) !void {
    net.seek(dir, 0);
    check.ge(try readDir(dir, buffer[0..4096]), 1);
    const first = entryAt(0);
    var room: Name = undefined;
    const second = try std.fmt.bufPrint(&room, "{s}", .{nameOfEntry(entryAt(first.size))});
    _ = check.sys(std.c.lseek(dir, first.next, std.posix.SEEK.SET));
    check.ge(try readDir(dir, buffer[0..4096]), 1);
    check.bytes(second, nameOfEntry(entryAt(0)));
}

fn make() void {
    check.eq(0, c.co_io_mkdir("dir", 0o700, c.CO_FOREVER));
    for (0..files) |i| {
        var name: Name = undefined;
        var room: [300]u8 = undefined;
        const path = std.fmt.bufPrintSentinel(&room, "dir/{s}", .{nameOf(&name, i)}, 0) catch unreachable;
        if (i % 10 != 0) {
            check.eq(.SUCCESS, linux.errno(linux.mknodat(linux.AT.FDCWD, path, linux.S.IFREG | 0o600, 0)));
        } else {
            _ = check.sys(std.c.mkdir(path, 0o700));
        }
    }
}

fn errors(dir: net.Handle) !void {
    const readdir = c.co_io_readdir;
    check.err(error.InvalidArgument, readDir(dir, buffer[0..511]));
    check.errno(.INVAL, readdir(dir, &buffer, buffer.len, -2));
    check.errno(.AGAIN, readdir(dir, &buffer, buffer.len, c.CO_NOW));
    check.errno(.FAULT, readdir(dir, null, buffer.len, c.CO_FOREVER));
    const nothing = check.pages(8192, .{});
    net.seek(dir, 0);
    check.err(error.BadAddress, readDir(dir, nothing));
    _ = check.sys(std.c.mprotect(nothing.ptr, 4096, .{ .READ = true, .WRITE = true }));
    check.err(error.BadAddress, readDir(dir, nothing[4090..8186]));
    net.close(dir);
    check.err(error.BadDescriptor, readDir(dir, &buffer));
    check.err(error.BadDescriptor, readDir(-1, &buffer));
    const pipe = try photonrt.fd.pipe();
    check.err(error.NotDir, readDir(pipe[0], &buffer));
    net.closeAll(&pipe);
}

pub fn body() !void {
    make();
    const dir = net.open("dir", .{ .DIRECTORY = true });
    try all(dir, 512);
    try all(dir, 1001);
    try all(dir, buffer.len);
    try goOn(dir);
    try check.onThread(all, .{ dir, buffer.len });
    try errors(dir);

    check.eq(0, c.co_io_mkdir("empty", 0o700, c.CO_FOREVER));
    const empty = net.open("empty", .{});
    check.eq(0, try take(try readDir(empty, &buffer)));
    check.eq(0, c.co_io_rmdir("empty", c.CO_FOREVER));
    net.close(empty);
}
