//! 64 clients at once send random pieces and compare what comes back.
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;

const clients = 64;
const bytes = 100_000;

fn serve(socket: net.Handle) void {
    var buffer: [3000]u8 = undefined;
    while (true) {
        const n = photonrt.net.receive(socket, &buffer, 0, .forever) catch |e| check.fail("receive: {t}", .{e});
        if (n == 0) break;
        net.sendAll(socket, buffer[0..n]);
    }
    net.close(socket);
}

fn acceptor(listener: net.Handle) !void {
    for (0..clients) |_| try photonrt.spawnDetached(serve, .{net.accept(listener)});
}

fn sender(socket: net.Handle, seed: u64) !void {
    var buffer: [5000]u8 = undefined;
    var rng = seed;
    var at: usize = 0;
    while (at < bytes) {
        const piece = buffer[0..@min(check.rand(&rng) % buffer.len + 1, bytes - at)];
        net.fill(piece, seed, at);
        net.sendAll(socket, piece);
        at += piece.len;
        if (check.rand(&rng) % 8 == 0) try photonrt.sleep(.us(100));
    }
    try photonrt.net.shutdown(socket, .send);
}

fn client(port: u16, seed: u64) !void {
    const socket = net.connect(port);
    var buffer: [4000]u8 = undefined;
    var at: usize = 0;
    const sending = check.spawn(sender, .{ socket, seed }); // both directions of a socket at once
    while (true) {
        const n = try photonrt.net.receive(socket, &buffer, 0, .forever);
        if (n == 0) break;
        net.same(buffer[0..n], seed, at);
        at += n;
    }
    check.eq(bytes, at);
    check.join(sending);
    net.close(socket);
}

pub fn body() !void {
    const listener = net.listen();
    const port = net.port(listener);
    const accepting = check.spawn(acceptor, .{listener});
    var tasks: [clients]@TypeOf(check.spawn(client, .{ 0, 0 })) = undefined;
    for (&tasks, 1..) |*task, seed| task.* = check.spawnOn(@intCast(seed % 2 + 1), client, .{ port, seed });
    for (tasks) |task| check.join(task);
    check.join(accepting);
    net.close(listener);
    check.untilLive(1);
}
