//! A Rust file as the rules see it: line by line, code and comments told apart.
//!
//! Not a parser: a scanner that knows comments (nested ones too), strings (raw ones too) and
//! character literals, which is what it takes so that a brace or a word inside them is not mistaken
//! for code. A parser crate was the other choice; the rules need no syntax tree, and comments are
//! what parsers drop.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// One line.
#[derive(Default)]
pub struct Line {
    /// As it stands.
    pub text: String,
    /// Without comments, and with what is inside string and character literals left out.
    pub code: String,
    /// The text of its comments.
    pub comment: String,
    /// Whether it is part of a test module.
    pub test: bool,
}

/// One file.
pub struct Source {
    /// From the workspace's root, with `/`.
    pub path: String,
    pub lines: Vec<Line>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All Rust files of the workspace, read once.
pub fn sources() -> &'static [Source] {
    static FILES: OnceLock<Vec<Source>> = OnceLock::new();
    FILES.get_or_init(|| {
        let mut files = Vec::new();
        for member in ["runtime", "abi", "xtask"] {
            collect(&root().join(member), member, &mut files);
        }
        assert!(files.len() > 10, "the sources have not been found");
        let tests: Vec<String> = files.iter().flat_map(test_files).collect();
        for file in &mut files {
            let stem = file.path.trim_end_matches(".rs").trim_end_matches("/mod");
            let is_test = file.path.split('/').any(|p| p == "tests")
                || tests.iter().any(|t| stem == t || stem.starts_with(&format!("{t}/")));
            mark_tests(&mut file.lines, is_test);
        }
        files
    })
}

fn collect(dir: &Path, path: &str, files: &mut Vec<Source>) {
    let entries = std::fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
    let mut entries: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    entries.sort();
    for entry in entries {
        let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let path = format!("{path}/{name}");
        if entry.is_dir() {
            if name != "target" {
                collect(&entry, &path, files);
            }
        } else if name.ends_with(".rs") {
            let text = std::fs::read_to_string(&entry).unwrap_or_else(|e| panic!("{path}: {e}"));
            files.push(Source { path, lines: scan(&text) });
        }
    }
}

/// README.md and docs/*.md: path and text.
pub fn documents() -> Vec<(String, String)> {
    let docs = std::fs::read_dir(root().join("docs")).expect("docs/").flatten();
    let names = docs.map(|e| format!("docs/{}", e.file_name().to_string_lossy()));
    let names = names.filter(|n| n.ends_with(".md")).chain(["README.md".into()]);
    let text = |n: &String| std::fs::read_to_string(root().join(n)).expect("a document");
    names.map(|n| (n.clone(), text(&n))).collect()
}

/// The workspace's top-level names.
pub fn top_level() -> BTreeSet<String> {
    let entries = std::fs::read_dir(root()).expect("the workspace").flatten();
    entries
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .filter(|n| n != "target")
        .collect()
}

/// Paths in backquotes or as a link's target, from the root: a link's `../` leads there from docs/.
pub fn quoted_paths(text: &str) -> impl Iterator<Item = &str> {
    let quoted = text.split('`').skip(1).step_by(2);
    let links = text.split("](").skip(1).filter_map(|t| t.split(')').next());
    let is_path = |t: &&str| t.chars().all(|c| is_word(c) || "/.-".contains(c));
    quoted.chain(links).map(|p| p.trim_start_matches("../")).filter(is_path)
}

/// The part before the first slash.
pub fn first_part(path: &str) -> &str {
    path.split('/').next().unwrap_or(path)
}

/// Whether the workspace has it.
pub fn exists(path: &str) -> bool {
    root().join(path).exists()
}

