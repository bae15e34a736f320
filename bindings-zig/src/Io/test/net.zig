//! Sockets and names.
const std = @import("std");
const builtin = @import("builtin");
const c = @import("c");
const everywhere = @import("everywhere.zig");
const Io = std.Io;
const net = Io.net;
const IpAddress = net.IpAddress;
const UnixAddress = net.UnixAddress;
const HostName = net.HostName;
const posix = std.posix;
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const expectError = std.testing.expectError;
const expectEqualStrings = std.testing.expectEqualStrings;

const any4: IpAddress = .{ .ip4 = .loopback(0) };
const any6: IpAddress = .{ .ip6 = .loopback(0) };
/// An address of documentation (RFC 5737), so nobody's.
const nobody: IpAddress = .{ .ip4 = .{ .bytes = .{ 203, 0, 113, 1 }, .port = 0 } };

fn echo(io: Io, server: *net.Server) !void {
    const stream = try server.accept(io);
    defer stream.close(io);
    var buffer: [64]u8 = undefined;
    var out: [64]u8 = undefined;
    var reader = stream.reader(io, &buffer);
    var writer = stream.writer(io, &out);
    _ = try reader.interface.streamRemaining(&writer.interface);
    try writer.interface.flush();
    try stream.shutdown(io, .send);
}

fn exchange(io: Io, stream: net.Stream) !void {
    var buffer: [64]u8 = undefined;
    var out: [64]u8 = undefined;
    var writer = stream.writer(io, &out);
    try writer.interface.writeAll("there and ");
    try writer.interface.splatByteAll('b', 300);
    try writer.interface.flush();
    try stream.shutdown(io, .send);
    var reader = stream.reader(io, &buffer);
    var all: [512]u8 = undefined;
    const n = try reader.interface.readSliceShort(&all);
    try expectEqual(310, n);
    try expectEqualStrings("there and bbb", all[0..13]);
}

test "a connection, by each family" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            for ([_]IpAddress{ any4, any6 }) |address| {
                var server = try address.listen(io, .{ .reuse_address = true });
                defer server.deinit(io);
                try expect(server.socket.address.getPort() != 0);
                var echoing = try io.concurrent(echo, .{ io, &server });
                const stream = try server.socket.address.connect(io, .{
                    .mode = .stream,
                    .timeout = .{ .duration = .{ .raw = .fromSeconds(1000), .clock = .awake } },
                });
                defer stream.close(io);
                try expect(stream.socket.address.getPort() != server.socket.address.getPort());
                try exchange(io, stream);
                try echoing.await(io);
            }
        }
    }.body);
}

fn unixPath(tmp: *const std.testing.TmpDir, buffer: *[UnixAddress.max_len]u8, name: []const u8) !UnixAddress {
    return .init(try std.fmt.bufPrint(buffer, ".zig-cache/tmp/{s}/{s}", .{ tmp.sub_path, name }));
}

test "a local connection: a path, a path of full length, an abstract name" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            var tmp = std.testing.tmpDir(.{});
            defer tmp.cleanup();
            var buffer: [UnixAddress.max_len]u8 = undefined;
            const short = try unixPath(&tmp, &buffer, "s");
            var full_buffer: [UnixAddress.max_len]u8 = @splat('f');
            _ = try unixPath(&tmp, &full_buffer, "");
            const full: UnixAddress = .{ .path = &full_buffer };
            const abstract: UnixAddress = .{ .path = "\x00photonrt test of zig" };
            for ([_]UnixAddress{ short, full, abstract }) |address| {
                if (builtin.os.tag != .linux and address.isAbstract()) continue;
                var server = try address.listen(io, .{});
                defer server.deinit(io);
                var echoing = try io.concurrent(echo, .{ io, &server });
                const stream = try address.connect(io);
                defer stream.close(io);
                try exchange(io, stream);
                try echoing.await(io);
            }
        }
    }.body);
}

test "an abstract name is what it says, and no byte more" {
    if (builtin.os.tag != .linux) return error.SkipZigTest;
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            const address: UnixAddress = .{ .path = "\x00photonrt test of zig" };
            var server = try address.listen(io, .{});
            defer server.deinit(io);
            const fd = c.co_unix_connect("@photonrt test of zig", c.CO_FOREVER);
            try expect(fd >= 0);
            (try server.accept(io)).close(io);
            try expectEqual(0, c.co_io_close(fd));
        }
    }.body);
}

