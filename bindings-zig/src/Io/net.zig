//! Sockets: listen, accept, bind, connect, pairs, shutdown, close, interfaces. Reads, writes and
//! messages are in operate.zig, names of hosts in net/lookup.zig.
//!
//! Only accept, connect, lookup and close can block; the others ask the system for something it does
//! at once, and are cancelation points all the same, since their errors say so.
//!
//! ```text
//!   options --> socket --> options of it --> bind, listen | connect --> getsockname --> net.Socket
//!                  \______ an error on the way closes it ______/
//! ```
//! A listener is in non-blocking mode, which spares each accept a look whether somebody is there;
//! other sockets are in blocking mode, as other code may expect of them. For the calls of this Io the
//! mode makes no difference.
const std = @import("std");
const c = @import("c");
const core = @import("core.zig");
const errno = @import("errno.zig");
const closeHandle = @import("file.zig").closeHandle;
const net = std.Io.net;
const posix = std.posix;
const Threaded = std.Io.Threaded;
const Address = Threaded.PosixAddress;
const IpAddress = net.IpAddress;
const UnixAddress = net.UnixAddress;
const Handle = net.Socket.Handle;

pub const netLookup = @import("net/lookup.zig").netLookup;
pub const netWriteFile = @import("transfer.zig").netWriteFile;

/// Makes a socket that accepts connections at `address`. Does not block.
pub fn netListenIp(_: ?*anyopaque, address: *const IpAddress, options: IpAddress.ListenOptions) IpAddress.ListenError!net.Socket {
    const Error = IpAddress.ListenError;
    const fd = try open(Error, Threaded.posixAddressFamily(address), options.mode, options.protocol, .listener);
    errdefer closeHandle(fd);
    if (options.reuse_address) {
        try set(Error, fd, posix.SOL.SOCKET, posix.SO.REUSEADDR, true);
        if (@hasDecl(posix.SO, "REUSEPORT")) try set(Error, fd, posix.SOL.SOCKET, posix.SO.REUSEPORT, true);
    }
    try bind(Error, fd, address);
    try check(Error, c.co_io_listen(fd, options.kernel_backlog));
    return .{ .handle = fd, .address = try name(Error, fd) };
}

/// Waits for a connection. Blocks; a cancelation point. Ends with `error.SocketNotListening` when the
/// socket is shut down or closed meanwhile.
pub fn netAccept(_: ?*anyopaque, server: Handle, _: net.Server.AcceptOptions) net.Server.AcceptError!net.Socket {
    var peer: Address = std.mem.zeroes(Address);
    var len: c.socklen_t = @sizeOf(Address);
    const fd = c.co_io_accept(server, @ptrCast(&peer), &len, 0, c.CO_FOREVER);
    if (fd < 0) return errno.ofWith(net.Server.AcceptError, &.{.{ .INVAL, &.{error.SocketNotListening} }}, fd);
    return .{ .handle = fd, .address = Threaded.addressFromPosix(&peer) };
}

/// Makes a socket for messages, which has the address `address`. Does not block.
pub fn netBindIp(_: ?*anyopaque, address: *const IpAddress, options: IpAddress.BindOptions) IpAddress.BindError!net.Socket {
    const Error = IpAddress.BindError;
    const fd = try open(Error, Threaded.posixAddressFamily(address), options.mode, options.protocol, .other);
    errdefer closeHandle(fd);
    if (options.ip6_only) |only| try set(Error, fd, posix.IPPROTO.IPV6, posix.IPV6.V6ONLY, only);
    if (options.allow_broadcast) try set(Error, fd, posix.SOL.SOCKET, posix.SO.BROADCAST, true);
    try bind(Error, fd, address);
    return .{ .handle = fd, .address = try name(Error, fd) };
}

