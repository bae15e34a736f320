//! The package `photonrt`: the module `photonrt`, its tests, examples and docs.
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
//! 2. `lib/ARCH-OS-ABI/libphotonrt.a` in this package: a package made by `cargo xtask zig-package` has these.
//! 3. The repository that this folder lies in: built by cargo. Cargo itself knows what is new, so it is asked on each
//!    `zig build`; the archive then goes through a step that copies by content, so that nothing is linked
//!    again when cargo had nothing to do.
//!
//! If there is none, building whatever imports the module fails with a message that names all three; what does not
//! need the archive (`zig build --help`, `zig build docs`) works without.
//!
//! Rejected: cargo's own `CARGO_TARGET_DIR` for the third way. This file runs once and its result is kept, so it must
//! not depend on the environment; cargo is given `--target-dir` instead.
const std = @import("std");

/// Who provides `_Unwind_Backtrace` and its kind, which the archive calls to print where the runtime itself broke.
const Unwinder = enum {
    /// LLVM's, which Zig carries in source and builds for any target. Linked statically.
    unwind,
    /// GCC's shared library, of the system that is linked for.
    gcc_s,
    /// The program brings its own.
    none,
};

pub fn build(b: *std.Build) void {
    const target = b.standardTargetOptions(.{});
    const optimize = b.standardOptimizeOption(.{});
    const given = b.option(std.Build.LazyPath, "photonrt-lib", "libphotonrt.a for the target (default: the package's own, or built by cargo)");
    const unwinder = b.option(Unwinder, "unwinder", "What prints the runtime's own stack traces (default: unwind)") orelse .unwind;

    const header = b.addTranslateC(.{
        .root_source_file = b.path(if (exists(b, "include/photonrt.h")) "include/photonrt.h" else "../include/photonrt.h"),
        .target = target,
        .optimize = optimize,
    });
    const mod = b.addModule("photonrt", .{
        .root_source_file = b.path("src/photonrt.zig"),
        .target = target,
        .optimize = optimize,
        .link_libc = true,
        .imports = &.{.{ .name = "c", .module = header.createModule() }},
    });
    mod.addObjectFile(given orelse archive(b, target.result));
    if (target.result.os.tag == .linux and unwinder != .none) mod.linkSystemLibrary(@tagName(unwinder), .{});

    const tests = b.addTest(.{ .root_module = mod });
    const test_step = b.step("test", "Run the tests");
    test_step.dependOn(&b.addRunArtifact(tests).step);
    for ([_][]const u8{"tests/api.zig"}) |path| {
        const more = b.addTest(.{ .root_module = b.createModule(.{
            .root_source_file = b.path(path),
            .target = target,
            .optimize = optimize,
            .imports = &.{.{ .name = "photonrt", .module = mod }},
        }) });
        test_step.dependOn(&b.addRunArtifact(more).step);
    }
}

/// Whether a file lies in the package, or beside it. The next `zig build` asks again if that has changed in the package:
/// what is there is watched itself, what is not by the listing of the innermost folder that is.
fn exists(b: *std.Build, sub_path: []const u8) bool {
    const io = b.graph.io;
    if (b.root.access(io, sub_path, .{})) {
        b.dependOnFileMetadata(b.path(sub_path));
        return true;
    } else |_| {}
    var folder = sub_path;
    while (std.fs.path.dirname(folder)) |parent| : (folder = parent) {
        b.root.access(io, parent, .{}) catch continue;
        b.dependOnDirectoryContents(b.path(parent));
        return false;
    }
    b.dependOnDirectoryContents(b.path(""));
    return false;
}

/// The second or the third way, or a file that can't be made.
fn archive(b: *std.Build, target: std.Target) std.Build.LazyPath {
    const triple = rustTriple(target) orelse return impossible(b, b.fmt(
        "photonrt does not run on {t}-{t}-{t}; it does on x86_64 and aarch64 with Linux (gnu, musl) and macOS",
        .{ target.cpu.arch, target.os.tag, target.abi },
    ));
    const packaged = b.fmt("lib/{t}-{t}-{t}/libphotonrt.a", .{ target.cpu.arch, target.os.tag, target.abi });
    if (exists(b, packaged)) return b.path(packaged);
    if (exists(b, "../abi/Cargo.toml")) return cargo(b, triple);
    return impossible(b, b.fmt(
        \\no libphotonrt.a for {0s}. One of these is needed:
        \\  - a package that has {1s}: `cargo xtask zig-package` in photonrt's repository makes one
        \\  - this folder inside photonrt's repository, and cargo with `rustup target add {0s}`
        \\  - -Dphotonrt-lib=PATH, or .@"photonrt-lib" = b.path(PATH) in b.dependency("photonrt", ...)
    , .{ triple, packaged }));
}

/// Rust's name of a target, null for those that the runtime does not know.
fn rustTriple(target: std.Target) ?[]const u8 {
    return switch (target.os.tag) {
        .linux => switch (target.cpu.arch) {
            .x86_64 => switch (target.abi) {
                .gnu => "x86_64-unknown-linux-gnu",
                .musl => "x86_64-unknown-linux-musl",
                else => null,
            },
            .aarch64 => switch (target.abi) {
                .gnu => "aarch64-unknown-linux-gnu",
                .musl => "aarch64-unknown-linux-musl",
                else => null,
            },
            else => null,
        },
        .macos => switch (target.cpu.arch) {
            .x86_64 => "x86_64-apple-darwin",
            .aarch64 => "aarch64-apple-darwin",
            else => null,
        },
        else => null,
    };
}

/// Has cargo build the archive of the repository around this folder.
///
/// Only the archive (`--crate-type staticlib`), so that no linker for the target is needed. On musl without
/// `crt-static`: Rust would put its own copy of musl into the archive, and Zig brings one.
fn cargo(b: *std.Build, triple: []const u8) std.Build.LazyPath {
    const run = b.addSystemCommand(&.{ "cargo", "rustc", "--release", "--package", "photonrt", "--crate-type", "staticlib" });
    run.addArgs(&.{ "--target", triple, "--target-dir", "target" });
    run.setName(b.fmt("cargo build for {s}", .{triple}));
    run.setCwd(b.path(".."));
    if (std.mem.endsWith(u8, triple, "musl")) run.setEnvironmentVariable("RUSTFLAGS", "-Ctarget-feature=-crt-static");
    run.has_side_effects = true;

    const copy = b.addWriteFiles();
    copy.step.dependOn(&run.step);
    return copy.addCopyFile(b.path(b.fmt("../target/{s}/release/libphotonrt.a", .{triple})), "libphotonrt.a");
}

/// A file whose making fails with `message`.
fn impossible(b: *std.Build, message: []const u8) std.Build.LazyPath {
    const files = b.addWriteFiles();
    files.step.dependOn(&b.addFail(message).step);
    return files.add("libphotonrt.a", "");
}
