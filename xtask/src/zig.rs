//! The Zig package in bindings-zig: its tests, on this machine and for others.
//!
//! ```text
//! zig           formatting; tests, examples, reference, all with the built archive
//! zig-modes     what takes longer: tests in the optimized modes, cases in the third and on other targets
//! zig-targets   the tests for the oldest glibc, for musl, for aarch64 under emulation
//! zig-cases     the conformance suite in Zig
//! zig-package   `package`: the archive of files that `zig fetch` takes, made and used
//! ```
//! The compiler is $ZIG, or `zig` if it is of the right version, or what PyPI has. All that it writes goes
//! below target/zig, so that a clean clone stays clean.

mod cases;
mod package;

pub use cases::step as cases_step;
pub use package::{make, step as package_step};

use crate::aarch64;
use crate::cross::{TARGETS, Target};
use crate::package::archive;
use crate::pypi::pypi;
use crate::sh::{cmd, have_or_install, output, root, run, target};
use crate::step::{Fail, Outcome};
use crate::test::{check, counted};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The version that the package is for.
pub const VERSION: &str = "0.17.0";

/// It, as PyPI has it.
pub const PACKAGE: &str = "ziglang==0.17.0";

/// Where all goes that is made here.
pub fn dir() -> PathBuf {
    target().join("zig")
}

/// The package's own folder.
pub fn home() -> PathBuf {
    root().join("bindings-zig")
}

/// A compiler.
pub struct Zig(PathBuf);

impl Zig {
    /// Finds or fetches one. A $ZIG of another version is an error: whoever sets it means it.
    pub fn find() -> Result<Zig, Fail> {
        let version =
            |program: &Path| output(cmd(program).arg("version")).map(|v| v.trim().to_string());
        if let Some(path) = std::env::var_os("ZIG").map(PathBuf::from) {
            return match version(&path) {
                Ok(v) if v == VERSION => Ok(Zig(path)),
                Ok(v) => Err(Fail::Broken(format!("$ZIG is of version {v}, not {VERSION}"))),
                Err(e) => Err(Fail::Broken(format!("$ZIG: {e}"))),
            };
        }
        if version(Path::new("zig")).is_ok_and(|v| v == VERSION) {
            return Ok(Zig("zig".into()));
        }
        pypi("zig", PACKAGE, "ziglang/zig").map(|home| Zig(home.join("ziglang/zig")))
    }

    /// The program.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// `zig` with its caches below target, in the folder `at`.
    pub fn command(&self, at: &Path) -> Command {
        let mut c = cmd(&self.0);
        c.current_dir(at)
            .env("ZIG_GLOBAL_CACHE_DIR", dir().join("cache"))
            .env("ZIG_LOCAL_CACHE_DIR", dir().join("local"));
        c
    }

    /// `zig build STEPS` of the package, with a certain archive.
    fn build(&self, archive: &Path, steps: &[&str]) -> Command {
        let mut c = self.command(&home());
        c.arg("build").args(steps).args(["--color", "off", "--summary", "all", "--prefix"]);
        c.arg(dir().join("out")).arg(format!("-Dphotonrt-lib={}", archive.display()));
        c
    }
}

/// The step `zig`.
pub fn step(name: &str, trouble: &mut Vec<String>) -> Result<Outcome, String> {
    let zig = match Zig::find() {
        Ok(zig) => zig,
        Err(fail) => return Ok(fail.outcome("the Zig package", trouble)),
    };
    crate::package::build()?;
    let mut sum = Outcome::default();
    let mut fmt = zig.command(&home());
    let sources = ["build.zig", "build.zig.zon", "src", "tests", "examples"];
    fmt.args(["fmt", "--check"]).args(sources.iter().filter(|s| home().join(s).exists()));
    let mut programs = zig.build(&archive(), &["examples", "docs"]);
    for (part, c) in [("fmt", &mut fmt), ("examples", &mut programs)] {
        sum.add(check(&format!("{name}-{part}"), c, 600).unwrap_or_else(|e| {
            trouble.push(e);
            Outcome::check(false)
        }));
    }
    for source in files(&home().join("examples")) {
        let program = dir().join("out/bin").join(source.file_stem().unwrap_or_default());
        // Without arguments each is its own client, and ends.
        let ended = run(cmd("timeout").arg("120").arg(&program));
        sum.add(Outcome::check(ended.is_ok()));
        trouble.extend(ended.err());
    }
    in_mode(&zig, name, "debug", &mut sum, trouble)?;
    Ok(sum)
}

