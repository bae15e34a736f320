//! One run of one program: started pinned, given up after a limit, and with the disturbance by others
//! measured.
//!
//! Disturbance: the machine's busy time over the run (/proc/stat) minus what this program and its ended
//! children used (/proc/self/stat). It says what share of a CPU somebody else took; the caller repeats
//! a run that was disturbed.

use super::make::binary;
use super::plan::Contender;
use crate::sh::have;
use std::fs;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What a program printed.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub name: String,
    pub value: f64,
    pub unit: String,
}

/// A run that gave values.
#[derive(Debug, Clone)]
pub struct Run {
    pub rows: Vec<Row>,
    /// User and system time of the program, in seconds, where it is known for the run as a whole.
    pub cpu: Option<f64>,
    /// What others used meanwhile, in CPUs: 0.05 is five percent of one.
    pub foreign: f64,
}

pub use crate::step::Fail;

/// A program that ends with this value, at the latest: also when this process is killed, where setpriv
/// can see to that.
pub struct Running {
    child: Child,
}

impl Running {
    /// Starts `contender` with `args`, on `cpu` only if there is one.
    pub fn start(
        contender: &Contender,
        args: &[String],
        cpu: Option<u32>,
    ) -> Result<Running, Fail> {
        let program = binary(contender.program.name).display().to_string();
        let mut line = vec![program];
        line.extend(args.iter().cloned());
        Running::spawn(line, contender.env, cpu)
    }

    /// Starts a command line.
    pub fn spawn(
        line: Vec<String>,
        env: &[(&str, &str)],
        cpu: Option<u32>,
    ) -> Result<Running, Fail> {
        let mut words: Vec<String> = Vec::new();
        let mut prefix = |w: &[&str]| words.extend(w.iter().map(|s| s.to_string()));
        if have("setpriv") {
            prefix(&["setpriv", "--pdeathsig", "KILL"]);
        }
        if let Some(cpu) = cpu {
            prefix(&["taskset", "-c", &cpu.to_string()]);
        }
        words.extend(line);
        let mut c = Command::new(&words[0]);
        c.args(&words[1..]).envs(env.iter().copied()).stdin(Stdio::null());
        c.env_remove("BENCH_STACK").stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = c.spawn().map_err(|e| Fail::Broken(format!("{}: {e}", words[0])))?;
        Ok(Running { child })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has not ended by itself.
    pub fn alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for the end, up to `limit`; gives stdout.
    pub fn finish(mut self, limit: Duration) -> Result<String, Fail> {
        // Read meanwhile: a full pipe would hold the program up.
        let out = reader(self.child.stdout.take());
        let err = reader(self.child.stderr.take());
        let end = Instant::now() + limit;
        let status = loop {
            match self.child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if Instant::now() < end => std::thread::sleep(Duration::from_millis(20)),
                Ok(None) => {
                    return Err(Fail::Broken(format!("no end after {} s", limit.as_secs())));
                }
                Err(e) => return Err(Fail::Broken(e.to_string())),
            }
        };
        let (out, err) = (text(out), text(err));
        let why = err.lines().last().unwrap_or_default();
        match status.code() {
            Some(0) => Ok(out),
            Some(3) => Err(Fail::Cannot(why.into())),
            _ => Err(Fail::Broken(format!("{status} {why}"))),
        }
    }
}