/// The dependencies that a member declares, as Rust spells them.
pub fn dependencies(member: &str) -> Vec<String> {
    let path = root().join(member).join("Cargo.toml");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut inside = false;
    let mut out = Vec::new();
    for line in text.lines() {
        if line.starts_with('[') {
            inside = line.trim_end_matches(']').ends_with("dependencies");
        } else if inside
            && let Some(name) = line.split(['.', '=', ' ']).next()
            && !name.is_empty()
            && !name.starts_with('#')
        {
            out.push(name.replace('-', "_"));
        }
    }
    out
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Where `word` stands in `text` with no letter, digit or underscore on either side.
fn word_at(text: &str, word: &str) -> Option<usize> {
    let free = |c: Option<char>| !c.is_some_and(is_word);
    text.match_indices(word).map(|m| m.0).find(|&i| {
        free(text[..i].chars().next_back()) && free(text[i + word.len()..].chars().next())
    })
}

/// Whether `text` holds `word` by itself.
pub fn has_word(text: &str, word: &str) -> bool {
    word_at(text, word).is_some()
}

impl Line {
    /// Whether the code holds `word` by itself.
    pub fn has_word(&self, word: &str) -> bool {
        has_word(&self.code, word)
    }

    /// Whether the code names the crate `name`: `name::` or `use name` with nothing before it in
    /// the path.
    pub fn has_path_from(&self, name: &str) -> bool {
        let Some(i) = word_at(&self.code, name) else { return false };
        let (before, after) = (&self.code[..i], &self.code[i + name.len()..]);
        !before.ends_with("::")
            && (after.starts_with("::")
                || before.trim_end().ends_with("use") && after.starts_with(';'))
    }
}

impl Source {
    /// The names right below the crate's root that line `i` uses: from `crate::name`, from a group
    /// `crate::{a, b::c}` that begins there, and from as many `super::` as lead out to the root.
    pub fn crate_paths(&self, i: usize) -> Vec<String> {
        let code = &self.lines[i].code;
        let mut out = Vec::new();
        for (at, _) in code.match_indices("crate::") {
            if code[..at].ends_with(|c: char| is_word(c) || c == '$') {
                continue;
            }
            let rest: String = std::iter::once(&code[at + 7..])
                .chain(self.lines[i + 1..].iter().map(|l| l.code.as_str()))
                .take(40)
                .collect::<Vec<_>>()
                .join(" ");
            out.extend(path_heads(&rest));
        }
        let depth = self.depth();
        let climb = "super::".repeat(depth);
        for (at, _) in code.match_indices(&climb).filter(|_| depth > 0) {
            out.extend(path_heads(&code[at + climb.len()..]));
        }
        out
    }

    /// How many modules lie between this file and the crate's root, itself included.
    fn depth(&self) -> usize {
        let inside = self.path.split_once("/src/").map_or("", |p| p.1);
        let parts = inside.split('/').count();
        if inside.ends_with("/mod.rs") { parts - 1 } else { parts }
    }

    /// Functions: name, index of the line with `fn`, and number of lines.
    pub fn functions(&self) -> Vec<(String, usize, usize)> {
        let mut out = Vec::new();
        for (i, line) in self.lines.iter().enumerate() {
            let Some(at) = word_at(&line.code, "fn") else { continue };
            let name: String =
                line.code[at + 2..].trim_start().chars().take_while(|c| is_word(*c)).collect();
            if !name.is_empty()
                && let Some(count) = self.extent(i, at)
            {
                out.push((name, i, count));
            }
        }
        out
    }

    /// Lines from `first` to the brace that closes the first one opened from column `at` on; none
    /// for a declaration.
    fn extent(&self, first: usize, at: usize) -> Option<usize> {
        let (mut braces, mut others) = (0i32, 0i32);
        for (n, line) in self.lines[first..].iter().enumerate() {
            for c in line.code[if n == 0 { at } else { 0 }..].chars() {
                match c {
                    '(' | '[' => others += 1,
                    ')' | ']' => others -= 1,
                    ';' if braces == 0 && others == 0 => return None,
                    '{' => braces += 1,
                    '}' => {
                        braces -= 1;
                        if braces == 0 {
                            return Some(n + 1);
                        }
                    }
                    _ => {}
                }
            }
        }
        None
    }
}

/// The first names of what follows `crate::`: one, or those of a group. Macros (`name!`) are of no
/// module.
fn path_heads(rest: &str) -> Vec<String> {
    let word = |s: &str| -> Option<String> {
        let name: String = s.trim_start().chars().take_while(|c| is_word(*c)).collect();
        let after = &s.trim_start()[name.len()..];
        (!name.is_empty() && !after.starts_with('!')).then_some(name)
    };
    if !rest.starts_with('{') {
        return word(rest).into_iter().collect();
    }
    let (mut depth, mut start, mut out) = (0, 1, Vec::new());
    for (i, c) in rest.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => {
                out.extend(word(&rest[start..i]));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 1 => {
                out.extend(word(&rest[start..i]));
                start = i + 1;
            }
            _ => {}
        }
    }
    out
}

