//! `cargo xtask demo`: the library built, linked with C programs by plain `cc`, put to work, and
//! its figures on one screen.

use crate::examples::{self, Figure, figures, run_program, serve};
use crate::package;
use crate::sh::{cmd, have_or_install, output};
use std::io::{IsTerminal, Write};
use std::path::Path;

/// Coroutines parked at once.
const PARKED: &str = "1000000";
const CONNECTIONS: &str = "64";
const SECONDS: &str = "5";

/// Builds, runs, prints.
pub fn run() -> Result<(), String> {
    progress("building the library");
    package::build()?;
    progress("compiling the examples with cc");
    for name in examples::names()? {
        examples::build("cc", &name)?;
    }
    let mut screen = vec![format!("photonrt {}: the figures of this machine", package::VERSION)];

    for (engine, what) in [("uring", "io_uring"), ("ready", "epoll")] {
        let title = format!("HTTP hello on {what}, one vCPU, {CONNECTIONS} connections");
        progress(&title);
        screen.push(String::new());
        match http(engine) {
            Ok((by, found)) => {
                screen.push(format!("{title}, {SECONDS} s of {by}"));
                screen.extend(found.iter().map(|f| line("", f)));
            }
            // A forced engine that the system refuses ends the server before it listens.
            Err(e) if engine == "uring" => screen.push(format!("{title}: not possible here: {e}")),
            Err(e) => return Err(e),
        }
    }
    let parts: [(&str, &str, &[&str]); 3] = [
        ("Spawn and switch", "spawn_switch", &[]),
        ("A million parked coroutines, each with a guarded stack", "million", &[PARKED]),
        ("Skynet: a tree with a million leaves, one coroutine each", "skynet", &[]),
    ];
    for (title, name, args) in parts {
        progress(title);
        let text = run_program(&examples::build("cc", name)?, args)?;
        screen.push(String::new());
        screen.push(title.to_string());
        screen.extend(figures(&text).iter().map(|f| line(name, f)));
    }
    progress("");
    println!("{}", screen.join("\n"));
    println!("\nThe programs: examples/c. Comparisons with other runtimes: cargo xtask bench.");
    Ok(())
}

/// Requests per second and latencies of the HTTP server on one engine, and by what they were
/// measured.
fn http(engine: &str) -> Result<(&'static str, Vec<Figure>), String> {
    let program = |name: &str| examples::build("cc", name);
    let (_server, port) = serve(&program("http_server")?, &["1"], Some(engine))?;
    load(port, &program("load")?)
}

/// One line of the screen; the name of the program that a figure's name begins with says nothing
/// new there.
fn line(program: &str, f: &Figure) -> String {
    let name = f.name.strip_prefix(program).unwrap_or(&f.name).replace('_', " ");
    let value = match f.value {
        v if v.fract() == 0.0 || v.abs() >= 1000.0 => format!("{v:.0}"),
        v => format!("{v:.2}"),
    };
    format!("  {:<24} {value:>12} {}", name.trim(), f.unit)
}

/// What is being done, in one line that the next one replaces; lines of their own where nobody
/// watches.
fn progress(what: &str) {
    let mut err = std::io::stderr();
    if err.is_terminal() {
        drop(write!(err, "\r\x1b[K{what}{}", if what.is_empty() { "" } else { " ..." }));
        drop(err.flush());
    } else if !what.is_empty() {
        drop(writeln!(err, "{what} ..."));
    }
}

/// Loads the server with wrk, or with the bundled generator where wrk can't be had. Says which.
fn load(port: u16, bundled: &Path) -> Result<(&'static str, Vec<Figure>), String> {
    if !have_or_install("wrk", "wrk") {
        let port = port.to_string();
        let text = run_program(bundled, &["-c", CONNECTIONS, "-d", SECONDS, &port])?;
        return Ok(("the bundled load generator", figures(&text)));
    }
    let args = ["-t1", "-c", CONNECTIONS, "-d", SECONDS, "--latency"];
    let text = output(cmd("wrk").args(args).arg(format!("http://127.0.0.1:{port}/")))?;
    let found = wrk(&text);
    match found.is_empty() {
        true => Err(format!("wrk printed no figures:\n{text}")),
        false => Ok(("wrk", found)),
    }
}

/// The figures in wrk's report.
fn wrk(text: &str) -> Vec<Figure> {
    let mut out = Vec::new();
    let mut add = |name: &str, value: f64, unit: &str| {
        out.push(Figure { name: name.into(), value, unit: unit.into() });
    };
    for l in text.lines().map(str::trim) {
        if let Some(n) = l.strip_prefix("Requests/sec:").and_then(|n| n.trim().parse().ok()) {
            add("requests", n, "per second");
        } else if let Some((percent, time)) = l.split_once('%') {
            if let (Ok(p), Some(us)) = (percent.parse::<f64>(), microseconds(time.trim())) {
                add(&format!("latency, {p:.0} %"), us, "us");
            }
        } else if l.starts_with("Socket errors:") || l.starts_with("Non-2xx") {
            let digits = |w: &str| w.trim_end_matches(',').parse::<f64>().ok();
            add("errors", l.split(' ').filter_map(digits).sum(), "");
        }
    }
    out
}

/// `812.00us`, `1.25ms` or `2.00s`.
fn microseconds(text: &str) -> Option<f64> {
    let split = text.find(|c: char| c.is_ascii_alphabetic())?;
    let value: f64 = text[..split].parse().ok()?;
    match &text[split..] {
        "us" => Some(value),
        "ms" => Some(value * 1e3),
        "s" => Some(value * 1e6),
        _ => None,
    }
}

#[test]
fn wrks_report_is_read() {
    let text = "Running 5s test
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   377.71us   70.91us   3.10ms   88.21%
  Latency Distribution
     50%  365.00us
     99%    1.25ms
  837462 requests in 5.00s
Requests/sec: 167482.90
Transfer/sec: 10MB
";
    let lines: Vec<String> =
        wrk(text).iter().map(|f| format!("{} {} {}", f.name, f.value, f.unit)).collect();
    assert_eq!(
        lines,
        ["latency, 50 % 365 us", "latency, 99 % 1250 us", "requests 167482.9 per second"]
    );
}
