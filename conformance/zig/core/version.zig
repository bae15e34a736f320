const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

pub fn plain() !void {
    check.eq(photonrt.header_version, photonrt.version());
}
