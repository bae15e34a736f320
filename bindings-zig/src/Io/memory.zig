//! The block of memory of a task.
//!
//! ```text
//!   | head, whose first field is a Block | context, aligned | result, aligned |
//! ```
//! From the allocator of the Io: any size, any alignment.
//!
//! Rejected: context and result on the coroutine's own stack (co_spawn_copy). The stack would be
//! needed from the spawn on and until the result has been taken, not only while the task runs: a
//! thousand tasks that are spawned and then awaited run on one stack after the other, which is in
//! cache. Measured: 80 ns for spawn and join with a copy, 27 without. And it has no room for large
//! results and no alignment beyond a page.
const std = @import("std");
const Alignment = std.mem.Alignment;

pub const Block = struct {
    context: [*]u8,
    result: [*]u8,
    len: usize,
    alignment: Alignment,

    /// A `Head` with its block filled, the rest of it undefined, and the context copied.
    pub fn create(
        comptime Head: type,
        gpa: std.mem.Allocator,
        context: []const u8,
        context_alignment: Alignment,
        result_len: usize,
        result_alignment: Alignment,
    ) error{OutOfMemory}!*Head {
        const alignment = Alignment.of(Head).max(result_alignment).max(context_alignment);
        const context_at = context_alignment.forward(@sizeOf(Head));
        const result_at = result_alignment.forward(context_at + context.len);
        const len = result_at + result_len;
        const memory = gpa.rawAlloc(len, alignment, @returnAddress()) orelse return error.OutOfMemory;
        const head: *Head = @ptrCast(@alignCast(memory));
        head.block = .{
            .context = memory + context_at,
            .result = memory + result_at,
            .len = len,
            .alignment = alignment,
        };
        @memcpy(head.block.context, context);
        return head;
    }

    /// Frees the block, and `head` with it.
    pub fn destroy(gpa: std.mem.Allocator, head: anytype) void {
        const block = head.block;
        const memory: [*]u8 = @ptrCast(head);
        gpa.rawFree(memory[0..block.len], block.alignment, @returnAddress());
    }
};
