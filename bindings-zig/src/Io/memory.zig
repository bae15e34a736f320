//! The block of memory of a task, and where it comes from.
//!
//! ```text
//!   | head, whose first field is a Block | context, aligned | result, aligned |
//!
//!   Memory{ id, caches } --> Cache --> Cache --> ...     one for each vCPU's thread
//!                            128:  block -> block -> ...
//!                            256:  block -> ...
//!                            512:
//! ```
//! From the allocator of the Io: any size, any alignment. What is small and ends on a vCPU stays with
//! that one's thread, for the next task there: a task then costs no trip to the allocator.
//!
//! A thread finds its cache by a thread-local, which says of which Memory it is: by a number, since
//! one Memory may come to lie where another was. Only threads of the default group have one: they end
//! before the Io does, so `deinit` finds all caches at rest.
//!
//! A coroutine may go on on another thread after a wait: `create` and `destroy` do not wait, and are
//! not inlined into what does, so that no address of a thread-local outlives one.
//!
//! Rejected: context and result on the coroutine's own stack (co_spawn_copy). The stack would be
//! needed from the spawn on and until the result has been taken, not only while the task runs: a
//! thousand tasks that are spawned and then awaited run on one stack after the other, which is in
//! cache. Measured: 80 ns for spawn and join with a copy, 27 without. And it has no room for large
//! results and no alignment beyond a page.
const std = @import("std");
const c = @import("c");
const Alignment = std.mem.Alignment;

/// What the head of a task begins with.
pub const Block = struct {
    context: [*]u8,
    result: [*]u8,
    len: usize,
    alignment: Alignment,
};

/// Blocks in a cache are of these sizes; what is larger, or aligned to more than the first, is not kept.
const sizes = [_]usize{ 128, 256, 512 };
const kept_alignment: Alignment = .@"64";
/// Bytes that a thread keeps of each size.
const kept_bytes = 128 << 10;

const Free = struct { next: ?*Free };

const Cache = struct {
    next: ?*Cache,
    first: [sizes.len]?*Free = @splat(null),
    count: [sizes.len]u32 = @splat(0),
};

threadlocal var mine: struct { memory: u64, cache: ?*Cache } = .{ .memory = 0, .cache = null };

/// Where the next Memory gets its number from.
var numbers: std.atomic.Value(u64) = .init(0);

pub const Memory = struct {
    gpa: std.mem.Allocator,
    /// Unlike that of any other Memory of this process.
    id: u64,
    /// The group whose threads have caches; 0: none has.
    group: c.co_group_t,
    caches: std.atomic.Value(?*Cache),

    pub fn init(gpa: std.mem.Allocator) Memory {
        return .{ .gpa = gpa, .id = numbers.fetchAdd(1, .monotonic) + 1, .group = 0, .caches = .init(null) };
    }

    /// Frees what is in the caches. Their threads must have ended.
    pub fn deinit(m: *Memory) void {
        var next = m.caches.load(.acquire); // the exchange in attach
        while (next) |cache| {
            next = cache.next;
            for (sizes, cache.first) |size, first| {
                var block = first;
                while (block) |b| {
                    block = b.next;
                    m.gpa.rawFree(@as([*]u8, @ptrCast(b))[0..size], kept_alignment, @returnAddress());
                }
            }
            m.gpa.destroy(cache);
        }
    }

    /// A `Head` with its `block` filled and the context copied; the rest of it is undefined.
    pub noinline fn create(
        m: *Memory,
        comptime Head: type,
        context: []const u8,
        context_alignment: Alignment,
        result_len: usize,
        result_alignment: Alignment,
    ) error{OutOfMemory}!*Head {
        const alignment = Alignment.of(Head).max(result_alignment).max(context_alignment);
        const context_at = context_alignment.forward(@sizeOf(Head));
        const result_at = result_alignment.forward(context_at + context.len);
        const len = result_at + result_len;
        const memory = try m.take(len, alignment);
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

    /// Frees a head, and what is behind it.
    pub noinline fn destroy(m: *Memory, head: anytype) void {
        const block = head.block;
        m.give(@ptrCast(head), block.len, block.alignment);
    }

    fn take(m: *Memory, len: usize, alignment: Alignment) error{OutOfMemory}![*]u8 {
        const class = classOf(len, alignment) orelse
            return m.gpa.rawAlloc(len, alignment, @returnAddress()) orelse error.OutOfMemory;
        if (m.here()) |cache| if (cache.first[class]) |block| {
            cache.first[class] = block.next;
            cache.count[class] -= 1;
            return @ptrCast(block);
        };
        return m.gpa.rawAlloc(sizes[class], kept_alignment, @returnAddress()) orelse error.OutOfMemory;
    }

    fn give(m: *Memory, memory: [*]u8, len: usize, alignment: Alignment) void {
        const class = classOf(len, alignment) orelse
            return m.gpa.rawFree(memory[0..len], alignment, @returnAddress());
        if (m.here()) |cache| if (cache.count[class] < kept_bytes / sizes[class]) {
            const block: *Free = @ptrCast(@alignCast(memory));
            block.next = cache.first[class];
            cache.first[class] = block;
            cache.count[class] += 1;
            return;
        };
        m.gpa.rawFree(memory[0..sizes[class]], kept_alignment, @returnAddress());
    }

    /// The calling thread's.
    fn here(m: *Memory) ?*Cache {
        return if (mine.memory == m.id) mine.cache else m.attach();
    }

    fn attach(m: *Memory) ?*Cache {
        @branchHint(.cold);
        mine = .{ .memory = m.id, .cache = null };
        if (m.group == 0 or c.co_group_self() != m.group) return null;
        const new = m.gpa.create(Cache) catch return null;
        new.* = .{ .next = m.caches.load(.monotonic) };
        // Release: `new.next`, for the load in deinit.
        while (m.caches.cmpxchgWeak(new.next, new, .release, .monotonic)) |first| new.next = first;
        mine.cache = new;
        return new;
    }
};

fn classOf(len: usize, alignment: Alignment) ?usize {
    if (alignment.compare(.gt, kept_alignment)) return null;
    for (sizes, 0..) |size, class| if (len <= size) return class;
    return null;
}
