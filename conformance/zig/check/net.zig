//! What the I/O cases share: sockets that are connected, and data that can be told apart.
const std = @import("std");
const builtin = @import("builtin");
const photonrt = @import("photonrt");
const check = @import("../check.zig");
const c = photonrt.c;
const posix = std.posix;
const linux = std.os.linux;

pub const Handle = photonrt.fd.Handle;
/// Two ends, or any two descriptors.
pub const Pair = [2]Handle;

extern "c" fn socketpair(domain: c_uint, kind: c_uint, protocol: c_uint, fds: *Pair) c_int;

/// An address of the local host.
pub fn local(port_: u16) photonrt.net.Address {
    var text: [32]u8 = undefined;
    const name = std.fmt.bufPrintSentinel(&text, "127.0.0.1:{d}", .{port_}, 0) catch unreachable;
    return photonrt.net.Address.parse(name) catch |e| check.fail("{s}: {t}", .{ name, e });
}

/// The port that a socket has.
pub fn port(fd: Handle) u16 {
    const address = photonrt.net.localAddress(fd) catch |e| check.fail("getsockname: {t}", .{e});
    return address.port().?;
}

/// A listener on a port that the system picks.
pub fn listen() Handle {
    return photonrt.net.listen("127.0.0.1", 0, 0) catch |e| check.fail("listen: {t}", .{e});
}

/// A socket of AF_INET that is not connected yet.
pub fn socket() Handle {
    return photonrt.net.createSocket(posix.AF.INET, posix.SOCK.STREAM, 0) catch |e| check.fail("socket: {t}", .{e});
}

/// A connection to a port of the local host.
pub fn connect(to: u16) Handle {
    const fd = socket();
    photonrt.net.connectTo(fd, &local(to), .forever) catch |e| check.fail("connect: {t}", .{e});
    return fd;
}

/// The next connection.
pub fn accept(listener: Handle) Handle {
    return photonrt.net.accept(listener, null, .forever) catch |e| check.fail("accept: {t}", .{e});
}

/// Two ends of a TCP connection.
pub fn tcpPair() Pair {
    const listener = listen();
    defer close(listener);
    const client = connect(port(listener));
    return .{ client, accept(listener) };
}

/// Two ends of a local stream.
pub fn unixPair() Pair {
    return localPair(posix.SOCK.STREAM);
}

/// Two ends of a local connection of any kind (SOCK.*), which the runtime knows nothing of.
pub fn localPair(kind: u32) Pair {
    var fds: Pair = undefined;
    _ = check.sys(socketpair(posix.AF.UNIX, kind | posix.SOCK.CLOEXEC, 0, &fds));
    return fds;
}

/// A pipe that the runtime knows nothing of: to read from, to write to.
pub fn pipe() Pair {
    var fds: Pair = undefined;
    _ = check.sys(std.c.pipe2(&fds, .{ .CLOEXEC = true }));
    return fds;
}

/// A file, opened with mode 0600.
pub fn open(path: [*:0]const u8, flags: posix.O) Handle {
    return photonrt.fd.open(path, flags, 0o600, .forever) catch |e| check.fail("{s}: {t}", .{ path, e });
}

/// Closes a descriptor, and it was open.
pub fn close(fd: Handle) void {
    check.eq(0, c.co_io_close(fd));
}

/// Closes several.
pub fn closeAll(fds: []const Handle) void {
    for (fds) |fd| close(fd);
}

/// The mode that a descriptor is in, as open(2) has it.
pub fn mode(fd: Handle) posix.O {
    return @bitCast(check.sys(std.c.fcntl(fd, posix.F.GETFL)));
}

/// Puts it into non-blocking mode.
pub fn setNonblocking(fd: Handle) void {
    var now = mode(fd);
    now.NONBLOCK = true;
    _ = check.sys(std.c.fcntl(fd, posix.F.SETFL, @as(c_int, @bitCast(now))));
}

