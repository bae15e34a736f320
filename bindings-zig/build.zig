//! The package `photonrt`: the module of that name, and its own tests, examples and docs.
//!
//! ```text
//!   include/photonrt.h --translate-c--> module "c" --.
//!   src/photonrt.zig --------------------------------+--> module "photonrt" --> whoever imports it
//!   libphotonrt.a ---- one of the three below -------'
//!   libunwind -------- -Dunwinder -------------------'
//! ```
//! The archive holds the runtime, which is written in Rust. It is the first of these that is there:
//!
//! 1. `-Dphotonrt-lib=PATH`, or `.@"photonrt-lib" = b.path(...)` in `b.dependency`: taken as it is.
//! 2. `lib/ARCH-OS-ABI/libphotonrt.a` in this package: what `cargo xtask zig-package` makes has these.
//! 3. The repository that this folder lies in: built by cargo. Cargo itself knows what is new, so it is
//!    asked on each `zig build`; the archive then goes through a step that copies by content, so that
//!    nothing is linked again when cargo had nothing to do.
//!
//! If there is none, building whatever imports the module fails with a message that names all three. What
//! does not need the archive (`zig build --help`, `zig build docs`) works without.
//!
//! Rejected:
//! - The environment's CARGO_TARGET_DIR in the third way. Zig keeps the outcome of this file, so it must
//!   not depend on the environment; cargo is given `--target-dir` instead.
//! - The archive as an option only. A user would then have to know how Rust names targets before anything
//!   runs at all.
const std = @import("std");
const Build = std.Build;
const LazyPath = Build.LazyPath;

/// Who has `_Unwind_Backtrace` and its kind, by which the runtime prints its own stack when it panics.
const Unwinder = enum {
    /// LLVM's, which Zig brings in source and builds for any target; linked statically.
    unwind,
    /// GCC's, a shared library of the system that is linked for.
    gcc_s,
    /// The program itself.
    none,
};

pub fn build(b: *Build) void {
    const target = b.standardTargetOptions(.{});
    const optimize = b.standardOptimizeOption(.{});
    const given = b.option(
        LazyPath,
        "photonrt-lib",
        "libphotonrt.a for the target (default: the package's own, else built by cargo)",
    );
    const unwinder = b.option(
        Unwinder,
        "unwinder",
        "What the runtime prints its own stack traces with, on Linux (default: unwind)",
    ) orelse .unwind;

    const ours = exists(b, "include/photonrt.h");
    const header = b.addTranslateC(.{
        .root_source_file = b.path(if (ours) "include/photonrt.h" else "../include/photonrt.h"),
        .target = target,
        .optimize = optimize,
    });
    const module = b.addModule("photonrt", .{
        .root_source_file = b.path("src/photonrt.zig"),
        .target = target,
        .optimize = optimize,
        .link_libc = true,
        .imports = &.{.{ .name = "c", .module = header.createModule() }},
    });
    if (rustTriple(target.result)) |triple| {
        module.addObjectFile(given orelse archive(b, target.result, triple));
    } else {
        // Before the header, which has much to say where there is no POSIX.
        header.step.dependOn(&b.addFail(b.fmt(
            "photonrt does not run on {s}; it does on x86_64 and aarch64 with Linux (gnu, musl) and macOS",
            .{name(b, target.result)},
        )).step);
    }
    if (target.result.os.tag == .linux and unwinder != .none) {
        module.linkSystemLibrary(@tagName(unwinder), .{});
    }
    if (b.isRoot()) project(b, module, target, optimize);
}

/// The steps of whoever works on the package itself.
fn project(
    b: *Build,
    module: *Build.Module,
    target: Build.ResolvedTarget,
    optimize: std.builtin.Optimize,
) void {
    const filters = b.option(
        []const []const u8,
        "test-filter",
        "Only tests whose name has this in it (may be given several times)",
    ) orelse &.{};

    const check = b.step("check", "Compile the tests, and run none");
    const run_tests = b.step("test", "Run the tests of src and tests");
    runAnew(b, check, run_tests, b.addTest(.{ .root_module = module, .filters = filters }));
    for (sources(b, "tests")) |file| {
        runAnew(b, check, run_tests, b.addTest(.{
            .name = file.name,
            .root_module = user(b, module, file, target, optimize),
            .filters = filters,
        }));
    }

    const examples = b.step("examples", "Build the examples into zig-out/bin");
    for (sources(b, "examples")) |file| {
        const program = b.addExecutable(.{
            .name = file.name,
            .root_module = user(b, module, file, target, optimize),
        });
        examples.dependOn(&b.addInstallArtifact(program, .{}).step);
    }

    // A module of its own: without the archive, so without Rust.
    const docs = b.addObject(.{
        .name = "photonrt",
        .root_module = b.createModule(.{
            .root_source_file = module.root_source_file,
            .target = target,
            .optimize = optimize,
            .link_libc = true,
            .imports = &.{.{ .name = "c", .module = module.import_table.get("c").? }},
        }),
    });
    b.step("docs", "Make the reference in zig-out/docs").dependOn(&b.addInstallDirectory(.{
        .source_dir = docs.getEmittedDocs(),
        .install_dir = .prefix,
        .install_subdir = "docs",
    }).step);
}

/// Runs tests even if they have passed before and nothing has changed: what threads and a network do is not a
/// function of their input.
fn runAnew(b: *Build, check: *Build.Step, step: *Build.Step, tests: *Build.Step.Compile) void {
    check.dependOn(&tests.step);
    const run = b.addRunArtifact(tests);
    run.has_side_effects = true;
    step.dependOn(&run.step);
}