/// Connects to `address`, or gives up after `options.timeout`. Blocks; a cancelation point.
pub fn netConnectIp(userdata: ?*anyopaque, address: *const IpAddress, options: IpAddress.ConnectOptions) IpAddress.ConnectError!net.Socket {
    const Error = IpAddress.ConnectError;
    const io = core.from(userdata);
    const deadline: core.Deadline = .init(io, options.timeout);
    const fd = try open(Error, Threaded.posixAddressFamily(address), options.mode, options.protocol, .other);
    errdefer closeHandle(fd);
    var peer: Address = undefined;
    const len = Threaded.addressToPosix(address, &peer);
    // A clock that is not the runtime's may want to be looked at again, but a connect is made once: what
    // is under way is waited for by poll.
    const ns = deadline.next(io) orelse return error.Timeout;
    const rc = c.co_io_connect(fd, @ptrCast(&peer), len, ns);
    if (rc < 0) {
        if (core.errno(rc) != .TIMEDOUT) return errno.of(Error, rc);
        try underWay(fd, io, deadline);
    }
    return .{ .handle = fd, .address = try name(Error, fd) };
}

/// Waits for a connection that is being made.
fn underWay(fd: Handle, io: anytype, deadline: core.Deadline) IpAddress.ConnectError!void {
    const Error = IpAddress.ConnectError;
    while (deadline.next(io)) |ns| {
        const rc = c.co_io_poll(fd, posix.POLL.OUT, ns);
        if (rc < 0) {
            if (core.errno(rc) == .TIMEDOUT) continue;
            return errno.of(Error, rc);
        }
        var failed: c_int = 0;
        var len: c.socklen_t = @sizeOf(c_int);
        try check(Error, c.co_io_getsockopt(fd, posix.SOL.SOCKET, posix.SO.ERROR, &failed, &len));
        return check(Error, -failed);
    }
    return error.Timeout;
}

/// Makes a local socket that accepts connections at `address`. Does not block.
pub fn netListenUnix(_: ?*anyopaque, address: *const UnixAddress, options: UnixAddress.ListenOptions) UnixAddress.ListenError!Handle {
    const Error = UnixAddress.ListenError;
    const fd = try open(Error, posix.AF.UNIX, .stream, null, .listener);
    errdefer closeHandle(fd);
    var local: posix.sockaddr.un = undefined;
    const len = unixToPosix(address, &local);
    try check(Error, c.co_io_bind(fd, @ptrCast(&local), len));
    try check(Error, c.co_io_listen(fd, options.kernel_backlog));
    return fd;
}

/// Connects to a local socket. Blocks; a cancelation point.
pub fn netConnectUnix(_: ?*anyopaque, address: *const UnixAddress) UnixAddress.ConnectError!Handle {
    const Error = UnixAddress.ConnectError;
    const fd = try open(Error, posix.AF.UNIX, .stream, null, .other);
    errdefer closeHandle(fd);
    var peer: posix.sockaddr.un = undefined;
    const len = unixToPosix(address, &peer);
    try check(Error, c.co_io_connect(fd, @ptrCast(&peer), len, c.CO_FOREVER));
    return fd;
}

/// Makes two sockets that are connected to each other, if the system has that for the family: Linux
/// does not for ip4 and ip6. Does not block.
pub fn netSocketCreatePair(_: ?*anyopaque, options: net.Socket.CreatePairOptions) net.Socket.CreatePairError![2]net.Socket {
    const Error = net.Socket.CreatePairError;
    try core.checkCancel();
    const family: c_int = switch (options.family) {
        .ip4 => posix.AF.INET,
        .ip6 => posix.AF.INET6,
    };
    const mode, const protocol = Threaded.posixSocketModeProtocol(@intCast(family), options.mode, options.protocol) catch
        return error.SocketModeUnsupported;
    var fds: [2]c_int = undefined;
    const rc = c.co_io_socketpair(family, @intCast(mode), @intCast(protocol), &fds);
    if (rc < 0) return errno.ofWith(Error, &.{.{ .INVAL, &.{error.ProtocolUnsupportedBySystem} }}, rc);
    errdefer for (fds) |fd| closeHandle(fd);
    return .{
        .{ .handle = fds[0], .address = try name(Error, fds[0]) },
        .{ .handle = fds[1], .address = try name(Error, fds[1]) },
    };
}

/// Closes the sockets. What other tasks do with them ends with an error. Blocks until it has; not a
/// cancelation point.
pub fn netClose(_: ?*anyopaque, sockets: []const net.Socket) void {
    for (sockets) |socket| closeHandle(socket.handle);
}

