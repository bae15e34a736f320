//! The program's own SIGSEGV handler gets what is no stack overflow, and is there again afterwards.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const posix = std.posix;

const size = 4096;
var page: []align(std.heap.page_size_min) u8 = undefined;
var handled: std.atomic.Value(u32) = .init(0);

extern "c" fn mprotect(address: *anyopaque, len: usize, protection: posix.PROT) c_int;

fn onFault(_: posix.SIG, info: *const posix.siginfo_t, _: ?*anyopaque) callconv(.c) void {
    const address = @intFromPtr(info.fields.sigfault.addr);
    const start = @intFromPtr(page.ptr);
    if (address < start or address >= start + size) std.c._exit(9);
    _ = handled.fetchAdd(1, .seq_cst);
    _ = mprotect(page.ptr, size, .{ .READ = true, .WRITE = true }); // the access is tried again and works
}

fn fault() void {
    const before = handled.load(.seq_cst);
    _ = check.ok(mprotect(page.ptr, size, .{}));
    @as(*volatile u8, &page[0]).* = 1;
    check.eq(before + 1, handled.load(.seq_cst));
}

fn isMine() bool {
    var now: posix.Sigaction = undefined;
    posix.sigaction(.SEGV, null, &now);
    return now.handler.sigaction == onFault;
}

fn entry(no_signals: bool) void {
    fault();
    for (1..check.vcpus() + 1) |v| check.join(check.spawnOn(@intCast(v), fault, .{}));
    if (no_signals) check.that(isMine());
}

pub fn plain() !void {
    const mine: posix.Sigaction = .{ .handler = .{ .sigaction = onFault }, .mask = posix.sigemptyset(), .flags = posix.SA.SIGINFO };
    posix.sigaction(.SEGV, &mine, null);
    page = try posix.mmap(null, size, .{}, .{ .TYPE = .PRIVATE, .ANONYMOUS = true }, -1, 0);
    for (0..6) |i| {
        var config = check.config();
        config.no_signals = i % 2 == 1;
        try photonrt.run(config, entry, .{config.no_signals});
        check.that(isMine());
    }
}
