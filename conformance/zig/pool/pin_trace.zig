//! PHOTONRT_TRACE_PINNED=1: a bracket that holds others up is reported with its reason.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

extern "c" fn setenv(name: [*:0]const u8, value: [*:0]const u8, overwrite: c_int) c_int;

fn other() void {}

fn brackets() !void {
    const waits = check.spawn(other, .{}); // for this vCPU, or another
    {
        const bracket: photonrt.Bracket = .enter();
        defer bracket.leave();
        check.eq(1, bracket.depth);
    }
    check.join(waits);
}

fn pinned() !void {
    try photonrt.pin();
    try brackets();
    try photonrt.unpin();
}

fn start() !void {
    check.join(try photonrt.spawnWith(.{ .name = "bound", .vcpu = 1 }, brackets, .{}));
    check.join(try photonrt.spawnWith(.{ .name = "held", .vcpu = 1, .migratable = true }, pinned, .{}));
    check.join(try photonrt.spawnWith(.{ .name = "free", .vcpu = 1, .migratable = true }, brackets, .{}));
    const bracket: photonrt.Bracket = .enter(); // nobody waits
    bracket.leave();
}

/// Runs it, and gives what has come to standard error meanwhile.
fn captured(config: photonrt.Config, room: []u8) ![]u8 {
    const err = check.ok(std.c.dup(2));
    var ends: [2]c_int = undefined;
    _ = check.ok(std.c.pipe(&ends));
    _ = check.ok(std.c.dup2(ends[1], 2));
    try photonrt.run(config, start, .{});
    _ = check.ok(std.c.dup2(err, 2));
    _ = std.c.close(err);
    _ = std.c.close(ends[1]);
    defer _ = std.c.close(ends[0]);
    var len: usize = 0;
    while (len < room.len) {
        const n = check.ok(std.c.read(ends[0], room[len..].ptr, room.len - len));
        if (n == 0) break;
        len += @intCast(n);
    }
    return room[0..len];
}

pub fn plain() !void {
    var config = check.config();
    config.vcpus = 1;
    check.eq(0, setenv("PHOTONRT_TRACE_PINNED", "yes", 1));
    check.err(error.InvalidArgument, photonrt.run(config, start, .{}));
    check.eq(0, setenv("PHOTONRT_TRACE_PINNED", "1", 1));
    var room: [16384]u8 = undefined;
    const text = try captured(config, &room);
    _ = check.ok(std.c.write(2, text.ptr, text.len)); // for the driver
    check.that(std.mem.find(u8, text, "\"bound\"") != null);
    check.that(std.mem.find(u8, text, "\"held\"") != null);
    check.eq(null, std.mem.find(u8, text, "\"free\""));
    check.eq(null, std.mem.find(u8, text, "\"main\""));

    check.eq(0, setenv("PHOTONRT_TRACE_PINNED", "0", 1));
    check.eq(0, (try captured(config, &room)).len);
}
