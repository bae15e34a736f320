const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

fn Of(comptime size: usize) type {
    return struct {
        var element: [size]u8 = undefined;

        fn filled(seed: usize) *const [size]u8 {
            for (&element, 0..) |*byte, i| byte.* = @truncate(seed * 31 + i);
            return &element;
        }

        fn all() !void {
            const n: usize = if (size > 1000) 20 else 3000;
            var first: usize = 0;
            var next: usize = 0;
            var seed: u64 = size;
            const ch: photonrt.Channel([size]u8) = try .init(photonrt.unbounded);
            defer ch.deinit(); // and what is in it
            check.eq(std.math.maxInt(i64), try ch.capacity());
            check.err(error.WouldBlock, ch.receiveTimeout(.now));
            while (first < n) {
                const sends = @min(check.rand(&seed) % n, n - next);
                for (0..sends) |_| {
                    try ch.sendTimeout(filled(next).*, .now);
                    next += 1;
                }
                check.eq(next - first, try ch.len());
                const receives = @min(check.rand(&seed) % n, next - first);
                for (0..receives) |_| {
                    const got = try ch.receiveTimeout(.now);
                    check.that(std.mem.eql(u8, filled(first), &got));
                    first += 1;
                }
            }
            check.err(error.WouldBlock, ch.receiveTimeout(.now));
            for (0..n) |_| try ch.send(element);
        }
    };
}

pub fn body() !void {
    // 64 KiB at a time, by value: some frames are large.
    inline for (.{ 0, 1, 3, 4, 8, 100, 4096, 5000, photonrt.c.CO_CHAN_ELEM_MAX }) |size| {
        check.join(try photonrt.spawnWith(.{ .stack_size = 2 << 20 }, Of(size).all, .{}));
    }
}
