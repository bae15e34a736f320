//! The runtime's own API for descriptors, sockets, batches, children and signals: each call once, with its errors.
const std = @import("std");
const photonrt = @import("photonrt");
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const expectError = std.testing.expectError;
const both = @import("support/both.zig").both;

test "descriptors" {
    try both(struct {
        fn body() !void {
            const fd = photonrt.fd;
            const ends = try fd.pipe();
            var one: [1]u8 = undefined;
            try expectError(error.InvalidArgument, fd.read(ends[0], &one, .ns(-2)));
            try expectError(error.WouldBlock, fd.read(ends[0], &one, .now));
            try fd.writeAll(ends[1], "one\ntwo\r\nthree", null, .forever);
            fd.close(ends[1]);
            var room: [32]u8 = undefined;
            var reader: fd.Reader = undefined;
            try reader.init(ends[0], &room);
            try std.testing.expectEqualStrings("one", (try reader.line(.forever)).?);
            try std.testing.expectEqualStrings("two", (try reader.line(.forever)).?);
            try std.testing.expectEqualStrings("thr", (try reader.peek(3, .forever))[0..3]);
            try reader.consume(2);
            var other: [64]u8 = undefined;
            try reader.rebuffer(&other);
            var rest: [8]u8 = undefined;
            try expectEqual(3, try reader.readFull(&rest, null, .forever));
            try expectEqual(null, try reader.line(.forever));
            fd.close(ends[0]);
            try expectError(error.BadDescriptor, fd.read(ends[0], &rest, .forever));
            const here = std.posix.AT.FDCWD;
            const file = try fd.openAt(here, "vectors.tmp", .{ .ACCMODE = .RDWR, .CREAT = true, .TRUNC = true }, 0o600, .forever);
            const from = [_]std.posix.iovec_const{ .{ .base = "abc", .len = 3 }, .{ .base = "de", .len = 2 } };
            const into = [_]std.posix.iovec{ .{ .base = &rest, .len = 1 }, .{ .base = rest[1..], .len = 7 } };
            try expectEqual(5, try fd.pwritev(file, &from, 1, .forever));
            try expectEqual(4, try fd.preadv(file, &into, 2, .forever));
            try std.testing.expectEqualStrings("bcde", rest[0..4]);
            try fd.syncData(file, .forever);
            fd.close(file);
            try expectError(error.BadDescriptor, fd.syncData(file, .forever));
            try expectError(error.BadDescriptor, fd.preadv(file, &into, 2, .forever));
            try expectError(error.BadDescriptor, fd.pwritev(file, &from, 2, .forever));
            _ = try fd.result(photonrt.c.co_io_unlink("vectors.tmp", -1));
            try expectError(error.FileNotFound, fd.openAt(here, "vectors.tmp", .{}, 0, .forever));
            try expectError(error.FileNotFound, fd.open("/no/such/file", .{}, 0, .forever));
        }
    }.body);
}