test "what a local socket can't" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            var tmp = std.testing.tmpDir(.{});
            defer tmp.cleanup();
            var buffer: [UnixAddress.max_len]u8 = undefined;
            const address = try unixPath(&tmp, &buffer, "s");
            try expectError(error.FileNotFound, address.connect(io));
            var server = try address.listen(io, .{});
            try expectError(error.AddressInUse, address.listen(io, .{}));
            var below_buffer: [UnixAddress.max_len]u8 = undefined;
            const below = try unixPath(&tmp, &below_buffer, "s/s");
            try expectError(error.NotDir, below.connect(io));
            try expectError(error.NotDir, below.listen(io, .{}));
            const missing = try unixPath(&tmp, &below_buffer, "no/s");
            try expectError(error.FileNotFound, missing.listen(io, .{}));
            server.deinit(io);
            try expectError(error.ConnectionRefused, address.connect(io));
            try everywhere.expectCanceledBefore(io, listenUnix, .{ io, missing });
            try everywhere.expectCanceledBefore(io, connectUnix, .{ io, missing });
        }
    }.body);
}

fn listenUnix(io: Io, address: UnixAddress) !net.Server {
    return address.listen(io, .{});
}

fn connectUnix(io: Io, address: UnixAddress) !net.Stream {
    return address.connect(io);
}

test "what an address can't" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            var server = try any4.listen(io, .{});
            const taken = server.socket.address;
            try expectError(error.AddressInUse, taken.listen(io, .{}));
            try expectError(error.AddressUnavailable, nobody.listen(io, .{}));
            try expectError(error.AddressUnavailable, nobody.bind(io, .{ .mode = .dgram }));
            try expectError(error.ProtocolUnsupportedByAddressFamily, any4.listen(io, .{ .protocol = .udp }));
            try expectError(error.ProtocolUnsupportedByAddressFamily, any4.bind(io, .{ .mode = .dgram, .protocol = .tcp }));
            try expectError(error.SocketModeUnsupported, any4.bind(io, .{ .mode = .rdm }));
            server.deinit(io);
            try expectError(error.ConnectionRefused, taken.connect(io, .{ .mode = .stream }));
            try everywhere.expectCanceledBefore(io, listen, .{io});
            try everywhere.expectCanceledBefore(io, bind, .{io});
        }
    }.body);
}

fn listen(io: Io) !net.Server {
    return any4.listen(io, .{});
}

fn bind(io: Io) !net.Socket {
    return any4.bind(io, .{ .mode = .dgram });
}

test "options of a bound socket" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            const socket = try any6.bind(io, .{ .mode = .dgram, .ip6_only = true, .allow_broadcast = true });
            defer socket.close(io);
            try expectEqual(1, try option(socket, posix.IPPROTO.IPV6, posix.IPV6.V6ONLY));
            try expectEqual(1, try option(socket, posix.SOL.SOCKET, posix.SO.BROADCAST));
            const everywhere6: IpAddress = .{ .ip6 = .unspecified(0) };
            const both = try everywhere6.bind(io, .{ .mode = .dgram, .ip6_only = false });
            defer both.close(io);
            try expectEqual(0, try option(both, posix.IPPROTO.IPV6, posix.IPV6.V6ONLY));
            try expectEqual(0, try option(both, posix.SOL.SOCKET, posix.SO.BROADCAST));
        }
    }.body);
}

fn option(socket: net.Socket, level: c_int, name: c_int) !c_int {
    var value: c_int = -1;
    var len: c.socklen_t = @sizeOf(c_int);
    try expectEqual(0, c.co_io_getsockopt(socket.handle, level, name, &value, &len));
    return value;
}

fn accept(io: Io, server: *net.Server) !net.Stream {
    return server.accept(io);
}

test "accept ends with a shutdown, a close, a cancel" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            for ([_]bool{ true, false }) |close| {
                var server = try any4.listen(io, .{});
                var accepting = try io.concurrent(accept, .{ io, &server });
                try io.sleep(.fromMilliseconds(2), .awake);
                if (close) server.socket.close(io) else try (net.Stream{ .socket = server.socket }).shutdown(io, .both);
                try expectError(error.SocketNotListening, accepting.await(io));
                if (!close) server.deinit(io);
            }
            const bound = try any4.bind(io, .{ .mode = .stream });
            var not_listening: net.Server = .{ .socket = bound, .options = {} };
            defer not_listening.deinit(io);
            try expectError(error.SocketNotListening, not_listening.accept(io));

            var server = try any4.listen(io, .{});
            defer server.deinit(io);
            try everywhere.expectCanceled(io, accept, .{ io, &server });
            // And it accepts as before.
            const stream = try server.socket.address.connect(io, .{ .mode = .stream });
            defer stream.close(io);
            const peer = try server.accept(io);
            defer peer.close(io);
            try expect(peer.socket.address.eql(&stream.socket.address));
        }
    }.body);
}

