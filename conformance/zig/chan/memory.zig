const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

const Element = [4096]u8;
const Channel = photonrt.Channel(Element);
const max = std.math.maxInt(usize);
var element: Element = @splat(0);

/// A thread that has just begun needs memory of its own: the vCPUs', the monitor's, the watchdog's. (The C library ends the
/// process if there is none.)
fn settled() !void {
    try photonrt.sleep(.ms(50));
}

fn marked(n: u32) Element {
    element[0..4].* = @bitCast(n);
    return element;
}

pub fn body() !void {
    check.join(check.spawnOn(2, settled, .{}));
    const ch: Channel = try .init(photonrt.unbounded);
    check.err(error.OutOfMemory, Channel.init(max / 2));
    check.err(error.OutOfMemory, photonrt.Channel(u8).init(max - 1));
    check.err(error.OutOfMemory, Channel.init(1 << 60));
    check.memory.limit(64 << 20);
    var other: photonrt.c.co_chan_t = 77;
    check.errno(.NOMEM, photonrt.c.co_chan_new(&other, @sizeOf(Element), 1 << 16));
    check.eq(77, other);
    var sent: u32 = 0;
    while (ch.send(marked(sent))) : (sent += 1) {
        check.that(sent < 100_000);
    } else |e| check.eq(error.OutOfMemory, e);
    check.eq(sent, try ch.len());
    var cases = [_]photonrt.Case{ch.onSend(&element)};
    check.eq(0, try photonrt.select(&cases, .forever));
    check.err(error.OutOfMemory, cases[0].result());
    for (0..sent) |i| {
        const got = try ch.receiveTimeout(.now);
        check.eq(i, @as(u32, @bitCast(got[0..4].*)));
    }
    for (0..sent / 2) |_| try ch.send(element);
    ch.deinit();
    check.memory.limit(null);
    const again: Channel = try .init(1 << 16);
    again.deinit();
}