test "sockets" {
    try both(struct {
        fn serve(listener: photonrt.fd.Handle) !void {
            var peer: photonrt.net.Address = undefined;
            const s = try photonrt.net.accept(listener, &peer, .forever);
            defer photonrt.fd.close(s);
            var room: [16]u8 = undefined;
            const n = try photonrt.net.receive(s, &room, 0, .forever);
            _ = try photonrt.net.send(s, room[0..n], 0, .forever);
            std.debug.assert(peer.port() != null);
        }
        fn body() !void {
            const net = photonrt.net;
            const listener = try net.listen("127.0.0.1", 0, 0);
            defer photonrt.fd.close(listener);
            const port = (try net.localAddress(listener)).port().?;
            const server = try photonrt.spawn(serve, .{listener});
            const s = try net.connect("127.0.0.1", port, .forever);
            defer photonrt.fd.close(s);
            var text: [64]u8 = undefined;
            var want: [64]u8 = undefined;
            const peer = try net.peerAddress(s);
            try std.testing.expectEqualStrings(try std.fmt.bufPrint(&want, "127.0.0.1:{d}", .{port}), try peer.print(&text));
            try expectEqual(5, try net.send(s, "hello", 0, .forever));
            var room: [16]u8 = undefined;
            try expectEqual(5, try photonrt.fd.readFull(s, room[0..5], null, .forever));
            try std.testing.expectEqualStrings("hello", room[0..5]);
            try net.shutdown(s, .send);
            try server.join();
            try expectError(error.ConnectionRefused, net.connect("127.0.0.1", 1, .forever));
            try expectError(error.InvalidArgument, net.Address.parse("nonsense"));
            const a = try net.udpBind("127.0.0.1", 0);
            defer photonrt.fd.close(a);
            const to = try net.localAddress(a);
            const b = try net.udpConnect("127.0.0.1", to.port().?, .forever);
            defer photonrt.fd.close(b);
            _ = try net.sendTo(a, "x", &try net.localAddress(b), .forever);
            var from: net.Address = undefined;
            try expectEqual(1, try net.receiveFrom(b, &room, &from, .forever));
            try expectEqual(to.port(), from.port());
            const ends = try net.pair();
            _ = try net.send(ends[0], "lent", 0, .forever);
            const lent = try net.receiveLent(ends[1], .{}, .forever);
            try std.testing.expectEqualStrings("lent", lent.bytes());
            lent.release();
            try expectError(error.WouldBlock, net.receiveLent(ends[1], .{ .ahead = true }, .now));
            photonrt.fd.close(ends[0]);
            const end = try net.receiveLent(ends[1], .{ .ahead = true }, .forever);
            try expectEqual(0, end.bytes().len);
            end.release();
            try expectError(error.BrokenPipe, net.send(ends[1], "x", 0, .forever));
            photonrt.fd.close(ends[1]);
        }
    }.body);
}

