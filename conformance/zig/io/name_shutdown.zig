//! A runtime ends while a lookup that its caller has left is still going on, and another begins.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const resolver = check.resolver;

fn leave() !void {
    check.engine();
    const before = resolver.inside.load(.monotonic);
    while (resolver.inside.load(.monotonic) == before) { // until a thread has begun it
        check.err(error.Timeout, photonrt.net.connect("slow.test", 7, .ms(2)));
    }
    const listener = try photonrt.net.listen("localhost", 0, 0);
    check.net.close(listener);
}

pub fn plain() !void {
    resolver.need();
    for (1..6) |round| {
        const before = photonrt.clock();
        try photonrt.run(check.config(), leave, .{});
        check.that(photonrt.clock() - before < 20 * check.sec);
        check.ge(resolver.inside.load(.monotonic), round);
    }
    resolver.gate.store(true, .release);
    try resolver.allFreed();
}
