//! The header: generated from the section files, compared with what is committed, compiled by every
//! compiler that is here, and checked against the list of exported symbols.
//!
//! `UPDATE_HEADER=1 cargo test -p photonrt --test header` writes include/photonrt.h.

mod layout;
mod stable;

use layout::{Decl, Item};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The section files: the public modules of the abi crate.
fn sections() -> Vec<String> {
    let lib = read("abi/src/lib.rs");
    let names = lib.lines().filter_map(|l| l.strip_prefix("pub mod ")?.strip_suffix(';'));
    names.map(String::from).collect()
}

/// What one section file declares.
fn items(section: &str) -> Vec<Item> {
    let config =
        cbindgen::Config::from_file(root().join("abi/cbindgen.toml")).expect("cbindgen.toml");
    let source = root().join(format!("abi/src/{section}.rs"));
    let bindings = cbindgen::Builder::new().with_config(config).with_src(source).generate();
    let mut out = Vec::new();
    bindings.unwrap_or_else(|e| panic!("{section}: {e}")).write(&mut out);
    layout::parse(&String::from_utf8(out).expect("utf-8"))
}

/// The header's text. Template lines `@types` and `@section NAME` are replaced; all else stands as
/// it is.
fn generate() -> String {
    let parsed: BTreeMap<String, Vec<Item>> =
        sections().into_iter().map(|s| (s.clone(), items(&s))).collect();
    let is_type = |i: &&Item| matches!(i.decl, Decl::Typedef(_));
    let mut used = Vec::new();
    let mut out = String::new();
    for line in read("abi/photonrt.h.in").lines() {
        if line == "@types" {
            let all: Vec<String> = sections()
                .iter()
                .flat_map(|s| parsed[s].iter().filter(is_type))
                .map(layout::render)
                .collect();
            out += &all.join("\n");
        } else if let Some(name) = line.strip_prefix("@section ") {
            used.push(name.to_string());
            out +=
                &section(parsed.get(name).unwrap_or_else(|| panic!("no file for section {name}")));
        } else {
            out += line;
            out.push('\n');
        }
    }
    used.sort();
    assert_eq!(
        used,
        parsed.keys().cloned().collect::<Vec<_>>(),
        "each section stands in the template once"
    );
    out
}

/// Constants in one block, then structs and functions with a line between them.
fn section(items: &[Item]) -> String {
    let (constants, rest): (Vec<&Item>, Vec<&Item>) =
        items.iter().partition(|i| matches!(i.decl, Decl::Constant { .. }));
    let constants: String = constants.into_iter().map(layout::render).collect();
    let rest = rest.into_iter().filter(|i| !matches!(i.decl, Decl::Typedef(_))).map(layout::render);
    let parts: Vec<String> =
        std::iter::once(constants).chain(rest).filter(|p| !p.is_empty()).collect();
    parts.join("\n")
}

fn all_items() -> Vec<Item> {
    sections().iter().flat_map(|s| items(s)).collect()
}

fn functions() -> Vec<String> {
    let names = all_items().into_iter().filter_map(|i| match i.decl {
        Decl::Function { name, .. } => Some(name),
        _ => None,
    });
    names.collect()
}