/// The step `zig-modes`.
pub fn modes(name: &str, trouble: &mut Vec<String>) -> Result<Outcome, String> {
    let zig = match Zig::find() {
        Ok(zig) => zig,
        Err(fail) => return Ok(fail.outcome("the Zig package, optimized", trouble)),
    };
    crate::package::build()?;
    let mut sum = Outcome::default();
    // The compiler optimizes on one CPU: two at a time. What they say is said again when the tests are run.
    std::thread::scope(|s| {
        for mode in ["safe", "fast"] {
            let mut c = zig.build(&archive(), &["check"]);
            c.arg(format!("-Doptimize={mode}"));
            s.spawn(move || drop(check(&format!("{name}-check-{mode}"), &mut c, 900)));
        }
    });
    for mode in ["safe", "fast"] {
        in_mode(&zig, name, mode, &mut sum, trouble)?;
    }
    sum.add(cases::rest(&zig, name, trouble)?);
    Ok(sum)
}

/// The package's own tests.
fn in_mode(
    zig: &Zig,
    name: &str,
    mode: &str,
    sum: &mut Outcome,
    trouble: &mut Vec<String>,
) -> Result<(), String> {
    let mut c = zig.build(&archive(), &["test"]);
    c.arg(format!("-Doptimize={mode}"));
    let ran = tests(&format!("{name}-{mode}"), c, trouble);
    let (there, all) = (written()?, ran.passed + ran.failed + ran.skipped.len() as u64);
    if all != there {
        trouble.push(format!("{mode}: of {there} tests {all} ran: no root mentions their files"));
    }
    sum.add(Outcome::check(all == there));
    sum.add(ran);
    Ok(())
}

/// How many tests the package has. Zig runs those of the files that a test of the root mentions, and of what
/// these mention, and says nothing of others.
fn written() -> Result<u64, String> {
    let begins = |line: &&str| line.strip_prefix("test ").is_some_and(|l| l.ends_with('{'));
    let folders = ["src", "tests"].map(|n| home().join(n));
    let mut sum = 0;
    for file in folders.iter().flat_map(|f| files(f)) {
        let text = crate::package::io(&file, std::fs::read_to_string(&file))?;
        sum += text.lines().filter(begins).count() as u64;
    }
    Ok(sum)
}

/// The files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path());
    entries.flat_map(|p| if p.is_dir() { files(&p) } else { vec![p] }).collect()
}

/// Runs a `zig build test`. Zig itself ends a test that hangs, and names it.
fn tests(name: &str, mut c: Command, trouble: &mut Vec<String>) -> Outcome {
    c.args(["--test-timeout", "120s"]);
    counted(name, &mut c, 900, count, trouble).unwrap_or_else(|e| {
        trouble.push(e);
        Outcome::check(false)
    })
}

/// The step `zig-targets`.
pub fn targets(name: &str, trouble: &mut Vec<String>) -> Result<Outcome, String> {
    let zig = match Zig::find() {
        Ok(zig) => zig,
        Err(fail) => return Ok(fail.outcome("the Zig package for other targets", trouble)),
    };
    let mut sum = Outcome::default();
    // Not aarch64 with musl: it has nothing that the others have not, and emulation takes its time.
    for target in TARGETS.iter().filter(|t| t.name != "aarch64-linux-musl") {
        // The oldest glibc that Rust's std and ours link with; newer ones are what machines have.
        let oldest = if target.name.ends_with("gnu") { ".2.17" } else { "" };
        let what = format!("{}{oldest}", target.name);
        let mut on_it = || -> Result<Outcome, Fail> {
            let emulation = Emulation::of(target)?;
            let mut c = zig.build(&target.archive()?, &["test"]);
            c.arg(format!("-Dtarget={what}"));
            emulation.iter().for_each(|e| e.apply(&mut c));
            Ok(tests(&format!("{name}-{what}"), c, trouble))
        };
        let result = on_it();
        sum.add(result.unwrap_or_else(|f| f.outcome(&format!("Zig tests on {what}"), trouble)));
    }
    Ok(sum)
}

/// What `zig build -fqemu` looks for, under the names by which it does.
struct Emulation {
    /// Has `qemu-aarch64`; Debian's static one has another name.
    bin: PathBuf,
    /// Has `aarch64-linux-gnu/lib/ld-linux-aarch64.so.1`.
    libc: PathBuf,
}

