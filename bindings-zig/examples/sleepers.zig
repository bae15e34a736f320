//! 100,000 tasks that sleep at once, and what they take.
const std = @import("std");
const photonrt = @import("photonrt");
const Io = std.Io;

const sleepers = 100_000;

pub fn main() !void {
    try photonrt.Io.run(std.heap.smp_allocator, .{}, start, .{});
}

fn start(io: Io) !void {
    const before = try resident();
    var tasks: Io.Group = .init;
    defer tasks.cancel(io);
    var awake: std.atomic.Value(u32) = .init(0);
    for (0..sleepers) |i| try tasks.concurrent(io, sleep, .{ io, &awake, i });
    // All of them have begun by now, and none has woken.
    try io.sleep(.fromMilliseconds(500), .awake);
    const bytes = try resident() - before;
    std.debug.print("{d} sleepers take {d} MiB, {d} bytes each\n", .{ sleepers, bytes >> 20, bytes / sleepers });
    try tasks.await(io);
    std.debug.print("{d} have woken\n", .{awake.load(.monotonic)});
}

fn sleep(io: Io, awake: *std.atomic.Value(u32), number: usize) Io.Cancelable!void {
    try io.sleep(.fromMilliseconds(@intCast(1000 + number % 1000)), .awake);
    _ = awake.fetchAdd(1, .monotonic);
}

/// Bytes of memory that the process has.
fn resident() !usize {
    const pages = photonrt.c.co_io_open("/proc/self/statm", 0, 0, photonrt.c.CO_FOREVER);
    if (pages < 0) return error.NoProcfs;
    defer photonrt.fd.close(pages);
    var room: [128]u8 = undefined;
    const text = room[0..try photonrt.fd.read(pages, &room, .forever)];
    var words = std.mem.tokenizeScalar(u8, text, ' ');
    _ = words.next();
    return try std.fmt.parseInt(usize, words.next().?, 10) * std.heap.pageSize();
}
