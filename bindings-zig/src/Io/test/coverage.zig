//! Which entries of the table the tests have called: in the end, all of them.
const std = @import("std");
const builtin = @import("builtin");
const Io = @import("../../Io.zig");
const Spread = @import("../offload.zig").Spread;

const names = @typeInfo(std.Io.VTable).@"struct".field_names;

var called: [names.len]std.atomic.Value(bool) = @splat(.init(false));

/// The same `io`, whose calls are noted.
pub fn noted(io: std.Io) std.Io {
    return .{ .userdata = io.userdata, .vtable = &table };
}

const table: std.Io.VTable = table: {
    @setEvalBranchQuota(1_000_000);
    var all: std.Io.VTable = undefined;
    for (names, 0..) |name, i| @field(all, name) = Noted(name, i).entry;
    break :table all;
};

fn Noted(comptime name: []const u8, comptime i: usize) type {
    const Entry = @typeInfo(@FieldType(std.Io.VTable, name)).pointer.child;
    return struct {
        const entry = Spread(Entry, run).call;

        fn run(args: std.meta.ArgsTuple(Entry)) @typeInfo(Entry).@"fn".return_type.? {
            called[i].store(true, .monotonic);
            return @call(.auto, @field(Io.vtable, name), args);
        }
    };
}

/// Called in children of the test only.
const elsewhere = [_][]const u8{
    "crashHandler", // crash.zig: a child that panics
};

/// Not called under emulation, which has no such maps.
const maps = "fileMemoryMap";

test "every entry of the table has been called" {
    // Of a part of the tests nothing can be said.
    if (builtin.test_functions.len < 100) return error.SkipZigTest;
    const emulated = std.c.getenv("PHOTONRT_EMULATED") != null;
    var missing: usize = 0;
    next: for (names, &called) |name, *flag| {
        for (elsewhere) |other| if (std.mem.eql(u8, name, other)) continue :next;
        if (flag.load(.monotonic)) continue;
        if (emulated and std.mem.startsWith(u8, name, maps)) continue;
        std.debug.print("never called: {s}\n", .{name});
        missing += 1;
    }
    try std.testing.expectEqual(0, missing);
}
