//! Every kind of descriptor, in blocking mode or not, with every call: the result is that of the system call on another
//! one just like it, in non-blocking mode so that it tells instead of waiting. Where it says EAGAIN, ours does with
//! `.now`; where not, ours needs no time limit. And the mode stays.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const c = photonrt.c;
const linux = std.os.linux;
const Handle = net.Handle;
const POLL = std.posix.POLL;

extern "c" fn posix_openpt(flags: c_int) c_int;
extern "c" fn grantpt(fd: c_int) c_int;
extern "c" fn unlockpt(fd: c_int) c_int;
extern "c" fn ptsname_r(fd: c_int, name: [*]u8, len: usize) c_int;

const none: Handle = 1000000;

const Made = struct {
    fd: Handle,
    /// What keeps it as it is: the other end.
    other: ?Handle = null,
};

const kinds = struct {
    pub fn file(nonblocking: bool) Made {
        const fd = open("file", .{ .ACCMODE = .RDWR, .CREAT = true, .TRUNC = true, .NONBLOCK = nonblocking });
        write(fd, "0123456789");
        net.seek(fd, 2);
        return .{ .fd = fd };
    }

    pub fn directory(nonblocking: bool) Made {
        return .{ .fd = open(".", .{ .DIRECTORY = true, .NONBLOCK = nonblocking }) };
    }

    pub fn empty_pipe(nonblocking: bool) Made {
        return end(net.pipe(), 0, nonblocking);
    }

    pub fn filled_pipe(nonblocking: bool) Made {
        return filled(empty_pipe(nonblocking));
    }

    pub fn ended_pipe(nonblocking: bool) Made {
        return alone(filled_pipe(nonblocking));
    }

    pub fn pipe_to_write(nonblocking: bool) Made {
        return end(net.pipe(), 1, nonblocking);
    }

    pub fn broken_pipe(nonblocking: bool) Made {
        return alone(pipe_to_write(nonblocking));
    }

    pub fn empty_socket(nonblocking: bool) Made {
        return end(net.unixPair(), 0, nonblocking);
    }

    pub fn filled_socket(nonblocking: bool) Made {
        return filled(empty_socket(nonblocking));
    }

    pub fn broken_socket(nonblocking: bool) Made {
        return alone(empty_socket(nonblocking));
    }

    pub fn terminal(nonblocking: bool) Made {
        var name: [100]u8 = undefined;
        const both: std.posix.O = .{ .ACCMODE = .RDWR, .NOCTTY = true };
        const master = check.sys(posix_openpt(@bitCast(both)));
        _ = check.sys(grantpt(master));
        _ = check.sys(unlockpt(master));
        check.eq(0, ptsname_r(master, &name, name.len));
        const fd = open(@ptrCast(&name), .{ .ACCMODE = .RDWR, .NOCTTY = true, .NONBLOCK = nonblocking });
        var attr: linux.termios = undefined;
        check.eq(.SUCCESS, linux.errno(linux.tcgetattr(fd, &attr)));
        attr.iflag = .{};
        attr.oflag = .{};
        attr.lflag = .{};
        attr.cc[@backingInt(linux.V.MIN)] = 1;
        attr.cc[@backingInt(linux.V.TIME)] = 0;
        check.eq(.SUCCESS, linux.errno(linux.tcsetattr(fd, .NOW, &attr)));
        return .{ .fd = fd, .other = master };
    }

    pub fn typed_terminal(nonblocking: bool) Made {
        const made = filled(terminal(nonblocking));
        var waiting = [_]std.posix.pollfd{.{ .fd = made.fd, .events = POLL.IN, .revents = 0 }};
        check.eq(1, std.c.poll(&waiting, 1, 1000));
        return made;
    }

    pub fn eventfd(nonblocking: bool) Made {
        return .{ .fd = new(linux.eventfd(5, if (nonblocking) linux.EFD.NONBLOCK else 0)) };
    }

    pub fn timerfd(nonblocking: bool) Made {
        return .{ .fd = new(linux.timerfd_create(.MONOTONIC, .{ .NONBLOCK = nonblocking })) };
    }

    pub fn zero(nonblocking: bool) Made {
        return .{ .fd = open("/dev/zero", .{ .ACCMODE = .RDWR, .NONBLOCK = nonblocking }) };
    }

    pub fn @"null"(nonblocking: bool) Made {
        return .{ .fd = open("/dev/null", .{ .ACCMODE = .RDWR, .NONBLOCK = nonblocking }) };
    }

    pub fn path(nonblocking: bool) Made {
        return .{ .fd = open(".", .{ .PATH = true, .NONBLOCK = nonblocking }) };
    }

    pub fn no_descriptor(_: bool) Made {
        return .{ .fd = none };
    }

    fn open(name: [*:0]const u8, flags: std.posix.O) Handle {
        return check.sys(std.c.open(name, flags, @as(c_uint, 0o600)));
    }

    fn write(fd: Handle, bytes: []const u8) void {
        check.eq(bytes.len, std.c.write(fd, bytes.ptr, bytes.len));
    }

    fn new(rc: usize) Handle {
        check.eq(.SUCCESS, linux.errno(rc));
        return @intCast(rc);
    }

    fn end(fds: net.Pair, comptime which: usize, nonblocking: bool) Made {
        if (nonblocking) net.setNonblocking(fds[which]);
        return .{ .fd = fds[which], .other = fds[1 - which] };
    }

    fn filled(made: Made) Made {
        write(made.other.?, "abc");
        return made;
    }

    fn alone(made: Made) Made {
        check.eq(0, std.c.close(made.other.?));
        return .{ .fd = made.fd };
    }
};

