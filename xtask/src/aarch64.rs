//! The runtime for aarch64, on a machine that is none: its unit tests run under qemu's user-mode
//! emulation, and the build for Apple's object format is type-checked.
//!
//! Needed: a linker and C library for aarch64 (Debian: gcc-aarch64-linux-gnu, libc6-dev-arm64-cross),
//! the emulator (qemu-user-static), and Rust's std for it. The std comes from rustup where that can
//! add it, else from Debian's packages: its own rustc-web with the arm64 std of the same build,
//! unpacked side by side below target/, nothing installed. What cannot be had is named, and the step is
//! skipped.

use crate::sh::{cargo, cmd, have, have_or_install, logged, output, run as done, shown, target};
use crate::step::Outcome;
use crate::test::{count, counted, log_of};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const LINUX: &str = "aarch64-unknown-linux-gnu";
const APPLE: &str = "aarch64-apple-darwin";

/// Where Debian's cross packages put the C library for aarch64.
pub const LIBC: &str = "/usr/aarch64-linux-gnu";

/// Runs the runtime's unit tests emulated.
pub fn run(name: &str, trouble: &mut Vec<String>) -> Result<Outcome, String> {
    let what = "the runtime's tests on aarch64";
    if cfg!(all(target_arch = "aarch64", target_os = "linux")) {
        return Ok(Outcome::skip(what, "this machine is one: the unit step has run them"));
    }
    if cfg!(not(target_os = "linux")) {
        return Ok(Outcome::skip(what, "user-mode emulation needs Linux"));
    }
    for (program, package) in [
        ("qemu-aarch64-static", "qemu-user-static"),
        ("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu"),
    ] {
        if !have_or_install(program, package) {
            return Ok(Outcome::skip(
                what,
                format!("no {program}, and {package} could not be installed"),
            ));
        }
    }
    if let Err(why) = c_library() {
        return Ok(Outcome::skip(what, why));
    }
    let rustc = match rust_for(LINUX) {
        Ok(rustc) => rustc,
        Err(why) => return Ok(Outcome::skip(what, why)),
    };
    let mut c = cargo();
    c.args(["test", "--no-fail-fast", "--package", "photonrt-runtime", "--lib", "--target", LINUX])
        .args(["--", "--show-output"])
        .env("PHOTONRT_EMULATED", "1")
        .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", "aarch64-linux-gnu-gcc")
        .env(
            "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER",
            format!("qemu-aarch64-static -L {LIBC}"),
        );
    if let Some(rustc) = rustc {
        rustc.apply(&mut c);
    }
    counted(name, &mut c, 900, count, trouble)
}

/// Makes sure that the C library for it is there. The cross compiler does not depend on it, only
/// recommends it.
pub fn c_library() -> Result<(), String> {
    if Path::new(LIBC).join("include/stdio.h").exists() {
        return Ok(());
    }
    let args = ["install", "-y", "-q", "--no-install-recommends", "libc6-dev-arm64-cross"];
    let result = done(cmd("apt-get").args(args).env("DEBIAN_FRONTEND", "noninteractive"));
    result.map_err(|e| format!("no C library for it: {}", last_line(&e)))
}

/// Type-checks the runtime for Apple's machines.
pub fn check_apple(name: &str, trouble: &mut Vec<String>) -> Result<Outcome, String> {
    if let Err(e) = rustup_std(APPLE) {
        let why = format!("no std for {APPLE}: {e}");
        return Ok(Outcome::skip("type-check for macOS", why));
    }
    let mut c = cargo();
    c.args(["check", "--quiet", "--package", "photonrt-runtime", "--lib", "--target", APPLE]);
    let good = logged(&mut c, &log_of(name), Duration::from_secs(300))?;
    if !good {
        let text = std::fs::read_to_string(log_of(name)).unwrap_or_default();
        let errors = text.lines().filter(|l| l.starts_with("error")).collect::<Vec<_>>().join("\n");
        trouble.push(format!("{}\n{errors}\n(all of it: {})", shown(&c), log_of(name).display()));
    }
    Ok(Outcome::check(good))
}

/// A compiler beside the one in use.
pub struct Rustc(PathBuf);

impl Rustc {
    /// Has cargo use it, in a folder of its own, so that neither throws the other's work away.
    pub fn apply(&self, cargo: &mut Command) {
        cargo.env("RUSTC", &self.0).env("CARGO_TARGET_DIR", Rustc::target());
    }

    /// That folder.
    pub fn target() -> PathBuf {
        target().join("aarch64/build")
    }
}

/// What to compile with for `triple`: none if the compiler in use can; an error says why nothing can.
pub fn rust_for(triple: &str) -> Result<Option<Rustc>, String> {
    let Err(rustup) = rustup_std(triple) else { return Ok(None) };
    if triple != LINUX {
        return Err(format!("no std for it: rustup: {rustup}"));
    }
    let debian = |e| format!("no std for it: rustup: {rustup}; Debian: {e}");
    debian_rustc().map(|path| Some(Rustc(path))).map_err(debian)
}

