const check = @import("check");

pub fn plain() !void {
    try check.overflow.run(16 << 10);
}