/// A listener whose queue is full, so that nobody connects to it on Linux.
const Full = struct {
    server: net.Server,
    queued: [4]c_int,

    fn init(io: Io) !Full {
        var full: Full = .{ .server = try any4.listen(io, .{ .kernel_backlog = 0 }), .queued = undefined };
        for (&full.queued) |*fd| {
            fd.* = c.co_io_socket(posix.AF.INET, posix.SOCK.STREAM, 0);
            var address: Io.Threaded.PosixAddress = undefined;
            const len = Io.Threaded.addressToPosix(&full.server.socket.address, &address);
            _ = c.co_io_connect(fd.*, @ptrCast(&address), len, 20 * std.time.ns_per_ms);
        }
        return full;
    }

    fn deinit(full: *Full, io: Io) void {
        for (full.queued) |fd| _ = c.co_io_close(fd);
        full.server.deinit(io);
    }
};

fn connect(io: Io, address: IpAddress) !net.Stream {
    return address.connect(io, .{ .mode = .stream });
}

test "connect times out, and is canceled" {
    if (builtin.os.tag != .linux) return error.SkipZigTest;
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            var full: Full = try .init(io);
            defer full.deinit(io);
            const address = full.server.socket.address;
            for ([_]Io.Clock{ .awake, .real }) |clock| {
                const wait: Io.Timeout = .{ .duration = .{ .raw = .fromMilliseconds(3), .clock = clock } };
                try expectError(error.Timeout, address.connect(io, .{ .mode = .stream, .timeout = wait }));
            }
            const past: Io.Timeout = .{ .deadline = .{ .raw = .zero, .clock = .real } };
            try expectError(error.Timeout, address.connect(io, .{ .mode = .stream, .timeout = past }));
            try everywhere.expectCanceled(io, connect, .{ io, address });
        }
    }.body);
}

test "a connect that is looked at again and again" {
    if (builtin.os.tag != .linux) return error.SkipZigTest;
    // Once only, since it takes two seconds: the runtime waits for one by a clock that is not its own before
    // it looks, and Linux asks a queue that was full again after one, then two.
    try everywhere.once(struct {
        fn body(io: Io) anyerror!void {
            var full: Full = try .init(io);
            defer full.deinit(io);
            var connecting = try io.concurrent(connectBy, .{ io, full.server.socket.address });
            try io.sleep(.fromMilliseconds(1100), .awake);
            var accepting = try io.concurrent(acceptAll, .{ io, &full.server });
            (try connecting.await(io)).close(io);
            try expectError(error.Canceled, accepting.cancel(io));
        }
    }.body);
}

fn acceptAll(io: Io, server: *net.Server) !void {
    while (true) (try server.accept(io)).close(io);
}

fn connectBy(io: Io, address: IpAddress) !net.Stream {
    const wait: Io.Timeout = .{ .duration = .{ .raw = .fromSeconds(1000), .clock = .boot } };
    return address.connect(io, .{ .mode = .stream, .timeout = wait });
}

test "shutdown of what is not connected, and its cancel" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            const socket = try any4.bind(io, .{ .mode = .stream });
            defer socket.close(io);
            try expectError(error.SocketUnconnected, shutdown(io, socket));
            try everywhere.expectCanceledBefore(io, shutdown, .{ io, socket });
        }
    }.body);
}

fn shutdown(io: Io, socket: net.Socket) !void {
    return (net.Stream{ .socket = socket }).shutdown(io, .recv);
}

test "pairs are for families that have them" {
    if (builtin.os.tag != .linux) return error.SkipZigTest;
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            try expectError(error.OperationUnsupported, createPair(io, .ip4));
            try expectError(error.OperationUnsupported, createPair(io, .ip6));
            try everywhere.expectCanceledBefore(io, createPair, .{ io, .ip4 });
        }
    }.body);
}

fn createPair(io: Io, family: IpAddress.Family) ![2]net.Socket {
    return net.Socket.createPair(io, .{ .family = family });
}

test "names of interfaces" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            const name: net.Interface.Name = try .fromSlice(if (builtin.os.tag == .linux) "lo" else "lo0");
            const loopback = try name.resolve(io);
            try expectEqualStrings(name.toSlice(), (try loopback.name(io)).toSlice());
            const none: net.Interface.Name = try .fromSlice("none such");
            try expectError(error.InterfaceNotFound, none.resolve(io));
            const far: net.Interface = .{ .index = 1 << 30 };
            try expectError(error.InterfaceNotFound, far.name(io));
            try everywhere.expectCanceledBefore(io, resolve, .{ io, &none });
            try everywhere.expectCanceledBefore(io, interfaceName, .{ io, far });
        }
    }.body);
}

fn resolve(io: Io, name: *const net.Interface.Name) !net.Interface {
    return name.resolve(io);
}

