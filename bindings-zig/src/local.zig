//! What a coroutine (or plain thread) carries along: values under keys, and memory that goes when it ends.
const std = @import("std");
const c = @import("c");
const errors = @import("errors.zig");
const Allocator = std.mem.Allocator;

/// A key, under which each coroutine and plain thread has a pointer of its own. Children inherit nothing.
pub fn Local(comptime T: type) type {
    return struct {
        key: c.co_key_t,

        const Self = @This();
        /// `WouldBlock`: a plain thread, and the system has no key left for it. `NotFound`: freed.
        pub const SetError = error{ NotFound, OutOfMemory, WouldBlock, Unexpected };

        /// `destructor` is called with each value that is left when its coroutine ends, on that one's stack. `WouldBlock`: 4096
        /// keys are in use. Any thread.
        pub fn init(comptime destructor: ?fn (*T) void) error{WouldBlock}!Self {
            const Thunk = struct {
                fn end(value: ?*anyopaque) callconv(.c) void {
                    destructor.?(@ptrCast(@alignCast(value.?)));
                }
            };
            var key: c.co_key_t = 0;
            if (c.co_key_new(&key, if (destructor == null) null else Thunk.end) < 0) return error.WouldBlock;
            return .{ .key = key };
        }

        /// Values that are still set get no destructor. Any thread.
        pub fn deinit(local: Self) void {
            _ = c.co_key_free(local.key);
        }

        /// Null takes it back. The value before is forgotten, without its destructor.
        pub fn set(local: Self, value: ?*T) SetError!void {
            const rc = c.co_local_set(local.key, @ptrCast(value));
            if (rc < 0) return errors.of(SetError, rc);
        }

        /// A few nanoseconds.
        pub inline fn get(local: Self) ?*T {
            return @ptrCast(@alignCast(c.co_local_get(local.key) orelse return null));
        }
    };
}

/// The calling coroutine's (or thread's) arena: freed when it has ended, or by `reset`.
pub const arena = struct {
    /// An allocator of it. What it gives belongs to who calls it, so it is not to be passed to another coroutine. Nothing is freed
    /// one by one.
    pub const allocator: Allocator = .{ .ptr = undefined, .vtable = &.{
        .alloc = alloc,
        .resize = Allocator.noResize,
        .remap = Allocator.noRemap,
        .free = Allocator.noFree,
    } };

    /// Bytes taken since it was empty.
    pub fn used() usize {
        return c.co_arena_used();
    }

    /// Empties it: nothing that came from it may be used any more.
    pub fn reset() void {
        c.co_arena_reset();
    }

    fn alloc(_: *anyopaque, len: usize, alignment: std.mem.Alignment, _: usize) ?[*]u8 {
        return @ptrCast(c.co_arena_alloc(len, alignment.toByteUnits()));
    }
};
