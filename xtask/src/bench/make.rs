//! How programs are built into `target/photonrt/bench`: the helpers that the rules in `plan/peers` are made
//! of. Each rule stands beside the peer that it builds.

use super::measure::Fail;
use super::plan::Program;
use crate::sh::{self, cargo, cc, cmd, output, root, run, target};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Where a program is.
pub fn binary(program: &str) -> PathBuf {
    target().join("photonrt/bench").join(program)
}

/// Where its minimal program is, if it has one: it runs main as the runtime's first task, and no more.
pub fn minimal(program: &Program) -> PathBuf {
    binary(&format!("{}-minimal", program.name))
}

/// Builds `program`.
pub fn build(program: &Program) -> Result<(), Fail> {
    let dir = target().join("photonrt/bench");
    fs::create_dir_all(&dir).map_err(|e| Fail::Broken(format!("{}: {e}", dir.display())))?;
    (program.make)(program)
}

fn missing(package: &str) -> Fail {
    Fail::Cannot(format!("needs {package}, which could not be installed"))
}

/// Debian's `package`, which has the command `name`.
pub fn debian(name: &str, package: &str) -> Result<(), Fail> {
    sh::have_or_install(name, package).then_some(()).ok_or_else(|| missing(package))
}

/// Debian's `package`, which has the header `name`, in C++ too.
pub fn header(name: &str, package: &str) -> Result<(), Fail> {
    sh::have_header(name, package).then_some(()).ok_or_else(|| missing(package))
}

/// The linker leaves out what nobody calls, as rustc's and Go's do unasked.
const LINK: &str = if cfg!(target_os = "macos") { "-Wl,-dead_strip" } else { "-Wl,--gc-sections" };

/// Compiles one file of `benches/c`; -O2 for all.
pub fn c(program: &Program, source: &str, flags: &[&str]) -> Result<(), Fail> {
    c_to(binary(program.name), source, flags)
}

/// The same for its minimal program.
pub fn c_minimal(program: &Program, source: &str, flags: &[&str]) -> Result<(), Fail> {
    c_to(minimal(program), source, flags)
}

fn c_to(to: PathBuf, source: &str, flags: &[&str]) -> Result<(), Fail> {
    let source = root().join("benches/c").join(source);
    run(cc()
        .args(["-O2", "-Wall", "-Wextra", "-pthread", LINK, "-o"])
        .args([to, source])
        .args(flags))
    .map_err(Fail::Broken)
}

/// Parts of our program beside `photonrt.c`.
const OURS: [&str; 3] = ["photonrt_io.c", "photonrt_sync.c", "photonrt_chan.c"];

/// Our program and the minimal one, with the library built into `package`.
pub fn link_ours(program: &Program, package: &Path) -> Result<(), Fail> {
    let include = format!("-I{}", package.join("include").display());
    let archive = package.join("lib/libphotonrt.a").display().to_string();
    let parts = OURS.map(|name| root().join("benches/c").join(name).display().to_string());
    let mut flags: Vec<&str> = vec![&include];
    flags.extend(parts.iter().chain([&archive]).map(String::as_str));
    c(program, "photonrt.c", &flags)?;
    c_minimal(program, "minimal.c", &[&include, &archive])
}

/// Compiles one file of `benches/cxx`; -O2 for all.
pub fn cxx(program: &Program, source: &str, libraries: &[&str]) -> Result<(), Fail> {
    cxx_to(binary(program.name), source, libraries)
}

/// The same for its minimal program.
pub fn cxx_minimal(program: &Program, source: &str, libraries: &[&str]) -> Result<(), Fail> {
    cxx_to(minimal(program), source, libraries)
}

fn cxx_to(to: PathBuf, source: &str, libraries: &[&str]) -> Result<(), Fail> {
    let source = root().join("benches/cxx").join(source);
    run(cmd("c++")
        .args(["-O2", "-std=c++17", "-DNDEBUG", "-Wall", "-Wextra", "-pthread", LINK, "-o"])
        .args([to, source])
        .args(libraries))
    .map_err(Fail::Broken)
}

