//! Local sockets by path and by abstract name, and UDP sockets with and without a peer.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const c = photonrt.c;
const unixListen = photonrt.net.unixListen;
const unixConnect = photonrt.net.unixConnect;

fn exchange(listener: net.Handle, client: net.Handle) !void {
    var got: [2]u8 = undefined;
    check.that(!net.mode(client).NONBLOCK);
    const server = try photonrt.net.accept(listener, null, .seconds(10));
    net.sendAll(client, "hi");
    net.receiveAll(server, &got);
    check.bytes("hi", &got);
    net.closeAll(&.{ client, server });
}

fn local(which: u32) !void {
    var text: [64]u8 = undefined;
    const name = try std.fmt.bufPrintSentinel(&text, "@photonrt-{d}-{d}", .{ std.c.getpid(), which }, 0);
    var listener = try unixListen(name, 0);
    check.that(net.mode(listener).NONBLOCK);
    try exchange(listener, try unixConnect(name, .forever));
    check.err(error.AddressInUse, unixListen(name, 0));
    net.close(listener);
    check.err(error.ConnectionRefused, unixConnect(name, .forever));

    check.err(error.FileNotFound, unixConnect("sock", .forever));
    listener = try unixListen("sock", 0);
    try exchange(listener, try unixConnect("sock", .forever));
    check.err(error.AddressInUse, unixListen("sock", 0)); // somebody listens
    try exchange(listener, try unixConnect("sock", .forever));
    net.close(listener);
    check.err(error.ConnectionRefused, unixConnect("sock", .forever));
    listener = try unixListen("sock", 0); // the file is stale: replaced
    try exchange(listener, try unixConnect("sock", .forever));
    net.close(listener);
    _ = check.sys(std.c.unlink("sock"));

    // No socket: left alone.
    const file = check.sys(std.c.open("sock", .{ .ACCMODE = .WRONLY, .CREAT = true, .CLOEXEC = true }, @as(c_uint, 0o600)));
    check.err(error.AddressInUse, unixListen("sock", 0));
    _ = check.sys(std.c.symlink("gone", "link"));
    check.err(error.AddressInUse, unixListen("link", 0));
    _ = check.sys(std.c.close(file));
    _ = check.sys(std.c.unlink("sock"));
    _ = check.sys(std.c.unlink("link"));

    const longer: [108:0]u8 = @splat('x');
    check.err(error.NameTooLong, unixListen(&longer, 0));
    check.err(error.NameTooLong, unixConnect(&longer, .forever));
    check.err(error.InvalidArgument, unixListen("", 0));
    check.errno(.INVAL, c.co_unix_listen(null, 0));
    check.errno(.INVAL, c.co_unix_connect(null, c.CO_FOREVER));
    check.err(error.InvalidArgument, unixConnect("sock", .ns(-2)));
    check.err(error.FileNotFound, unixListen("no/such/place", 0));
}

fn connecting() !void {
    net.close(try unixConnect("full", .forever));
}

/// A full queue is waited for.
fn queue() !void {
    const listener = try unixListen("full", 1);
    var clients: [10]net.Handle = undefined;
    var n: usize = 0;
    while (unixConnect("full", .ms(5))) |client| {
        clients[n] = client;
        n += 1;
        check.that(n < clients.len);
    } else |e| check.eq(error.Timeout, e);
    check.err(error.WouldBlock, unixConnect("full", .now));
    check.err(error.AddressInUse, unixListen("full", 1)); // full is not stale
    const task = check.spawnOn(2, connecting, .{});
    try photonrt.sleep(.ms(1));
    for (0..n + 1) |_| net.close(try photonrt.net.accept(listener, null, .seconds(10)));
    check.join(task);
    net.closeAll(clients[0..n]);
    net.close(listener);
    _ = check.sys(std.c.unlink("full"));
}

fn udp() !void {
    var got: [8]u8 = undefined;
    var server = try photonrt.net.udpBind("127.0.0.1", 0);
    const port = net.port(server);
    check.err(error.AddressInUse, photonrt.net.udpBind("127.0.0.1", port));
    var client = try photonrt.net.udpConnect("127.0.0.1", port, .forever);
    const other = try photonrt.net.udpConnect("localhost", port, .forever);
    check.that(net.closesOnExec(client));
    check.eq(3, try photonrt.net.send(client, "one", 0, .forever));
    check.eq(3, try photonrt.net.receive(server, &got, 0, .seconds(10)));
    const to = net.local(net.port(client));
    check.eq(4, try photonrt.net.sendTo(server, "back", &to, .forever));
    check.eq(4, try photonrt.net.receive(client, &got, 0, .seconds(10)));
    check.err(error.WouldBlock, photonrt.net.receive(client, &got, 0, .now));
    net.closeAll(&.{ client, other, server });

    server = try photonrt.net.udpBind(null, 0); // both families
    client = try photonrt.net.udpConnect("127.0.0.1", net.port(server), .forever);
    check.eq(5, try photonrt.net.send(client, "two!!", 0, .forever));
    check.eq(5, try photonrt.net.receive(server, &got, 0, .seconds(10)));
    net.closeAll(&.{ client, server });
    check.err(error.AddressUnavailable, photonrt.net.udpBind("203.0.113.7", 0));
    check.err(error.InvalidArgument, photonrt.net.udpBind("1.2.3", 0));
    check.errno(.INVAL, c.co_udp_connect(null, 80, c.CO_FOREVER));
    check.err(error.InvalidArgument, photonrt.net.udpConnect("127.0.0.1", 80, .ns(-2)));
}

pub fn body() !void {
    try local(0);
    try check.onThread(local, .{1});
    try queue();
    try udp();
    try check.onThread(udp, .{});
}
