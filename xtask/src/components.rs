//! Real programs as clients and peers, on each engine: wrk, nginx, curl, redis-server, sha256sum.
//!
//! ```text
//!   wrk, curl ---> serve (ours)          fetch, redis (ours) ---> nginx, redis-server
//!   wrk, curl, fetch ---> nginx as a reverse proxy ---> serve       copy (ours), sha256sum
//! ```
//! Ours are the programs of conformance/components. Everything listens on loopback, on ports of the
//! system's choice, and lives in a folder of its own; all of it is gone when the step ends. A program
//! that is missing skips its checks.

mod checks;

use crate::package::{archive, dir};
use crate::sh::{Server, cc, cmd, free_port, have, output, root, run, target};
use crate::step::Outcome;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How much of it: a sample, or (`soak`) all.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Size {
    Sample,
    Full,
}

/// What a check works with. Its folder goes with it.
pub struct Place {
    dir: PathBuf,
    engine: &'static str,
    size: Size,
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.dir));
    }
}

/// Seconds after which anything that is run here counts as hanging.
const LIMIT: [&str; 2] = ["120", "900"];

impl Place {
    fn new(engine: &'static str, size: Size) -> Result<Place, String> {
        let dir = target().join(format!("components-{}-{engine}", std::process::id()));
        std::fs::create_dir_all(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
        Ok(Place { dir, engine, size })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// One of our programs, with a limit.
    fn ours(&self, name: &str) -> Command {
        let mut c = self.limited(&program(name).display().to_string());
        c.env("PHOTONRT_ENGINE", self.engine);
        c
    }

    /// Any program, with a limit.
    fn limited(&self, name: &str) -> Command {
        let mut c = cmd("timeout");
        c.args([LIMIT[usize::from(self.size == Size::Full)], name]).current_dir(&self.dir);
        c
    }

    /// `serve` with so many vCPUs, and its port. Its file is what [`checks`] upload.
    fn serve(&self, vcpus: u32) -> Result<(Server, u16), String> {
        let port = free_port()?;
        let mut c = cmd(program("serve"));
        c.args([port.to_string(), vcpus.to_string()]).arg(self.path("upload"));
        c.env("PHOTONRT_ENGINE", self.engine);
        start(&mut c, port)
    }
}

/// Starts a server and waits until it listens.
fn start(c: &mut Command, port: u16) -> Result<(Server, u16), String> {
    let mut server = Server::start(c)?;
    server.ready(port)?;
    Ok((server, port))
}

/// What `from` writes goes to `to`; both must succeed.
fn pipe(from: &mut Command, to: &mut Command) -> Result<(), String> {
    let started = |e: std::io::Error| format!("pipe: {e}");
    let mut first = from.stdout(Stdio::piped()).spawn().map_err(started)?;
    let stdout = first.stdout.take().ok_or("no stdout")?;
    let second = to.stdin(stdout).output().map_err(started);
    let status = first.wait().map_err(started)?;
    let second = second?;
    let text = String::from_utf8_lossy(&second.stderr);
    match status.success() && second.status.success() {
        true => Ok(()),
        false => Err(format!("{status}, {}: {}", second.status, text.trim())),
    }
}

fn program(name: &str) -> PathBuf {
    target().join("components").join(name)
}

const PROGRAMS: [&str; 5] = ["copy", "fetch", "pattern", "redis", "serve"];

fn build() -> Result<(), String> {
    let out = target().join("components");
    std::fs::create_dir_all(&out).map_err(|e| format!("{}: {e}", out.display()))?;
    for name in PROGRAMS {
        run(cc()
            .args(["-std=gnu11", "-O2", "-Wall", "-Wextra", "-pedantic", "-Werror", "-pthread"])
            .arg("-I")
            .arg(dir().join("include"))
            .arg(root().join("conformance/components").join(format!("{name}.c")))
            .arg(archive())
            .arg("-o")
            .arg(program(name)))?;
    }
    Ok(())
}

/// A check gives a line on what it did.
type Check = fn(&Place) -> Result<String, String>;

/// Name, the programs it needs, the check.
const CHECKS: [(&str, &[&str], Check); 7] = [
    ("wrk on our server", &["wrk"], checks::wrk),
    ("curl, large bodies", &["curl"], checks::curl_bodies),
    ("curl, slow and aborted", &["curl"], checks::curl_rude),
    ("our client on nginx", &["nginx"], checks::nginx_files),
    ("nginx before our server", &["nginx", "wrk", "curl"], checks::nginx_proxy),
    ("our client on redis", &["redis-server"], checks::redis),
    ("file copy", &["sha256sum"], checks::copy),
];

/// Runs all on each engine; what they did, and with which versions, is in the notes.
pub fn run_all(size: Size, trouble: &mut Vec<String>) -> Result<Outcome, String> {
    build()?;
    let mut sum = Outcome { notes: versions(), ..Outcome::default() };
    for engine in ["uring", "ready", "offload"] {
        if let Err(why) = works(engine) {
            sum.add(Outcome::skip(format!("components on {engine}"), why));
            continue;
        }
        for (name, needs, check) in CHECKS {
            let name = format!("{name}, {engine}");
            if let Some(missing) = needs.iter().find(|p| !have(p)) {
                sum.add(Outcome::skip(name, format!("{missing} is not installed")));
                continue;
            }
            let start = std::time::Instant::now();
            let result = Place::new(engine, size).and_then(|place| check(&place));
            sum.add(Outcome::check(result.is_ok()));
            match result {
                Ok(did) => sum
                    .notes
                    .push(format!("{name}: {did} ({:.1} s)", start.elapsed().as_secs_f64())),
                Err(e) => trouble.push(format!("{name}: {e}")),
            }
        }
    }
    Ok(sum)
}

/// A forced engine that is not to be had here is no failure of ours.
fn works(engine: &'static str) -> Result<(), String> {
    let place = Place::new(engine, Size::Sample)?;
    let from = place.path("empty");
    std::fs::write(&from, "").map_err(|e| e.to_string())?;
    let copy = run(place.ours("copy").arg(&from).arg(place.path("copy")).args(["pieces", "1"]));
    match copy {
        Err(e) if e.contains("not implemented") => Err(e),
        _ => Ok(()),
    }
}

/// The versions of the programs that are here.
fn versions() -> Vec<String> {
    let ask = [
        ("wrk", "-v"),
        ("nginx", "-v"),
        ("curl", "--version"),
        ("redis-server", "--version"),
        ("sha256sum", "--version"),
    ];
    let version = |(program, flag): (&str, &str)| {
        // wrk's exit code says failure, nginx writes to stderr.
        let out = cmd(program).arg(flag).output().ok()?;
        let text = [out.stdout, out.stderr].concat();
        String::from_utf8_lossy(&text).lines().next().map(|l| l.trim().to_string())
    };
    ask.into_iter().filter_map(version).collect()
}

/// The first word of what sha256sum says of a file.
fn sha256(place: &Place, file: &Path) -> Result<String, String> {
    let text = output(place.limited("sha256sum").arg(file))?;
    text.split_whitespace().next().map(String::from).ok_or("sha256sum says nothing".into())
}
