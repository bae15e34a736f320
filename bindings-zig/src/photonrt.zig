//! photonrt for Zig.

pub const c = @import("c");
pub const Io = @import("Io.zig");

test {
    _ = Io;
}
