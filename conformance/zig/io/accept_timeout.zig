const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;

fn lateClient(port: u16) !net.Handle {
    try photonrt.sleep(.ms(3));
    return net.connect(port);
}

pub fn body() !void {
    const accept = photonrt.net.accept;
    const listener = net.listen();
    const port = net.port(listener);
    check.err(error.WouldBlock, accept(listener, null, .now));
    for (1..11) |i| {
        const time: photonrt.Timeout = .us(@intCast(i * 300));
        const before = photonrt.clock();
        check.err(error.Timeout, accept(listener, null, time));
        check.ge(photonrt.clock() - before, time.raw());
    }
    check.err(error.InvalidArgument, accept(listener, null, .ns(-2)));
    // A client of after a timeout goes to the next accept, not to one that has been given up.
    for (0..50) |i| {
        check.err(error.Timeout, accept(listener, null, .us(50)));
        const client = net.connect(port);
        const server = try accept(listener, null, if (i % 2 == 1) .now else .seconds(10));
        net.closeAll(&.{ server, client });
    }
    const connecting = check.spawn(lateClient, .{port});
    const server = try accept(listener, null, .forever);
    net.closeAll(&.{ server, check.join(connecting) });

    const idle = net.socket();
    check.err(error.InvalidArgument, accept(idle, null, .forever)); // does not listen
    net.closeAll(&.{ idle, listener });
}
