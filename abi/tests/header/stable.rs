//! What 1.x promises to callers that are compiled already: symbols and structs only grow. Two lists
//! that are appended to and never changed hold it, abi/symbols.txt and abi/fields.txt.

use crate::layout::{Decl, Item};
use crate::{all_items, read, root};
use std::path::PathBuf;
use std::process::Command;

/// `name since`, in the order of their releases: the file is appended to and never changed.
pub fn symbols() -> Vec<(String, (u32, u32))> {
    let text = read("abi/symbols.txt");
    let entries = text.lines().filter(|l| !l.starts_with('#') && !l.is_empty());
    let parse = |l: &str| {
        let (name, since) = l.split_once(' ')?;
        let (major, minor) = since.split_once('.')?;
        Some((name.to_string(), (major.parse().ok()?, minor.parse().ok()?)))
    };
    entries.map(|l| parse(l).unwrap_or_else(|| panic!("abi/symbols.txt: {l}"))).collect()
}

#[test]
fn the_symbol_list_only_grows() {
    let since: Vec<(u32, u32)> = symbols().into_iter().map(|(_, v)| v).collect();
    assert!(since.is_sorted(), "abi/symbols.txt: an entry stands before an older one");
    let version = env!("CARGO_PKG_VERSION").split('.').map(|n| n.parse().expect("a number"));
    let version: Vec<u32> = version.collect();
    assert!(since.iter().all(|v| *v <= (version[0], version[1])), "a symbol of a release to come");
}

/// Every field of every struct as the C compiler lays it out: `co_attr_t.flags 4 4`, offset and
/// size.
fn fields() -> Vec<String> {
    let mut lines = String::new();
    for item in all_items() {
        let Decl::Struct { name, fields } = &item.decl else { continue };
        for field in fields.iter().map(field_name) {
            lines += &format!(
                "    printf(\"{name}.{field} %zu %zu\\n\", offsetof({name}, {field}), \
                 sizeof((({name} *)0)->{field}));\n"
            );
        }
    }
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let (source, program) = (dir.join("fields.c"), dir.join("fields"));
    let text = format!("#include <photonrt.h>\n#include <stdio.h>\nint main(void) {{\n{lines}}}\n");
    std::fs::write(&source, text).expect("write");
    let mut cc = Command::new("cc");
    cc.arg("-I").arg(root().join("include")).arg(&source).arg("-o").arg(&program);
    assert!(cc.status().expect("cc").success());
    let out = Command::new(&program).output().expect("runs");
    String::from_utf8_lossy(&out.stdout).lines().map(String::from).collect()
}

/// `uint32_t size;` or `char name[32];` or `void (*fn)(void *arg);`
fn field_name(field: &Item) -> String {
    let Decl::Field(text) = &field.decl else { panic!("not a field: {field:?}") };
    if let Some((_, pointer)) = text.split_once("(*") {
        return pointer.split(')').next().unwrap_or_default().to_string();
    }
    let text = text.split(['[', ';']).next().unwrap_or_default();
    text.rsplit([' ', '*']).next().unwrap_or_default().to_string()
}

/// The list is for 64-bit machines, which is all that there is.
#[test]
fn no_field_moves_and_none_is_unlisted() {
    let text = read("abi/fields.txt");
    let listed: Vec<&str> = text.lines().filter(|l| !l.starts_with('#') && !l.is_empty()).collect();
    let found = fields();
    for line in &listed {
        assert!(
            found.iter().any(|f| f == line),
            "abi/fields.txt: {line}, but now it is {found:#?}"
        );
    }
    for line in &found {
        assert!(listed.contains(&line.as_str()), "append to abi/fields.txt: {line}");
    }
}
