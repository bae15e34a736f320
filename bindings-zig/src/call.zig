//! Calls in boxes: any function with its arguments, as the ABI's `void *(*)(void *)`.
//!
//! ```text
//!   Frame(function)   args | result                 the callee finds both by one address
//!     inPlace   the frame stays in the caller's memory: for what returns only when the callee has
//!     on a stack of its own (co_spawn_copy): `result` is left in the copy, or, where it fits into a
//!               pointer (`small`), goes to the joiner in that
//! ```
const std = @import("std");

/// What `function` returns.
pub fn Return(comptime function: anytype) type {
    return @typeInfo(@TypeOf(function)).@"fn".return_type.?;
}

/// `Set!R`; where R is an error union itself, both sets in one.
pub fn Merged(comptime Set: type, comptime R: type) type {
    return switch (@typeInfo(R)) {
        .error_union => |u| (Set || u.error_set)!u.payload,
        else => Set!R,
    };
}

/// Whether a value fits into a pointer.
pub fn small(comptime T: type) bool {
    return @sizeOf(T) <= @sizeOf(usize);
}

/// A value in a pointer.
pub inline fn pack(value: anytype) ?*anyopaque {
    var word: usize = 0;
    const T = @TypeOf(value);
    if (@sizeOf(T) > 0) @memcpy(std.mem.asBytes(&word)[0..@sizeOf(T)], std.mem.asBytes(&value));
    return @ptrFromInt(word);
}

/// It, out of the pointer.
pub inline fn unpack(comptime T: type, pointer: ?*anyopaque) T {
    const word: usize = @intFromPtr(pointer);
    var value: T = undefined;
    if (@sizeOf(T) > 0) @memcpy(std.mem.asBytes(&value), std.mem.asBytes(&word)[0..@sizeOf(T)]);
    return value;
}

/// The arguments of a call and room for its result.
pub fn Frame(comptime function: anytype) type {
    return struct {
        args: Args,
        result: Result = undefined,

        pub const Args = std.meta.ArgsTuple(@TypeOf(function));
        pub const Result = Return(function);
        const Self = @This();

        /// An entry whose argument is the frame.
        pub fn inPlace(env: ?*anyopaque) callconv(.c) ?*anyopaque {
            const frame: *Self = @ptrCast(@alignCast(env.?));
            frame.result = @call(.auto, function, frame.args);
            return null;
        }

        /// Arguments and result both fit into a pointer: nothing needs to be copied onto the stack.
        pub const one_word = small(Args) and small(Result);

        /// An entry whose argument is the arguments.
        pub fn byWord(env: ?*anyopaque) callconv(.c) ?*anyopaque {
            return pack(@call(.auto, function, unpack(Args, env)));
        }

        /// What is copied onto the new stack. The result comes first, so that who knows its type alone can find it.
        pub const Copied = extern struct {
            result: [if (small(Result)) 0 else @sizeOf(Result)]u8 align(@alignOf(Result)) = undefined,
            args: [@sizeOf(Args)]u8 align(@alignOf(Args)),

            pub fn init(args: Args) Copied {
                return .{ .args = std.mem.toBytes(args) };
            }

            /// An entry whose argument is the copy.
            pub fn entry(env: ?*anyopaque) callconv(.c) ?*anyopaque {
                const copied: *Copied = @ptrCast(@alignCast(env.?));
                const args: *const Args = @ptrCast(&copied.args);
                if (comptime small(Result)) return pack(@call(.auto, function, args.*));
                const result: *Result = @ptrCast(&copied.result);
                result.* = @call(.auto, function, args.*);
                return null;
            }
        };
    };
}

test "values in pointers" {
    const expectEqual = std.testing.expectEqual;
    const E = error{Bad};
    try expectEqual(7, unpack(u16, pack(@as(u16, 7))));
    try expectEqual(@as(E!u32, error.Bad), unpack(E!u32, pack(@as(E!u32, error.Bad))));
    try expectEqual({}, unpack(void, pack({})));
    try expectEqual(-1, unpack(i64, pack(@as(i64, -1))));
    try std.testing.expect(!small([3]u64));
}