impl Emulation {
    /// None where programs for `target` simply run.
    fn of(target: &Target) -> Result<Option<Emulation>, Fail> {
        if target.runs_here() {
            return Ok(None);
        }
        if !cfg!(target_os = "linux") || !target.name.starts_with("aarch64") {
            return Err(Fail::Cannot("only aarch64 is emulated, on Linux".into()));
        }
        let (program, package) = ("qemu-aarch64-static", "qemu-user-static");
        if !have_or_install(program, package) {
            return Err(Fail::Cannot(format!(
                "no {program}, and {package} could not be installed"
            )));
        }
        if target.name.ends_with("gnu") {
            aarch64::c_library().map_err(Fail::Cannot)?;
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = std::env::split_paths(&path).map(|d| d.join(program)).find(|p| p.is_file());
        let emulator = found.ok_or(Fail::Broken(format!("{program} is gone")))?;
        let [bin, libc] = ["bin", "libc"].map(|n| dir().join("emulation").join(n));
        link(&emulator, &bin.join("qemu-aarch64")).map_err(Fail::Broken)?;
        link(Path::new(aarch64::LIBC), &libc.join("aarch64-linux-gnu")).map_err(Fail::Broken)?;
        Ok(Some(Emulation { bin, libc }))
    }

    /// What a program is put behind.
    fn command(&self) -> String {
        format!("{} -L {}", self.bin.join("qemu-aarch64").display(), aarch64::LIBC)
    }

    fn apply(&self, c: &mut Command) {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let all = std::iter::once(self.bin.clone()).chain(std::env::split_paths(&path));
        let path = std::env::join_paths(all).expect("each came out of a PATH, but ours");
        c.arg("-fqemu").arg("--libc-runtimes").arg(&self.libc);
        c.env("PATH", path).env("PHOTONRT_EMULATED", "1");
    }
}

/// A symbolic link, whatever was there before.
fn link(from: &Path, to: &Path) -> Result<(), String> {
    let parent = to.parent().expect("a file in a folder");
    crate::package::io(parent, std::fs::create_dir_all(parent))?;
    drop(std::fs::remove_file(to));
    crate::package::io(to, std::os::unix::fs::symlink(from, to))
}

/// The counts of a `zig build test`: its line `Build Summary: ...; 3/5 tests passed (1 skipped, 1 failed)`.
/// Zig does not say why a test was skipped; ours do, in lines `SKIPPED: name: why`.
pub fn count(text: &str) -> Outcome {
    let mut sum = Outcome::default();
    let mut skipped = 0;
    for line in text.lines() {
        if let Some((_, tests)) =
            line.strip_prefix("Build Summary: ").and_then(|l| l.split_once("; "))
        {
            let number = |what: &str| -> u64 {
                let before = tests.split_once(what).map_or("", |t| t.0).trim_end();
                let digits = |c: char| !c.is_ascii_digit();
                before.rsplit(digits).next().and_then(|n| n.parse().ok()).unwrap_or(0)
            };
            let passed = tests.split('/').next().and_then(|n| n.parse().ok());
            sum.passed += passed.unwrap_or(0);
            sum.failed += [" failed", " crashed", " timed out"].map(number).iter().sum::<u64>();
            skipped += number(" skipped") as usize;
        } else if let Some((_, said)) = line.split_once("SKIPPED: ")
            && let Some((what, why)) = said.split_once(": ")
        {
            sum.add(Outcome::skip(what, why));
        }
    }
    while sum.skipped.len() < skipped {
        sum.add(Outcome::skip("a Zig test", "it does not say why"));
    }
    sum
}

#[test]
fn the_summary_is_counted() {
    let text = "test\n+- run test w\nSKIPPED: ring: no io_uring here\n\
        Build Summary: 12/14 steps succeeded (2 failed); \
        20/26 tests passed (2 skipped, 3 failed, 1 crashed)\n";
    let sum = count(text);
    assert_eq!((sum.passed, sum.failed), (20, 4));
    let skipped: Vec<&str> = sum.skipped.iter().map(|s| s.1.as_str()).collect();
    assert_eq!(skipped, ["no io_uring here", "it does not say why"]);
    assert_eq!(count("Build Summary: 4/4 steps succeeded\n").passed, 0);
}

#[test]
fn the_package_is_of_this_version() {
    let text = std::fs::read_to_string(home().join("build.zig.zon")).expect("the package");
    let version = format!(".version = \"{}\",", crate::package::VERSION);
    assert!(text.contains(&version), "bindings-zig/build.zig.zon: not {version}");
    let least = format!(".minimum_zig_version = \"{VERSION}\",");
    assert!(text.contains(&least), "bindings-zig/build.zig.zon: not {least}");
    assert_eq!(PACKAGE, format!("ziglang=={VERSION}"));
}
