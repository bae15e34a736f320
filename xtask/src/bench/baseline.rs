//! An earlier revision of ours as a further contender: its library, built in a worktree of its own below
//! `target`, under today's bench program, so that both do the same work.

use super::compare::SUFFIX;
use super::make::link_ours;
use super::measure::Fail;
use super::plan::{Contender, Kind, Program, contenders};
use crate::sh::{cargo, cmd, output, root, run, target};

/// The library at the revision has been linked by the time that turns begin.
const BEFORE: Program = Program { name: "photonrt-before", make: |_| Ok(()), versions: Vec::new };

/// The commit that `name` means, if it is one.
pub fn revision(name: &str) -> Option<String> {
    let commit = format!("{name}^{{commit}}");
    let args = ["rev-parse", "--quiet", "--verify", "--end-of-options", &commit];
    output(cmd("git").args(args)).ok().map(|c| c.trim().to_string())
}

/// Builds the library at `commit` and links the program to it.
pub fn build(commit: &str) -> Result<(), Fail> {
    let tree = target().join("photonrt/before").join(commit);
    if !tree.join("Cargo.toml").is_file() {
        let path = tree.display().to_string();
        let args = ["worktree", "add", "--quiet", "--force", "--detach", &path, commit];
        run(cmd("git").args(args)).map_err(Fail::Broken)?;
    }
    // The revision's own tool knows how it is built, and puts it below its own `target`.
    let mut build = cargo();
    build.current_dir(&tree).args(["run", "--quiet", "--package", "xtask", "--", "build"]);
    build.env("CARGO_TARGET_DIR", tree.join("target"));
    let library = output(&mut build).map_err(Fail::Broken)?;
    let library = library.lines().last().unwrap_or_default();
    link_ours(&BEFORE, std::path::Path::new(library)).map_err(|fail| match fail {
        Fail::Broken(why) => Fail::Cannot(format!("today's program needs more than it has: {why}")),
        other => other,
    })
}

/// Our contenders once more, as they were: those in C, which link with an older library as it is.
pub fn contenders_before() -> Vec<Contender> {
    let ours = contenders().filter(|c| c.kind == Kind::Ours && c.program.name == "photonrt");
    // A name lives as long as the run, which is as long as this program.
    let name = |c: &Contender| -> &'static str { format!("{}{SUFFIX}", c.name).leak() };
    ours.map(|c| Contender { name: name(c), program: &BEFORE, ..*c }).collect()
}

/// The revision that is checked out, with `+` if there is more than is committed.
pub fn here() -> String {
    let line =
        |args: &[&str]| output(cmd("git").current_dir(root()).args(args)).unwrap_or_default();
    let commit = line(&["rev-parse", "--short=12", "HEAD"]);
    let changed = !line(&["status", "--porcelain", "--untracked-files=no"]).trim().is_empty();
    format!("{}{}", commit.trim(), if changed { "+" } else { "" })
}

#[test]
fn a_file_is_no_revision() {
    assert!(revision("no/such/revision.json").is_none());
    let names: Vec<&str> = contenders_before().iter().map(|c| c.name).collect();
    assert!(names.contains(&"photonrt uring before"));
}
