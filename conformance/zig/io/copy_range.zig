const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const c = photonrt.c;
const Handle = net.Handle;

const size = 300000;
var in: [size]u8 = undefined;

/// One call.
fn copy(from: Handle, from_at: ?*i64, to: Handle, to_at: ?*i64, len: usize) photonrt.IoError!usize {
    return photonrt.fd.result(c.co_io_copy_file_range(from, from_at, to, to_at, len, 0, c.CO_FOREVER));
}

/// As many as it takes; how many bytes.
fn copyAll(from: Handle, from_at: ?*i64, to: Handle, to_at: ?*i64, len: usize) !usize {
    var total: usize = 0;
    while (total < len) {
        const n = try copy(from, from_at, to, to_at, len - total);
        if (n == 0) break;
        total += n;
    }
    return total;
}

fn same(fd: Handle, len: usize, at: u64, offset: u63) !void {
    check.eq(len, try photonrt.fd.pread(fd, in[0..len], offset, .forever));
    net.same(in[0..len], 6, at);
}

fn copies(from: Handle, to: Handle) !void {
    var a: i64 = 1000;
    var b: i64 = 5;
    net.seek(from, 0);
    check.eq(2000, try copyAll(from, &a, to, &b, 2000));
    check.eq(3000, a);
    check.eq(2005, b);
    check.eq(0, net.position(from));
    check.eq(0, net.position(to));
    try same(to, 2000, 1000, 5);
    check.eq(size, try copyAll(from, null, to, null, size + 100));
    check.eq(size, net.position(from));
    check.eq(size, net.position(to));
    try same(to, size, 0, 0);
    check.eq(0, try copy(from, null, to, null, 100));
    check.eq(0, try copy(from, &a, to, &b, 0));
}

fn onThread(from: Handle, to: Handle) !void {
    check.eq(0, c.co_io_ftruncate(to, 0, c.CO_FOREVER));
    net.seek(to, 0);
    try copies(from, to);
}

fn errors(from: Handle, to: Handle) !void {
    const copy_file_range = c.co_io_copy_file_range;
    const pipe = try photonrt.fd.pipe();
    var a: i64 = 0;
    var b: i64 = -1;
    check.err(error.InvalidArgument, copy(from, &a, to, &b, 1));
    check.errno(.INVAL, copy_file_range(from, &a, to, null, 1, 1, c.CO_FOREVER));
    check.errno(.INVAL, copy_file_range(from, &a, to, null, 1, 0, -2));
    check.errno(.AGAIN, copy_file_range(from, &a, to, null, 1, 0, c.CO_NOW));
    check.err(error.InvalidArgument, copy(pipe[0], null, to, null, 1));
    check.err(error.InvalidArgument, copy(from, &a, pipe[1], null, 1));
    b = 10;
    check.err(error.InvalidArgument, copy(from, &a, from, &b, 100)); // overlap
    b = size;
    check.eq(100, try copy(from, &a, from, &b, 100));
    for ([_]net.Pair{ .{ from, 1000000 }, .{ -1, to } }) |bad| {
        check.errno(.BADF, copy_file_range(bad[0], null, bad[1], null, 1, 0, c.CO_FOREVER));
        check.errno(.BADF, copy_file_range(bad[0], null, bad[1], null, 1, 0, c.CO_NOW));
    }
    const reader = net.open("to", .{});
    check.err(error.BadDescriptor, copy(from, &a, reader, null, 1));
    net.close(reader);
    const read_only: *i64 = @ptrCast(check.pages(4096, .{ .READ = true }));
    check.err(error.BadAddress, copy(from, read_only, to, null, 1));
    net.closeAll(&pipe);
    net.closeAll(&.{ from, to });
}

pub fn body() !void {
    const flags: std.posix.O = .{ .ACCMODE = .RDWR, .CREAT = true, .TRUNC = true };
    const from = net.open("from", flags);
    const to = net.open("to", flags);
    net.fill(&in, 6, 0);
    check.eq(size, try photonrt.fd.pwrite(from, &in, 0, .forever));
    try copies(from, to);
    try check.onThread(onThread, .{ from, to });
    // Another file system.
    const memory = std.os.linux.memfd_create("other", std.os.linux.MFD.CLOEXEC);
    if (std.os.linux.errno(memory) == .SUCCESS) {
        try copies(from, @intCast(memory));
        net.close(@intCast(memory));
    }
    try errors(from, to);
}
