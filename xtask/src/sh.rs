//! Running programs: with a limit, into a log, and none left behind.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The workspace's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace").into()
}

/// Where everything built goes that is not cargo's.
pub fn target() -> PathBuf {
    root().join("target")
}

/// Where cargo builds: the environment's CARGO_TARGET_DIR or `target`.
pub fn cargo_target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(target, |dir| root().join(dir))
}

/// A command that runs in the root.
pub fn cmd(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut c = Command::new(program);
    c.current_dir(root()).stdin(Stdio::null());
    c
}

/// The cargo that started this program.
pub fn cargo() -> Command {
    cmd(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// The C compiler: the environment's CC or `cc`.
pub fn cc() -> Command {
    cmd(std::env::var_os("CC").unwrap_or_else(|| "cc".into()))
}

/// A command as one types it.
pub fn shown(c: &Command) -> String {
    let mut words = vec![c.get_program().to_string_lossy().into_owned()];
    words.extend(c.get_args().map(|a| a.to_string_lossy().into_owned()));
    words.join(" ")
}

/// Runs to the end; an error carries what the program wrote to stderr.
pub fn run(c: &mut Command) -> Result<(), String> {
    output(c).map(drop)
}

/// Runs to the end and gives its stdout; an error carries its stderr.
pub fn output(c: &mut Command) -> Result<String, String> {
    let out = c.output().map_err(|e| format!("{}: {e}", shown(c)))?;
    if !out.status.success() {
        let text = String::from_utf8_lossy(&out.stderr);
        return Err(format!("{}: {}\n{text}", shown(c), out.status));
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

/// Whether a program can be found.
pub fn have(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(program).is_file())
}

/// Whether a program is there, after an attempt to install it from Debian's `package` where that
/// can be done (root, apt-get).
pub fn have_or_install(program: &str, package: &str) -> bool {
    have(program) || (install(package) && have(program))
}

/// Whether the header `name` is on the compiler's path, after an attempt to install it from
/// Debian's `package`.
pub fn have_header(name: &str, package: &str) -> bool {
    let there = || {
        let include = format!("-include{name}");
        let language = if name.ends_with(".hpp") { "-xc++" } else { "-xc" };
        let args = ["-D_GNU_SOURCE", "-fsyntax-only", language, &include, "/dev/null"];
        cc().args(args).output().is_ok_and(|o| o.status.success())
    };
    there() || (install(package) && there())
}

/// Installs one of Debian's packages, where that can be done (root, apt-get).
fn install(package: &str) -> bool {
    let root = output(cmd("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    if !root || !have("apt-get") {
        return false;
    }
    let apt = |args: &[&str]| {
        run(cmd("apt-get").args(args).env("DEBIAN_FRONTEND", "noninteractive")).is_ok()
    };
    let install = ["install", "-y", "-q", "--no-install-recommends", package];
    apt(&install) || (apt(&["update", "-q"]) && apt(&install))
}

/// Runs with both outputs in the file `log`, for `limit` at most. True if it succeeded; an error if
/// it could not be started or took longer, in which case it and all it started are gone.
pub fn logged(c: &mut Command, log: &Path, limit: Duration) -> Result<bool, String> {
    let io = |e: std::io::Error| format!("{}: {e}", log.display());
    std::fs::create_dir_all(log.parent().expect("a file in a folder")).map_err(io)?;
    let file = File::create(log).map_err(io)?;
    let err = file.try_clone().map_err(io)?;
    let name = shown(c);
    let mut child = c.stdout(file).stderr(err).spawn().map_err(|e| format!("{name}: {e}"))?;
    let end = Instant::now() + limit;
    loop {
        match child.try_wait().map_err(|e| format!("{name}: {e}"))? {
            Some(status) => return Ok(status.success()),
            None if Instant::now() > end => {
                end_tree(child.id());
                drop(child.wait());
                return Err(format!("{name}: stopped after {} s", limit.as_secs()));
            }
            None => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// Ends a process and everything it has started, by their ids. Signals to a process group would be
/// simpler, but a group of its own would take the child out of reach of the terminal's Ctrl-C.
fn end_tree(pid: u32) {
    let table = output(cmd("ps").args(["-A", "-o", "pid=,ppid="])).unwrap_or_default();
    let pairs: Vec<(u32, u32)> = table
        .lines()
        .filter_map(|l| {
            let mut n = l.split_whitespace().map(str::parse);
            Some((n.next()?.ok()?, n.next()?.ok()?))
        })
        .collect();
    let mut tree = vec![pid];
    let mut i = 0;
    while i < tree.len() {
        let parent = tree[i];
        tree.extend(pairs.iter().filter(|p| p.1 == parent).map(|p| p.0));
        i += 1;
    }
    let ids = tree.iter().map(u32::to_string);
    drop(run(cmd("kill").arg("-KILL").args(ids)));
}

/// A server that is ended when this goes out of scope.
pub struct Server(std::process::Child);

impl Server {
    /// Starts it; what it prints is dropped, what it complains about is shown.
    pub fn start(c: &mut Command) -> Result<Server, String> {
        let name = shown(c);
        c.stdout(Stdio::null());
        c.spawn().map(Server).map_err(|e| format!("{name}: {e}"))
    }

    /// Waits until something accepts connections on `port`, five seconds at most.
    pub fn ready(&mut self, port: u16) -> Result<(), String> {
        for _ in 0..100 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Ok(());
            }
            if let Ok(Some(status)) = self.0.try_wait() {
                return Err(format!("the server ended: {status}"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err(format!("nothing listens on port {port}"))
    }

    /// Whether it still runs.
    pub fn alive(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A TCP port that nobody uses now.
pub fn free_port() -> Result<u16, String> {
    let socket = std::net::TcpListener::bind(("127.0.0.1", 0)).map_err(|e| e.to_string())?;
    socket.local_addr().map(|a| a.port()).map_err(|e| e.to_string())
}
