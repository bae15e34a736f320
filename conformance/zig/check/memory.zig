//! The end of memory: a limit on the address space, and what malloc still has below it.
const std = @import("std");
const check = @import("../check.zig");

/// No more than `more` bytes on top of what there is; null: as many as the system gives.
pub fn limit(more: ?usize) void {
    var l = std.posix.getrlimit(.AS) catch |e| check.fail("getrlimit: {t}", .{e});
    l.cur = if (more) |n| check.proc.memory().space + n else l.max;
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
