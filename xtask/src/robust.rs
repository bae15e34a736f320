//! What a poor system, failing calls, bad peers and bad timing do to the runtime: the programs of
//! conformance/robust, each of which says at its head what it proves.
//!
//! ```text
//! limits   refuse, chosen   system calls and limits taken away: the engine that is chosen, the suite
//! masks    races            older rings and tiny queues, pretended (PHOTONRT_URING_MASK)
//! faults   faults           each system call fails with each error
//! races    races            timeouts, interrupts, cancels, closes and signals race with I/O
//! hostile  hostile          thousands of clients that reset, stall and vanish
//! ```

use crate::conformance;
use crate::package;
use crate::sh::{cc, cmd, logged, root, target};
use crate::step::Outcome;
use crate::test::{counted, log_of};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

const ENGINES: [&str; 3] = ["uring", "ready", "offload"];

/// How large the runs are.
pub struct Size {
    /// Operations of one run of `races`.
    pub races: u64,
    /// Clients of one round of `hostile`, and rounds.
    pub clients: u64,
    pub rounds: u64,
    /// Whether `faults` takes each call in turn.
    pub every_fault: bool,
    /// Where random numbers begin.
    pub seed: u64,
}

/// What CI has time for.
pub const CI: Size =
    Size { races: 1_000_000, clients: 10_000, rounds: 2, every_fault: false, seed: 1 };

fn dir() -> PathBuf {
    target().join("robust")
}

fn work() -> Result<PathBuf, String> {
    let at = dir().join("work");
    std::fs::create_dir_all(&at).map_err(|e| format!("{}: {e}", at.display()))?;
    Ok(at)
}

/// Compiles one program. None: libseccomp, which it needs, is not here.
fn build(name: &str) -> Result<Option<PathBuf>, String> {
    let from = root().join("conformance/robust").join(format!("{name}.c"));
    let text = std::fs::read_to_string(&from).map_err(|e| format!("{}: {e}", from.display()))?;
    let libs: Vec<&str> = match text.lines().find_map(|l| l.strip_prefix("/* libs: ")) {
        Some(l) => l.trim_end_matches("*/").split_whitespace().collect(),
        None => Vec::new(),
    };
    if !libs.is_empty() && !has_seccomp()? {
        return Ok(None);
    }
    work()?;
    let out = dir().join(name);
    let mut c = cc();
    c.args(["-std=c11", "-pedantic", "-D_GNU_SOURCE", "-O2", "-g", "-Wall", "-Wextra", "-Werror"]);
    c.arg("-I").arg(package::dir().join("include")).arg("-I").arg(root().join("conformance/c"));
    c.arg(&from).arg(package::archive()).arg("-pthread").args(libs).arg("-o").arg(&out);
    crate::sh::run(&mut c).map(|()| Some(out))
}

fn has_seccomp() -> Result<bool, String> {
    let probe = work()?.join("seccomp.c");
    std::fs::write(&probe, "#include <seccomp.h>\n").map_err(|e| e.to_string())?;
    Ok(crate::sh::run(cc().arg("-fsyntax-only").arg(&probe)).is_ok())
}

fn program(name: &str) -> Result<PathBuf, String> {
    build(name)?.ok_or_else(|| "libseccomp (libseccomp-dev) is not installed".to_string())
}

/// A run under a watchdog that makes it print its coroutines first.
fn watched(seconds: u64) -> Command {
    let mut c = cmd("timeout");
    c.args(["-s", "QUIT", "-k", "5", &seconds.to_string()]);
    c
}

/// What to run, and how many seconds it may take.
struct Run {
    name: String,
    command: Command,
    seconds: u64,
}

impl Run {
    fn new(name: String, seconds: u64, program: &PathBuf) -> Result<Run, String> {
        let mut command = watched(seconds);
        command.arg(program).current_dir(work()?);
        Ok(Run { name, command, seconds })
    }

    fn on(mut self, engine: &str, vcpus: u32) -> Run {
        self.command.env("PHOTONRT_ENGINE", engine).env("CONF_VCPUS", vcpus.to_string());
        self
    }

    fn args(mut self, args: &[&str]) -> Run {
        self.command.args(args);
        self
    }

    /// What it printed; an error if it failed.
    fn end(&mut self) -> Result<String, String> {
        let log = log_of(&self.name);
        let limit = Duration::from_secs(self.seconds + 15);
        let good = logged(&mut self.command, &log, limit)?;
        let text = String::from_utf8_lossy(&std::fs::read(&log).unwrap_or_default()).into_owned();
        if good { Ok(text) } else { Err(format!("{}:\n{text}", self.name)) }
    }
}