/// A root module that imports photonrt, as one of a user's.
fn user(
    b: *Build,
    module: *Build.Module,
    file: Source,
    target: Build.ResolvedTarget,
    optimize: std.builtin.Optimize,
) *Build.Module {
    return b.createModule(.{
        .root_source_file = b.path(file.path),
        .target = target,
        .optimize = optimize,
        .imports = &.{.{ .name = "photonrt", .module = module }},
    });
}

const Source = struct {
    path: []const u8,
    /// The file's, without `.zig`.
    name: []const u8,
};

/// The `.zig` files right in `folder`, by name. None if there is no such folder.
fn sources(b: *Build, folder: []const u8) []const Source {
    const arena = b.graph.arena;
    const io = b.graph.io;
    if (!exists(b, folder)) return &.{};
    b.dependOnDirectoryContents(b.path(folder));
    var found: std.ArrayList(Source) = .empty;
    var dir = b.root.openDir(io, folder, .{ .iterate = true }) catch |err|
        std.process.fatal("{s}: {t}", .{ folder, err });
    defer dir.close(io);
    var entries = dir.iterate();
    while (entries.next(io) catch |err| std.process.fatal("{s}: {t}", .{ folder, err })) |entry| {
        if (entry.kind != .file or !std.mem.endsWith(u8, entry.name, ".zig")) continue;
        const path = b.pathJoin(&.{ folder, entry.name });
        found.append(arena, .{ .path = path, .name = std.fs.path.stem(path) }) catch @panic("OOM");
    }
    std.mem.sort(Source, found.items, {}, struct {
        fn before(_: void, x: Source, y: Source) bool {
            return std.mem.lessThan(u8, x.path, y.path);
        }
    }.before);
    return found.items;
}

/// Whether a file or folder lies in the package, or beside it. In the package, the next `zig build` asks anew
/// if the listing of the innermost folder around it has changed. Beside it are strangers' folders, and a
/// repository does not come up around a package later on.
fn exists(b: *Build, path: []const u8) bool {
    const io = b.graph.io;
    const there = if (b.root.access(io, path, .{})) true else |_| false;
    if (std.mem.startsWith(u8, path, "..")) return there;
    var inner = path;
    while (std.fs.path.dirname(inner)) |parent| : (inner = parent) {
        b.root.access(io, parent, .{}) catch continue;
        b.dependOnDirectoryContents(b.path(parent));
        return there;
    }
    b.dependOnDirectoryContents(b.path("."));
    return there;
}

/// A target as its folder in `lib` is called.
fn name(b: *Build, target: std.Target) []const u8 {
    return b.fmt("{t}-{t}-{t}", .{ target.cpu.arch, target.os.tag, target.abi });
}

/// Rust's name of a target; null if the runtime does not run there.
fn rustTriple(target: std.Target) ?[]const u8 {
    const intel = switch (target.cpu.arch) {
        .x86_64 => true,
        .aarch64 => false,
        else => return null,
    };
    return switch (target.os.tag) {
        .linux => switch (target.abi) {
            .gnu => if (intel) "x86_64-unknown-linux-gnu" else "aarch64-unknown-linux-gnu",
            .musl => if (intel) "x86_64-unknown-linux-musl" else "aarch64-unknown-linux-musl",
            else => null,
        },
        .macos => if (intel) "x86_64-apple-darwin" else "aarch64-apple-darwin",
        else => null,
    };
}

/// The second or the third way, or a file that can't be made.
fn archive(b: *Build, target: std.Target, triple: []const u8) LazyPath {
    const packaged = b.fmt("lib/{s}/libphotonrt.a", .{name(b, target)});
    if (exists(b, packaged)) return b.path(packaged);
    if (exists(b, "../abi/Cargo.toml")) return cargo(b, triple);
    const files = b.addWriteFiles();
    files.step.dependOn(&b.addFail(b.fmt(
        \\photonrt has no libphotonrt.a for {0s}. One of these is needed:
        \\  - {1s} in the package: `cargo xtask zig-package` in
        \\    photonrt's repository makes packages that have it
        \\  - the package inside photonrt's repository, and cargo, with Rust's std for {2s}
        \\  - -Dphotonrt-lib=PATH, or .@"photonrt-lib" = b.path(PATH) in b.dependency("photonrt", ...)
    , .{ name(b, target), packaged, triple })).step);
    return files.add("libphotonrt.a", "");
}

/// Has cargo build the archive of the repository around the package.
///
/// Only the archive (`--crate-type staticlib`), so that no linker for the target is needed. On musl without
/// `crt-static`: with it Rust would put a musl of its own into the archive, and Zig brings one.
fn cargo(b: *Build, triple: []const u8) LazyPath {
    const run = b.addSystemCommand(&.{ "cargo", "rustc", "--release", "--package", "photonrt" });
    run.addArgs(&.{ "--crate-type", "staticlib", "--target", triple, "--target-dir", "target" });
    run.setName(b.fmt("cargo, for {s}", .{triple}));
    run.setCwd(b.path(".."));
    if (std.mem.endsWith(u8, triple, "musl")) {
        run.setEnvironmentVariable("RUSTFLAGS", "-Ctarget-feature=-crt-static");
    }
    run.has_side_effects = true;

    const copy = b.addWriteFiles();
    copy.step.dependOn(&run.step);
    return copy.addCopyFile(
        b.path(b.fmt("../target/{s}/release/libphotonrt.a", .{triple})),
        "libphotonrt.a",
    );
}