/// Ends one or both directions of a connection. Does not block.
pub fn netShutdown(_: ?*anyopaque, handle: Handle, how: net.ShutdownHow) net.ShutdownError!void {
    try core.checkCancel();
    try check(net.ShutdownError, c.co_io_shutdown(handle, switch (how) {
        .recv => posix.SHUT.RD,
        .send => posix.SHUT.WR,
        .both => posix.SHUT.RDWR,
    }));
}

/// The number of a network interface. Does not block.
pub fn netInterfaceNameResolve(_: ?*anyopaque, wanted: *const net.Interface.Name) net.Interface.Name.ResolveError!net.Interface {
    try core.checkCancel();
    const index = std.c.if_nametoindex(&wanted.bytes);
    if (index != 0) return .{ .index = @intCast(index) };
    return libcError(net.Interface.Name.ResolveError);
}

/// The name of a network interface. Does not block.
pub fn netInterfaceName(_: ?*anyopaque, interface: net.Interface) net.Interface.NameError!net.Interface.Name {
    try core.checkCancel();
    var found: net.Interface.Name = undefined;
    if (if_indextoname(interface.index, &found.bytes) != null) return found;
    return libcError(net.Interface.NameError);
}

extern "c" fn if_indextoname(index: c_uint, name: [*]u8) ?[*:0]u8;

/// What errno says.
fn libcError(comptime Error: type) Error {
    return errno.of(Error, -@as(i64, std.c._errno().*));
}

/// A new socket, close-on-exec.
fn open(comptime Error: type, family: posix.sa_family_t, mode: net.Socket.Mode, protocol: ?net.Protocol, kind: enum { listener, other }) Error!Handle {
    try core.checkCancel();
    const mode_bits, const protocol_number = Threaded.posixSocketModeProtocol(family, mode, protocol) catch |e| switch (e) {
        error.OptionUnsupported => return if (Error == UnixAddress.ListenError or Error == UnixAddress.ConnectError) unreachable else e,
    };
    const bits = mode_bits | @as(u32, if (kind == .listener and @hasDecl(posix.SOCK, "NONBLOCK")) posix.SOCK.NONBLOCK else 0);
    const fd = c.co_io_socket(family, @intCast(bits), @intCast(protocol_number));
    if (fd >= 0) return fd;
    // A protocol that is none of the family's.
    return errno.ofWith(Error, &.{.{ .INVAL, &.{ error.ProtocolUnsupportedBySystem, error.AddressFamilyUnsupported } }}, fd);
}

fn set(comptime Error: type, fd: Handle, level: c_int, option: c_int, on: bool) Error!void {
    const value: c_int = @intFromBool(on);
    try check(Error, c.co_io_setsockopt(fd, level, option, &value, @sizeOf(c_int)));
}

fn bind(comptime Error: type, fd: Handle, address: *const IpAddress) Error!void {
    var local: Address = undefined;
    const len = Threaded.addressToPosix(address, &local);
    try check(Error, c.co_io_bind(fd, @ptrCast(&local), len));
}

/// The socket's own address, with the port that the system chose if it was to.
fn name(comptime Error: type, fd: Handle) Error!IpAddress {
    var local: Address = std.mem.zeroes(Address);
    var len: c.socklen_t = @sizeOf(Address);
    try check(Error, c.co_io_getsockname(fd, @ptrCast(&local), &len));
    return Threaded.addressFromPosix(&local);
}

fn check(comptime Error: type, rc: c_int) Error!void {
    if (rc < 0) return errno.of(Error, rc);
}

/// A path has a zero byte at its end if there is room; a name of the abstract namespace ends with its
/// length, and an empty one lets the system choose.
fn unixToPosix(address: *const UnixAddress, local: *posix.sockaddr.un) posix.socklen_t {
    local.* = std.mem.zeroes(posix.sockaddr.un);
    local.family = posix.AF.UNIX;
    @memcpy(local.path[0..address.path.len], address.path);
    const named = !address.isAbstract() and address.path.len < local.path.len;
    return @intCast(@offsetOf(posix.sockaddr.un, "path") + address.path.len + @intFromBool(named));
}
