const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const fd = photonrt.fd;
const POLL = std.posix.POLL;
const rdhup = 0x2000; // Linux's POLLRDHUP: the peer will send no more

fn writeLater(to: net.Handle) !void {
    try photonrt.sleep(.ms(2));
    check.eq(1, try photonrt.net.send(to, "x", 0, .forever));
}

fn closeLater(handle: net.Handle) !void {
    try photonrt.sleep(.ms(2));
    net.close(handle);
}

fn sockets() !void {
    var buffer: [8]u8 = undefined;
    const ends = net.unixPair();
    check.err(error.WouldBlock, fd.poll(ends[1], POLL.IN, .now));
    const before = photonrt.clock();
    check.err(error.Timeout, fd.poll(ends[1], POLL.IN, .ms(2)));
    check.ge(photonrt.clock() - before, 2 * check.ms);
    check.err(error.InvalidArgument, fd.poll(ends[1], POLL.IN, .ns(-2)));
    check.eq(POLL.OUT, try fd.poll(ends[1], POLL.OUT, .now));
    check.eq(POLL.OUT, try fd.poll(ends[1], POLL.IN | POLL.OUT, .forever)); // those that hold, no others
    const writing = check.spawn(writeLater, .{ends[0]});
    check.eq(POLL.IN, try fd.poll(ends[1], POLL.IN, .forever));
    check.join(writing);
    check.eq(POLL.IN | POLL.OUT, try fd.poll(ends[1], POLL.IN | POLL.OUT, .now));
    check.eq(POLL.IN, try fd.poll(ends[1], POLL.IN, .now)); // it takes nothing
    check.eq(1, try photonrt.net.receive(ends[1], &buffer, 0, .now));
    check.err(error.WouldBlock, fd.poll(ends[1], POLL.IN, .now));
    const closing = check.spawn(closeLater, .{ends[0]});
    check.that(try fd.poll(ends[1], POLL.IN | rdhup, .forever) & rdhup != 0);
    check.join(closing);
    check.eq(POLL.HUP | POLL.IN, try fd.poll(ends[1], POLL.IN, .now) & (POLL.HUP | POLL.IN));
    net.close(ends[1]);
    check.err(error.BadDescriptor, fd.poll(ends[1], POLL.IN, .forever));
    check.err(error.BadDescriptor, fd.poll(-1, POLL.IN, .now));
}

fn pipes() !void {
    var ends = net.pipe();
    check.err(error.WouldBlock, fd.poll(ends[0], POLL.IN, .now));
    check.eq(POLL.OUT, try fd.poll(ends[1], POLL.OUT, .forever));
    net.close(ends[1]);
    check.that(try fd.poll(ends[0], POLL.IN, .forever) & POLL.HUP != 0);
    net.close(ends[0]);
    ends = net.pipe();
    net.close(ends[0]);
    check.that(try fd.poll(ends[1], POLL.OUT, .forever) & POLL.ERR != 0);
    net.close(ends[1]);
}

fn others() !void {
    const file = net.open("file", .{ .ACCMODE = .RDWR, .CREAT = true });
    check.eq(POLL.IN | POLL.OUT, try fd.poll(file, POLL.IN | POLL.OUT, .forever)); // files are always ready
    check.err(error.Timeout, fd.poll(file, POLL.PRI, .ms(2))); // and for nothing else
    check.err(error.WouldBlock, fd.poll(file, 0, .now));
    net.close(file);
    const listener = net.listen();
    check.err(error.WouldBlock, fd.poll(listener, POLL.IN, .now));
    const client = net.connect(net.port(listener));
    check.eq(POLL.IN, try fd.poll(listener, POLL.IN, .forever));
    const server = try photonrt.net.accept(listener, null, .now);
    net.closeAll(&.{ client, server, listener });
}

pub fn body() !void {
    for (0..5) |_| {
        try sockets();
        try pipes();
        try others();
    }
}
