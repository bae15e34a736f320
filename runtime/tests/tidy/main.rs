//! The house rules that a machine can hold. One rule, one test; each reads the sources and names
//! file and line.
//!
//! The layer table and the table of third-party crates below are the only places where those two
//! facts are written down; docs/ARCHITECTURE.md explains them. Rules are here to be tightened, not
//! loosened.

mod source;

use source::{Line, Source, sources};
use std::collections::BTreeSet;

/// Top-level modules of the runtime by layer: a file may name its own layer and the ones before it.
/// Tests may name anything. `lib.rs` only declares; a macro that other crates expand (`$crate::`)
/// belongs to no layer.
const LAYERS: [(&str, &[&str]); 7] = [
    (
        "L0",
        &[
            "prim",
            "asym",
            "time",
            "rng",
            "err",
            "list",
            "handles",
            "affinity",
            "hooks",
            "wheel",
            "parker",
            "os_thread",
        ],
    ),
    ("L1", &["arch", "stack"]),
    ("L2", &["task"]),
    ("L3", &["sched"]),
    ("L4", &["wait", "scope", "blocking"]),
    ("L5", &["io", "sync", "chan", "timer", "pool"]),
    ("L7", &["rt"]),
];

/// The one module that may name a third-party crate, as a path prefix. libc is the platform itself
/// and free to all.
const HOMES: [(&str, &str); 12] = [
    ("bumpalo", "runtime/src/task/arena"),
    ("loom", "runtime/src/prim"),
    ("crossbeam_deque", "runtime/src/sched/"),
    ("io_uring", "runtime/src/io/engine/uring"),
    ("polling", "runtime/src/io/engine/ready"),
    ("cbindgen", "abi/tests/header/"),
    ("lexopt", "xtask/src/"),
    ("nix", "xtask/src/bench/measure"),
    ("plotters", "xtask/src/bench/publish/plot"),
    ("serde", "xtask/src/"),
    ("serde_json", "xtask/src/bench/results"),
    ("toml", "xtask/src/gate"),
];

const COLUMNS: usize = 110;
/// Lines with code in a file, and lines of any kind in a function.
const FILE_LINES: usize = 500;
const FUNCTION_LINES: usize = 90;

/// Fails with all findings of a rule at once.
fn hold(rule: &str, findings: Vec<String>) {
    assert!(
        findings.is_empty(),
        "{rule}:\n  {}\n{} findings",
        findings.join("\n  "),
        findings.len()
    );
}

/// Findings of a rule that looks at lines, in files that `scope` takes.
fn in_lines(scope: &str, finding: impl Fn(&Source, usize, &Line) -> Option<String>) -> Vec<String> {
    let mut out = Vec::new();
    for file in sources().iter().filter(|f| f.path.starts_with(scope)) {
        for (i, line) in file.lines.iter().enumerate() {
            out.extend(finding(file, i, line).map(|f| format!("{}:{}: {f}", file.path, i + 1)));
        }
    }
    out
}

/// The files that are more than tests.
fn shipped() -> impl Iterator<Item = &'static Source> {
    sources().iter().filter(|f| f.lines.iter().any(|l| !l.test))
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|(_, names)| names.contains(&module))
}

/// The top-level module that a file of the runtime belongs to; none for lib.rs.
fn top_module(path: &str) -> Option<&str> {
    let inside = path.strip_prefix("runtime/src/")?;
    let name = inside.split('/').next()?;
    let name = name.strip_suffix(".rs").unwrap_or(name);
    (name != "lib").then_some(name)
}

#[test]
fn a_file_imports_only_from_its_own_layer_or_below() {
    let findings = in_lines("runtime/src/", |file, i, line| {
        let own = top_module(&file.path).filter(|_| !line.test)?;
        let Some(own_layer) = layer(own) else {
            return (i == 0).then(|| format!("{own} is in no layer"));
        };
        let wrong: Vec<String> = file
            .crate_paths(i)
            .into_iter()
            .filter(|name| layer(name).is_some_and(|l| l > own_layer))
            .map(|name| format!("{own} ({}) names {name}", LAYERS[own_layer].0))
            .collect();
        (!wrong.is_empty()).then(|| wrong.join(", "))
    });
    hold("layers", findings);
}