/// Runs them, two at once; each is a check. A line `SKIPPED: what: why` is counted.
fn all(runs: Vec<Run>, trouble: &mut Vec<String>) -> Outcome {
    let queue = std::sync::Mutex::new(runs.into_iter());
    let worker = || {
        let (mut sum, mut bad) = (Outcome::default(), Vec::new());
        loop {
            let next = queue.lock().expect("no run panics").next();
            let Some(mut run) = next else { return (sum, bad) };
            let ended = run.end();
            sum.add(Outcome::check(ended.is_ok()));
            match ended {
                Ok(text) => {
                    let skipped = text.lines().filter_map(|l| l.strip_prefix("SKIPPED: "));
                    skipped.for_each(|l| sum.add(Outcome::skip(run.name.clone(), l)));
                }
                Err(e) => bad.push(e),
            }
        }
    };
    std::thread::scope(|s| {
        let workers = [s.spawn(worker), s.spawn(worker)];
        let mut sum = Outcome::default();
        for w in workers {
            let (part, bad) = w.join().expect("no run panics");
            sum.add(part);
            trouble.extend(bad);
        }
        sum
    })
}

/// The engines that work here; what does not is skipped.
fn engines(sum: &mut Outcome) -> Result<Vec<&'static str>, String> {
    let chosen = program("chosen")?;
    let mut out = Vec::new();
    for engine in ENGINES {
        let mut run = Run::new(format!("robust-chosen-{engine}"), 30, &chosen)?.on(engine, 1);
        match run.end()?.trim() {
            said if said == engine => out.push(engine),
            said => sum.add(Outcome::skip(engine, format!("not here: {said}"))),
        }
    }
    Ok(out)
}

/// System calls and limits taken away.
pub fn limits(_: &str, trouble: &mut Vec<String>) -> Result<Outcome, String> {
    package::build()?;
    let mut sum = Outcome::default();
    let Some(refuse) = build("refuse")? else {
        return Ok(Outcome::skip("limits", "libseccomp (libseccomp-dev) is not installed"));
    };
    let best = engines(&mut sum)?.first().copied().unwrap_or("offload");
    for (taken, engine, vcpus, wanted) in choices(best) {
        let name = "robust-limits".to_string();
        let mut run = Run::new(name, 30, &refuse)?.on(engine, vcpus);
        run.command.args(taken.split_whitespace()).arg("--").arg(dir().join("chosen"));
        let said = run.end();
        let good = matches!(&said, Ok(s) if wanted.split('|').any(|w| s.trim() == w));
        sum.add(Outcome::check(good));
        if !good {
            trouble.push(format!("refuse {taken}, engine {engine:?}: {said:?}, not {wanted}"));
        }
    }
    let suites: [(&str, &str, &[&str]); 5] = [
        ("-c io_uring_enter=EPERM", "ready", &["--vcpus", "2"]),
        ("-c io_uring_setup=ENOSYS", "ready", &["--vcpus", "1", "--filter", "io/t*"]),
        ("-c io_uring_register=EACCES", "ready", &["--vcpus", "1", "--filter", "io/a*"]),
        (
            "-c io_uring_setup=EPERM -c epoll_create1=EPERM",
            "offload",
            &["--vcpus", "2", "--filter", "io/p*"],
        ),
        // Guards without a bias.
        ("-c membarrier=EPERM", best, &["--vcpus", "2", "--level", "sync,chan"]),
    ];
    for (i, (taken, engine, args)) in suites.into_iter().enumerate() {
        let mut c = cmd(&refuse);
        c.args(taken.split_whitespace()).arg("--").arg(root().join("conformance/run"));
        c.args(["--choose", "--engine", engine]).args(args);
        let name = format!("limits-suite-{i}");
        sum.add(counted(&name, &mut c, 600, conformance::count, trouble)?);
    }
    Ok(sum)
}

/// What is taken away, the engine asked for, the vCPUs, and what must be chosen then.
fn choices(best: &'static str) -> Vec<(String, &'static str, u32, &'static str)> {
    let mut out = Vec::new();
    for call in ["io_uring_setup", "io_uring_enter", "io_uring_register"] {
        for error in ["EPERM", "ENOSYS", "EACCES"] {
            out.push((format!("-c {call}={error}"), "", 2, "ready"));
            out.push((format!("-c {call}={error}"), "uring", 2, "ENOSYS"));
        }
    }
    let more = [
        ("-c io_uring_setup=ENOMEM", "", 2, "ready"),
        ("-c io_uring_setup=EPERM -c epoll_create1=EPERM", "", 2, "offload"),
        ("-c io_uring_setup=EPERM -c epoll_create1=ENOSYS", "", 2, "offload"),
        ("-c io_uring_setup=EPERM -c epoll_pwait2=ENOSYS", "", 2, "ready"),
        ("-c epoll_create1=EPERM", "ready", 2, "ENOSYS"),
        ("-c eventfd2=EPERM", "", 2, "offload"),
        ("-c preadv2=ENOSYS -c pwritev2=ENOSYS", "", 2, best),
        ("-c openat2=ENOSYS", "", 2, best),
        ("-c madvise=EINVAL", "ready", 2, "ready"),
        // Room for no ring, for some, for all: never a failure.
        ("-m 0", "", 2, "uring|ready"),
        ("-m 100000", "", 1, "uring|ready"),
        ("-m 400000", "", 8, "uring|ready"),
        ("-f 5", "", 2, "EMFILE"),
        ("-f 14", "", 2, best),
        ("-p", "", 2, best),
    ];
    out.extend(more.into_iter().map(|(t, e, v, w)| (t.to_string(), e, v, w)));
    out
}

