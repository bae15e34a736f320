const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;

const Channel = photonrt.Channel(i64);
const Future = photonrt.Future(i64);
const What = enum { closed, channel_freed, failed, future_freed };
var ch: Channel = undefined;
var f: Future = undefined;

/// What happens to the objects.
fn end(what: What) !void {
    switch (what) {
        .closed => try ch.close(),
        .channel_freed => ch.deinit(),
        .failed => try f.fail(error.NoDevice),
        .future_freed => f.deinit(),
    }
}

/// What that makes of the case on it.
fn reason(what: What) anyerror {
    return switch (what) {
        .closed => error.Closed,
        .channel_freed, .future_freed => error.Freed,
        .failed => error.NoDevice,
    };
}

fn later(what: What) !void {
    try photonrt.sleep(.us(200));
    try end(what);
}

fn roundOf(sends: bool, waits: bool) !void {
    for (std.enums.values(What)) |what| {
        var elem: i64 = 5;
        var value: i64 = 6;
        ch = try .init(0);
        f = try .init();
        var cases = [_]photonrt.Case{ .never, if (sends) ch.onSend(&elem) else ch.onReceive(&elem), f.on(&value) };
        for (&cases) |*case| case.raw.result = 7;
        const i: usize = if (what == .closed or what == .channel_freed) 1 else 2;
        if (waits) {
            const task = check.spawnOn(2, later, .{what});
            check.eq(i, try photonrt.select(&cases, .forever));
            check.join(task);
        } else {
            try end(what);
            check.eq(i, try photonrt.select(&cases, .forever));
        }
        check.err(reason(what), cases[i].result());
        check.eq(7, cases[0].raw.result);
        check.eq(7, cases[3 - i].raw.result);
        check.eq(5, elem);
        check.eq(6, value);
        if (what == .channel_freed) check.errno(.BADF, c.co_chan_free(ch.handle)) else ch.deinit();
        if (what == .future_freed) check.errno(.BADF, c.co_future_free(f.handle)) else f.deinit();
    }
}

/// A select of one case, which can go on.
fn one(case: photonrt.Case) photonrt.Case.Error!void {
    var cases = [_]photonrt.Case{case};
    check.eq(0, check.must(photonrt.select(&cases, .forever)));
    return cases[0].result();
}

pub fn body() !void {
    var elem: i64 = 5;
    for ([_]bool{ false, true }) |waits| {
        try roundOf(true, waits);
        try roundOf(false, waits);
    }
    for (1..100) |i| {
        const handle = @as(u64, i) *% 0x9e3779b97f4a7c15;
        check.err(error.Freed, one((Channel{ .handle = handle }).onReceive(&elem)));
        check.err(error.Freed, one((Channel{ .handle = handle }).onSend(&elem)));
        check.err(error.Freed, one((Future{ .handle = handle }).on(&elem)));
    }
    // Neither kind of handle passes for the other.
    ch = try .init(1);
    defer ch.deinit();
    f = try .init();
    defer f.deinit();
    check.err(error.Freed, one((Future{ .handle = ch.handle }).on(&elem)));
    check.err(error.Freed, one((Channel{ .handle = f.handle }).onReceive(&elem)));
    // What is left in a closed channel comes first.
    try ch.sendTimeout(8, .now);
    try ch.close();
    try one(ch.onReceive(&elem));
    check.eq(8, elem);
    check.err(error.Closed, one(ch.onReceive(&elem)));
}
