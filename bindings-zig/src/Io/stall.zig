//! A task that has kept its vCPU for long, told with a Zig stack trace.
//!
//! Written under the lock of std.debug, and only if nobody has it: who prints the trace of a panic has,
//! and that alone takes long enough to be a stall. What is not told is counted nevertheless
//! (co_stats_t.stalls).
const std = @import("std");
const c = @import("c");

/// `co_config_t.on_stall`. On a plain thread of the runtime's.
pub fn report(stall: [*c]const c.co_stall_t, _: ?*anyopaque) callconv(.c) void {
    const s: *const c.co_stall_t = stall;
    const io = std.Options.debug_io;
    const locked = (io.tryLockStderr(&.{}, null) catch null) orelse return;
    defer io.unlockStderr();
    write(s, locked.terminal()) catch {}; // nothing to be done about it
}

fn write(s: *const c.co_stall_t, terminal: std.Io.Terminal) std.Io.Writer.Error!void {
    const w = terminal.writer;
    const name = std.mem.sliceTo(@as(*const [32]u8, @ptrCast(&s.name)), 0);
    try w.print("photonrt: stall: task {x:0>16}", .{s.co});
    if (name.len > 0) try w.print(" \"{s}\"", .{name});
    const doing = if (s.blocked != 0) "blocked in the system" else "running";
    const ms = @divTrunc(s.duration_ns, std.time.ns_per_ms);
    try w.print(" has kept vCPU {d} of group {d} for {d} ms, {s}\n", .{ s.vcpu, s.group, ms, doing });
    if (s.depth == 0) return w.writeAll("  (no stack trace: it has gone on, or signals are off)\n");
    const addresses: [*]const usize = @ptrCast(s.addresses);
    try std.debug.writeStackTrace(&.{ .return_addresses = @constCast(addresses[0..s.depth]), .skipped = .none }, terminal);
}