const Kind = std.meta.DeclEnum(kinds);

fn make(kind: Kind, nonblocking: bool) Made {
    return switch (kind) {
        inline else => |k| @field(kinds, @tagName(k))(nonblocking),
    };
}

/// Reads and writes of these are of eight bytes, never of none.
fn counts(kind: Kind) bool {
    return kind == .eventfd or kind == .timerfd;
}

const Call = enum {
    read,
    read_none,
    read_bad,
    write,
    write_none,
    write_bad,
    pread,
    pread_bad,
    pwrite,
    pwrite_bad,
    readv,
    readv_bad,
    readv_worse,
    writev,
    writev_bad,
    preadv,
    pwritev,
    recv,
    recv_bad,
    send,
    send_bad,
    accept,
    poll,
    fsync,
    fdatasync,
    ftruncate,
    fallocate,
    stat,
    readdir,
    openat,
    unlinkat,
    renameat,
    splice,
    copy,
    shutdown,
};

/// What both sides use.
var nothing: []u8 = undefined;
var buf: [4096]u8 align(8) = undefined;
var big: [8]u8 = undefined;
const two = [_]std.posix.iovec{ .{ .base = &big, .len = 4 }, .{ .base = big[4..], .len = 4 } };
const two_const = [_]std.posix.iovec_const{ .{ .base = &big, .len = 4 }, .{ .base = big[4..], .len = 4 } };
var bad: [1]std.posix.iovec = undefined;
var bad_const: [1]std.posix.iovec_const = undefined;
var worse: []const std.posix.iovec = undefined;
/// An empty pipe to splice to.
var sink: net.Pair = undefined;
/// A file to copy to.
var target: Handle = undefined;

