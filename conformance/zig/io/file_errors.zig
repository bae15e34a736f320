const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const fd = photonrt.fd;
const c = photonrt.c;

fn opens() void {
    const RW: std.posix.O = .{ .ACCMODE = .RDWR, .CREAT = true, .EXCL = true };
    check.err(error.FileNotFound, fd.open("absent", .{}, 0, .forever));
    check.err(error.FileNotFound, fd.open("", .{}, 0, .forever));
    check.errno(.FAULT, c.co_io_open(null, 0, 0, c.CO_FOREVER));
    check.err(error.IsDir, fd.open(".", .{ .ACCMODE = .WRONLY }, 0, .forever));
    check.err(error.PathAlreadyExists, fd.open("file", RW, 0o600, .forever));
    check.err(error.NotDir, fd.open("file/below", .{}, 0, .forever));
    check.err(error.NotDir, fd.open("file", .{ .DIRECTORY = true }, 0, .forever));
    check.err(error.InvalidArgument, fd.open("file", .{}, 0, .ns(-2)));
    const long: [5000:0]u8 = @splat('a');
    check.err(error.NameTooLong, fd.open(&long, .{}, 0, .forever));
}

/// A descriptor that is not one: every call says so.
fn bad(file: net.Handle) void {
    const want = error.BadDescriptor;
    var byte: [1]u8 = .{0};
    check.err(want, fd.read(file, &byte, .forever));
    check.err(want, fd.read(file, &byte, .now));
    check.err(want, fd.write(file, &byte, .forever));
    check.err(want, fd.pread(file, &byte, 0, .forever));
    check.err(want, fd.pwrite(file, &byte, 0, .forever));
    check.err(want, fd.sync(file, .forever));
    check.err(want, photonrt.net.receive(file, &byte, 0, .forever));
    check.err(want, photonrt.net.send(file, &byte, 0, .forever));
    check.err(want, photonrt.net.accept(file, null, .forever));
    check.err(want, photonrt.net.connectTo(file, &net.local(1), .forever));
    check.err(want, photonrt.net.shutdown(file, .receive));
    check.errno(.BADF, c.co_io_close(file));
}

/// Offsets below 0 exist in C only: -1 is no "here".
fn offsets(file: net.Handle) void {
    var byte: [1]u8 = .{0};
    check.errno(.INVAL, c.co_io_pread(file, &byte, 1, -1, c.CO_FOREVER));
    check.errno(.INVAL, c.co_io_pread(file, &byte, 1, std.math.minInt(i64), c.CO_FOREVER));
    check.errno(.INVAL, c.co_io_pwrite(file, &byte, 1, -1, c.CO_FOREVER));
    check.eq(7, net.position(file));
}

fn timeouts(file: net.Handle) void {
    const want = error.InvalidArgument;
    var byte: [1]u8 = .{0};
    check.err(want, fd.read(file, &byte, .ns(-2)));
    check.err(want, fd.write(file, &byte, .ns(std.math.minInt(i64))));
    check.err(want, fd.pread(file, &byte, 0, .ns(-2)));
    check.err(want, fd.pwrite(file, &byte, 0, .ns(-2)));
    check.err(want, fd.sync(file, .ns(-2)));
}

fn pointers(file: net.Handle) void {
    const nothing = check.pages(4096, .{});
    check.err(error.BadAddress, fd.pread(file, nothing[0..4], 0, .forever));
    check.err(error.BadAddress, fd.pwrite(file, nothing[0..4], 0, .forever));
    check.errno(.FAULT, c.co_io_pread(file, null, 4, 0, c.CO_FOREVER));
}

fn kinds(file: net.Handle) void {
    var byte: [1]u8 = .{0};
    check.err(error.NotSocket, photonrt.net.receive(file, &byte, 0, .forever));
    check.err(error.NotSocket, photonrt.net.send(file, &byte, 0, .forever));
    check.err(error.NotSocket, photonrt.net.accept(file, null, .forever));
    check.err(error.NotSocket, photonrt.net.shutdown(file, .receive));
    const reader = net.open("file", .{});
    const writer = net.open("file", .{ .ACCMODE = .WRONLY });
    const folder = net.open(".", .{ .DIRECTORY = true });
    check.err(error.BadDescriptor, fd.write(reader, &byte, .forever));
    check.err(error.BadDescriptor, fd.pwrite(reader, &byte, 0, .forever));
    check.err(error.BadDescriptor, fd.read(writer, &byte, .forever));
    check.err(error.IsDir, fd.read(folder, &byte, .forever));
    const pipe = net.pipe();
    check.err(error.Unseekable, fd.pread(pipe[0], &byte, 0, .forever));
    check.err(error.Unseekable, fd.pwrite(pipe[1], &byte, 0, .forever));
    check.err(error.InvalidArgument, fd.sync(pipe[0], .forever));
    net.closeAll(&pipe);
    net.closeAll(&.{ reader, writer, folder });
}

pub fn body() !void {
    const file = net.open("file", .{ .ACCMODE = .RDWR, .CREAT = true });
    check.eq(7, try fd.write(file, "content", .forever));
    opens();
    offsets(file);
    timeouts(file);
    pointers(file);
    kinds(file);
    net.close(file);
    for ([_]net.Handle{ file, -1, std.math.minInt(c_int), 1000000 }) |none| bad(none);
}
