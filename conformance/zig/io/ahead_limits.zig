//! All buffers are held; no descriptors are left; the runtime ends and begins again while something is received ahead.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const Lent = photonrt.net.Lent;
const receiveLent = photonrt.net.receiveLent;

const total = 16384;
var held: [total + 1]Lent = undefined;

fn expect(lent: Lent, n: u64) void {
    check.bytes(std.mem.asBytes(&n), lent.bytes());
    lent.release();
}

fn buffers(options: photonrt.net.LentOptions) !void {
    const fds = net.localPair(std.posix.SOCK.DGRAM);
    var n: u64 = 0;
    while (true) {
        check.that(n <= total);
        check.eq(@sizeOf(u64), try photonrt.net.send(fds[0], std.mem.asBytes(&n), 0, .forever));
        held[n] = receiveLent(fds[1], options, .forever) catch |e| {
            check.eq(error.NoBuffers, e);
            break;
        };
        check.eq(@sizeOf(u64), held[n].bytes().len);
        n += 1;
    }
    check.ge(n, total - 200); // some are with the system
    check.err(error.NoBuffers, receiveLent(fds[1], options, .forever));
    for (held[0..n], 0..) |lent, i| expect(lent, i);
    expect(try receiveLent(fds[1], options, .forever), n);
    net.closeAll(&fds);
}

fn noDescriptors() !void {
    const acceptWith = photonrt.net.acceptWith;
    const ahead: photonrt.net.AcceptOptions = .{ .ahead = true };
    var byte: [1]u8 = undefined;
    var filling: [64]net.Handle = undefined;
    var old: std.c.rlimit = undefined;
    _ = check.sys(std.c.getrlimit(.NOFILE, &old));
    var few = old;
    few.cur = filling.len;
    _ = check.sys(std.c.setrlimit(.NOFILE, &few));
    const listener = net.listen();
    check.err(error.Timeout, acceptWith(ahead, listener, null, .ms(1)));
    const client = net.connect(net.port(listener));
    const server = try acceptWith(ahead, listener, null, .forever);
    const late = net.socket();
    var filled: usize = 0;
    while (true) : (filled += 1) {
        filling[filled] = std.c.dup(late);
        if (filling[filled] < 0) break;
    }
    try photonrt.net.connectTo(late, &net.local(net.port(listener)), .forever);
    for (0..3) |_| check.err(error.ProcessFdQuotaExceeded, acceptWith(ahead, listener, null, .forever));
    for (filling[0..filled]) |fd| check.eq(0, std.c.close(fd));
    const last = while (true) {
        break acceptWith(ahead, listener, null, .seconds(1)) catch |e| {
            check.eq(error.ProcessFdQuotaExceeded, e);
            continue;
        };
    };
    net.sendAll(late, "l");
    net.receiveAll(last, &byte);
    net.closeAll(&.{ client, server, late, last, listener });
    _ = check.sys(std.c.setrlimit(.NOFILE, &old));
}

const Left = struct { fds: net.Pair, listener: net.Handle };

fn leaveBehind() !Left {
    try buffers(.{});
    try buffers(.{ .ahead = true });
    try noDescriptors();
    const left: Left = .{ .fds = net.tcpPair(), .listener = net.listen() };
    check.err(error.Timeout, photonrt.net.acceptWith(.{ .ahead = true }, left.listener, null, .ms(1)));
    check.err(error.Timeout, receiveLent(left.fds[1], .{ .ahead = true }, .ms(1)));
    return left;
}

/// Gives a buffer that outlives the runtime.
fn findAgain(left: Left) !Lent {
    var byte: [1]u8 = undefined;
    net.sendAll(left.fds[0], "again");
    const lent = try receiveLent(left.fds[1], .{ .ahead = true }, .forever);
    check.bytes("again", lent.bytes());
    const client = net.connect(net.port(left.listener));
    const server = try photonrt.net.acceptWith(.{ .ahead = true }, left.listener, null, .forever);
    net.sendAll(client, "c");
    net.receiveAll(server, &byte);
    net.closeAll(&.{ client, server, left.fds[0], left.fds[1], left.listener });
    return lent;
}

pub fn plain() !void {
    const left = try photonrt.run(check.config(), leaveBehind, .{});
    const kept = try photonrt.run(check.config(), findAgain, .{left});
    check.bytes("again", kept.bytes());
    kept.release();
}
