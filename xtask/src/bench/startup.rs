//! The startup workload: servers started again and again, see `benches/c/startup.c`, which measures. Server
//! on CPU 0, client on CPU 1.

use super::make::{self, binary};
use super::measure::{Fail, Run, Running, Watch, rows};
use super::plan::{Contender, Program};
use std::time::Duration;

/// Who starts them and asks.
pub const CLIENT: Program =
    Program { name: "startup", make: |p| make::c(p, "startup.c", &[]), versions: Vec::new };

/// `starts` of the server, and as many of the minimal program if there is one.
pub fn run(contender: &Contender, starts: u64, patience: Duration) -> Result<Run, Fail> {
    let watch = Watch::begin();
    let minimal = make::minimal(contender.program);
    let minimal = if minimal.is_file() { minimal.display().to_string() } else { "-".into() };
    let program = binary(contender.program.name).display().to_string();
    let client = binary(CLIENT.name).display().to_string();
    let line = vec![client, starts.to_string(), minimal, program];
    let out = Running::spawn(line, contender.env, None)?.finish(patience)?;
    Ok(Run { rows: rows(&out), cpu: None, foreign: watch.foreign() })
}
