//! `cargo xtask zig-package`: the file that `zig fetch` takes, and the step that uses it as a stranger would.
//!
//! ```text
//! photonrt-zig-VERSION.tar.gz
//!   photonrt-zig-VERSION/
//!     build.zig build.zig.zon src examples README.md   bindings-zig
//!     include/photonrt.h                               include
//!     lib/ARCH-OS-ABI/libphotonrt.a                    `cross`, for all that can be made here
//!     LICENSE-*                                        the root
//! ```
//! The step does what README.md says: it runs `zig init` and `zig fetch --save`, puts the blocks of Zig in it
//! where their first lines say (`// src/main.zig`), runs each program, and looks for the output that is
//! below it. A block that has no such line fails the step, so none goes untried.

use super::{Zig, dir, home};
use crate::cross::{TARGETS, Target};
use crate::package::{VERSION, io, replace};
use crate::sh::{cmd, output, root, run};
use crate::step::{Fail, Outcome};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What of bindings-zig goes into the package; the rest is for those who work on it.
const OURS: [&str; 5] = ["build.zig", "build.zig.zon", "src", "examples", "README.md"];
const FROM_ROOT: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

/// A package.
pub struct Made {
    /// Where it is.
    pub file: PathBuf,
    /// The targets that it has an archive for.
    pub targets: Vec<&'static Target>,
    /// The others, and why.
    pub skipped: Vec<(String, String)>,
}

/// Makes the package, with all archives that can be built here.
pub fn make() -> Result<Made, String> {
    let name = format!("photonrt-zig-{VERSION}");
    let work = dir().join(format!("package-{}", std::process::id()));
    let stage = work.join(&name);
    let mut made = Made {
        file: dir().join(format!("{name}.tar.gz")),
        targets: Vec::new(),
        skipped: Vec::new(),
    };
    let result = fill(&stage, &mut made).and_then(|()| {
        let new = work.join("new.tar.gz");
        run(cmd("tar").arg("-czf").arg(&new).arg("-C").args([&work, Path::new(&name)]))?;
        replace(&new, &made.file)
    });
    drop(fs::remove_dir_all(&work));
    result.map(|()| made)
}

fn fill(stage: &Path, made: &mut Made) -> Result<(), String> {
    let include = stage.join("include");
    io(&include, fs::create_dir_all(&include))?;
    let ours = OURS.iter().map(|n| home().join(n)).filter(|p| p.exists());
    run(cmd("cp").arg("-R").args(ours).args(FROM_ROOT.map(|n| root().join(n))).arg(stage))?;
    run(cmd("cp").arg(root().join("include/photonrt.h")).arg(include))?;
    for target in &TARGETS {
        let archive = match target.archive() {
            Ok(archive) => archive,
            Err(Fail::Cannot(why)) => {
                made.skipped.push((target.name.into(), why));
                continue;
            }
            Err(Fail::Broken(why)) => return Err(format!("{}: {why}", target.name)),
        };
        let lib = stage.join("lib").join(target.name);
        io(&lib, fs::create_dir_all(&lib))?;
        run(cmd("cp").arg(archive).arg(lib))?;
        made.targets.push(target);
    }
    Ok(())
}