test "batches" {
    try both(struct {
        const Operation = photonrt.batch.Operation;
        const here = std.posix.AT.FDCWD;
        fn results(want: []const usize, ops: []const Operation) !void {
            for (want, ops) |n, op| try expectEqual(n, try op.result());
        }
        fn files() !void {
            var in: [8]u8 = undefined;
            var into = [_]std.posix.iovec{.{ .base = &in, .len = 3 }};
            const from = [_]std.posix.iovec_const{.{ .base = "abc", .len = 3 }};
            var ops = [_]Operation{
                .open("batch.tmp", .{ .ACCMODE = .RDWR, .CREAT = true, .TRUNC = true }, 0o600),
                .openAt(here, "absent", .{}, 0),
                .makeDirAt(here, "batch.dir", 0o700),
                .timer(.us(1)),
            };
            try expectEqual(4, try photonrt.batch.all(&ops, .forever));
            const fd: photonrt.fd.Handle = @intCast(try ops[0].result());
            try expectError(error.FileNotFound, ops[1].result());
            try results(&.{ 0, 0 }, ops[2..]);
            var chain = [_]Operation{
                .then(.write(fd, "xyz")),
                .then(.pwrite(fd, "0", 3)),
                .then(.pread(fd, in[0..4], 0)),
                .then(.pwritev(fd, &from, 1)),
                .then(.preadv(fd, &into, 1)),
                .then(.sync(fd)),
                .then(.syncData(fd)),
                .then(.setLength(fd, 4)),
                .then(.allocate(fd, 0, 0, 4)),
                .then(.writev(fd, &from)),
                .then(.pread(fd, &in, 5)),
                .unlinkAt(here, "batch.tmp", 0),
            };
            try expectEqual(11, try photonrt.batch.all(&chain, .forever));
            try results(&.{ 3, 1, 4, 3, 3, 0, 0, 0, 0, 3, 1 }, chain[0..11]);
            try expectError(error.Canceled, chain[11].result());
            try std.testing.expectEqualStrings("c", in[0..1]);
            var rest = [_]Operation{
                .unlinkAt(here, "batch.tmp", 0),
                .unlinkAt(here, "batch.dir", std.posix.AT.REMOVEDIR),
                .read(fd, &in),
                .timer(.ns(-5)),
            };
            try expectEqual(4, try photonrt.batch.all(&rest, .forever));
            try results(&.{ 0, 0, 0 }, rest[0..3]);
            try expectError(error.InvalidArgument, rest[3].result());
            photonrt.fd.close(fd);
        }
        fn sockets() !void {
            const net = photonrt.net;
            const listener = try net.listen("127.0.0.1", 0, 0);
            const at = try net.localAddress(listener);
            const client = try net.createSocket(std.posix.AF.INET, std.posix.SOCK.STREAM, 0);
            var peer: net.Address = undefined;
            var ops = [_]Operation{ .connect(client, &at), .accept(listener, &peer) };
            try expectEqual(2, try photonrt.batch.all(&ops, .forever));
            try expectEqual((try net.localAddress(client)).port(), peer.port());
            const server: photonrt.fd.Handle = @intCast(try ops[1].result());
            var in: [2][4]u8 = undefined;
            var into = [_]std.posix.iovec{.{ .base = &in[0], .len = 4 }};
            const text = [_]std.posix.iovec_const{.{ .base = "text", .len = 4 }};
            var receiving: std.posix.msghdr = std.mem.zeroInit(std.posix.msghdr, .{ .iov = &into, .iovlen = 1 });
            const sending: std.posix.msghdr_const = std.mem.zeroInit(std.posix.msghdr_const, .{ .iov = &text, .iovlen = 1 });
            var more = [_]Operation{
                .receive(client, &in[1], 0),
                .then(.send(server, "data", 0)),
                .poll(server, std.posix.POLL.OUT),
                .receiveMessage(server, &receiving, 0),
                .sendMessage(client, &sending, 0),
            };
            try expectEqual(5, try photonrt.batch.all(&more, .forever));
            try results(&.{ 4, 4, std.posix.POLL.OUT, 4, 4 }, &more);
            try std.testing.expectEqualStrings("textdata", std.mem.asBytes(&in));
            var waiting = [_]Operation{ .receive(client, &in[0], 0), .readv(server, &into) };
            try expectError(error.Timeout, photonrt.batch.all(&waiting, .us(10)));
            try expectError(error.Timeout, waiting[0].result());
            try expectError(error.InvalidArgument, photonrt.batch.all(&waiting, .ns(-2)));
            var first = [_]Operation{ .receive(client, &in[0], 0), .timer(.us(10)) };
            try expectEqual(1, try photonrt.batch.any(&first, .forever));
            try expectError(error.Canceled, first[0].result());
            for ([_]photonrt.fd.Handle{ client, server, listener }) |fd| photonrt.fd.close(fd);
            const a = try net.udpBind("127.0.0.1", 0);
            const own = try net.localAddress(a);
            var from: net.Address = undefined;
            var datagrams = [_]Operation{ .receiveFrom(a, &in[0], &from), .sendTo(a, "self", &own) };
            try expectEqual(2, try photonrt.batch.all(&datagrams, .forever));
            try expectEqual(own.port(), from.port());
            photonrt.fd.close(a);
        }
        fn body() !void {
            try files();
            try sockets();
            try expectEqual(0, try photonrt.batch.all(&.{}, .forever));
        }
    }.body);
}

test "sockets by hand" {
    try both(struct {
        const AF = std.posix.AF;
        const SOCK = std.posix.SOCK;
        fn body() !void {
            const net = photonrt.net;
            const listener = try net.createSocket(AF.INET, SOCK.STREAM, 0);
            defer photonrt.fd.close(listener);
            const any: net.Address = try .parse("127.0.0.1:0");
            try net.bind(listener, &any);
            try expectError(error.InvalidArgument, net.bind(listener, &any));
            _ = try photonrt.fd.result(photonrt.c.co_io_listen(listener, 1));
            try expectError(error.WouldBlock, net.acceptWith(.{ .nonblocking = true }, listener, null, .now));
            const client = try net.createSocket(AF.INET, SOCK.STREAM, 0);
            defer photonrt.fd.close(client);
            const at = try net.localAddress(listener);
            try net.connectTo(client, &at, .forever);
            try expectError(error.AlreadyConnected, net.connectTo(client, &at, .forever));
            const server = try net.acceptWith(.{ .nonblocking = true }, listener, null, .forever);
            defer photonrt.fd.close(server);
            const flags: std.posix.O = @bitCast(std.c.fcntl(server, std.posix.F.GETFL));
            try expect(flags.NONBLOCK);
            try expectError(error.WouldBlock, net.acceptWith(.{ .ahead = true }, listener, null, .now));
            try expectError(error.AddressFamilyUnsupported, net.createSocket(7777, SOCK.STREAM, 0));
        }
    }.body);
}