/// Older kernels, and queues that are full most of the time.
pub fn masks(_: &str, trouble: &mut Vec<String>) -> Result<Outcome, String> {
    package::build()?;
    let mut sum = Outcome::default();
    if !engines(&mut sum)?.contains(&"uring") {
        return Ok(sum);
    }
    let (races, chosen) = (program("races")?, program("chosen")?);
    let mut runs = Vec::new();
    for mask in ["defer_taskrun", "single_issuer", "coop_taskrun", "submit_all", TINY, OLD] {
        let mut run = Run::new(format!("masks-{mask:.12}"), 120, &races)?.on("uring", 2);
        run.command.env("PHOTONRT_URING_MASK", mask);
        runs.push(run.args(&["-n", "200000"]));
    }
    sum.add(all(runs, trouble));
    for mask in ["ext_arg", "rsrc_tags", "misspelt"] {
        let mut run = Run::new("masks-chosen".into(), 30, &chosen)?.on("", 1);
        let said = {
            run.command.env("PHOTONRT_URING_MASK", mask);
            run.end()?
        };
        sum.add(Outcome::check(said.trim() == "ready"));
        if said.trim() != "ready" {
            trouble.push(format!("a ring without {mask}: {said}"));
        }
    }
    for (name, mask) in [("masks-old", OLD), ("masks-tiny", TINY)] {
        let args = ["--level", "io", "--engine", "uring", "--vcpus", "2"].map(String::from);
        let mut c = conformance::driver(&args);
        c.env("PHOTONRT_URING_MASK", mask);
        sum.add(counted(name, &mut c, 600, conformance::count, trouble)?);
    }
    Ok(sum)
}

const TINY: &str = "sq=2,cq=4";
/// All that the engine can do without, as on Linux 5.13.
const OLD: &str = "submit_all,multishot_accept,multishot_recv,buf_ring,socket,send_zc,sendmsg_zc,\
    read_multishot,waitid,ftruncate,bind,listen,mkdirat,symlinkat,linkat,unlinkat,renameat,statx,\
    splice,tee,fallocate,shutdown,recvmsg,msg_ring,fixed_fd_install,recv_zc";

/// Each system call fails with each error.
pub fn faults(size: &Size, trouble: &mut Vec<String>) -> Result<Outcome, String> {
    package::build()?;
    let mut sum = Outcome::default();
    let Some(faults) = build("faults")? else {
        return Ok(Outcome::skip("faults", "libseccomp (libseccomp-dev) is not installed"));
    };
    let limit = if size.every_fault { 7200 } else { 300 };
    let mut runs = Vec::new();
    for engine in engines(&mut sum)? {
        let run = Run::new(format!("faults-{engine}"), limit, &faults)?.on(engine, 2);
        runs.push(if size.every_fault { run.args(&["-a"]) } else { run });
    }
    sum.add(all(runs, trouble));
    Ok(sum)
}

/// Timeouts, interrupts, cancels, closes and signals race with I/O.
pub fn races(size: &Size, trouble: &mut Vec<String>) -> Result<Outcome, String> {
    package::build()?;
    let mut sum = Outcome::default();
    let races = program("races")?;
    let (n, seed) = (size.races.to_string(), size.seed.to_string());
    let limit = 120 + size.races / 50_000;
    let mut runs = Vec::new();
    for engine in engines(&mut sum)? {
        for vcpus in [1, 2] {
            let run = |what: &str| {
                let name = format!("races-{engine}-{vcpus}{what}");
                Run::new(name, limit, &races).map(|r| r.on(engine, vcpus).args(&["-s", &seed]))
            };
            runs.push(run("")?.args(&["-n", &n]));
            runs.push(run("-storm")?.args(&["-n", &n, "-z", "10000", "-p", "200"]));
        }
    }
    sum.add(all(runs, trouble));
    Ok(sum)
}

/// Thousands of clients that reset, stall and vanish.
pub fn hostile(size: &Size, trouble: &mut Vec<String>) -> Result<Outcome, String> {
    package::build()?;
    let mut sum = Outcome::default();
    let hostile = program("hostile")?;
    let mut runs = Vec::new();
    for engine in engines(&mut sum)? {
        // poll(2) over thousands of descriptors takes its time.
        let clients = if engine == "offload" { size.clients / 10 } else { size.clients };
        let (n, r) = (clients.to_string(), size.rounds.to_string());
        let limit = 60 + size.rounds * 60;
        let run = Run::new(format!("hostile-{engine}"), limit, &hostile)?.on(engine, 2);
        runs.push(run.args(&["-n", &n, "-r", &r, "-s", &size.seed.to_string()]));
    }
    sum.add(all(runs, trouble));
    Ok(sum)
}
