const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;

const arena = photonrt.arena;
const Text = struct { bytes: [32]u8 };
var local: photonrt.Local(Text) = undefined;
var destroyed: std.atomic.Value(u32) = .init(0);

fn destroy(text: *Text) void {
    // The arena outlives the locals.
    check.that(std.mem.startsWith(u8, &text.bytes, "from the arena"));
    _ = destroyed.fetchAdd(1, .monotonic);
}

fn uses(n: u64) !void {
    check.eq(0, arena.used());
    var used: usize = 0;
    var seed = n;
    var blocks: [200][]u8 = undefined;
    for (&blocks, 0..) |*block, i| {
        const size: usize = @intCast(check.rand(&seed) % 2000);
        const alignment: std.mem.Alignment = @fromBackingInt(@intCast(check.rand(&seed) % 13));
        const start = arena.allocator.rawAlloc(size, alignment, @returnAddress()) orelse return error.OutOfMemory;
        check.that(alignment.check(@intFromPtr(start)));
        block.* = start[0..size];
        @memset(block.*, @truncate(i));
        used += size;
        check.eq(used, arena.used());
        if (i % 20 == 0) photonrt.yield();
    }
    for (blocks, 0..) |block, i| check.that(std.mem.allEqual(u8, block, @truncate(i)));
    check.eq(null, c.co_arena_alloc(8, 0));
    check.eq(null, c.co_arena_alloc(8, 3));
    for ([_]usize{ std.math.maxInt(usize), std.math.maxInt(usize) / 2 }) |size| {
        check.eq(null, c.co_arena_alloc(size, 8));
        check.err(error.OutOfMemory, arena.allocator.alloc(u8, size));
    }
    check.eq(used, arena.used());
    check.that(c.co_arena_alloc(0, 64) != null);
    const text = try arena.allocator.create(Text);
    @memcpy(text.bytes[0..14], "from the arena");
    try local.set(text);
}

/// Each turn begins with an empty one, in the same memory: no growth.
fn resets() !void {
    for (0..10_000) |_| {
        const bytes = try arena.allocator.alloc(u8, 64 << 10);
        bytes[0] = 1;
        bytes[bytes.len - 1] = 1;
        check.eq(bytes.len, arena.used());
        arena.reset();
        check.eq(0, arena.used());
    }
}

fn onThread() !void {
    arena.reset();
    check.eq(0, arena.used());
    const bytes = try arena.allocator.alignedAlloc(u8, .fromByteUnits(256), 1000);
    check.eq(0, @intFromPtr(bytes.ptr) % 256);
    check.eq(1000, arena.used());
}

pub fn body() !void {
    local = try .init(destroy);
    defer local.deinit();
    var tasks: [50]check.Task(uses) = undefined;
    for (&tasks, 1..) |*task, n| task.* = check.spawn(uses, .{n});
    for (tasks) |task| check.join(task);
    check.eq(tasks.len, destroyed.load(.monotonic));
    check.join(check.spawn(resets, .{}));
    try check.onThread(onThread, .{});
    check.eq(0, arena.used());
}
