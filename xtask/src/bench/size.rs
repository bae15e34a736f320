//! The size workload: bytes of a contender's minimal program after `strip`, and of what it loads.
//!
//! What is no program of its own (a class, a module that another program runs) says so in a file beside it,
//! `NAME-minimal.parts`: lines `size PATH` for what takes the program's place, `loads PATH` for what it
//! presupposes; a directory stands for all that is in it.

use super::make::{self, binary};
use super::measure::{Fail, Row, Run};
use super::plan::Contender;
use crate::sh::{cmd, have, run as run_command};
use std::fs;
use std::path::{Path, PathBuf};

pub fn run(contender: &Contender) -> Result<Run, Fail> {
    let minimal = make::minimal(contender.program);
    if !minimal.is_file() {
        return Err(Fail::Cannot("it has no minimal program".into()));
    }
    let parts = minimal.with_file_name(format!("{}-minimal.parts", contender.program.name));
    let (size, loads) = match fs::read_to_string(parts) {
        Ok(text) => listed(&text),
        Err(_) => (stripped(&minimal)?, shared(&minimal)),
    };
    let row =
        |name: &str, bytes: u64| Row { name: name.into(), value: bytes as f64, unit: "B".into() };
    let rows = vec![row("size", size), row("size_loads", loads)];
    Ok(Run { rows, cpu: None, foreign: 0.0 })
}

/// The bytes that a list of parts stands for: the program's, and what it loads.
fn listed(text: &str) -> (u64, u64) {
    let sum = |kind: &str| {
        let paths = text.lines().filter_map(|l| l.strip_prefix(kind));
        paths.map(|p| bytes_below(Path::new(p.trim()))).sum()
    };
    (sum("size "), sum("loads "))
}

/// Bytes of a file, or of all files in a directory. Symbolic links count as what they are.
fn bytes_below(path: &Path) -> u64 {
    let Ok(meta) = fs::symlink_metadata(path) else { return 0 };
    if !meta.is_dir() {
        return meta.len();
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.map(|e| bytes_below(&e.path())).sum()
}

fn stripped(program: &Path) -> Result<u64, Fail> {
    if !have("strip") {
        return Err(Fail::Cannot("needs strip (binutils)".into()));
    }
    let to = binary("stripped");
    run_command(cmd("strip").arg("-o").args([&to, program])).map_err(Fail::Broken)?;
    Ok(bytes_below(&to))
}

/// Bytes of the shared objects that the loader takes for `program`; 0 for a static one.
fn shared(program: &Path) -> u64 {
    let out = cmd("ldd").arg(program).output();
    let text = out.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
    objects(&text).iter().filter_map(|p| fs::metadata(p).ok()).map(|m| m.len()).sum()
}

/// The files in what ldd prints: `NAME => PATH (ADDRESS)`, or `PATH (ADDRESS)` for the loader.
fn objects(ldd: &str) -> Vec<PathBuf> {
    let path = |line: &str| {
        let named = line.split_once("=> ").map_or(line.trim(), |(_, p)| p);
        let path = named.split(" (").next()?;
        path.starts_with('/').then(|| path.into())
    };
    ldd.lines().filter_map(path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_ldd_prints() {
        let text = "\tlinux-vdso.so.1 (0x00007ffe)\n\tlibc.so.6 => /lib/libc.so.6 (0x00007f)\n\
                    \t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n";
        let found = objects(text);
        assert_eq!(found, ["/lib/libc.so.6", "/lib64/ld-linux-x86-64.so.2"].map(PathBuf::from));
        assert!(objects("\tnot a dynamic executable\n").is_empty());
    }

    #[test]
    fn parts_are_added_up() {
        let dir = std::env::temp_dir().join(format!("photonrt-size-{}", std::process::id()));
        fs::create_dir_all(dir.join("in")).unwrap();
        fs::write(dir.join("a"), [0; 7]).unwrap();
        fs::write(dir.join("in/b"), [0; 20]).unwrap();
        let d = dir.display();
        assert_eq!(listed(&format!("size {d}/a\nloads {d}/in\nloads {d}/a\n")), (7, 27));
        fs::remove_dir_all(&dir).unwrap();
    }
}
