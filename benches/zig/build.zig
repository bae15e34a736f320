//! The programs: each a file of that name.
const std = @import("std");

pub fn build(b: *std.Build) void {
    const target = b.standardTargetOptions(.{});
    const optimize: std.builtin.Optimize = .fast;
    const lib = b.option(std.Build.LazyPath, "photonrt-lib", "libphotonrt.a") orelse @panic("needs -Dphotonrt-lib");
    const photonrt = b.dependency("photonrt", .{ .target = target, .optimize = optimize, .@"photonrt-lib" = lib }).module("photonrt");
    for ([_][]const u8{ "threaded", "minimal" }) |name| program(b, name, target, optimize, null);
    for ([_][]const u8{ "photonrt", "direct" }) |name| program(b, name, target, optimize, photonrt);
}

fn program(b: *std.Build, name: []const u8, target: std.Build.ResolvedTarget, optimize: std.builtin.Optimize, photonrt: ?*std.Build.Module) void {
    const root = b.createModule(.{
        .root_source_file = b.path(b.fmt("{s}.zig", .{name})),
        .target = target,
        .optimize = optimize,
        .strip = true,
    });
    if (photonrt) |module| root.addImport("photonrt", module);
    b.installArtifact(b.addExecutable(.{ .name = name, .root_module = root }));
}