fn reader(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        drop(pipe.map(|mut p| p.read_to_end(&mut bytes)));
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn text(reader: JoinHandle<String>) -> String {
    reader.join().unwrap_or_default()
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The `NAME value unit` lines of an output.
pub fn rows(out: &str) -> Vec<Row> {
    let row = |line: &str| {
        let mut words = line.split(' ');
        let (name, value, unit) = (words.next()?, words.next()?, words.next()?);
        let value = value.parse().ok()?;
        words.next().is_none().then(|| Row { name: name.into(), value, unit: unit.into() })
    };
    out.lines().filter_map(row).collect()
}

/// Runs `contender` to its end.
pub fn run(
    contender: &Contender,
    args: &[String],
    cpu: Option<u32>,
    limit: Duration,
) -> Result<Run, Fail> {
    let watch = Watch::begin();
    let before = children_seconds();
    let out = Running::start(contender, args, cpu)?.finish(limit)?;
    let used = children_seconds() - before;
    let rows = rows(&out);
    if rows.is_empty() {
        return Err(Fail::Broken("no value printed".into()));
    }
    Ok(Run { rows, cpu: Some(used), foreign: watch.foreign() })
}

/// CPU time of all children that have ended and been waited for, and of theirs.
pub fn children_seconds() -> f64 {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeValLike;
    let used = |u: nix::sys::resource::Usage| {
        (u.user_time().num_microseconds() + u.system_time().num_microseconds()) as f64 / 1e6
    };
    getrusage(UsageWho::RUSAGE_CHILDREN).map_or(f64::NAN, used)
}

/// Measures what others use from `begin` on.
pub struct Watch {
    at: Instant,
    machine: u64,
    own: u64,
}

impl Watch {
    pub fn begin() -> Watch {
        Watch { at: Instant::now(), machine: machine_ticks(), own: own_ticks() }
    }

    /// CPUs used by others since; counts children once they have ended.
    pub fn foreign(&self) -> f64 {
        let ticks = (machine_ticks() - self.machine).saturating_sub(own_ticks() - self.own);
        ticks as f64 / TICKS_PER_SECOND / self.at.elapsed().as_secs_f64().max(0.01)
    }
}

/// USER_HZ: 100 on every Linux that this runs on; the kernel scales /proc to it whatever its own rate.
const TICKS_PER_SECOND: f64 = 100.0;

/// Busy ticks of all CPUs: user, nice, system, irq, softirq, steal.
fn machine_ticks() -> u64 {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = text.lines().next().unwrap_or_default();
    let n: Vec<u64> = line.split_whitespace().skip(1).filter_map(|w| w.parse().ok()).collect();
    [0, 1, 2, 5, 6, 7].iter().filter_map(|i| n.get(*i)).sum()
}

/// Ticks of this process and its ended children.
fn own_ticks() -> u64 {
    stat_ticks("self", 4)
}

/// Seconds of CPU that a process has used in all its threads.
pub fn cpu_seconds(pid: u32) -> f64 {
    stat_ticks(&pid.to_string(), 2) as f64 / TICKS_PER_SECOND
}

/// The first `fields` of utime, stime, cutime, cstime, added.
fn stat_ticks(pid: &str, fields: usize) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // After the name, which may hold anything but is the last thing in parentheses; utime is the 12th
    // from there.
    let rest = text.rsplit_once(") ").map_or("", |(_, r)| r);
    rest.split(' ').skip(11).take(fields).filter_map(|w| w.parse::<u64>().ok()).sum()
}

/// Bytes that can be had without swapping.
pub fn free_memory() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix("MemAvailable:"));
    let kb = line.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok());
    kb.unwrap_or(0) * 1024
}

/// The load average of the last minute.
pub fn load_average() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|w| w.parse().ok()).unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_of_three_words_are_rows() {
        let got = rows("yield2 3.20 ns\nnoise\nparked x B\nparked_pte 512 B/task\na 1 b c\n");
        let names: Vec<_> = got.iter().map(|r| (r.name.as_str(), r.value)).collect();
        assert_eq!(names, [("yield2", 3.2), ("parked_pte", 512.0)]);
    }

    fn shell(script: &str, limit: u64) -> Result<String, Fail> {
        let line = ["sh", "-c", script].map(String::from).to_vec();
        Running::spawn(line, &[], None)?.finish(Duration::from_secs(limit))
    }

    #[test]
    fn the_exit_code_tells_cannot_from_broken() {
        assert_eq!(shell("echo a 1 ns", 9).unwrap(), "a 1 ns\n");
        let much =
            "i=0; while [ $i -lt 20000 ]; do echo 0123456789 >&2; i=$((i+1)); done; echo a 1 ns";
        assert_eq!(shell(much, 30).unwrap(), "a 1 ns\n", "more than a pipe holds");
        assert!(matches!(shell("echo no >&2; exit 3", 9), Err(Fail::Cannot(why)) if why == "no"));
        assert!(matches!(shell("echo bad >&2; exit 1", 9), Err(Fail::Broken(_))));
        assert!(matches!(shell("sleep 20", 0), Err(Fail::Broken(why)) if why.contains("no end")));
    }

    #[test]
    fn a_busy_child_is_not_foreign_and_its_time_is_seen() {
        let (before, seconds) = (own_ticks(), children_seconds());
        shell("i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done", 60).unwrap();
        assert!(own_ticks() > before, "the child's time is counted once it has ended");
        assert!(children_seconds() > seconds, "and to the microsecond");
    }
}
