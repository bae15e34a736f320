//! Builds the contenders' programs into `target/photonrt/bench`.

use super::measure::Fail;
use crate::package;
use crate::sh::{cargo, cc, cmd, have_or_install, root, run, target};
use std::fs;
use std::path::{Path, PathBuf};

/// Where a program is.
pub fn binary(program: &str) -> PathBuf {
    target().join("photonrt/bench").join(program)
}

/// Builds `program`.
pub fn build(program: &str) -> Result<(), Fail> {
    let missing = match program {
        "http-uring" if !have_header("liburing.h", "liburing-dev") => "liburing-dev",
        "http-uv" if !have_header("uv.h", "libuv1-dev") => "libuv1-dev",
        "fio" if !have_or_install("fio", "fio") => "fio",
        _ => return compile(program).map_err(Fail::Broken),
    };
    Err(Fail::Cannot(format!("needs {missing}, which could not be installed")))
}

fn have_header(name: &str, package: &str) -> bool {
    let there = || Path::new("/usr/include").join(name).exists();
    // The second call looks for a program of that name, which there is not: what it installs is what
    // counts.
    there() || (!have_or_install(name, package) && there())
}

fn compile(program: &str) -> Result<(), String> {
    let dir = target().join("photonrt/bench");
    fs::create_dir_all(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    match program {
        "photonrt" => ours(),
        // No endbr64 and no stack protector: the bare switch is to be bare.
        "limit" => c(program, "limit.c", &["-fcf-protection=none", "-fno-stack-protector"]),
        "http-epoll" => c(program, "http_epoll.c", &[]),
        "http-uring" => c(program, "http_uring.c", &["-luring"]),
        "http-uv" => c(program, "http_uv.c", &["-luv"]),
        "threads" => c(program, "threads.c", &[]),
        "idle-load" => c(program, "idle_load.c", &[]),
        // Debian's.
        "fio" => Ok(()),
        "corosensei" | "glommio" | "may" | "monoio" => rust(program, program),
        // One program, which takes the runtime's flavour from its own name.
        "tokio-ct" | "tokio-mt" => rust("tokio", program),
        _ => Err(format!("no rule to build {program}")),
    }
}

/// Compiles one file of `benches/c`; -O2 for all.
fn c(program: &str, source: &str, flags: &[&str]) -> Result<(), String> {
    let source = root().join("benches/c").join(source);
    run(cc()
        .args(["-O2", "-Wall", "-Wextra", "-pthread", "-o"])
        .args([binary(program), source])
        .args(flags))
}

/// As a user links it: the header, the archive, and no flag beyond.
fn ours() -> Result<(), String> {
    package::build()?;
    let include = format!("-I{}", package::dir().join("include").display());
    let archive = package::archive();
    let io = root().join("benches/c/photonrt_io.c");
    let paths = [io, archive].map(|p| p.display().to_string());
    c("photonrt", "photonrt.c", &[&include, &paths[0], &paths[1]])
}

fn rust(package: &str, program: &str) -> Result<(), String> {
    let out = target().join("bench-peers");
    run(cargo()
        .current_dir(root().join("benches/rust"))
        .args([
            "build",
            "--quiet",
            "--release",
            "--locked",
            "--package",
            &format!("peer-{package}"),
        ])
        .env("CARGO_TARGET_DIR", &out))?;
    let from = out.join(format!("release/peer-{package}"));
    fs::copy(&from, binary(program)).map(drop).map_err(|e| format!("{}: {e}", from.display()))
}

/// Compiler and peer versions, for the report.
pub fn versions() -> Vec<String> {
    let mut all = Vec::new();
    let first = |program: &str| -> Option<String> {
        let out = cmd(program).arg("--version").output().ok()?;
        String::from_utf8_lossy(&out.stdout).lines().next().map(String::from)
    };
    all.extend(["cc", "rustc", "fio"].into_iter().filter_map(first));
    all.extend(
        fs::read_to_string("/proc/sys/kernel/osrelease")
            .ok()
            .map(|v| format!("Linux {}", v.trim())),
    );
    let lock = fs::read_to_string(root().join("benches/rust/Cargo.lock")).unwrap_or_default();
    let mut name = "";
    for line in lock.lines() {
        if let Some(n) = line.strip_prefix("name = ") {
            name = n.trim_matches('"');
        } else if let Some(v) = line.strip_prefix("version = ")
            && ["corosensei", "glommio", "may", "monoio", "tokio"].contains(&name)
        {
            all.push(format!("{name} {}", v.trim_matches('"')));
        }
    }
    all
}