/// Is this attribute line one that keeps what follows for tests or models?
fn is_test_attribute(code: &str) -> bool {
    let code = code.trim();
    let positive = code.replace("not(test)", "").replace("not(loom)", "");
    code.starts_with("#[cfg(") && (has_word(&positive, "test") || has_word(&positive, "loom"))
}

/// Stems of the files that `file` declares as test modules.
fn test_files(file: &Source) -> Vec<String> {
    let stem = file.path.trim_end_matches(".rs");
    let owns_folder = ["/mod", "/lib", "/main"].iter().find_map(|s| stem.strip_suffix(s));
    let dir = owns_folder.unwrap_or(stem);
    let name = |code: &str| {
        Some(
            code.trim()
                .trim_start_matches("pub ")
                .strip_prefix("mod ")?
                .strip_suffix(';')?
                .to_string(),
        )
    };
    let pairs = file.lines.windows(2).filter(|w| is_test_attribute(&w[0].code));
    pairs.filter_map(|w| name(&w[1].code)).map(|n| format!("{dir}/{n}")).collect()
}

/// Marks the lines of inline test modules, or all.
fn mark_tests(lines: &mut [Line], all: bool) {
    let mut depth = 0i32;
    let mut until: Option<i32> = None;
    let mut pending = false;
    for line in lines {
        line.test = all || until.is_some() || pending;
        pending |= is_test_attribute(&line.code);
        for c in line.code.chars() {
            match c {
                '{' => {
                    if std::mem::take(&mut pending) && until.is_none() {
                        until = Some(depth);
                        line.test = true;
                    }
                    depth += 1;
                }
                '}' => {
                    depth -= 1;
                    if until == Some(depth) {
                        until = None;
                    }
                }
                ';' if until.is_none() => pending = false,
                _ => {}
            }
        }
    }
}

/// Where the scanner is between two characters.
enum State {
    Code,
    LineComment,
    BlockComment(u32),
    Text,
    /// A raw string, ended by a quote and so many `#`.
    RawText(usize),
}

fn scan(text: &str) -> Vec<Line> {
    let chars: Vec<char> = text.chars().collect();
    let mut lines = Vec::new();
    let mut line = Line::default();
    let mut state = State::Code;
    let mut i = 0;
    while i < chars.len() {
        let c = chars[i];
        if c == '\n' {
            if matches!(state, State::LineComment) {
                state = State::Code;
            }
            lines.push(std::mem::take(&mut line));
            i += 1;
            continue;
        }
        let (next, used) = step(&chars[i..], state, &line.code);
        for &c in &chars[i..i + used] {
            line.text.push(c);
            match (&next.1, c) {
                (Keep::Code, c) => line.code.push(c),
                (Keep::Comment, c) => line.comment.push(c),
                (Keep::Nothing, _) => {}
            }
        }
        state = next.0;
        i += used;
    }
    if !line.text.is_empty() {
        lines.push(line);
    }
    lines
}

