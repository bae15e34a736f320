//! The packaging tests: what the built libraries export, need, and can be linked with.

use crate::package::{archive, dir, install, soname, symbols};
use crate::sh::{cmd, have, output, root, run, target};
use crate::step::Outcome;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What a program that is linked with the archive by plain `cc` may load, beside what it would load
/// anyway (glibc's own libc and loader): the unwinder, which rustc's std uses for backtraces.
#[cfg(target_os = "linux")]
const SYSTEM_LIBRARIES: [&str; 3] = ["libc.so.6", "libgcc_s.so.1", "ld-linux"];

type Check = fn(&Path) -> Result<(), String>;

const CHECKS: [(&str, Check); 9] = [
    ("the archive exports symbols.txt and nothing else", archive_exports),
    ("the shared library exports symbols.txt and nothing else", shared_exports),
    ("system libraries are the pinned ones", system_libraries),
    ("no shadow-stack or debug leftovers in the archive", archive_sections),
    ("soname, nodelete, no text relocations", dynamic_section),
    ("cc prog.c libphotonrt.a, gcc and clang, C and C++", plain_programs),
    ("two Rust archives in one program, in both orders", two_archives),
    ("-static", static_program),
    ("install, pkg-config, shared library, dlopen and dlclose", installed),
];

/// Runs all of them on the libraries that have been built.
pub fn run_all(trouble: &mut Vec<String>) -> Outcome {
    let work = target().join("linking");
    if let Err(e) = std::fs::create_dir_all(&work) {
        trouble.push(format!("{}: {e}", work.display()));
        return Outcome::check(false);
    }
    let mut sum = Outcome::default();
    for (name, check) in CHECKS {
        if !cfg!(target_os = "linux") {
            sum.add(Outcome::skip(name, "the checks read ELF files"));
            continue;
        }
        let result = check(&work);
        sum.add(Outcome::check(result.is_ok()));
        trouble.extend(result.err().map(|e| format!("{name}: {e}")));
    }
    sum
}

fn shared() -> PathBuf {
    dir().join("lib").join(soname())
}

/// Defined names that other files can see, from a table of `readelf -Ws`. (nm is no use: with
/// LLVM's plugin installed it hides Rust's objects.)
fn exports(file: &Path, table: &str) -> Result<BTreeSet<String>, String> {
    let text = output(cmd("readelf").args(["-W", table]).arg(file))?;
    let mut out = BTreeSet::new();
    for line in text.lines() {
        // Num: Value Size Type Bind Vis Ndx Name
        let f: Vec<&str> = line.split_whitespace().collect();
        if let [num, _, _, kind, bind, _, index, name, ..] = f[..] {
            let entry = num.ends_with(':') && num.trim_end_matches(':').parse::<u32>().is_ok();
            if entry && bind != "LOCAL" && index != "UND" && !(kind == "OBJECT" && index == "ABS") {
                out.insert(name.split('@').next().unwrap_or(name).to_string());
            }
        }
    }
    Ok(out)
}

fn same_as_listed(found: &BTreeSet<String>) -> Result<(), String> {
    let listed: BTreeSet<String> = symbols()?.into_iter().map(|s| s.name).collect();
    let (more, less): (Vec<_>, Vec<_>) =
        (found.difference(&listed).collect(), listed.difference(found).collect());
    match more.is_empty() && less.is_empty() {
        true => Ok(()),
        false => {
            Err(format!("exported but not listed: {more:?}; listed but not exported: {less:?}"))
        }
    }
}

fn archive_exports(_: &Path) -> Result<(), String> {
    same_as_listed(&exports(&archive(), "--syms")?)
}

fn shared_exports(_: &Path) -> Result<(), String> {
    same_as_listed(&exports(&shared(), "--dyn-syms")?)
}

/// The libraries that the dynamic section of `file` names.
fn needed(file: &Path) -> Result<Vec<String>, String> {
    let text = output(cmd("readelf").arg("-Wd").arg(file))?;
    let lines = text.lines().filter(|l| l.contains("(NEEDED)"));
    let name = |l: &str| Some(l.split_once('[')?.1.split_once(']')?.0.to_string());
    Ok(lines.filter_map(name).collect())
}

