//! The HTTP workload: a server on CPU 0, wrk with 64 kept-alive connections on CPU 1.
//!
//! A one-thread wrk is saturated before the servers are, so requests per second say little. What tells
//! servers apart is the CPU time that they use for a request: utime and stime of the process over the
//! load, from /proc/PID/stat, all threads (the kernel's io_uring workers are among them).

use super::make::binary;
use super::measure::{Fail, Row, Run, Running, Watch, cpu_seconds};
use super::plan::Contender;
use crate::sh::free_port;
use std::time::{Duration, Instant};

/// One load run: a second to warm up, then `seconds`.
pub fn run(contender: &Contender, seconds: u64) -> Result<Run, Fail> {
    let watch = Watch::begin();
    let port = free_port().map_err(Fail::Broken)?;
    let mut server = serve(contender, port, 1)?;
    load(port, 1)?;
    let before = cpu_seconds(server.id());
    let out = load(port, seconds)?;
    let used = cpu_seconds(server.id()) - before;
    if !server.alive() {
        return Err(Fail::Broken("the server ended under load".into()));
    }
    drop(server);
    let parsed = parse(&out, used);
    let rows =
        parsed.ok_or_else(|| Fail::Broken(format!("wrk's answer is not understood:\n{out}")))?;
    Ok(Run { rows, foreign: watch.foreign() })
}

/// A server on CPU 0, the `nth` on `port` (the sockets share it), once it listens.
pub fn serve(contender: &Contender, port: u16, nth: usize) -> Result<Running, Fail> {
    let args = ["http".into(), port.to_string(), "1".into()];
    let mut server = Running::start(contender, &args, Some(0))?;
    let end = Instant::now() + Duration::from_secs(10);
    while listeners(port) < nth {
        if !server.alive() {
            server.finish(Duration::ZERO)?;
            return Err(Fail::Broken("the server ended".into()));
        }
        if Instant::now() > end {
            let program = binary(contender.program);
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

fn load(port: u16, seconds: u64) -> Result<String, Fail> {
    let (time, url) = (format!("-d{seconds}s"), format!("http://127.0.0.1:{port}/"));
    let line = ["wrk", "-t1", "-c64", &time, "--latency", &url].map(String::from).to_vec();
    let out = Running::spawn(line, &[], Some(1))?.finish(Duration::from_secs(seconds + 10))?;
    if out.contains("Socket errors") || out.contains("Non-2xx") {
        return Err(Fail::Broken("errors under load".into()));
    }
    Ok(out)
}

/// CPU time per request from wrk's report and the CPU seconds used.
fn parse(out: &str, used: f64) -> Option<Vec<Row>> {
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
    let row = |name: &str, value, unit: &str| Row { name: name.into(), value, unit: unit.into() };
    let cpu = (requests > 0.0).then(|| used * 1e6 / requests)?;
    Some(vec![
        row("http", cpu, "us/req"),
        row("http_rate", rate, "req/s"),
        row("http_p99", p99, "us"),
    ])
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
    fn reads_what_wrk_prints() {
        let out = "Running 2s test\n  Latency Distribution\n     50%  300.00us\n     99%    1.25ms\n  \
                   390000 requests in 2.00s, 34.22MB read\nRequests/sec: 195000.12\nTransfer/sec: 17MB\n";
        let rows = parse(out, 1.56).unwrap();
        assert_eq!(rows[0].value, 4.0);
        assert_eq!(rows[1].value, 195000.12);
        assert_eq!(rows[2].value, 1250.0);
        assert_eq!(parse("nothing", 1.0), None);
    }
}