enum Keep {
    Code,
    Comment,
    Nothing,
}

/// The state after the next token, where to keep its characters, and how many they are. No token
/// crosses a line.
fn step(rest: &[char], state: State, before: &str) -> ((State, Keep), usize) {
    let two = (rest[0], rest.get(1).copied().unwrap_or('\n'));
    match state {
        State::LineComment => ((State::LineComment, Keep::Comment), 1),
        State::BlockComment(n) => match two {
            ('/', '*') => ((State::BlockComment(n + 1), Keep::Nothing), 2),
            ('*', '/') if n == 1 => ((State::Code, Keep::Nothing), 2),
            ('*', '/') => ((State::BlockComment(n - 1), Keep::Nothing), 2),
            _ => ((State::BlockComment(n), Keep::Comment), 1),
        },
        State::Text => match two {
            ('\\', c) if c != '\n' => ((State::Text, Keep::Nothing), 2),
            ('"', _) => ((State::Code, Keep::Code), 1),
            _ => ((State::Text, Keep::Nothing), 1),
        },
        State::RawText(n) => {
            let closes =
                rest[0] == '"' && rest[1..].iter().take(n).filter(|c| **c == '#').count() == n;
            if closes {
                ((State::Code, Keep::Code), 1 + n)
            } else {
                ((State::RawText(n), Keep::Nothing), 1)
            }
        }
        State::Code => match two {
            ('/', '/') => ((State::LineComment, Keep::Nothing), 2),
            ('/', '*') => ((State::BlockComment(1), Keep::Nothing), 2),
            ('"', _) => ((State::Text, Keep::Code), 1),
            ('r', '"' | '#') if !before.ends_with(|c: char| is_word(c) && c != 'b' && c != 'c') => {
                let n = rest[1..].iter().take_while(|c| **c == '#').count();
                match rest.get(1 + n) {
                    Some('"') => ((State::RawText(n), Keep::Code), 2 + n),
                    _ => ((State::Code, Keep::Code), 1),
                }
            }
            ('\'', _) => ((State::Code, Keep::Nothing), character(rest)),
            _ => ((State::Code, Keep::Code), 1),
        },
    }
}

/// Length of a character literal; 1 for the quote of a lifetime.
fn character(rest: &[char]) -> usize {
    match (rest.get(1), rest.get(2)) {
        (Some('\\'), _) => {
            let end = rest.iter().skip(3).position(|c| *c == '\'');
            end.map_or(1, |n| n + 4)
        }
        (Some(_), Some('\'')) => 3,
        _ => 1,
    }
}

#[test]
fn the_scanner_tells_code_from_the_rest() {
    let lines = scan(
        "let a = \"// no {\"; // yes {\nlet b = '{'; /* c /* d */ e */ f::<'x>();\nr#\"{ \" {\"# ;\n",
    );
    let code: Vec<&str> = lines.iter().map(|l| l.code.as_str()).collect();
    assert_eq!(code, ["let a = \"\"; ", "let b = ;  f::<x>();", "r#\"\"# ;"]);
    assert_eq!(lines[0].comment, " yes {");
}

#[test]
fn paths_are_found_in_groups() {
    assert_eq!(path_heads("{a, b::{c, d}, e}; f"), ["a", "b", "e"]);
    assert_eq!(path_heads("a::b"), ["a"]);
    assert!(path_heads("yield_now_body!()").is_empty());
}

#[test]
fn test_modules_are_marked() {
    let mut lines = scan("fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n");
    mark_tests(&mut lines, false);
    let marks: Vec<bool> = lines.iter().map(|l| l.test).collect();
    assert_eq!(marks, [false, false, true, true, true, false]);
}

#[test]
fn functions_are_measured() {
    let source =
        Source { path: String::new(), lines: scan("fn a(x: [u8; 2]) {\n    {}\n}\nfn b();\n") };
    assert_eq!(source.functions(), [("a".to_string(), 0, 3)]);
}
