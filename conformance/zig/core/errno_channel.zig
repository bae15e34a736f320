//! What a call returns says everything: whatever errno is before, and whoever reads a cached address of it after.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

fn end(x: u32) u32 {
    return x;
}

fn set(value: c_int) void {
    std.c._errno().* = value;
}

pub fn body() !void {
    const numbers = [_]c_int{ 0, @backingInt(std.posix.E.INVAL), @backingInt(std.posix.E.CANCELED), 12345 };
    for (numbers) |number| {
        var byte: [1]u8 = undefined;
        set(number);
        check.err(error.WouldBlock, photonrt.park(.now));
        set(number);
        check.err(error.Timeout, photonrt.park(.us(10)));
        set(number);
        check.err(error.InvalidArgument, photonrt.sleep(.ns(-2)));
        set(number);
        check.err(error.NotFound, photonrt.Coroutine.unpark(.none));
        set(number);
        check.err(error.BadDescriptor, photonrt.fd.read(-1, &byte, .now));
        set(number);
        check.err(error.FileNotFound, photonrt.fd.open("/nonexistent/file", .{}, 0, .forever));
        set(number);
        check.errno(.BADF, photonrt.c.co_io_close(-1));
        set(number);
        const task = try photonrt.spawn(end, .{7});
        set(number);
        check.eq(7, try task.join());
        set(number);
        try photonrt.sleep(.us(10));
    }
}
