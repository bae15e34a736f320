//! The library as others get it: `cargo xtask build` and `install`.
//!
//! ```text
//! cargo build --release -p photonrt          what rustc writes: std's symbols are global
//!   ld -r --gc-sections -u co_...            one object: what the exports need
//!   objcopy --keep-global-symbol=co_...      all else becomes local; bitcode goes
//!   ar                                       target/photonrt/lib/libphotonrt.a
//!   cc -shared -z nodelete, version script   target/photonrt/lib/libphotonrt.so.0.1.0, SONAME .so.0
//! ```
//! rustc's own archive cannot be shipped: two Rust archives in one program collide on std's
//! symbols, and any symbol of the program may collide with one of ours. rustc's cdylib cannot
//! either: it has no SONAME and can be unmapped by dlclose while vCPU threads run in it. The list
//! of exports is abi/symbols.txt, for the linker's `-u`, for objcopy, and for the version script,
//! so the three cannot differ.
//!
//! Every file is made under another name and renamed, so that whoever links meanwhile sees the old
//! or the new one.

use crate::sh::{cargo, cargo_target, cc, cmd, root, run, target};
use std::fs;
use std::path::{Path, PathBuf};

/// Where the libraries, headers and the pkg-config file are.
pub fn dir() -> PathBuf {
    target().join("photonrt")
}

/// The archive to link programs with.
pub fn archive() -> PathBuf {
    dir().join("lib/libphotonrt.a")
}

/// The crate's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What the dynamic linker looks for: changes with each incompatible ABI.
pub fn soname() -> String {
    let major = VERSION.split('.').next().unwrap_or(VERSION);
    if cfg!(target_os = "macos") {
        format!("libphotonrt.{major}.dylib")
    } else {
        format!("libphotonrt.so.{major}")
    }
}

/// An exported function and the release that brought it, as abi/symbols.txt says.
pub struct Symbol {
    pub name: String,
    pub since: String,
}

/// All exports.
pub fn symbols() -> Result<Vec<Symbol>, String> {
    let path = root().join("abi/symbols.txt");
    let text = io(&path, fs::read_to_string(&path))?;
    let lines = text.lines().filter(|l| !l.starts_with('#') && !l.is_empty());
    let symbol = |l: &str| {
        let (name, since) = l.split_once(' ').ok_or(format!("{}: {l}", path.display()))?;
        Ok(Symbol { name: name.into(), since: since.into() })
    };
    lines.map(symbol).collect()
}

/// An error with the path that it is about.
pub fn io<T>(path: &Path, r: std::io::Result<T>) -> Result<T, String> {
    r.map_err(|e| format!("{}: {e}", path.display()))
}

/// Puts a file that was made under another name in its place.
pub fn replace(from: &Path, to: &Path) -> Result<(), String> {
    io(to, fs::rename(from, to))
}

/// Builds everything into [`dir`].
pub fn build() -> Result<(), String> {
    run(cargo().args(["build", "--quiet", "--release", "--package", "photonrt"]))?;
    let work = target().join(format!("package-{}", std::process::id()));
    io(&work, fs::create_dir_all(&work))?;
    let result = assemble(&work);
    drop(fs::remove_dir_all(&work));
    result
}

fn assemble(work: &Path) -> Result<(), String> {
    let (lib, include) = (dir().join("lib"), dir().join("include"));
    for d in [&lib.join("pkgconfig"), &include] {
        io(d, fs::create_dir_all(d))?;
    }
    let symbols = symbols()?;
    let raw = cargo_target().join("release/libphotonrt.a");
    let object = work.join("photonrt.o");
    let new = localized(&raw, &object, &symbols, "", work)?;
    shared(&object, &symbols, work, &lib)?;
    replace(&new, &archive())?;
    headers(work, &include)?;
    let pc = work.join("photonrt.pc");
    io(&pc, fs::write(&pc, pkg_config(&dir())))?;
    replace(&pc, &lib.join("pkgconfig/photonrt.pc"))
}

/// An archive of one `object`, with the exports global and everything else local. What the tools' names
/// begin with tells for which machine they are; empty: this one.
pub fn localized(
    raw: &Path,
    object: &Path,
    symbols: &[Symbol],
    tools: &str,
    work: &Path,
) -> Result<PathBuf, String> {
    localize(raw, object, symbols, tools, work)?;
    let new = work.join("libphotonrt.a");
    let flags = if cfg!(target_os = "macos") { "rcs" } else { "rcsD" };
    run(cmd(format!("{tools}ar")).arg(flags).args([&new, object])).map(|()| new)
}

#[cfg(not(target_os = "macos"))]
fn localize(
    raw: &Path,
    object: &Path,
    symbols: &[Symbol],
    tools: &str,
    work: &Path,
) -> Result<(), String> {
    let whole = work.join("whole.o");
    let undefined = symbols.iter().flat_map(|s| ["-u", &s.name]);
    run(cmd(format!("{tools}ld"))
        .args(["-r", "--gc-sections", "--force-group-allocation", "-o"])
        .args([&whole, raw])
        .args(undefined))?;
    let keep = symbols.iter().map(|s| format!("--keep-global-symbol={}", s.name));
    run(cmd(format!("{tools}objcopy"))
        .args(keep)
        .args(["-R", ".llvmbc", "-R", ".llvmcmd", "--strip-debug"])
        .args([&whole, object]))
}