#[test]
fn the_committed_header_is_the_generated_one() {
    let (path, fresh) = (root().join("include/photonrt.h"), generate());
    if std::env::var_os("UPDATE_HEADER").is_some() {
        std::fs::create_dir_all(root().join("include")).expect("include/");
        // Renamed into place, since other tests compile it at the same time.
        std::fs::write(path.with_extension("new"), &fresh).expect("write");
        std::fs::rename(path.with_extension("new"), &path).expect("rename");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = fresh.lines().zip(committed.lines()).position(|(a, b)| a != b);
    let line = differs.unwrap_or_else(|| fresh.lines().count().min(committed.lines().count()));
    assert!(
        fresh == committed,
        "include/photonrt.h:{} is not what abi/ says:\n  abi/     {:?}\n  include/ {:?}\n\
         run UPDATE_HEADER=1 cargo test -p photonrt --test header",
        line + 1,
        fresh.lines().nth(line),
        committed.lines().nth(line),
    );
}

#[test]
fn no_line_is_too_long_and_no_name_is_rust() {
    for (n, line) in generate().lines().enumerate() {
        assert!(line.len() <= 100, "line {}: {} columns: {line}", n + 1, line.len());
        assert!(!line.starts_with('@'), "line {}: {line}", n + 1);
        for word in
            ["uintptr_t", "intptr_t", "c_int", "c_void", "Option", "usize", "# Safety", "[`"]
        {
            assert!(!line.contains(word), "line {}: {word} in {line}", n + 1);
        }
    }
}

/// Structs that will never grow: what they are is complete.
const VALUES: [&str; 12] = [
    "co_buf_t",
    "co_select_t",
    "co_mutex_t",
    "co_rmutex_t",
    "co_rwlock_t",
    "co_cond_t",
    "co_sem_t",
    "co_event_t",
    "co_wg_t",
    "co_barrier_t",
    "co_once_t",
    "co_binding_t",
];

#[test]
fn everything_is_documented() {
    let undocumented = |i: &Item| i.doc.iter().all(String::is_empty);
    for item in all_items() {
        assert!(!undocumented(&item), "no doc comment: {:?}", item.decl);
        if let Decl::Struct { name, fields } = &item.decl {
            for f in fields {
                assert!(!undocumented(f), "no doc comment in {name}: {:?}", f.decl);
            }
            let first = fields.first().map(|f| format!("{:?}", f.decl)).unwrap_or_default();
            assert!(
                first.contains("uint32_t size;") || VALUES.contains(&name.as_str()),
                "{name} does not begin with its size"
            );
        }
    }
}

/// Exports as the source has them, so that one which cbindgen overlooks is found.
#[test]
fn every_export_is_in_the_header_and_in_the_list() {
    let mut exported = Vec::new();
    for section in sections() {
        let source = read(&format!("abi/src/{section}.rs"));
        let lines: Vec<&str> = source.lines().collect();
        for (i, _) in lines.iter().enumerate().filter(|(_, l)| l.contains("no_mangle")) {
            let decl =
                lines[i..].iter().find_map(|l| l.split_once(" fn ")).expect("a function follows").1;
            exported.push(
                decl.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>(),
            );
        }
    }
    exported.sort();
    let mut declared = functions();
    declared.sort();
    assert_eq!(exported, declared, "abi/src against the header");
    let mut listed: Vec<String> = stable::symbols().into_iter().map(|(name, _)| name).collect();
    listed.sort();
    assert_eq!(exported, listed, "abi/src against abi/symbols.txt");
    assert!(exported.iter().all(|e| e.starts_with("co_")), "{exported:?}");
}

#[test]
fn the_version_is_the_crates() {
    let want = env!("CARGO_PKG_VERSION").split('.').map(String::from);
    let has = |name: &str| {
        let values = all_items().into_iter().find_map(|i| match i.decl {
            Decl::Constant { name: n, value } if n == name => Some(value),
            _ => None,
        });
        values.unwrap_or_default()
    };
    let names = ["CO_VERSION_MAJOR", "CO_VERSION_MINOR", "CO_VERSION_PATCH"];
    assert_eq!(names.map(has).to_vec(), want.collect::<Vec<_>>());
}

/// Compiles a file that includes the header twice and uses it, warnings as errors.
fn compile(what: &str, compiler: &str, std: &str, source: &str) {
    if Command::new(compiler).arg("--version").output().is_err() {
        println!("SKIPPED: {what}, {compiler} -std={std}: {compiler} is not installed");
        return;
    }
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let lang = if std.starts_with("c++") { "cpp" } else { "c" };
    let file = dir.join(format!("{what}-{}-{std}.{lang}", compiler.replace('+', "x")));
    std::fs::write(&file, source).expect("write");
    let out = Command::new(compiler)
        .args([&format!("-std={std}"), "-pedantic", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"])
        .args(["-Wconversion", "-Wundef", "-I"])
        .arg(root().join("include"))
        .arg(&file)
        .output()
        .expect("runs");
    assert!(
        out.status.success(),
        "{what}, {compiler} -std={std}:\n{}",
        String::from_utf8_lossy(&out.stderr)
    );
}

const USE: &str = r"#include <photonrt.h>
#include <photonrt.h>
static void *hello(void *arg) { co_sleep(CO_NOW); return arg; }
int use(void);
int use(void) {
    co_t co;
    co_attr_t attr = {0};
    attr.size = sizeof attr;
    attr.flags = CO_DETACHED | CO_MIGRATABLE;
    YIELD;
    return co_spawn(&co, &attr, hello, &co) + co_join(co, 0, CO_FOREVER);
}
";

#[test]
fn it_compiles_as_c11() {
    for compiler in ["gcc", "clang"] {
        compile("header", compiler, "c11", &USE.replace("YIELD", "co_yield()"));
    }
}

#[test]
fn it_compiles_as_cpp() {
    for (compiler, std) in
        [("g++", "c++17"), ("g++", "c++20"), ("clang++", "c++17"), ("clang++", "c++20")]
    {
        compile(
            "header",
            compiler,
            std,
            &USE.replace("YIELD", "co_yield_now()").replace("{0}", "{}"),
        );
    }
}

/// The programs in README.md and at the head of the header are compiled as they stand.
#[test]
fn the_printed_programs_compile() {
    let readme = read("README.md");
    let fenced = readme.split("```c\n").nth(1).and_then(|t| t.split("```").next());
    let template = read("abi/photonrt.h.in");
    let indented: Vec<&str> = template.lines().filter_map(|l| l.strip_prefix(" *     ")).collect();
    let last = indented.iter().position(|l| l.starts_with("int main")).expect("ends with main");
    let in_readme = fenced.expect("README.md has a C program").to_string();
    let in_header = indented[..=last].join("\n") + "\n";
    for compiler in ["gcc", "clang"] {
        compile("README", compiler, "c11", &in_readme);
        compile("example", compiler, "c11", &in_header);
    }
}