fn interfaceName(io: Io, interface: net.Interface) !net.Interface.Name {
    return interface.name(io);
}

/// What comes of a name, into `buffer`.
fn lookup(io: Io, name: []const u8, options: HostName.LookupOptions, buffer: []HostName.LookupResult) ![]HostName.LookupResult {
    // Room for 16 is enough for a lookup that nobody reads meanwhile.
    var room: [16]HostName.LookupResult = undefined;
    var queue: Io.Queue(HostName.LookupResult) = .init(&room);
    const host: HostName = .{ .bytes = name };
    try host.lookup(io, &queue, options);
    const n = try queue.get(io, buffer, 0);
    try expectError(error.Closed, queue.getOne(io));
    return buffer[0..n];
}

test "numbers and localhost need no name server" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            var buffer: [16]HostName.LookupResult = undefined;
            var canonical: [HostName.max_len]u8 = undefined;
            const number = try lookup(io, "192.0.2.7", .{ .port = 80 }, &buffer);
            try expectEqual(1, number.len);
            try expect(number[0].address.eql(&.{ .ip4 = .{ .bytes = .{ 192, 0, 2, 7 }, .port = 80 } }));

            const six = try lookup(io, "::1", .{ .port = 81, .canonical_name_buffer = &canonical }, &buffer);
            try expectEqual(2, six.len);
            try expect(six[0].address.eql(&.{ .ip6 = .loopback(81) }));
            try expectEqualStrings("::1", six[1].canonical_name.bytes);
            try expectError(error.UnknownHostName, lookup(io, "::1", .{ .port = 1, .family = .ip4 }, &buffer));
            try expectError(error.UnknownHostName, lookup(io, "127.0.0.1", .{ .port = 1, .family = .ip6 }, &buffer));

            const local = try lookup(io, "a.localhost.", .{ .port = 82, .canonical_name_buffer = &canonical }, &buffer);
            try expectEqual(3, local.len);
            try expectEqualStrings("localhost", local[2].canonical_name.bytes);
            const local4 = try lookup(io, "localhost", .{ .port = 83, .family = .ip4 }, &buffer);
            try expectEqual(1, local4.len);
            try expect(local4[0].address.eql(&.{ .ip4 = .loopback(83) }));
        }
    }.body);
}

test "the system is asked for other names" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            var buffer: [16]HostName.LookupResult = undefined;
            var canonical: [HostName.max_len]u8 = undefined;
            // A number to getaddrinfo, a name to us: found without a name server.
            const found = try lookup(io, "0x7f.1", .{ .port = 84, .canonical_name_buffer = &canonical }, &buffer);
            try expectEqual(2, found.len);
            try expect(found[0].address.eql(&.{ .ip4 = .loopback(84) }));
            try expect(found[1].canonical_name.bytes.len > 0);
            if (lookup(io, "0x7f.1", .{ .port = 84, .family = .ip6 }, &buffer)) |_| {
                return error.TestExpectedError;
            } else |e| switch (e) {
                error.UnknownHostName, error.AddressFamilyUnsupported => {},
                else => return e,
            }
            // RFC 6761: exists nowhere. Whether that is known depends on there being a name server.
            if (lookup(io, "photonrt.invalid", .{ .port = 1 }, &buffer)) |_| {
                return error.TestExpectedError;
            } else |e| switch (e) {
                error.UnknownHostName, error.NameServerFailure => {},
                else => return e,
            }
            const long: [HostName.max_len + 1]u8 = @splat('a');
            try expectError(error.UnknownHostName, lookup(io, &long, .{ .port = 1 }, &buffer));
        }
    }.body);
}

fn lookupLocal(io: Io, queue: *Io.Queue(HostName.LookupResult)) !void {
    const host: HostName = try .init("localhost");
    // Closed by each lookup, and two will be made.
    queue.* = .init(&.{});
    return host.lookup(io, queue, .{ .port = 1 });
}

test "lookup is canceled where nobody takes what it found, and closes the queue" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            var queue: Io.Queue(HostName.LookupResult) = .init(&.{});
            try everywhere.expectCanceled(io, lookupLocal, .{ io, &queue });
            try expectError(error.Closed, queue.getOne(io));
        }
    }.body);
}

test "a name is connected to by whichever of its addresses answers" {
    try everywhere.run(struct {
        fn body(io: Io) anyerror!void {
            var server = try any4.listen(io, .{});
            defer server.deinit(io);
            var echoing = try io.concurrent(echo, .{ io, &server });
            const host: HostName = try .init("localhost");
            const stream = try host.connect(io, server.socket.address.getPort(), .{ .mode = .stream });
            defer stream.close(io);
            try exchange(io, stream);
            try echoing.await(io);
        }
    }.body);
}