/// What the system says of a file.
pub fn stat(dir: Handle, path: [*:0]const u8, flags: u32) linux.Statx {
    var st: linux.Statx = undefined;
    check.eq(.SUCCESS, linux.errno(linux.statx(dir, path, flags, .BASIC_STATS, &st)));
    return st;
}

/// The position of a file.
pub fn position(fd: Handle) u64 {
    return @intCast(check.sys(std.c.lseek(fd, 0, posix.SEEK.CUR)));
}

/// Moves it there.
pub fn seek(fd: Handle, to: u63) void {
    check.eq(to, check.sys(std.c.lseek(fd, to, posix.SEEK.SET)));
}

/// Takes a file out of memory, where the system can be asked for that; and it is not to be read ahead.
pub fn cool(fd: Handle) void {
    if (builtin.os.tag != .linux) return;
    for ([_]usize{ linux.POSIX_FADV.DONTNEED, linux.POSIX_FADV.RANDOM }) |advice| {
        check.eq(.SUCCESS, linux.errno(linux.fadvise(fd, 0, 0, advice)));
    }
}

/// Whether it is close-on-exec.
pub fn closesOnExec(fd: Handle) bool {
    return check.sys(std.c.fcntl(fd, posix.F.GETFD)) & posix.FD_CLOEXEC != 0;
}

/// Byte `i` of the endless stream `seed`: a lost, doubled or swapped byte does not fit.
pub fn byte(seed: u64, i: u64) u8 {
    return @truncate((i *% 0x9e3779b97f4a7c15 +% seed) >> 56);
}

/// Fills `bytes` with the stream from `at` on.
pub fn fill(bytes: []u8, seed: u64, at: u64) void {
    for (bytes, at..) |*b, i| b.* = byte(seed, i);
}

/// `bytes` are those of the stream from `at` on.
pub fn same(bytes: []const u8, seed: u64, at: u64) void {
    for (bytes, at..) |b, i| if (b != byte(seed, i)) check.fail("byte {d} of the stream differs", .{i});
}

/// Sends all, by as many calls as it takes.
pub fn sendAll(fd: Handle, bytes: []const u8) void {
    var done: usize = 0;
    while (done < bytes.len) {
        const n = photonrt.net.send(fd, bytes[done..], 0, .forever) catch |e| check.fail("send: {t}", .{e});
        check.ge(n, 1);
        done += n;
    }
}

/// Receives until `buffer` is full, by as many calls as it takes.
pub fn receiveAll(fd: Handle, buffer: []u8) void {
    var done: usize = 0;
    while (done < buffer.len) {
        const n = photonrt.net.receive(fd, buffer[done..], 0, .forever) catch |e| check.fail("receive: {t}", .{e});
        check.ge(n, 1);
        done += n;
    }
}

/// Closes a TCP connection so that its peer learns of a reset.
pub fn abort(fd: Handle) void {
    const linger: std.c.linger = .{ .onoff = 1, .linger = 0 };
    _ = check.ok(c.co_io_setsockopt(fd, posix.SOL.SOCKET, posix.SO.LINGER, &linger, @sizeOf(std.c.linger)));
    close(fd);
}

/// A page that can be read and not written.
pub fn readOnlyPage() *anyopaque {
    const page = std.c.mmap(null, 4096, .{ .READ = true }, .{ .TYPE = .PRIVATE, .ANONYMOUS = true }, -1, 0);
    check.that(page != std.c.MAP_FAILED);
    return page;
}

/// Whether a write to a dead peer by a plain system call would end the process, as it does unless a program ignores
/// the signal. Cases begin with false.
pub fn brokenPipeKills(kills: bool) void {
    const action: posix.Sigaction = .{
        .handler = .{ .handler = if (kills) posix.SIG.DFL else posix.SIG.IGN },
        .mask = posix.sigemptyset(),
        .flags = 0,
    };
    posix.sigaction(.PIPE, &action, null);
}
