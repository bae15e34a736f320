//! The archive for machines and C libraries beside this one, made as `package` makes this one's:
//!
//! ```text
//! cargo rustc --crate-type staticlib --target ...   rustc needs its std for the target, no linker
//!   ld -r, objcopy, ar of that machine              target/photonrt/cross/TARGET/libphotonrt.a
//! ```
//! On musl without `crt-static`: with it rustc puts a musl of its own into the archive, which collides with
//! the one that a program brings.

use crate::aarch64::{Rustc, rust_for};
use crate::package::{self, io, localized, replace, symbols};
use crate::sh::{cargo, cargo_target, have_or_install, run, target};
use crate::step::Fail;
use std::fs;
use std::path::{Path, PathBuf};

/// One of them.
pub struct Target {
    /// As folders are called after it: machine, system, C library.
    pub name: &'static str,
    /// Rust's name of it.
    pub rust: &'static str,
}

/// All that archives are made for.
pub const TARGETS: [Target; 4] = [
    Target { name: "x86_64-linux-gnu", rust: "x86_64-unknown-linux-gnu" },
    Target { name: "x86_64-linux-musl", rust: "x86_64-unknown-linux-musl" },
    Target { name: "aarch64-linux-gnu", rust: "aarch64-unknown-linux-gnu" },
    Target { name: "aarch64-linux-musl", rust: "aarch64-unknown-linux-musl" },
];

impl Target {
    /// Whether programs for it run here without emulation.
    pub fn runs_here(&self) -> bool {
        cfg!(target_os = "linux") && self.machine() == std::env::consts::ARCH
    }

    fn machine(&self) -> &'static str {
        self.name.split('-').next().unwrap_or(self.name)
    }

    /// Whether it is what rustc builds for when it is not told.
    fn is_host(&self) -> bool {
        self.runs_here()
            && self.rust.ends_with(if cfg!(target_env = "musl") { "musl" } else { "gnu" })
    }

    /// What the names of its linker, objcopy and ar begin with.
    fn tools(&self) -> Result<String, Fail> {
        if self.runs_here() {
            return Ok(String::new());
        }
        let prefix = format!("{}-linux-gnu-", self.machine());
        let (program, package) =
            (format!("{prefix}objcopy"), format!("binutils-{}-linux-gnu", self.machine()));
        match have_or_install(&program, &package) {
            true => Ok(prefix),
            false => {
                Err(Fail::Cannot(format!("no {program}, and {package} could not be installed")))
            }
        }
    }

    /// Builds its archive, without debug information: every symbol but the exports is local.
    pub fn archive(&self) -> Result<PathBuf, Fail> {
        if cfg!(not(target_os = "linux")) {
            return Err(Fail::Cannot("archives for Linux are made on Linux".into()));
        }
        if self.is_host() {
            return package::build().map(|()| package::archive()).map_err(Fail::Broken);
        }
        let tools = self.tools()?;
        let rustc = rust_for(self.rust).map_err(Fail::Cannot)?;
        let raw = self.compile(rustc.as_ref()).map_err(Fail::Broken)?;
        let work = target().join(format!("cross-{}-{}", self.name, std::process::id()));
        let made = self.assemble(&raw, &tools, &work).map_err(Fail::Broken);
        drop(fs::remove_dir_all(&work));
        made
    }

    /// What rustc writes.
    fn compile(&self, rustc: Option<&Rustc>) -> Result<PathBuf, String> {
        let mut c = cargo();
        c.args([
            "rustc",
            "--quiet",
            "--release",
            "--package",
            "photonrt",
            "--crate-type",
            "staticlib",
        ])
        .args(["--target", self.rust]);
        if self.rust.ends_with("musl") {
            c.env("RUSTFLAGS", "-Ctarget-feature=-crt-static");
        }
        let built = match rustc {
            Some(rustc) => {
                rustc.apply(&mut c);
                Rustc::target()
            }
            None => cargo_target(),
        };
        run(&mut c)?;
        Ok(built.join(self.rust).join("release/libphotonrt.a"))
    }

    fn assemble(&self, raw: &Path, tools: &str, work: &Path) -> Result<PathBuf, String> {
        let to = package::dir().join("cross").join(self.name);
        for dir in [work, &to] {
            io(dir, fs::create_dir_all(dir))?;
        }
        let to = to.join("libphotonrt.a");
        let new = localized(raw, &work.join("photonrt.o"), &symbols()?, tools, work)?;
        replace(&new, &to).map(|()| to)
    }
}
