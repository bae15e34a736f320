//! What /proc says of this process. Allocates nothing.
const std = @import("std");
const check = @import("../check.zig");
const linux = std.os.linux;

/// Entries of a folder, without "." and ".."; of /proc/self/fd, without the descriptor that this takes.
pub fn entries(path: [*:0]const u8) usize {
    const folder = check.ok(std.c.open(path, .{ .ACCMODE = .RDONLY, .DIRECTORY = true }));
    defer _ = std.c.close(folder);
    var room: [4096]u8 align(@alignOf(linux.dirent64)) = undefined;
    var n: usize = 0;
    while (true) {
        const got = linux.getdents64(folder, &room, room.len);
        if (linux.errno(got) != .SUCCESS) check.fail("{s}: {t}", .{ path, linux.errno(got) });
        if (got == 0) break;
        var at: usize = 0;
        while (at < got) {
            const entry: *align(1) linux.dirent64 = @ptrCast(&room[at]);
            const name: [*:0]const u8 = @ptrCast(&entry.name);
            n += @intFromBool(name[0] != '.');
            at += entry.reclen;
        }
    }
    return if (std.mem.eql(u8, std.mem.span(path), "/proc/self/fd")) n - 1 else n;
}

/// Bytes of address space, and of memory that is there.
pub const Memory = struct { space: u64, resident: u64 };

pub fn memory() Memory {
    const file = check.ok(std.c.open("/proc/self/statm", .{ .ACCMODE = .RDONLY }));
    defer _ = std.c.close(file);
    var room: [128]u8 = undefined;
    const text = room[0..@intCast(check.ok(std.c.read(file, &room, room.len)))];
    var columns = std.mem.splitScalar(u8, text, ' ');
    return .{ .space = pages(columns.next()), .resident = pages(columns.next()) };
}

fn pages(column: ?[]const u8) u64 {
    const n = std.fmt.parseInt(u64, column orelse "", 10) catch check.fail("/proc/self/statm has no number", .{});
    return n * std.heap.pageSize();
}
