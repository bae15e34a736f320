//! One batch with every kind of operation; each result is that of the single call.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const batch = check.batch;
const Operation = batch.Operation;
const POLL = std.posix.POLL;

const Ends = struct { client: net.Handle, server: net.Handle };

fn accept(listener: net.Handle, client: net.Handle) !net.Handle {
    var from: photonrt.net.Address = undefined;
    var ops = [_]Operation{.accept(listener, &from)};
    check.eq(1, try batch.all(&ops, .forever));
    check.eq(net.port(client), from.port().?);
    check.eq(@sizeOf(std.posix.sockaddr.in), from.len);
    return @intCast(try ops[0].result());
}

fn connect(listener: net.Handle) !Ends {
    const client = net.socket();
    const accepting = check.spawn(accept, .{ listener, client });
    const to = net.local(net.port(listener));
    var ops = [_]Operation{ .connect(client, &to), .timer(.now) };
    check.eq(2, try batch.all(&ops, .forever));
    batch.results(&.{ 0, 0 }, &ops);
    return .{ .client = client, .server = check.join(accepting) };
}

fn everything(ends: Ends, file: net.Handle) !void {
    var got: [3][16]u8 = undefined;
    var read: [3]u8 = undefined;
    var pread: [4]u8 = undefined;
    const pipes = net.pipe();
    check.eq(10, try photonrt.fd.pwrite(file, "0123456789", 0, .forever));
    var ops = [_]Operation{
        .receive(ends.client, &got[0], 0),
        .receive(ends.server, &got[1], 0),
        .read(pipes[0], &got[2]),
        .send(ends.server, "to client", 0),
        .write(ends.client, "to server"),
        .write(pipes[1], "to the pipe"),
        .pread(file, &pread, 3),
        .pwrite(file, "ten", 10),
        .read(file, &read),
        .sync(file),
        .poll(ends.server, POLL.OUT),
        .open("made", .{ .ACCMODE = .RDWR, .CREAT = true, .EXCL = true }, 0o600),
        .timer(.ms(2)),
    };
    const before = photonrt.clock();
    check.eq(ops.len, try batch.all(&ops, .forever));
    check.ge(photonrt.clock() - before, 2 * check.ms);
    batch.results(&.{ 9, 9, 11, 9, 9, 11, 4, 3, 3, 0, POLL.OUT }, ops[0..11]);
    batch.result(0, ops[12]);
    check.bytes("to client", got[0][0..9]);
    check.bytes("to server", got[1][0..9]);
    check.bytes("to the pipe", got[2][0..11]);
    check.bytes("3456", &pread);
    check.bytes("012", &read);
    check.eq(5, try photonrt.fd.pread(file, &got[0], 8, .forever));
    check.bytes("89ten", got[0][0..5]);
    const made: net.Handle = @intCast(try ops[11].result());
    check.that(net.closesOnExec(made));
    net.close(made);
    _ = check.sys(std.c.unlink("made"));
    net.closeAll(&pipes);
}

fn rounds(ends: Ends) !void {
    const file = batch.file("file");
    for (0..5) |_| {
        net.seek(file, 0);
        check.eq(0, try batch.all(&.{}, .forever));
        check.eq(0, try batch.any(&.{}, .now));
        try everything(ends, file);
    }
    net.close(file);
}

pub fn body() !void {
    const listener = net.listen();
    const ends = try connect(listener);
    check.eq(0, photonrt.c.co_io_batch(null, 0, photonrt.c.CO_BATCH_ANY, photonrt.c.CO_NOW));
    try rounds(ends);
    try check.onThread(rounds, .{ends});
    net.closeAll(&.{ ends.client, ends.server, listener });
}