/// The step `zig-package`.
pub fn step(_: &str, trouble: &mut Vec<String>) -> Result<Outcome, String> {
    let zig = match Zig::find() {
        Ok(zig) => zig,
        Err(fail) => return Ok(fail.outcome("the Zig package, fetched", trouble)),
    };
    let made = make()?;
    let mut sum = Outcome::default();
    for (target, why) in &made.skipped {
        sum.add(Outcome::skip(format!("the Zig package's archive for {target}"), why));
    }
    sum.notes.push(size(&made.file));
    let mut note = |what: &str, result: Result<(), String>| {
        sum.add(Outcome::check(result.is_ok()));
        trouble.extend(result.err().map(|e| format!("{what}: {e}")));
    };
    let readme = io(&home(), fs::read_to_string(home().join("README.md")))?;
    let readme = Readme::of(&readme)?;
    let project = Project::new(&zig, "hello", &readme)?;
    run(zig.command(&project.at).args(["fetch", "--save"]).arg(&made.file))?;
    for program in &readme.programs {
        note(&format!("README.md, {}", program.path), project.prints(program, &["run"]));
    }
    for target in made.targets.iter().filter(|t| !t.runs_here()) {
        note(target.name, project.builds(target.name));
    }
    note("no archive", no_archive(&project));
    note(
        "no such target",
        project.refuses("x86_64-windows", &["photonrt does not run on x86_64-windows"]),
    );
    note("libgcc_s", unwinder(&project, &readme, ".gcc_s").and_then(|()| project.builds("native")));
    let none = unwinder(&project, &readme, ".none");
    note("no unwinder", none.and_then(|()| project.refuses("native", &["_Unwind_"])));
    note("a checkout as a dependency", beside(&zig, &readme));
    Ok(sum)
}

fn size(file: &Path) -> String {
    let bytes = fs::metadata(file).map_or(0, |m| m.len());
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    format!("{name}: {:.1} MB", bytes as f64 / 1e6)
}

/// The message for a target whose archive is nowhere names all three ways to one.
fn no_archive(project: &Project) -> Result<(), String> {
    let ways = [
        "photonrt has no libphotonrt.a for aarch64-macos-none",
        "cargo xtask zig-package",
        "Rust's std for aarch64-apple-darwin",
        "-Dphotonrt-lib=PATH",
    ];
    project.refuses("aarch64-macos", &ways)
}

/// The project with another unwinder than the default.
fn unwinder(project: &Project, readme: &Readme, which: &str) -> Result<(), String> {
    let options = ".{ .target = target, .optimize = optimize }";
    let more = options.replace(" }", &format!(", .unwinder = {which} }}"));
    match readme.build.replacen(options, &more, 1) {
        text if text != readme.build => project.write("build.zig", &text),
        _ => Err(format!("README.md has no {options}")),
    }
}

/// The package as it lies in the repository, by its path: built by cargo.
fn beside(zig: &Zig, readme: &Readme) -> Result<(), String> {
    let project = Project::new(zig, "beside", readme)?;
    let zon = project.at.join("build.zig.zon");
    let text = io(&zon, fs::read_to_string(&zon))?;
    let open = ".{\n";
    let path = "../../../../bindings-zig";
    let with = format!("{open}    .dependencies = .{{ .photonrt = .{{ .path = \"{path}\" }} }},\n");
    project.write("build.zig.zon", &text.replacen(open, &with, 1))?;
    project.prints(&readme.programs[0], &["run"])
}

/// A user's project below target.
struct Project<'a> {
    zig: &'a Zig,
    at: PathBuf,
}

