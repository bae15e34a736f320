//! From the declarations that cbindgen finds in one section's source to the text that the header
//! holds.
//!
//! ```text
//! abi/src/io.rs --cbindgen--> "// doc\nint co_x(...);" --parse--> Vec<Item> --render--> C
//! ```
//! cbindgen knows the types and the Rust syntax; what it writes is a list, one declaration after
//! the other with its doc lines as they stand in the source. A header that people read first wants
//! more: comments wrapped to the page, the paragraphs that only a Rust caller needs left out,
//! constants and fields in columns. Doing that by cbindgen's options alone was tried: they neither
//! wrap nor drop. The parser below takes exactly the four shapes that cbindgen writes and panics on
//! any other, so a new shape is seen at once.

const WIDTH: usize = 100;
/// Columns where the comments of constants and fields begin.
const CONSTANT_COMMENT: usize = 34;
const FIELD_COMMENT: usize = 32;

/// C++20 reserves these words.
const C_ONLY: [&str; 1] = ["co_yield"];

/// One declaration with its doc lines.
#[derive(Debug)]
pub struct Item {
    pub doc: Vec<String>,
    pub decl: Decl,
}

#[derive(Debug)]
pub enum Decl {
    Constant {
        name: String,
        value: String,
    },
    Typedef(String),
    Struct {
        name: String,
        fields: Vec<Item>,
    },
    /// A field of a struct.
    Field(String),
    Function {
        name: String,
        text: String,
    },
}

/// Reads what cbindgen wrote with abi/cbindgen.toml.
pub fn parse(text: &str) -> Vec<Item> {
    let mut items = Vec::new();
    let mut doc = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let t = line.trim();
        if let Some(d) = t.strip_prefix("//") {
            // One space belongs to the marks; more of them is code.
            doc.push(d.strip_prefix(['/', '!']).unwrap_or(d).trim_end().replacen(' ', "", 1));
            continue;
        }
        if t.is_empty() {
            continue;
        }
        let doc = std::mem::take(&mut doc);
        let decl = if let Some(c) = t.strip_prefix("#define ") {
            let (name, value) = c.split_once(' ').expect("a constant has a value");
            Decl::Constant { name: name.into(), value: value.into() }
        } else if let Some(s) = t.strip_prefix("typedef struct ").and_then(|s| s.strip_suffix(" {"))
        {
            let body: Vec<&str> = lines.by_ref().take_while(|l| !l.starts_with('}')).collect();
            Decl::Struct { name: s.into(), fields: fields(&body) }
        } else if t.starts_with("typedef ") {
            Decl::Typedef(plain(t))
        } else {
            assert!(
                t.starts_with(|c: char| c.is_ascii_alphabetic()) && t.ends_with(");"),
                "unknown shape: {t}"
            );
            Decl::Function { name: function_name(t), text: plain(t) }
        };
        items.push(Item { doc, decl });
    }
    assert!(doc.is_empty(), "doc lines without a declaration: {doc:?}");
    items
}

fn fields(body: &[&str]) -> Vec<Item> {
    let mut out = Vec::new();
    let mut doc = Vec::new();
    for line in body {
        let t = line.trim();
        match t.strip_prefix("//") {
            Some(d) => doc.push(d.trim().to_string()),
            None => out.push(Item { doc: std::mem::take(&mut doc), decl: Decl::Field(plain(t)) }),
        }
    }
    out
}

fn function_name(text: &str) -> String {
    let end = text.find('(').expect("a function has parameters");
    let start = text[..end].rfind(|c| !is_word(c)).map_or(0, |i| i + 1);
    text[start..end].into()
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The declaration as C people write it: no `struct` before our own types, which are typedefs; no
/// underscore after a parameter whose name is a keyword of Rust or would shadow something there.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for c in text.replace("struct co_", "co_").chars() {
        if is_word(c) {
            word.push(c);
            continue;
        }
        out.push_str(word.strip_suffix('_').unwrap_or(&word));
        word.clear();
        out.push(c);
    }
    out + &word
}

