const std = @import("std");

pub fn build(b: *std.Build) void {
    const target = b.standardTargetOptions(.{});
    const optimize = b.standardOptimizeOption(.{});
    const archive = b.option([]const u8, "photonrt-lib", "Path of libphotonrt.a") orelse "../target/release/libphotonrt.a";

    const header = b.addTranslateC(.{
        .root_source_file = b.path("../include/photonrt.h"),
        .target = target,
        .optimize = optimize,
    });
    const mod = b.addModule("photonrt", .{
        .root_source_file = b.path("src/photonrt.zig"),
        .target = target,
        .optimize = optimize,
        .link_libc = true,
    });
    mod.addImport("c", header.createModule());
    mod.addObjectFile(.{ .cwd_relative = archive });
    mod.linkSystemLibrary("unwind", .{});

    const tests = b.addTest(.{ .root_module = mod });
    b.step("test", "Run the tests").dependOn(&b.addRunArtifact(tests).step);
}
