const check = @import("check");

pub fn plain() !void {
    try check.overflow.run(256 << 10);
}