test "all at an offset; slices of nothing" {
    try both(struct {
        const fd = photonrt.fd;
        const net = photonrt.net;
        fn offsets(file: fd.Handle) !void {
            var got: [8]u8 = undefined;
            var done: usize = 99;
            try fd.pwriteAll(file, "abcdef", 2, &done, .forever);
            try expectEqual(6, done);
            try expectEqual(5, try fd.preadFull(file, &got, 3, &done, .forever));
            try expectEqual(5, done);
            try std.testing.expectEqualStrings("bcdef", got[0..5]);
            try expectError(error.BadDescriptor, fd.pwriteAll(-1, "x", 0, &done, .forever));
            try expectEqual(0, done);
            try expectError(error.BadDescriptor, fd.preadFull(-1, &got, 0, null, .forever));
        }
        /// An empty slice has no address, which is no reason to refuse it.
        fn nothing(file: fd.Handle) !void {
            const none: []u8 = @as([*]u8, @ptrFromInt(std.math.maxInt(usize)))[0..0];
            try expectEqual(0, try fd.read(file, none, .forever));
            try expectEqual(0, try fd.write(file, none, .forever));
            try expectEqual(0, try fd.pread(file, none, 0, .forever));
            try expectEqual(0, try fd.pwrite(file, none, 0, .forever));
            try expectEqual(0, try fd.readv(file, &.{}, .forever));
            try expectEqual(0, try fd.writev(file, &.{}, .forever));
            try expectEqual(0, try fd.preadv(file, &.{}, 0, .forever));
            try expectEqual(0, try fd.pwritev(file, &.{}, 0, .forever));
            try expectEqual(0, try fd.readFull(file, none, null, .forever));
            try expectEqual(0, try fd.preadFull(file, none, 0, null, .forever));
            try fd.writeAll(file, none, null, .forever);
            try fd.pwriteAll(file, none, 0, null, .forever);
            try expectError(error.WouldBlock, fd.pollMany(&.{}, .now));
            const socket = try net.udpBind("127.0.0.1", 0);
            const own = try net.localAddress(socket);
            var from: net.Address = undefined;
            try expectEqual(0, try net.sendTo(socket, none, &own, .forever));
            try expectEqual(0, try net.receiveFrom(socket, none, &from, .forever));
            try net.connectTo(socket, &own, .forever);
            try expectEqual(0, try net.send(socket, none, 0, .forever));
            try expectEqual(0, try net.receive(socket, none, 0, .forever));
            var ops = [_]photonrt.batch.Operation{
                .then(.send(socket, none, 0)), .then(.receive(socket, none, 0)),
                .then(.read(file, none)),      .then(.write(file, none)),
                .then(.readv(file, &.{})),     .writev(file, &.{}),
            };
            try expectEqual(ops.len, try photonrt.batch.all(&ops, .forever));
            for (ops) |op| try expectEqual(0, try op.result());
            try expectEqual(0, (try own.print(none)).len);
            fd.close(socket);
        }
        fn body() !void {
            const file = try fd.open("offsets.tmp", .{ .ACCMODE = .RDWR, .CREAT = true, .TRUNC = true }, 0o600, .forever);
            try offsets(file);
            try nothing(file);
            fd.close(file);
            _ = try fd.result(photonrt.c.co_io_unlink("offsets.tmp", -1));
        }
    }.body);
}

test "children and signals" {
    try both(struct {
        fn body() !void {
            try expectError(error.NoChild, photonrt.process.wait(-1, .forever));
            try photonrt.signal.subscribe(&.{.USR1});
            try expectError(error.Timeout, photonrt.signal.wait(&.{.USR1}, .ms(1)));
            _ = std.c.kill(std.c.getpid(), .USR1);
            try expectEqual(.USR1, try photonrt.signal.wait(&.{.USR1}, .forever));
            try photonrt.signal.release(.USR1);
            try expectError(error.InvalidArgument, photonrt.signal.subscribe(&.{.KILL}));
        }
    }.body);
}
