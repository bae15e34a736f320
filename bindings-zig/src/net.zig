//! Sockets, connections and names with a timeout, without std.Io. What `fd` says of every call holds here too.
const std = @import("std");
const c = @import("c");
const fd = @import("fd.zig");
const errors = @import("errors.zig");
const startOf = @import("slice.zig").startOf;
const Timeout = @import("time.zig").Timeout;

const Handle = fd.Handle;
const Error = fd.Error;
const result = fd.result;

/// An address of any family.
pub const Address = extern struct {
    storage: c.struct_sockaddr_storage = std.mem.zeroes(c.struct_sockaddr_storage),
    len: c.socklen_t = @sizeOf(c.struct_sockaddr_storage),

    /// From text: `192.0.2.1:80`, `[2001:db8::1]:80`, `unix:/path`, `unix:@name`. No names of hosts.
    pub fn parse(text: [*:0]const u8) Error!Address {
        var address: Address = .{};
        _ = try result(c.co_addr_parse(text, &address.storage, &address.len));
        return address;
    }

    /// As text that `parse` takes, cut to the buffer's size.
    pub fn print(address: *const Address, buffer: []u8) Error![]u8 {
        const n = try result(c.co_addr_format(address.sockaddr(), address.len, startOf(buffer), buffer.len));
        return buffer[0..@min(n, buffer.len -| 1)];
    }

    /// Its port; null for a family that has none.
    pub fn port(address: *const Address) ?u16 {
        // Both families have the port at the same place.
        const in: *const std.posix.sockaddr.in = @ptrCast(@alignCast(&address.storage));
        return switch (in.family) {
            std.posix.AF.INET, std.posix.AF.INET6 => std.mem.bigToNative(u16, in.port),
            else => null,
        };
    }

    pub fn sockaddr(address: *const Address) *const c.struct_sockaddr {
        return @ptrCast(&address.storage);
    }

    fn room(address: *Address) *c.struct_sockaddr {
        return @ptrCast(&address.storage);
    }
};

/// A TCP socket that listens on `host` (an address as text, a name, null: every address) and `port` (0: one that the
/// system picks, see `localAddress`). Blocks only to look up a name.
pub fn listen(host: ?[*:0]const u8, port: u16, backlog: c_int) Error!Handle {
    return @intCast(try result(c.co_tcp_listen(host, port, backlog)));
}

/// Connects to a port of `host`, an address as text or a name, whose addresses are tried as RFC 8305 says. One timeout
/// for the lookup and all attempts.
pub fn connect(host: [*:0]const u8, port: u16, timeout: Timeout) Error!Handle {
    return @intCast(try result(c.co_tcp_connect(host, port, timeout.raw())));
}

/// A UDP socket with an address of its own, as `listen`.
pub fn udpBind(host: ?[*:0]const u8, port: u16) Error!Handle {
    return @intCast(try result(c.co_udp_bind(host, port)));
}

/// A UDP socket for the exchange with one peer.
pub fn udpConnect(host: [*:0]const u8, port: u16, timeout: Timeout) Error!Handle {
    return @intCast(try result(c.co_udp_connect(host, port, timeout.raw())));
}

/// A local stream socket that listens on a path, or with a leading '@' on a name of Linux's abstract namespace.
pub fn unixListen(path: [*:0]const u8, backlog: c_int) Error!Handle {
    return @intCast(try result(c.co_unix_listen(path, backlog)));
}

/// Connects to a local stream socket.
pub fn unixConnect(path: [*:0]const u8, timeout: Timeout) Error!Handle {
    return @intCast(try result(c.co_unix_connect(path, timeout.raw())));
}

/// A socket, close-on-exec: AF.*, SOCK.*, and a protocol (0: the usual one). Never blocks.
pub fn createSocket(family: u32, kind: u32, protocol: u32) Error!Handle {
    return @intCast(try result(c.co_io_socket(@bitCast(family), @bitCast(kind), @bitCast(protocol))));
}

/// Gives a socket its own address. Never blocks.
pub fn bind(socket: Handle, address: *const Address) Error!void {
    _ = try result(c.co_io_bind(socket, address.sockaddr(), address.len));
}

/// Connects a socket to an address; of a datagram socket, at once.
pub fn connectTo(socket: Handle, to: *const Address, timeout: Timeout) Error!void {
    _ = try result(c.co_io_connect(socket, to.sockaddr(), to.len, timeout.raw()));
}

/// Accepts a connection; `peer`, if it is given, receives its address.
pub fn accept(listener: Handle, peer: ?*Address, timeout: Timeout) Error!Handle {
    return acceptWith(.{}, listener, peer, timeout);
}

