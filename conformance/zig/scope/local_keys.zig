const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;

const Local = photonrt.Local(u8);
const most = 4096;
var shared: Local = undefined;
var places: [100]u8 = undefined;

fn alone(place: *u8) !void {
    check.eq(null, shared.get()); // nothing is inherited
    try shared.set(place);
    for (0..20) |_| {
        check.eq(place, shared.get().?);
        photonrt.yield();
    }
}

fn onThread(place: *u8) !void {
    check.eq(null, shared.get());
    try shared.set(place);
    check.eq(place, shared.get().?);
    try shared.set(null);
    check.eq(null, shared.get());
}

fn migrates(place: *u8) !void {
    try shared.set(place);
    for (0..8) |i| {
        try photonrt.Coroutine.current().?.migrate(.current, @as(u32, @intCast(i)) % check.vcpus() + 1);
        check.eq(place, shared.get().?);
    }
}

fn stale() !void {
    var place: u8 = 0;
    check.errno(.INVAL, c.co_key_new(null, null));
    const local: Local = try .init(null);
    try local.set(&place);
    local.deinit();
    const key = local.key;
    for ([_]u64{ key, 0, 1, std.math.maxInt(u64), key + (1 << 32), key ^ 2048, 4096 }) |handle| {
        const forged: Local = .{ .key = handle };
        check.eq(null, forged.get());
        check.err(error.NotFound, forged.set(&place));
        forged.deinit();
        check.errno(.SRCH, c.co_key_free(handle));
    }
    // Through all slots, the freed one among them: a new key reads nothing of an old one.
    for (0..most + 10) |_| {
        const again: Local = try .init(null);
        check.eq(null, again.get());
        again.deinit();
    }
}

var locals: [most]Local = undefined;
var values: [most]u8 = undefined;

fn exhausted() !void {
    var made: usize = 0;
    while (made < most) : (made += 1) locals[made] = Local.init(null) catch |e| {
        check.eq(error.WouldBlock, e);
        break;
    };
    check.ge(made, 1024);
    check.err(error.WouldBlock, Local.init(null));
    var key: c.co_key_t = 7;
    check.errno(.AGAIN, c.co_key_new(&key, null));
    check.eq(7, key);
    for (locals[0..made], values[0..made]) |local, *value| try local.set(value);
    for (locals[0..made], values[0..made]) |local, *value| check.eq(value, local.get().?);
    for (locals[0..made]) |local| local.deinit();
    const more: Local = try .init(null);
    more.deinit();
}

pub fn body() !void {
    shared = try .init(null);
    defer shared.deinit();
    try shared.set(&places[0]);
    var tasks: [places.len]check.Task(alone) = undefined;
    for (&tasks, &places) |*task, *place| task.* = check.spawn(alone, .{place});
    for (tasks) |task| check.join(task);
    check.eq(&places[0], shared.get().?);
    try check.onThread(onThread, .{&places[1]});
    check.join(try photonrt.spawnWith(.{ .migratable = true }, migrates, .{&places[2]}));
    try stale();
    try exhausted();
    check.eq(&places[0], shared.get().?);
}