/// Makes sure that the compiler in use has its std for `triple`, with rustup's help if it has not.
fn rustup_std(triple: &str) -> Result<(), String> {
    if has_std(triple) {
        return Ok(());
    }
    if !have("rustup") {
        return Err("not installed".into());
    }
    let log = log_of("rustup");
    let mut add = cmd("rustup");
    add.args(["target", "add", triple]);
    match logged(&mut add, &log, Duration::from_secs(120)) {
        Ok(true) if has_std(triple) => Ok(()),
        Ok(true) => Err(format!("added {triple}, but not for this compiler")),
        Ok(false) => Err(last_line(&std::fs::read_to_string(&log).unwrap_or_default())),
        Err(e) => Err(e),
    }
}

fn has_std(triple: &str) -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let dir = output(cmd(rustc).args(["--print", "target-libdir", "--target", triple]));
    let files = dir.ok().and_then(|d| std::fs::read_dir(d.trim()).ok());
    files.is_some_and(|f| {
        f.flatten().any(|f| f.file_name().to_string_lossy().starts_with("libstd-"))
    })
}

/// A rustc with std for this machine and for aarch64, from Debian's packages.
///
/// apt-get reads a configuration of its own that names arm64 as well and keeps lists and packages
/// below target/; the system's stays as it is.
fn debian_rustc() -> Result<PathBuf, String> {
    let dir = target().join("aarch64");
    let rustc = dir.join("rustc");
    if rustc.exists() {
        return Ok(rustc);
    }
    for program in ["apt-get", "apt-cache", "dpkg"] {
        if !have(program) {
            return Err(format!("no {program}"));
        }
    }
    if !cfg!(target_arch = "x86_64") {
        return Err("only from x86-64".into());
    }
    let io = |e: std::io::Error| format!("{}: {e}", dir.display());
    let [debs, root, conf] = ["debs", "root", "apt.conf"].map(|n| dir.join(n));
    for folder in ["debs", "root", "lists/partial", "cache/archives/partial"] {
        std::fs::create_dir_all(dir.join(folder)).map_err(io)?;
    }
    let text = format!(
        "APT::Architectures {{ \"amd64\"; \"arm64\"; }};\n\
         APT::Sandbox::User \"\";\n\
         Dir::State::lists \"{0}/lists\";\nDir::Cache \"{0}/cache\";\n",
        dir.display()
    );
    std::fs::write(&conf, text).map_err(io)?;
    let apt = |program: &str, args: &[&str]| {
        let mut c = cmd(program);
        c.args(args).env("APT_CONFIG", &conf).current_dir(&debs);
        c
    };
    let log = log_of("aarch64-packages");
    fetched(&mut apt("apt-get", &["update", "-q"]), &log)?;
    // The compiler's library and LLVM have their versions in their names.
    let dependency = |package: &str, prefix: &str| -> Result<String, String> {
        let text = output(&mut apt("apt-cache", &["depends", package]))?;
        text.lines()
            .filter_map(|l| l.trim().strip_prefix("Depends: "))
            .find(|d| d.starts_with(prefix))
            .map(str::to_owned)
            .ok_or_else(|| format!("{package} depends on no {prefix}..."))
    };
    let library = dependency("libstd-rust-web-dev", "libstd-rust-web-")?;
    let llvm = dependency(&library, "libllvm")?;
    let std = "libstd-rust-web-dev";
    let arm = "libstd-rust-web-dev:arm64";
    fetched(
        &mut apt("apt-get", &["download", "-q", "rustc-web", &library, &llvm, std, arm]),
        &log,
    )?;
    for deb in std::fs::read_dir(&debs).map_err(io)?.flatten() {
        done(cmd("dpkg").arg("-x").arg(deb.path()).arg(&root))?;
    }
    let (bin, lib) = (root.join("usr/bin/rustc"), root.join("usr/lib/x86_64-linux-gnu"));
    let script =
        format!("#!/bin/sh\nLD_LIBRARY_PATH='{}' exec '{}' \"$@\"\n", lib.display(), bin.display());
    // Under its final name only when it works.
    let tried = dir.join("rustc.new");
    std::fs::write(&tried, script).map_err(io)?;
    done(cmd("chmod").arg("+x").arg(&tried))?;
    output(cmd(&tried).args(["--print", "target-libdir", "--target", LINUX]))?;
    std::fs::rename(&tried, &rustc).map_err(io)?;
    Ok(rustc)
}

/// A download: a few minutes at most, and an error is the last thing it said.
fn fetched(c: &mut Command, log: &Path) -> Result<(), String> {
    match logged(c, log, Duration::from_secs(300))? {
        true => Ok(()),
        false => Err(last_line(&std::fs::read_to_string(log).unwrap_or_default())),
    }
}

fn last_line(text: &str) -> String {
    text.lines().rfind(|l| !l.trim().is_empty()).unwrap_or("no reason given").trim().into()
}