fn ours(call: Call, fd: Handle, timeout: photonrt.Timeout) i64 {
    const t = timeout.raw();
    return switch (call) {
        .read => number(photonrt.fd.read(fd, buf[0..16], timeout)),
        .read_none => number(photonrt.fd.read(fd, buf[0..0], timeout)),
        .read_bad => number(photonrt.fd.read(fd, nothing[0..16], timeout)),
        .write => number(photonrt.fd.write(fd, "xyz", timeout)),
        .write_none => number(photonrt.fd.write(fd, "", timeout)),
        .write_bad => number(photonrt.fd.write(fd, nothing[0..16], timeout)),
        .pread => number(photonrt.fd.pread(fd, buf[0..5], 1, timeout)),
        .pread_bad => number(photonrt.fd.pread(fd, nothing[0..5], 1, timeout)),
        .pwrite => number(photonrt.fd.pwrite(fd, "xyz", 1, timeout)),
        .pwrite_bad => number(photonrt.fd.pwrite(fd, nothing[0..3], 1, timeout)),
        .readv => number(photonrt.fd.readv(fd, &two, timeout)),
        .readv_bad => number(photonrt.fd.readv(fd, &bad, timeout)),
        .readv_worse => number(photonrt.fd.readv(fd, worse, timeout)),
        .writev => number(photonrt.fd.writev(fd, &two_const, timeout)),
        .writev_bad => number(photonrt.fd.writev(fd, &bad_const, timeout)),
        .preadv => number(photonrt.fd.preadv(fd, &two, 1, timeout)),
        .pwritev => number(photonrt.fd.pwritev(fd, &two_const, 1, timeout)),
        .recv => number(photonrt.net.receive(fd, buf[0..16], 0, timeout)),
        .recv_bad => number(photonrt.net.receive(fd, nothing[0..16], 0, timeout)),
        .send => number(photonrt.net.send(fd, "xyz", 0, timeout)),
        .send_bad => number(photonrt.net.send(fd, nothing[0..3], 0, timeout)),
        .accept => number(photonrt.net.accept(fd, null, timeout)),
        .poll => number(photonrt.fd.poll(fd, POLL.IN | POLL.OUT, timeout)),
        .fsync => number(photonrt.fd.sync(fd, timeout)),
        .fdatasync => number(photonrt.fd.syncData(fd, timeout)),
        .ftruncate => c.co_io_ftruncate(fd, 5, t),
        .fallocate => c.co_io_fallocate(fd, 0, 0, 100, t),
        .stat => stat: {
            var st: c.co_stat_t = .{ .size = @sizeOf(c.co_stat_t) };
            break :stat c.co_io_statx(fd, null, linux.AT.EMPTY_PATH, &st, t);
        },
        .readdir => any(c.co_io_readdir(fd, &buf, buf.len, t)),
        .openat => number(photonrt.fd.openAt(fd, "absent", .{}, 0, timeout)),
        .unlinkat => c.co_io_unlinkat(fd, "absent", 0, t),
        .renameat => c.co_io_renameat(fd, "absent", fd, "x", 0, t),
        .splice => c.co_io_splice(fd, null, sink[1], null, 7, 0, t),
        .copy => c.co_io_copy_file_range(fd, null, target, null, 7, 0, t),
        .shutdown => number(photonrt.net.shutdown(fd, .send)),
    };
}

fn systems(call: Call, fd: Handle) i64 {
    const rc = switch (call) {
        .read => linux.read(fd, &buf, 16),
        .read_none => linux.read(fd, &buf, 0),
        .read_bad => linux.read(fd, nothing.ptr, 16),
        .write => linux.write(fd, "xyz", 3),
        .write_none => linux.write(fd, "", 0),
        .write_bad => linux.write(fd, nothing.ptr, 16),
        .pread => linux.pread(fd, &buf, 5, 1),
        .pread_bad => linux.pread(fd, nothing.ptr, 5, 1),
        .pwrite => linux.pwrite(fd, "xyz", 3, 1),
        .pwrite_bad => linux.pwrite(fd, nothing.ptr, 3, 1),
        .readv => linux.readv(fd, &two, 2),
        .readv_bad => linux.readv(fd, &bad, 1),
        .readv_worse => linux.readv(fd, worse.ptr, 1),
        .writev => linux.writev(fd, &two_const, 2),
        .writev_bad => linux.writev(fd, &bad_const, 1),
        .preadv => linux.preadv(fd, &two, 2, 1),
        .pwritev => linux.pwritev(fd, &two_const, 2, 1),
        .recv => linux.recvfrom(fd, &buf, 16, 0, null, null),
        .recv_bad => linux.recvfrom(fd, nothing.ptr, 16, 0, null, null),
        .send => linux.sendto(fd, "xyz", 3, linux.MSG.NOSIGNAL, null, 0),
        .send_bad => linux.sendto(fd, nothing.ptr, 3, linux.MSG.NOSIGNAL, null, 0),
        .accept => linux.accept4(fd, null, null, 0),
        .poll => return polled(fd),
        .fsync => linux.fsync(fd),
        .fdatasync => linux.fdatasync(fd),
        .ftruncate => linux.ftruncate(fd, 5),
        .fallocate => linux.fallocate(fd, 0, 0, 100),
        .stat => stat: {
            var st: linux.Statx = undefined;
            break :stat linux.statx(fd, "", linux.AT.EMPTY_PATH, .BASIC_STATS, &st);
        },
        .readdir => return any(@bitCast(linux.getdents64(fd, &buf, buf.len))),
        .openat => linux.openat(fd, "absent", .{}, 0),
        .unlinkat => linux.unlinkat(fd, "absent", 0),
        .renameat => linux.renameat(fd, "absent", fd, "x"),
        .splice => splice: {
            const nonblock = 2; // SPLICE_F_NONBLOCK
            const from: usize = @bitCast(@as(isize, fd));
            break :splice linux.syscall6(.splice, from, 0, @intCast(sink[1]), 0, 7, nonblock);
        },
        .copy => linux.copy_file_range(fd, null, target, null, 7, 0),
        .shutdown => linux.shutdown(fd, linux.SHUT.WR),
    };
    return @bitCast(rc);
}

