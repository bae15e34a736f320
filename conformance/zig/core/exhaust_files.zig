const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

fn openFiles() usize {
    return check.proc.entries("/proc/self/fd");
}

fn child() void {
    check.must(photonrt.sleep(.us(100)));
}

fn entry() !void {
    try photonrt.sleep(.ms(1));
    try check.spawn(child, .{}).join();
    if (photonrt.Group.create(.{})) |group| {
        try group.destroy(.forever);
    } else |e| check.eq(error.ProcessFdQuotaExceeded, e);
}

pub fn plain() !void {
    const limit = try std.posix.getrlimit(.NOFILE);
    const before = openFiles();
    var ran: u32 = 0;
    var refused: u32 = 0;
    for (0..40) |spare| {
        try std.posix.setrlimit(.NOFILE, .{ .cur = before + spare, .max = limit.max });
        const result = photonrt.run(check.config(), entry, .{});
        try std.posix.setrlimit(.NOFILE, limit);
        if (result) ran += 1 else |e| {
            check.eq(error.ProcessFdQuotaExceeded, e);
            refused += 1;
        }
        check.eq(before, openFiles());
    }
    check.ge(ran, 1);
    check.ge(refused, 1); // a vCPU can't do without any
    try photonrt.run(check.config(), entry, .{});
}
