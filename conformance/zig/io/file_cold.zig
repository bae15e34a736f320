//! Half of a file is in memory, the other half is not: a call that asks for all of it gets all of it, as from read(2),
//! in whatever way the engine does without waiting for the disk.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const fd = photonrt.fd;
const iovec = std.posix.iovec;

const len = 1 << 20;
const half = len / 2;
const seed = 7;
var buffer: [len]u8 = undefined;

/// Only the first half stays in the page cache, where the system can be asked for that.
fn cool(file: net.Handle) void {
    net.cool(file);
    check.eq(half, std.c.pread(file, &buffer, half, 0));
    @memset(&buffer, 0);
    net.seek(file, 0);
}

const Way = enum { read, pread, readv, preadv, batch };

pub fn body() !void {
    const odd = [_]iovec{
        .{ .base = &buffer, .len = 1000 },
        .{ .base = buffer[1000..], .len = 0 },
        .{ .base = buffer[1000..], .len = half },
        .{ .base = buffer[1000 + half ..], .len = half - 1000 },
    };
    const file = net.open("cold", .{ .ACCMODE = .RDWR, .CREAT = true, .TRUNC = true });
    net.fill(&buffer, seed, 0);
    check.eq(len, try fd.write(file, &buffer, .forever));
    for (std.enums.values(Way)) |way| {
        try fd.sync(file, .forever);
        cool(file);
        check.eq(len, switch (way) {
            .read => try fd.read(file, &buffer, .forever),
            .pread => try fd.pread(file, &buffer, 0, .seconds(60)),
            .readv => try fd.readv(file, &odd, .forever),
            .preadv => try fd.preadv(file, &odd, 0, .forever),
            .batch => batch: {
                var ops = [_]photonrt.batch.Operation{.read(file, &buffer)};
                check.eq(1, try photonrt.batch.all(&ops, .forever));
                break :batch try ops[0].result();
            },
        });
        net.same(&buffer, seed, 0);
    }
    // At the end of the file it is short all the same.
    check.eq(half, try fd.pread(file, &buffer, half, .forever));
    check.eq(0, try fd.pread(file, &buffer, len, .forever));
    // Who doesn't wait gets what there is, or is told.
    cool(file);
    if (fd.read(file, &buffer, .now)) |n| {
        check.ge(n, 1);
        check.eq(n, net.position(file));
        net.same(buffer[0..n], seed, 0);
    } else |e| check.eq(error.WouldBlock, e);
    // Written over, half of it cold.
    cool(file);
    net.fill(&buffer, seed + 1, 0);
    check.eq(len, try fd.write(file, &buffer, .forever));
    check.eq(len, try fd.pwritev(file, @ptrCast(&odd), 0, .forever));
    @memset(&buffer, 0);
    check.eq(len, try fd.pread(file, &buffer, 0, .forever));
    net.same(&buffer, seed + 1, 0);
    net.close(file);
}