fn polled(fd: Handle) i64 {
    var waiting = [_]std.posix.pollfd{.{ .fd = fd, .events = POLL.IN | POLL.OUT, .revents = 0 }};
    _ = check.sys(std.c.poll(&waiting, 1, 0));
    if (waiting[0].revents & POLL.NVAL != 0) return -@as(i64, @backingInt(linux.E.BADF));
    return if (waiting[0].revents > 0) waiting[0].revents else -@as(i64, @backingInt(linux.E.AGAIN));
}

/// A result of the bindings as the system has it: each error that comes has its errno.
fn number(result: anytype) i64 {
    const value = result catch |e| {
        return -@as(i64, photonrt.errors.errno(e) orelse check.fail("{t} stands for no errno", .{e}));
    };
    return if (@TypeOf(value) == void) 0 else @intCast(value);
}

/// Lengths of entries differ: whether there are any.
fn any(n: i64) i64 {
    return @min(n, 1);
}

fn unmake(made: Made) void {
    if (made.other) |fd| check.eq(0, std.c.close(fd));
    if (made.fd != none) net.close(made.fd);
    while (std.c.read(sink[0], &buf, buf.len) > 0) {}
}

fn compare(kind: Kind, call: Call, nonblocking: bool) void {
    const its = make(kind, true);
    const want = systems(call, its.fd);
    unmake(its);
    const made = make(kind, nonblocking);
    const before = std.c.fcntl(made.fd, std.posix.F.GETFL);
    const got = ours(call, made.fd, if (want == -@as(i64, @backingInt(linux.E.AGAIN))) .now else .seconds(10));
    if (got != want) check.fail("{t} of {t} (non-blocking: {}) gives {d}, the system {d}", .{
        call, kind, nonblocking, got, want,
    });
    check.eq(before, std.c.fcntl(made.fd, std.posix.F.GETFL));
    unmake(made);
}

fn leftOut(kind: Kind, call: Call) bool {
    // A read of nothing is an error for a few kinds; ours is like readv, which reads nothing.
    if (kind == .directory and call == .read_none) return true;
    if (counts(kind)) return call == .read_none or call == .write_none or call == .splice;
    // A device is asked only once it is ready.
    return call == .splice and (kind == .terminal or kind == .null);
}

pub fn body() !void {
    nothing = check.pages(4096, .{});
    bad = .{.{ .base = nothing.ptr, .len = 8 }};
    bad_const = .{.{ .base = nothing.ptr, .len = 8 }};
    worse = @ptrCast(@as([]align(8) u8, @alignCast(nothing[0..16])));
    sink = try photonrt.fd.pipe();
    net.setNonblocking(sink[0]);
    target = net.open("target", .{ .ACCMODE = .RDWR, .CREAT = true });
    var compared: u32 = 0;
    for (std.enums.values(Kind)) |kind| {
        for (std.enums.values(Call)) |call| {
            if (leftOut(kind, call)) continue;
            for ([_]bool{ false, true }) |nonblocking| {
                compare(kind, call, nonblocking);
                compared += 1;
            }
        }
    }
    check.print("{d} calls compared\n", .{compared});
    check.ge(compared, 1000);
}
