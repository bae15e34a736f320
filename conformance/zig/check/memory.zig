//! The end of memory: a limit on the address space, and what malloc still has below it.
const std = @import("std");
const check = @import("../check.zig");

/// Bytes of address space that the process has. Allocates nothing.
pub fn addressSpace() usize {
    const file = check.ok(std.c.open("/proc/self/statm", .{ .ACCMODE = .RDONLY }));
    defer _ = std.c.close(file);
    var room: [128]u8 = undefined;
    const n: usize = @intCast(check.ok(std.c.read(file, &room, room.len)));
    const pages = std.mem.sliceTo(room[0..n], ' ');
    return (std.fmt.parseInt(usize, pages, 10) catch check.fail("/proc/self/statm: {s}", .{pages})) * std.heap.pageSize();
}

/// No more than `more` bytes on top of what there is; null: as many as the system gives.
pub fn limit(more: ?usize) void {
    var l = std.posix.getrlimit(.AS) catch |e| check.fail("getrlimit: {t}", .{e});
    l.cur = if (more) |n| addressSpace() + n else l.max;
    std.posix.setrlimit(.AS, l) catch |e| check.fail("setrlimit: {t}", .{e});
}

/// All that malloc still has, down to its smallest block.
pub const Hog = struct {
    blocks: ?*Block = null,

    const Block = struct { next: ?*Block };

    pub fn fill() Hog {
        var hog: Hog = .{};
        var size: usize = 1 << 20;
        while (size >= @sizeOf(Block)) : (size /= 2) while (std.c.malloc(size)) |memory| {
            const block: *Block = @ptrCast(@alignCast(memory));
            block.next = hog.blocks;
            hog.blocks = block;
        };
        return hog;
    }

    pub fn release(hog: Hog) void {
        var next = hog.blocks;
        while (next) |block| {
            next = block.next;
            std.c.free(block);
        }
    }
};
