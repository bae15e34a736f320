const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;

const rounds = 6;

fn Of(comptime size: usize) type {
    return struct {
        const Element = [size]u8;
        var ch: photonrt.Channel(Element) = undefined;
        var in: Element = undefined;
        var want: Element = undefined;
        /// What is received, and what must not be touched.
        var out: extern struct { element: Element, beyond: [16]u8 } = undefined;

        fn fill(element: *Element, seed: usize) void {
            for (element, 0..) |*byte, i| byte.* = @truncate(seed * 7 + i % 251);
        }

        fn sender(slow: bool) !void {
            for (0..rounds) |i| {
                fill(&in, i);
                try ch.send(in);
                @memset(&in, 0xee); // it has been taken
                if (slow) photonrt.yield();
            }
        }

        /// In each way there is.
        fn receive(i: usize) !void {
            @memset(std.mem.asBytes(&out), 0xaa);
            switch (i % 3) {
                0 => out.element = try ch.receive(),
                1 => {
                    var cases = [_]photonrt.Case{ch.onReceive(&out.element)};
                    check.eq(0, try photonrt.select(&cases, .forever));
                    try cases[0].result();
                },
                else => check.eq(0, c.co_chan_recv(ch.handle, &out, c.CO_FOREVER)),
            }
            fill(&want, i);
            check.that(std.mem.eql(u8, &want, &out.element));
            check.that(std.mem.allEqual(u8, &out.beyond, 0xaa));
        }

        fn pass(slow_sender: bool, slow_receiver: bool) !void {
            const task = try photonrt.spawnWith(.{ .stack_size = 2 << 20 }, sender, .{slow_sender});
            for (0..rounds) |i| {
                if (slow_receiver) try photonrt.sleep(.us(50));
                try receive(i);
            }
            check.join(task);
        }

        fn all() !void {
            for ([_]usize{ 0, 1, 3, photonrt.unbounded }) |room| {
                ch = try .init(room);
                defer ch.deinit();
                if (size > 0) {
                    check.errno(.INVAL, c.co_chan_send(ch.handle, null, c.CO_FOREVER));
                } else if (room > 0) {
                    try ch.send(.{});
                    _ = try ch.receive();
                }
                try pass(false, false);
                try pass(true, false);
                try pass(false, true);
            }
        }
    };
}

pub fn body() !void {
    var handle: c.co_chan_t = 77;
    check.errno(.INVAL, c.co_chan_new(&handle, c.CO_CHAN_ELEM_MAX + 1, 0));
    check.errno(.INVAL, c.co_chan_new(&handle, std.math.maxInt(usize), 1));
    check.errno(.INVAL, c.co_chan_new(null, 1, 1));
    check.eq(77, handle);
    // 64 KiB at a time, by value: some frames are large.
    inline for (.{ 0, 1, 3, 8, 100, c.CO_CHAN_ELEM_MAX }) |size| {
        check.join(try photonrt.spawnWith(.{ .stack_size = 2 << 20 }, Of(size).all, .{}));
    }
}
