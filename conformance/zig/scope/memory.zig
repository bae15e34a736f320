//! At the end of the heap: what has to be had for scopes, locals, timers, futures and waits for signals is refused, and nothing else has
//! changed; with memory again all of it works.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

const Scope = photonrt.Scope;
const most = 1 << 16;
var local: photonrt.Local(u8) = undefined;
var timers: [most]photonrt.Timer = undefined;
var futures: [most]photonrt.Future(u64) = undefined;
var marks: [2]u8 = undefined;
const value: photonrt.ScopedValue(*u8) = .{ .key = &marks[0] };

fn never(timer: photonrt.Timer, expiries: u64, _: *u8) void {
    check.fail("timer {x} expired {d} times", .{ @backingInt(timer), expiries });
}

fn child() void {}

/// In a coroutine that has nothing of the kind yet.
fn refused() !void {
    const usr1 = [_]std.posix.SIG{.USR1};
    var binding: photonrt.Binding = undefined;
    var ntimers: usize = 0;
    var nfutures: usize = 0;
    check.memory.limit(0);
    const hog: check.memory.Hog = .fill();
    check.err(error.OutOfMemory, local.set(&marks[0]));
    check.eq(null, local.get());
    check.err(error.OutOfMemory, Scope.open(.{}));
    try value.begin(&binding, &marks[1]); // a coroutine's need none
    check.eq(&marks[1], value.get().?);
    binding.end();
    check.err(error.OutOfMemory, photonrt.arena.allocator.alloc(u8, 1 << 16));
    while (photonrt.Timer.start(.{ .delay = .seconds(3600) }, &marks[0], never)) |timer| {
        timers[ntimers] = timer;
        ntimers += 1;
    } else |e| check.eq(error.OutOfMemory, e);
    while (photonrt.Future(u64).init()) |future| {
        futures[nfutures] = future;
        nfutures += 1;
    } else |e| check.eq(error.OutOfMemory, e);
    check.err(error.OutOfMemory, photonrt.signal.subscribe(&usr1));
    check.memory.limit(null);
    hog.release();
    for (timers[0..ntimers]) |timer| try timer.stop(.forever);
    for (futures[0..nfutures]) |future| future.deinit();
    try local.set(&marks[0]);
    check.eq(&marks[0], local.get().?);
    try value.begin(&binding, &marks[1]);
    const s: Scope = try .open(.{});
    _ = try s.spawn(child, .{});
    try s.wait(.forever);
    try s.close();
    binding.end();
}

pub fn body() !void {
    local = try .init(null);
    defer local.deinit();
    // Threads that have just begun need memory of their own: let them have it.
    try photonrt.sleep(.ms(20));
    check.join(check.spawn(refused, .{}));
}