/// The same with Apple's linker. Written from its manual and untested: no such machine was at hand.
#[cfg(target_os = "macos")]
fn localize(
    raw: &Path,
    object: &Path,
    symbols: &[Symbol],
    _: &str,
    work: &Path,
) -> Result<(), String> {
    let list = work.join("exports");
    let names: String = symbols.iter().map(|s| format!("_{}\n", s.name)).collect();
    io(&list, fs::write(&list, names))?;
    let undefined = symbols.iter().flat_map(|s| ["-u".to_string(), format!("_{}", s.name)]);
    run(cmd("ld")
        .args(["-r", "-dead_strip", "-S", "-exported_symbols_list"])
        .arg(&list)
        .arg("-o")
        .args([object, raw])
        .args(undefined))
}

/// The shared library beside its two links: the name to link with and the name to load by.
fn shared(object: &Path, symbols: &[Symbol], work: &Path, lib: &Path) -> Result<(), String> {
    let (soname, plain) = (soname(), if cfg!(target_os = "macos") { "dylib" } else { "so" });
    let new = work.join("shared");
    let mut link = cc();
    link.arg("-shared").arg("-o").args([&new, object]);
    if cfg!(target_os = "macos") {
        link.arg(format!("-Wl,-install_name,@rpath/{soname}"));
    } else {
        let script = work.join("exports.map");
        io(&script, fs::write(&script, version_script(symbols)))?;
        link.arg(format!("-Wl,-soname,{soname},--version-script={}", script.display()));
        link.arg("-Wl,-z,nodelete,-z,defs,-z,relro,-z,now");
    }
    run(&mut link)?;
    let full = match plain {
        "so" => format!("libphotonrt.so.{VERSION}"),
        _ => format!("libphotonrt.{VERSION}.dylib"),
    };
    replace(&new, &lib.join(&full))?;
    for name in [soname, format!("libphotonrt.{plain}")] {
        let new = work.join(&name);
        io(&new, std::os::unix::fs::symlink(&full, &new))?;
        replace(&new, &lib.join(name))?;
    }
    Ok(())
}

/// One node a release, each built on the one before: a program that uses a symbol of 0.2 is refused
/// by the loader where only 0.1 is installed, before it runs.
fn version_script(symbols: &[Symbol]) -> String {
    let mut out = String::new();
    let mut before = String::new();
    let mut rest = "local:\n    *;\n";
    for node in symbols.chunk_by(|a, b| a.since == b.since) {
        let names: String = node.iter().map(|s| format!("    {};\n", s.name)).collect();
        let name = format!("PHOTONRT_{}", node[0].since);
        out += &format!("{name} {{\nglobal:\n{names}{rest}}}{before};\n");
        before = format!(" {name}");
        rest = "";
    }
    out
}

fn headers(work: &Path, include: &Path) -> Result<(), String> {
    for header in header_files()? {
        let name = header.file_name().expect("a file");
        let new = work.join(name);
        io(&header, fs::copy(&header, &new))?;
        replace(&new, &include.join(name))?;
    }
    Ok(())
}

fn header_files() -> Result<Vec<PathBuf>, String> {
    let from = root().join("include");
    let entries = io(&from, fs::read_dir(&from))?.flatten().map(|e| e.path());
    let is_header = |p: &PathBuf| p.extension().is_some_and(|e| e == "h" || e == "hpp");
    Ok(entries.filter(is_header).collect())
}

/// No private libraries: glibc (2.34 and newer) holds what the archive needs, and cc adds the
/// unwinder itself; naming it (`-lgcc_s`) would break `cc -static`.
fn pkg_config(prefix: &Path) -> String {
    format!(
        "prefix={}\nlibdir=${{prefix}}/lib\nincludedir=${{prefix}}/include\n\n\
         Name: photonrt\nDescription: Green threads for any language that can call C\n\
         Version: {VERSION}\nLibs: -L${{libdir}} -lphotonrt\nCflags: -I${{includedir}}\n",
        prefix.display()
    )
}

/// Copies libraries, headers and the pkg-config file below `prefix`.
pub fn install(prefix: &Path) -> Result<(), String> {
    build()?;
    let (lib, include) = (prefix.join("lib"), prefix.join("include"));
    for d in [&lib.join("pkgconfig"), &include] {
        io(d, fs::create_dir_all(d))?;
    }
    // A link is copied as a link; a file that is in use is replaced by rename, not written over.
    for entry in io(&dir(), fs::read_dir(dir().join("lib")))?.flatten() {
        let (from, to) = (entry.path(), lib.join(entry.file_name()));
        if from.is_dir() {
            continue;
        }
        let new = lib.join(format!(".photonrt-{}", std::process::id()));
        match fs::read_link(&from) {
            Ok(link) => io(&new, std::os::unix::fs::symlink(link, &new))?,
            Err(_) => io(&from, fs::copy(&from, &new).map(drop))?,
        }
        replace(&new, &to)?;
    }
    for header in header_files()? {
        let to = include.join(header.file_name().expect("a file"));
        io(&to, fs::copy(&header, &to))?;
    }
    let pc = lib.join("pkgconfig/photonrt.pc");
    io(&pc, fs::write(&pc, pkg_config(prefix)))
}

#[test]
fn each_release_has_a_node_on_the_one_before() {
    let symbol = |name: &str, since: &str| Symbol { name: name.into(), since: since.into() };
    let text =
        version_script(&[symbol("co_a", "0.1"), symbol("co_b", "0.1"), symbol("co_c", "0.2")]);
    assert_eq!(
        text,
        "PHOTONRT_0.1 {\nglobal:\n    co_a;\n    co_b;\nlocal:\n    *;\n};\n\
         PHOTONRT_0.2 {\nglobal:\n    co_c;\n} PHOTONRT_0.1;\n"
    );
}