/// How to accept. `.{}` is the defaults.
pub const AcceptOptions = struct {
    /// The new descriptor is in non-blocking mode.
    nonblocking: bool = false,
    /// The runtime may accept before it is asked; see `receiveLent`, which says what holds for the listener then.
    ahead: bool = false,
};

/// The same with options.
pub fn acceptWith(options: AcceptOptions, listener: Handle, peer: ?*Address, timeout: Timeout) Error!Handle {
    var flags: c_int = 0;
    if (options.nonblocking) flags |= std.posix.SOCK.NONBLOCK;
    if (options.ahead) flags |= c.CO_IO_AHEAD;
    const p = peer orelse return @intCast(try result(c.co_io_accept(listener, null, null, flags, timeout.raw())));
    p.* = .{};
    return @intCast(try result(c.co_io_accept(listener, p.room(), &p.len, flags, timeout.raw())));
}

/// Two connected local stream sockets. Never blocks.
pub fn pair() Error![2]Handle {
    var fds: [2]c_int = undefined;
    _ = try result(c.co_io_socketpair(std.posix.AF.UNIX, std.posix.SOCK.STREAM, 0, &fds));
    return fds;
}

/// Up to `buffer.len` bytes; `flags`: MSG.* of recv(2). 0 is the end of a stream.
pub inline fn receive(socket: Handle, buffer: []u8, flags: u32, timeout: Timeout) Error!usize {
    return result(c.co_io_recv(socket, startOf(buffer), buffer.len, @bitCast(flags), timeout.raw()));
}

/// Up to `bytes.len` bytes: how many it took. A peer that is gone gives `BrokenPipe` and no signal.
pub inline fn send(socket: Handle, bytes: []const u8, flags: u32, timeout: Timeout) Error!usize {
    return result(c.co_io_send(socket, startOf(bytes), bytes.len, @bitCast(flags), timeout.raw()));
}

/// A buffer of the runtime's, lent until `release`.
pub const Lent = extern struct {
    raw: c.co_buf_t = .{},

    /// What is in it, which may be written over. Empty at the end of a stream.
    pub fn bytes(lent: Lent) []u8 {
        const data: [*]u8 = @ptrCast(lent.raw.data orelse return &.{});
        return data[0..lent.raw.len];
    }

    /// Gives it back, once: asserts that it is lent. Any thread, any coroutine, also when the runtime has ended; never
    /// blocks.
    pub fn release(lent: Lent) void {
        var raw = lent.raw;
        errors.must(c.co_buf_release(&raw));
    }
};

/// How to receive into a lent buffer. `.{}` is the defaults.
pub const LentOptions = struct {
    /// The runtime may receive before it is asked, so that many receives cost one operation of the system. Until the
    /// socket is closed, or a call without this has given `WouldBlock`, nothing else receives from it (`Busy`), and it
    /// is closed by `fd.close`.
    ahead: bool = false,
};

/// Receives into a buffer of the runtime's, 16 KiB at most: who waits holds no buffer, so an idle connection costs
/// none. `NoBuffers`: 16,384 of them are held. What is beyond 16 KiB of a datagram is lost.
pub fn receiveLent(socket: Handle, options: LentOptions, timeout: Timeout) Error!Lent {
    var lent: Lent = .{};
    _ = try result(c.co_io_recv_buf(socket, &lent.raw, if (options.ahead) c.CO_IO_AHEAD else 0, timeout.raw()));
    return lent;
}

/// A datagram and who sent it.
pub fn receiveFrom(socket: Handle, buffer: []u8, from: *Address, timeout: Timeout) Error!usize {
    from.* = .{};
    return result(c.co_io_recvfrom(socket, startOf(buffer), buffer.len, 0, from.room(), &from.len, timeout.raw()));
}

/// A datagram to an address.
pub fn sendTo(socket: Handle, bytes: []const u8, to: *const Address, timeout: Timeout) Error!usize {
    return result(c.co_io_sendto(socket, startOf(bytes), bytes.len, 0, to.sockaddr(), to.len, timeout.raw()));
}

/// Which directions `shutdown` shuts down.
pub const How = enum(c_int) { receive = 0, send = 1, both = 2 };

/// As shutdown(2). Never blocks.
pub fn shutdown(socket: Handle, how: How) Error!void {
    _ = try result(c.co_io_shutdown(socket, @backingInt(how)));
}

/// The socket's own address. Never blocks.
pub fn localAddress(socket: Handle) Error!Address {
    var address: Address = .{};
    _ = try result(c.co_io_getsockname(socket, address.room(), &address.len));
    return address;
}

/// The peer's address. Never blocks.
pub fn peerAddress(socket: Handle) Error!Address {
    var address: Address = .{};
    _ = try result(c.co_io_getpeername(socket, address.room(), &address.len));
    return address;
}
