//! The Zig cases, all in one program that is told which to be: it takes a second to link, and there are hundreds.
//!
//! The list of cases is this folder's: `<level>/<case>.zig`, without those in capitals and those beside the levels.
const std = @import("std");

const levels = [_][]const u8{ "core", "io", "sync", "scope", "chan", "pool" };

pub fn build(b: *std.Build) void {
    const target = b.standardTargetOptions(.{});
    const optimize = b.standardOptimizeOption(.{});
    const lib = b.option(std.Build.LazyPath, "photonrt-lib", "libphotonrt.a for the target");
    const only = b.option([]const u8, "level", "Cases of this level only");
    const photonrt = (if (lib) |l|
        b.dependency("photonrt", .{ .target = target, .optimize = optimize, .@"photonrt-lib" = l })
    else
        b.dependency("photonrt", .{ .target = target, .optimize = optimize })).module("photonrt");

    const check = b.createModule(.{
        .root_source_file = b.path("check.zig"),
        .target = target,
        .optimize = optimize,
        .link_libc = true,
        .imports = &.{.{ .name = "photonrt", .module = photonrt }},
    });
    const root = b.createModule(.{
        .root_source_file = b.path("main.zig"),
        .target = target,
        .optimize = optimize,
        .link_libc = true,
        .imports = &.{ .{ .name = "photonrt", .module = photonrt }, .{ .name = "check", .module = check } },
    });
    var list: std.ArrayList(u8) = .empty;
    for (levels) |level| {
        if (only) |l| if (!std.mem.eql(u8, l, level)) continue;
        var dir = b.root.openDir(b.graph.io, level, .{ .iterate = true }) catch continue;
        defer dir.close(b.graph.io);
        var files = dir.iterate();
        while (files.next(b.graph.io) catch @panic("can't read the folder")) |file| {
            const name = std.mem.cutSuffix(u8, file.name, ".zig") orelse continue;
            if (std.ascii.isUpper(name[0])) continue;
            const module = b.createModule(.{
                .root_source_file = b.path(b.fmt("{s}/{s}", .{ level, file.name })),
                .target = target,
                .optimize = optimize,
                .link_libc = true,
                .imports = &.{ .{ .name = "photonrt", .module = photonrt }, .{ .name = "check", .module = check } },
            });
            const case = b.fmt("{s}/{s}", .{ level, name });
            root.addImport(case, module);
            list.print(b.allocator, "    .{{ .name = \"{s}\", .case = @import(\"{s}\") }},\n", .{ case, case }) catch @panic("OOM");
        }
        b.dependOnDirectoryContents(b.path(level));
    }
    const cases = b.addWriteFiles().add("cases.zig", b.fmt("pub const all = .{{\n{s}}};\n", .{list.items}));
    const cases_module = b.createModule(.{ .root_source_file = cases });
    var imports = root.import_table.iterator();
    while (imports.next()) |entry| {
        if (std.mem.indexOfScalar(u8, entry.key_ptr.*, '/') != null) cases_module.addImport(entry.key_ptr.*, entry.value_ptr.*);
    }
    root.addImport("cases", cases_module);
    b.installArtifact(b.addExecutable(.{ .name = "cases", .root_module = root }));
}