impl<'a> Project<'a> {
    /// A fresh one, with README.md's build.zig and its first program.
    fn new(zig: &'a Zig, name: &str, readme: &Readme) -> Result<Project<'a>, String> {
        let at = dir().join("projects").join(name);
        drop(fs::remove_dir_all(&at));
        io(&at, fs::create_dir_all(at.join("src")))?;
        run(zig.command(&at).args(["init", "--minimal"]))?;
        let project = Project { zig, at };
        project.write("build.zig", &readme.build)?;
        project.write("src/main.zig", &readme.programs[0].text)?;
        Ok(project)
    }

    fn write(&self, path: &str, text: &str) -> Result<(), String> {
        io(&self.at.join(path), fs::write(self.at.join(path), text))
    }

    fn build(&self, args: &[&str]) -> Command {
        let mut c = self.zig.command(&self.at);
        c.arg("build").args(["--color", "off"]).args(args);
        c
    }

    /// Builds the program as src/main.zig and runs it; it prints what README.md says.
    fn prints(&self, program: &Program, args: &[&str]) -> Result<(), String> {
        self.write("src/main.zig", &program.text)?;
        let mut c = self.build(args);
        let out = c.output().map_err(|e| e.to_string())?;
        let text =
            [out.stdout, out.stderr].map(|o| String::from_utf8_lossy(&o).into_owned()).concat();
        match out.status.success() && text.contains(&program.output) {
            true => Ok(()),
            false => Err(format!("{}, not {:?}:\n{text}", out.status, program.output)),
        }
    }

    fn builds(&self, target: &str) -> Result<(), String> {
        run(self.build(&["install"]).arg(format!("-Dtarget={target}")))
    }

    /// Fails to build, and says all of `words`.
    fn refuses(&self, target: &str, words: &[&str]) -> Result<(), String> {
        match output(self.build(&["install"]).arg(format!("-Dtarget={target}"))) {
            Ok(_) => Err("it is built".into()),
            Err(text) => match words.iter().find(|w| !text.contains(**w)) {
                Some(word) => Err(format!("no word of {word:?} in:\n{text}")),
                None => Ok(()),
            },
        }
    }
}

/// A complete program of README.md.
struct Program {
    path: String,
    text: String,
    /// Part of what it prints: the block of text right below it.
    output: String,
}

/// The blocks of Zig in README.md.
struct Readme {
    build: String,
    programs: Vec<Program>,
}

impl Readme {
    fn of(markdown: &str) -> Result<Readme, String> {
        let mut readme = Readme { build: String::new(), programs: Vec::new() };
        for (language, text) in blocks(markdown) {
            let first = text.lines().next().unwrap_or_default();
            match (language, first.strip_prefix("// ")) {
                ("zig", Some("build.zig")) => readme.build = text,
                ("zig", Some(path)) if path.starts_with("src/") && path.ends_with(".zig") => {
                    let path = path.to_string();
                    readme.programs.push(Program { path, text, output: String::new() });
                }
                ("zig", _) => return Err(format!("a block of Zig without a path: {first}")),
                ("text", _) => {
                    let program = readme.programs.last_mut();
                    program.ok_or("output before any program")?.output = text;
                }
                _ => {}
            }
        }
        let silent = readme.programs.iter().find(|p| p.output.is_empty());
        match (silent, readme.build.is_empty() || readme.programs.is_empty()) {
            (Some(program), _) => Err(format!("{}: no output is given", program.path)),
            (None, true) => Err("it has no build.zig, or no program".into()),
            (None, false) => Ok(readme),
        }
    }
}

/// The fenced blocks of a document: language and text.
fn blocks(markdown: &str) -> Vec<(&str, String)> {
    let mut out: Vec<(&str, String)> = Vec::new();
    let mut inside = false;
    for line in markdown.lines() {
        match line.strip_prefix("```") {
            Some(language) if !inside => {
                out.push((language, String::new()));
                inside = true;
            }
            Some(_) => inside = false,
            None if inside => {
                let text = &mut out.last_mut().expect("begun").1;
                text.push_str(line);
                text.push('\n');
            }
            None => {}
        }
    }
    out
}

#[test]
fn blocks_are_found_with_their_output() {
    let text = "# x\n```zig\n// build.zig\nb\n```\n\
        ```zig\n// src/main.zig\nm\n```\nprints\n```text\nhi\n```\n";
    let readme = Readme::of(text).expect("complete");
    assert_eq!(readme.build, "// build.zig\nb\n");
    assert_eq!(readme.programs.len(), 1);
    assert_eq!((&*readme.programs[0].path, &*readme.programs[0].output), ("src/main.zig", "hi\n"));
    let nameless = text.replace("// build.zig", "// so");
    assert!(Readme::of(&nameless).is_err_and(|e| e.contains("without a path")));
    let silent = text.replace("```text", "```");
    assert!(Readme::of(&silent).is_err_and(|e| e.contains("no output")));
}

#[test]
fn the_package_lists_what_goes_into_it() {
    let zon = fs::read_to_string(home().join("build.zig.zon")).expect("the package");
    for name in OURS.iter().chain(&FROM_ROOT).chain(&["include", "lib"]) {
        assert!(
            zon.contains(&format!("\"{name}\"")),
            "bindings-zig/build.zig.zon: .paths lacks {name}"
        );
    }
}
