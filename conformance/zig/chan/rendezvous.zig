const photonrt = @import("photonrt");
const check = @import("check");

var ch: photonrt.Channel(u64) = undefined;
var sent: u64 = 0;
var received: u64 = 0;

fn sender(n: u64) !void {
    try ch.send(n);
    sent += 1;
}

fn receiver(n: u64) !void {
    check.eq(n, try ch.receive());
    received += 1;
}

fn timeout(i: usize) photonrt.Timeout {
    return if (i % 2 == 1) .now else .forever;
}

pub fn body() !void {
    ch = try .init(0);
    defer ch.deinit();
    check.eq(0, try ch.capacity());
    check.err(error.WouldBlock, ch.sendTimeout(5, .now));
    check.err(error.WouldBlock, ch.receiveTimeout(.now));
    // Senders that wait, in order.
    var senders: [20]check.Task(sender) = undefined;
    for (&senders, 0..) |*task, i| {
        task.* = check.spawn(sender, .{i});
        check.untilState(task.co, .parked);
    }
    check.eq(0, sent);
    check.eq(0, try ch.len());
    for (senders, 0..) |task, i| {
        check.eq(i, try ch.receiveTimeout(timeout(i)));
        check.join(task);
        check.eq(i + 1, sent);
    }
    // Receivers that wait, in order.
    var receivers: [20]check.Task(receiver) = undefined;
    for (&receivers, 0..) |*task, i| {
        task.* = check.spawn(receiver, .{i});
        check.untilState(task.co, .parked);
    }
    for (receivers, 0..) |task, i| {
        check.eq(i, received);
        try ch.sendTimeout(i, timeout(i));
        check.join(task);
    }
    check.err(error.WouldBlock, ch.receiveTimeout(.now));
}