#[cfg(target_os = "linux")]
fn system_libraries(work: &Path) -> Result<(), String> {
    let program = compile("cc", work, "needs", &[], &[&archive()])?;
    for file in [program, shared()] {
        let odd: Vec<String> = needed(&file)?
            .into_iter()
            .filter(|n| !SYSTEM_LIBRARIES.iter().any(|s| n.starts_with(s)))
            .collect();
        if !odd.is_empty() {
            return Err(format!("{} needs {odd:?}", file.display()));
        }
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn system_libraries(_: &Path) -> Result<(), String> {
    Err("pinned for Linux only".into())
}

fn archive_sections(_: &Path) -> Result<(), String> {
    let text = output(cmd("readelf").args(["-W", "-S", "-n"]).arg(archive()))?;
    for word in [".llvmbc", ".llvmcmd", ".debug_info", "SHSTK"] {
        if text.contains(word) {
            return Err(format!("{word} in {}", archive().display()));
        }
    }
    Ok(())
}

fn dynamic_section(_: &Path) -> Result<(), String> {
    let text = output(cmd("readelf").arg("-Wd").arg(shared()))?;
    if !text.contains(&format!("[{}]", soname())) {
        return Err(format!("no SONAME {}", soname()));
    }
    if !text.contains("NODELETE") || text.contains("TEXTREL") {
        return Err(format!("flags: {text}"));
    }
    let notes = output(cmd("readelf").arg("-Wn").arg(shared()))?;
    if notes.contains("SHSTK") {
        return Err("the shared library claims to work with shadow stacks".into());
    }
    Ok(())
}

/// Compiles abi/tests/link/use.c to a program in `work`.
fn compile(
    compiler: &str,
    work: &Path,
    name: &str,
    flags: &[&str],
    files: &[&Path],
) -> Result<PathBuf, String> {
    let program = work.join(name);
    let language = if compiler.ends_with("++") { "c++" } else { "c" };
    run(cmd(compiler)
        .args(["-Wall", "-Wextra", "-Wno-missing-field-initializers", "-Werror"])
        .args(flags)
        .arg("-I")
        .arg(dir().join("include"))
        .args(["-x", language])
        .arg(root().join("abi/tests/link/use.c"))
        .args(["-x", "none"])
        .args(files)
        .arg("-o")
        .arg(&program))?;
    Ok(program)
}

fn compile_and_run(
    compiler: &str,
    work: &Path,
    flags: &[&str],
    files: &[&Path],
) -> Result<(), String> {
    let name = format!("use-{compiler}-{}", flags.concat()).replace('=', "-");
    let program = compile(compiler, work, &name, flags, files)?;
    let mut run_it = cmd("timeout");
    run(run_it.arg("60").arg(program)).map_err(|e| format!("{compiler} {flags:?}: {e}"))
}

fn plain_programs(work: &Path) -> Result<(), String> {
    for compiler in ["cc", "gcc", "clang"].into_iter().filter(|c| have(c)) {
        compile_and_run(compiler, work, &["-std=c11", "-pedantic"], &[&archive()])?;
        compile_and_run(compiler, work, &["-O3"], &[&archive()])?;
    }
    // gcc only: clang's needs a linker plugin that is a package of its own.
    compile_and_run("gcc", work, &["-O2", "-flto"], &[&archive()])?;
    for compiler in ["g++", "clang++"].into_iter().filter(|c| have(c)) {
        compile_and_run(compiler, work, &["-std=c++20"], &[&archive()])?;
    }
    Ok(())
}

fn two_archives(work: &Path) -> Result<(), String> {
    let other = work.join("libother.a");
    run(cmd("rustc")
        .args(["--edition=2024", "--crate-type=staticlib", "-Cpanic=abort", "-O", "-o"])
        .arg(&other)
        .arg(root().join("abi/tests/link/other.rs")))?;
    for files in [[archive(), other.clone()], [other, archive()]] {
        compile_and_run("cc", work, &["-DOTHER"], &[&files[0], &files[1]])?;
    }
    Ok(())
}

fn static_program(work: &Path) -> Result<(), String> {
    compile_and_run("cc", work, &["-static"], &[&archive()])
}

fn installed(work: &Path) -> Result<(), String> {
    let prefix = work.join("prefix");
    install(&prefix)?;
    let lib = prefix.join("lib");
    let flags = match have("pkg-config") {
        true => {
            let mut pc = cmd("pkg-config");
            pc.env("PKG_CONFIG_PATH", lib.join("pkgconfig"));
            output(pc.args(["--cflags", "--libs", "photonrt"]))?
        }
        false => format!("-I{0}/include -L{0}/lib -lphotonrt", prefix.display()),
    };
    let program = work.join("use-installed");
    run(cmd("cc")
        .arg(root().join("abi/tests/link/use.c"))
        .args(flags.split_whitespace())
        .arg("-o")
        .arg(&program))?;
    if !needed(&program)?.contains(&soname()) {
        return Err(format!("the program does not name {}", soname()));
    }
    run(cmd("timeout").arg("60").arg(&program).env("LD_LIBRARY_PATH", &lib))?;
    let loader = work.join("load");
    let source = root().join("abi/tests/link/load.c");
    run(cmd("cc").args(["-Wall", "-Wextra", "-o"]).args([&loader, &source]).arg("-ldl"))?;
    run(cmd("timeout").arg("60").arg(&loader).arg(lib.join(soname())))
}
