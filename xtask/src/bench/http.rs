//! The HTTP workloads: a server on CPU 0, wrk with kept-alive connections on CPU 1; or a server with two
//! threads and wrk, wherever the system puts them.
//!
//! A one-thread wrk is saturated before the servers are, so requests per second say little. What tells
//! servers apart is the CPU time that they use for a request: utime and stime of the process over the
//! load, from /proc/PID/stat, all threads (the kernel's io_uring workers are among them).

use super::make::{self, binary};
use super::measure::{Fail, Row, Run, Running, Watch, cpu_seconds};
use super::plan::{Contender, Program};
use crate::sh::{cmd, free_port, have, run as run_command};
use std::time::{Duration, Instant};

/// Who makes the load: Debian's.
pub const WRK: Program =
    Program { name: "wrk", make: |_| make::debian("wrk", "wrk"), versions: Vec::new };

/// What is asked of a server.
pub struct Load {
    /// The workload, so the name of its rows.
    pub name: &'static str,
    pub connections: u32,
    /// The server's; one is pinned.
    pub threads: u32,
    pub seconds: u64,
}

/// One load run: a second to warm up, then the load.
pub fn run(contender: &Contender, load: &Load) -> Result<Run, Fail> {
    let watch = Watch::begin();
    let port = free_port().map_err(Fail::Broken)?;
    let mut server = serve(contender, port, load.threads, 1)?;
    request(load, port, 1)?;
    let before = cpu_seconds(server.id());
    let out = request(load, port, load.seconds)?;
    let used = cpu_seconds(server.id()) - before;
    if !server.alive() {
        return Err(Fail::Broken("the server ended under load".into()));
    }
    drop(server);
    let parsed = parse(load.name, &out, used);
    let rows =
        parsed.ok_or_else(|| Fail::Broken(format!("wrk's answer is not understood:\n{out}")))?;
    Ok(Run { rows, cpu: Some(used), foreign: watch.foreign() })
}

/// A server, on CPU 0 if it has one thread; the `nth` on `port` (the sockets share it), once it listens.
pub fn serve(contender: &Contender, port: u16, threads: u32, nth: usize) -> Result<Running, Fail> {
    let mut line = descriptors(0)?;
    line.push(binary(contender.program.name).display().to_string());
    line.extend(["http".into(), port.to_string(), threads.to_string()]);
    let mut server = Running::spawn(line, contender.env, (threads == 1).then_some(0))?;
    let end = Instant::now() + Duration::from_secs(10);
    while listeners(port) < nth {
        if !server.alive() {
            server.finish(Duration::ZERO)?;
            return Err(Fail::Broken("the server ended".into()));
        }
        if Instant::now() > end {
            let program = binary(contender.program.name);
            return Err(Fail::Broken(format!("{} does not listen", program.display())));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(server)
}

/// Sockets of this machine that listen on `port` over IPv4.
fn listeners(port: u16) -> usize {
    const LISTEN: &str = "0A";
    let text = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    let own = |line: &&str| {
        let mut words = line.split_whitespace().skip(1);
        let local = words.next().unwrap_or_default();
        local.ends_with(&format!(":{port:04X}")) && words.nth(1) == Some(LISTEN)
    };
    text.lines().filter(own).count()
}

fn request(load: &Load, port: u16, seconds: u64) -> Result<String, Fail> {
    let (time, url) = (format!("-d{seconds}s"), format!("http://127.0.0.1:{port}/"));
    let connections = format!("-c{}", load.connections);
    let mut line = descriptors(u64::from(load.connections) + 100)?;
    line.extend(["wrk", "-t1", &connections, &time, "--latency", &url].map(String::from));
    let wrk = Running::spawn(line, &[], (load.threads == 1).then_some(1))?;
    let out = wrk.finish(Duration::from_secs(seconds + 20))?;
    if out.contains("Socket errors") || out.contains("Non-2xx") {
        return Err(Fail::Broken("errors under load".into()));
    }
    Ok(out)
}

/// The words before a command line that let it have all descriptors that a process may have here, `at_least`
/// so many: not all programs raise their own limit.
fn descriptors(at_least: u64) -> Result<Vec<String>, Fail> {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let Some(hard) = hard_limit(&limits).filter(|_| have("prlimit")) else {
        return Ok(Vec::new());
    };
    let limit = |n: u64| vec!["prlimit".to_string(), format!("--nofile={n}:{n}")];
    let raised = || {
        let words = limit(at_least);
        run_command(cmd(&words[0]).args(&words[1..]).arg("true")).is_ok()
    };
    match hard {
        n if n >= at_least => Ok(limit(n)),
        _ if raised() => Ok(limit(at_least)),
        n => Err(Fail::Cannot(format!("a process may have {n} descriptors only"))),
    }
}

/// The hard limit of descriptors from /proc/PID/limits; None: there is none.
fn hard_limit(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|l| l.strip_prefix("Max open files"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// CPU time per request from wrk's report and the CPU seconds used.
fn parse(name: &str, out: &str, used: f64) -> Option<Vec<Row>> {
    let line = |mark: &str| out.lines().find(|l| l.contains(mark));
    let requests: f64 = line("requests in")?.split_whitespace().next()?.parse().ok()?;
    let rate: f64 = line("Requests/sec:")?.split_whitespace().nth(1)?.parse().ok()?;
    let p99 = line("99%")?.split_whitespace().nth(1)?;
    let digits = p99.trim_end_matches(|c: char| c.is_alphabetic());
    let scale = match &p99[digits.len()..] {
        "us" => 1.0,
        "ms" => 1e3,
        "s" => 1e6,
        _ => return None,
    };
    let p99 = digits.parse::<f64>().ok()? * scale;
    let row = |tail: &str, value, unit: &str| {
        let (name, unit) = (format!("{name}{tail}"), unit.into());
        Row { name, value, unit }
    };
    let cpu = (requests > 0.0).then(|| used * 1e6 / requests)?;
    Some(vec![row("", cpu, "us/req"), row("_rate", rate, "req/s"), row("_p99", p99, "us")])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_are_counted() {
        let socket = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = socket.local_addr().unwrap().port();
        assert_eq!(listeners(port), 1);
        let _client = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        assert_eq!(listeners(port), 1, "connections are none");
    }

    #[test]
    fn limits_of_descriptors() {
        let text = "Limit  Soft Limit  Hard Limit  Units\nMax processes 1 2 processes\n\
                    Max open files            1024                 524288               files\n";
        assert_eq!(hard_limit(text), Some(524_288));
        assert_eq!(hard_limit("Max open files  1024  unlimited  files\n"), None);
        if have("prlimit") {
            assert!(matches!(descriptors(1 << 40), Err(Fail::Cannot(_))), "more than any has");
            assert_eq!(descriptors(16).unwrap()[0], "prlimit");
        }
    }

    #[test]
    fn reads_what_wrk_prints() {
        let out = "Running 2s test\n  Latency Distribution\n     50%  300.00us\n     99%    1.25ms\n  \
                   390000 requests in 2.00s, 34.22MB read\nRequests/sec: 195000.12\nTransfer/sec: 17MB\n";
        let rows = parse("http_2", out, 1.56).unwrap();
        assert_eq!(rows[0].value, 4.0);
        assert_eq!(rows[1].value, 195000.12);
        assert_eq!(rows[1].name, "http_2_rate");
        assert_eq!(rows[2].value, 1250.0);
        assert_eq!(parse("http", "nothing", 1.0), None);
    }
}