/// Builds `peer-PACKAGE` of the workspace `benches/rust`, in the versions of its Cargo.lock; and
/// `peer-PROGRAM-minimal`, where it has that.
pub fn rust(program: &Program, package: &str) -> Result<(), Fail> {
    let out = target().join("bench-peers");
    let package = format!("peer-{package}");
    let args = ["build", "--quiet", "--release", "--locked", "--package", &package];
    let mut build = cargo();
    build.current_dir(root().join("benches/rust")).args(args).env("CARGO_TARGET_DIR", &out);
    run(&mut build).map_err(Fail::Broken)?;
    let copy = |from: PathBuf, to: PathBuf| {
        fs::copy(&from, to).map_err(|e| Fail::Broken(format!("{}: {e}", from.display())))
    };
    copy(out.join("release").join(&package), binary(program.name))?;
    let least = out.join("release").join(format!("peer-{}-minimal", program.name));
    if least.is_file() {
        copy(least, minimal(program))?;
    }
    Ok(())
}

/// For what runs in a program of others: puts the script `source` of `benches` (with `@NAME@` replaced, as
/// `paths` says) in the place of the program and of its minimal one, and what the latter is made of
/// beside that (`size`, `loads`) for the size workload.
pub fn script(
    program: &Program,
    source: &str,
    paths: &[(&str, &Path)],
    size: &Path,
    loads: &Path,
) -> Result<(), Fail> {
    let broken = |e: std::io::Error| Fail::Broken(format!("{source}: {e}"));
    let mut text = fs::read_to_string(root().join("benches").join(source)).map_err(broken)?;
    for (name, path) in paths {
        text = text.replace(name, &path.display().to_string());
    }
    for to in [binary(program.name), minimal(program)] {
        fs::write(&to, &text).map_err(broken)?;
        fs::set_permissions(&to, fs::Permissions::from_mode(0o755)).map_err(broken)?;
    }
    let parts = format!("size {}\nloads {}\n", size.display(), loads.display());
    fs::write(minimal(program).with_extension("parts"), parts).map_err(broken)
}

/// The version of Debian's `package`, if it is installed.
pub fn debian_version(package: &str) -> Vec<String> {
    let mut ask = cmd("dpkg-query");
    ask.args(["-W", "-f", "${Package} ${Version}", package]);
    output(&mut ask).into_iter().collect()
}

/// The first line that a command prints; empty if there is none.
pub fn first_line(program: &str, args: &[&str]) -> String {
    let out = cmd(program).args(args).output();
    let text = out.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or_default().into()
}

/// The first line that `program --version` prints.
pub fn compiler(program: &str) -> Vec<String> {
    Some(first_line(program, &["--version"])).filter(|l| !l.is_empty()).into_iter().collect()
}

/// The kernel's release.
pub fn kernel() -> Vec<String> {
    let text = fs::read_to_string("/proc/sys/kernel/osrelease");
    text.ok().map(|v| format!("Linux {}", v.trim())).into_iter().collect()
}

/// The version of Boost's headers.
pub fn boost() -> Vec<String> {
    let text = fs::read_to_string("/usr/include/boost/version.hpp").unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix("#define BOOST_LIB_VERSION "));
    line.map(|v| format!("Boost {}", v.trim_matches('"').replace('_', "."))).into_iter().collect()
}

/// Versions of crates as benches/rust/Cargo.lock has them.
pub fn locked(crates: &[&str]) -> Vec<String> {
    let lock = fs::read_to_string(root().join("benches/rust/Cargo.lock")).unwrap_or_default();
    locked_in(&lock, crates)
}

fn locked_in(lock: &str, crates: &[&str]) -> Vec<String> {
    let mut all = Vec::new();
    let mut name = "";
    for line in lock.lines() {
        if let Some(n) = line.strip_prefix("name = ") {
            name = n.trim_matches('"');
        } else if let Some(v) = line.strip_prefix("version = ")
            && crates.contains(&name)
        {
            all.push(format!("{name} {}", v.trim_matches('"')));
        }
    }
    all
}

#[test]
fn versions_come_from_the_lock_file() {
    let lock = "name = \"may\"\nversion = \"0.3.51\"\n\nname = \"x\"\nversion = \"1\"\n";
    assert_eq!(locked_in(lock, &["may"]), ["may 0.3.51"]);
    assert_eq!(locked(&["tokio"]).len(), 1, "the suite's own lock file");
}