#[test]
fn third_party_crates_have_one_home_each() {
    let declared: BTreeSet<String> = ["runtime", "abi", "xtask"]
        .iter()
        .flat_map(|member| source::dependencies(member))
        .filter(|d| d != "libc" && !d.starts_with("photonrt"))
        .collect();
    let listed: BTreeSet<String> = HOMES.iter().map(|h| h.0.to_string()).collect();
    assert_eq!(declared, listed, "dependencies in Cargo.toml against the table in this file");
    for (name, home) in HOMES {
        let mut used = false;
        let findings = sources()
            .iter()
            .flat_map(|f| f.lines.iter().enumerate().map(move |(i, l)| (f, i, l)))
            .filter(|(_, _, l)| l.has_path_from(name))
            .filter(|(f, _, l)| {
                let at_home = f.path.starts_with(home);
                used |= at_home;
                // Models are tests, and speak loom's language.
                !(at_home || name == "loom" && l.test)
            })
            .map(|(f, i, _)| format!("{}:{}: {name} is at home in {home}", f.path, i + 1))
            .collect();
        hold("third-party crates", findings);
        assert!(used, "{name} is declared and never used in {home}");
    }
}

#[test]
fn files_are_short_enough() {
    let code = |f: &Source| f.lines.iter().filter(|l| !l.code.trim().is_empty()).count();
    let long = sources().iter().filter(|f| code(f) > FILE_LINES);
    hold("file size", long.map(|f| format!("{}: {} lines of code", f.path, code(f))).collect());
}

#[test]
fn functions_are_short_enough() {
    let mut findings = Vec::new();
    for file in sources() {
        for (name, first, count) in file.functions() {
            if count > FUNCTION_LINES {
                findings.push(format!("{}:{}: {name} has {count} lines", file.path, first + 1));
            }
        }
    }
    hold("function size", findings);
}

#[test]
fn lines_are_short_enough() {
    let findings = in_lines("", |_, _, line| {
        let width = line.text.chars().count();
        (width > COLUMNS).then(|| format!("{width} columns"))
    });
    hold("line length", findings);
}

#[test]
fn unsafe_code_is_allowed_file_by_file_where_it_is_used() {
    let mut findings = Vec::new();
    for file in shipped().filter(|f| f.path.starts_with("runtime/src/")) {
        let allows = file.lines.iter().any(|l| l.code.trim() == "#![allow(unsafe_code)]");
        let uses = file.lines.iter().any(|l| l.has_word("unsafe") && !l.test);
        match (allows, uses) {
            (true, false) => findings.push(format!("{} allows unsafe code, has none", file.path)),
            (false, true) => {
                findings.push(format!("{} has unsafe code, does not say so", file.path))
            }
            _ => {}
        }
        for (i, line) in file.lines.iter().enumerate().filter(|(_, l)| !l.test) {
            if line.code.trim_start().starts_with("#[allow(unsafe_code") {
                findings.push(format!("{}:{}: allowed for an item only", file.path, i + 1));
            }
        }
    }
    hold("unsafe code", findings);
}

#[test]
fn every_ordering_above_relaxed_says_why() {
    let strong = ["Acquire", "Release", "AcqRel", "SeqCst"];
    let findings = in_lines("runtime/src/", |file, i, line| {
        let import = line.code.trim_start().starts_with("use ") || line.code.contains("pub use ");
        let word = strong.iter().find(|w| line.has_word(w))?;
        let near = &file.lines[i.saturating_sub(3)..=i];
        let explained = near.iter().any(|l| !l.comment.trim().is_empty());
        (!import && !line.test && !explained).then(|| format!("{word} without a comment"))
    });
    hold("memory orderings", findings);
}

#[test]
fn nothing_is_left_for_later() {
    // Put together here, so that this file does not find itself.
    let phrases = ["to|do", "fix|me", "xx|x", "for| now", "st|ub", "ha|ck", "unimple|mented"];
    let phrases: Vec<String> = phrases.iter().map(|p| p.replace('|', "")).collect();
    let findings = in_lines("", |_, _, line| {
        let text = line.text.to_lowercase();
        let found = phrases.iter().find(|p| source::has_word(&text, p))?;
        Some(format!("\"{found}\""))
    });
    hold("leftovers", findings);
}

#[test]
fn documents_name_what_exists() {
    let documents = source::documents();
    let top = source::top_level();
    let mut findings = Vec::new();
    for (path, text) in &documents {
        for name in source::quoted_paths(text).filter(|n| top.contains(source::first_part(n))) {
            if !source::exists(name) {
                findings.push(format!("{path}: {name} does not exist"));
            }
        }
    }
    let (_, map) = documents.iter().find(|d| d.0.ends_with("ARCHITECTURE.md")).expect("the map");
    let used: BTreeSet<&str> = shipped().filter_map(|f| top_module(&f.path)).collect();
    let absent = used.iter().filter(|m| !map.contains(&format!("`{m}`")));
    findings.extend(absent.map(|m| format!("docs/ARCHITECTURE.md: no word of {m}")));
    hold("documents", findings);
}

#[test]
fn every_module_begins_by_saying_what_it_is() {
    let silent =
        sources().iter().filter(|f| !f.lines.first().is_some_and(|l| l.text.starts_with("//!")));
    hold("head comments", silent.map(|f| f.path.clone()).collect());
}