/// The paragraphs of a doc comment that are for C, each on one line, an item of a list too; one of code,
/// which is indented by four, keeps its lines.
fn paragraphs(doc: &[String]) -> Vec<String> {
    let mut out = vec![String::new()];
    for line in doc {
        if line == "# Safety" {
            break;
        }
        let last = out.last_mut().expect("never empty");
        if line.is_empty() || is_item(line) {
            out.push(line.clone());
        } else if last.is_empty() {
            last.push_str(line);
        } else if is_code(last) {
            last.push('\n');
            last.push_str(line);
        } else {
            last.push(' ');
            last.push_str(line.trim_start());
        }
    }
    out.retain(|p| !p.is_empty());
    out
}

fn is_code(paragraph: &str) -> bool {
    paragraph.starts_with("    ")
}

fn is_item(paragraph: &str) -> bool {
    paragraph.starts_with("- ")
}

fn wrap(text: &str, width: usize) -> Vec<String> {
    if is_code(text) {
        return text.lines().map(String::from).collect();
    }
    let indent = if is_item(text) { "  " } else { "" };
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.last_mut().expect("never empty");
        if !last.is_empty() && last.len() + 1 + word.len() > width {
            lines.push(format!("{indent}{word}"));
        } else {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines
}

/// A comment on lines of its own.
fn block(doc: &[String]) -> String {
    let mut out = String::new();
    for (i, p) in paragraphs(doc).iter().enumerate() {
        if i > 0 && !is_item(p) {
            out.push_str(" *\n");
        }
        for line in wrap(p, WIDTH - 6) {
            out.push_str(if out.is_empty() { "/** " } else { " *  " });
            out.push_str(&line);
            out.push('\n');
        }
    }
    if !out.is_empty() {
        out.truncate(out.len() - 1);
        out.push_str(" */\n");
    }
    out
}

/// `left`, and the comment in a column beside it.
fn beside(left: &str, doc: &[String], column: usize) -> String {
    let text = paragraphs(doc).join(" ");
    if text.is_empty() {
        return format!("{left}\n");
    }
    let column = column.max(left.len() + 1);
    let lines = wrap(&text, WIDTH - column - 8);
    let pad = format!("\n{:width$}", "", width = column + 5);
    format!("{left:column$}/**< {} */\n", lines.join(&pad))
}

/// A function declaration, broken after commas where it is too long for a line.
fn declaration(text: &str) -> String {
    if text.len() <= WIDTH {
        return format!("{text}\n");
    }
    let indent = text.find('(').expect("a function has parameters") + 1;
    // Breaks only behind commas: `wrap` does not see the other spaces.
    let parameters = text[indent..].replace(' ', "\x01").replace(",\x01", ", ");
    let lines = wrap(&parameters, WIDTH - indent).join(&format!("\n{:indent$}", ""));
    format!("{}{}\n", &text[..indent], lines.replace('\x01', " "))
}

/// The C text of one declaration.
pub fn render(item: &Item) -> String {
    match &item.decl {
        Decl::Constant { name, value } => {
            let value = if value.starts_with('-') { format!("({value})") } else { value.clone() };
            beside(&format!("#define {name:20} {value}"), &item.doc, CONSTANT_COMMENT)
        }
        Decl::Typedef(text) => block(&item.doc) + &declaration(text),
        Decl::Field(text) => beside(&format!("    {text}"), &item.doc, FIELD_COMMENT),
        Decl::Struct { name, fields } => {
            let fields: String = fields.iter().map(render).collect();
            format!("{}typedef struct {name} {{\n{fields}}} {name};\n", block(&item.doc))
        }
        Decl::Function { name, text } => {
            let text = block(&item.doc) + &declaration(text);
            match C_ONLY.contains(&name.as_str()) {
                true => format!("#ifndef __cplusplus\n{text}#endif\n"),
                false => text,
            }
        }
    }
}

#[test]
fn a_functions_name_is_found() {
    assert_eq!(function_name("const char *co_strerror(int err);"), "co_strerror");
}

#[test]
fn a_trailing_underscore_goes_and_no_other() {
    assert_eq!(
        plain("int f(int (*fn_)(void), struct co_t *a_b, x_t type_);"),
        "int f(int (*fn)(void), co_t *a_b, x_t type);"
    );
}

#[test]
fn safety_is_for_rust_only() {
    let doc = ["One.", "Two.", "", "Three.", "", "# Safety", "Four."].map(String::from);
    assert_eq!(paragraphs(&doc), ["One. Two.", "Three."]);
    assert_eq!(block(&doc), "/** One. Two.\n *\n *  Three. */\n");
}
