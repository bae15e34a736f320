//! The programs of examples/c: built with plain `cc`, run, and read.

use crate::package::{archive, dir};
use crate::sh::{Server, cmd, free_port, have, have_header, output, root, run, target};
use crate::step::Outcome;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// One line `name value unit` of a program's output.
pub struct Figure {
    pub name: String,
    pub value: f64,
    pub unit: String,
}

/// The figures among the lines of a text.
pub fn figures(text: &str) -> Vec<Figure> {
    let figure = |line: &str| {
        let mut words = line.split_whitespace();
        let (name, value) = (words.next()?.to_string(), words.next()?.parse().ok()?);
        Some(Figure { name, value, unit: words.collect::<Vec<_>>().join(" ") })
    };
    text.lines().filter_map(figure).collect()
}

/// The example programs' names, in order.
pub fn names() -> Result<Vec<String>, String> {
    let from = root().join("examples/c");
    let files = std::fs::read_dir(&from).map_err(|e| format!("{}: {e}", from.display()))?;
    let mut names: Vec<String> = files
        .flatten()
        .filter_map(|e| Some(e.file_name().to_str()?.strip_suffix(".c")?.to_string()))
        .collect();
    names.sort();
    Ok(names)
}

/// Libraries besides ours that examples are linked with: what a source says in a line
/// `/* libs: -lNAME */`, and the header and Debian package that it stands for.
const LIBRARIES: [(&str, &str, &str); 1] = [("-luv", "uv.h", "libuv1-dev")];

/// What to link an example with besides our library.
fn libs(name: &str) -> Result<Vec<String>, String> {
    let source = root().join("examples/c").join(format!("{name}.c"));
    let text = std::fs::read_to_string(&source).map_err(|e| format!("{name}.c: {e}"))?;
    let line = text.lines().find_map(|l| l.strip_prefix("/* libs: ")?.strip_suffix(" */"));
    Ok(line.unwrap_or_default().split_whitespace().map(String::from).collect())
}

/// The Debian package that an example can't do without and that is not to be had.
fn lacks(name: &str) -> Result<Option<&'static str>, String> {
    for lib in libs(name)? {
        let known = LIBRARIES.iter().find(|l| l.0 == lib);
        let (_, header, package) = known.ok_or(format!("{name}.c: unknown library {lib}"))?;
        if !have_header(header, package) {
            return Ok(Some(package));
        }
    }
    Ok(None)
}

/// Compiles one, warnings as errors, and gives the program.
pub fn build(compiler: &str, name: &str) -> Result<PathBuf, String> {
    let out = target().join("examples").join(compiler);
    std::fs::create_dir_all(&out).map_err(|e| format!("{}: {e}", out.display()))?;
    let program = out.join(name);
    run(cmd(compiler)
        .args(["-std=c11", "-O2", "-Wall", "-Wextra", "-pedantic", "-Werror", "-pthread", "-I"])
        .arg(dir().join("include"))
        .arg(root().join("examples/c").join(format!("{name}.c")))
        .arg(archive())
        .args(libs(name)?)
        .arg("-o")
        .arg(&program))?;
    Ok(program)
}

/// Runs a program for a minute at most and gives what it printed.
pub fn run_program(program: &Path, args: &[&str]) -> Result<String, String> {
    output(cmd("timeout").arg("60").arg(program).args(args))
}

type Check = fn(&Path) -> Result<(), String>;

/// What is tried with each; an example that is not in this list fails the step.
const CHECKS: &[(&str, Check)] = &[
    ("hello", |p| run_program(p, &[]).map(drop)),
    ("offload", |p| run_program(p, &[]).map(drop)),
    ("skynet", |p| prints_figures(p, &[])),
    ("million", |p| prints_figures(p, &["20000"])),
    ("spawn_switch", |p| prints_figures(p, &[])),
    ("sleepers", |p| prints_figures(p, &["2000", "500"])),
    ("timer", |p| prints_figures(p, &[])),
    ("game_loop", |p| prints_figures(p, &["50"])),
    ("thread_pool", |p| prints_figures(p, &["2000"])),
    ("parallel", |p| prints_figures(p, &["200"])),
    ("libuv", on_each_engine),
    ("scope_deadline", scope_deadline),
    ("echo_server", echo),
    ("http_server", http),
    ("load", load),
    ("fetch", fetch),
];

/// Compiles all with each compiler that is here and tries each.
pub fn run_all(trouble: &mut Vec<String>) -> Result<Outcome, String> {
    let mut sum = Outcome::default();
    let mut names = names()?;
    for (name, package) in missing(&names)? {
        sum.add(Outcome::skip(
            format!("examples/c/{name}.c"),
            format!("{package} is not installed"),
        ));
        names.retain(|n| *n != name);
    }
    let mut note = |what: String, result: Result<(), String>, sum: &mut Outcome| {
        sum.add(Outcome::check(result.is_ok()));
        trouble.extend(result.err().map(|e| format!("{what}: {e}")));
    };
    for compiler in ["cc", "gcc", "clang"] {
        if !have(compiler) {
            sum.add(Outcome::skip(format!("examples with {compiler}"), "it is not installed"));
            continue;
        }
        for name in &names {
            note(format!("{compiler} {name}.c"), build(compiler, name).map(drop), &mut sum);
        }
    }
    for name in names {
        let result = match CHECKS.iter().find(|c| c.0 == name) {
            Some((_, check)) => build("cc", &name).and_then(|program| check(&program)),
            None => Err("no check for it in xtask/src/examples.rs".into()),
        };
        note(name, result, &mut sum);
    }
    Ok(sum)
}

/// The examples that can't be built here, and the package that each lacks.
fn missing(names: &[String]) -> Result<Vec<(String, &'static str)>, String> {
    let lack = |name: &String| Ok(lacks(name)?.map(|package| (name.clone(), package)));
    names.iter().filter_map(|name| lack(name).transpose()).collect()
}

/// With the engine that the library chooses, and with the other that can wait for sockets.
fn on_each_engine(program: &Path) -> Result<(), String> {
    prints_figures(program, &[])?;
    output(cmd("timeout").arg("60").arg(program).env("PHOTONRT_ENGINE", "ready")).map(drop)
}

fn prints_figures(program: &Path, args: &[&str]) -> Result<(), String> {
    let text = run_program(program, args)?;
    match figures(&text).is_empty() {
        true => Err(format!("no line `name value unit` in its output:\n{text}")),
        false => Ok(()),
    }
}

/// One request that ends well, one that fails, one that its deadline ends.
fn scope_deadline(program: &Path) -> Result<(), String> {
    let text = run_program(program, &[])?;
    let lines = ["quick: anna has 3 orders", "broken: input/output error", "slow: took too long"];
    match lines.iter().find(|line| !text.lines().any(|l| l == **line)) {
        Some(line) => Err(format!("no line {line:?} in its output:\n{text}")),
        None => Ok(()),
    }
}

/// Starts a server program on a port of its own.
pub fn serve(program: &Path, args: &[&str], engine: Option<&str>) -> Result<(Server, u16), String> {
    let port = free_port()?;
    let mut c: Command = cmd(program);
    c.arg(port.to_string()).args(args);
    if let Some(engine) = engine {
        c.env("PHOTONRT_ENGINE", engine);
    }
    let mut server = Server::start(&mut c)?;
    server.ready(port)?;
    Ok((server, port))
}

fn connect(port: u16) -> Result<TcpStream, String> {
    let socket = TcpStream::connect(("127.0.0.1", port)).map_err(|e| e.to_string())?;
    let limit = Some(Duration::from_secs(10));
    socket
        .set_read_timeout(limit)
        .and(socket.set_write_timeout(limit))
        .map_err(|e| e.to_string())?;
    Ok(socket)
}

/// Three clients at once, each of which gets its own bytes back.
fn echo(program: &Path) -> Result<(), String> {
    let (mut server, port) = serve(program, &[], None)?;
    let mut clients = [connect(port)?, connect(port)?, connect(port)?];
    for round in 0..10u8 {
        for (i, c) in clients.iter_mut().enumerate() {
            c.write_all(&[round ^ i as u8; 1000]).map_err(|e| format!("write: {e}"))?;
        }
        for (i, c) in clients.iter_mut().enumerate() {
            let mut back = [0; 1000];
            c.read_exact(&mut back).map_err(|e| format!("read: {e}"))?;
            if back != [round ^ i as u8; 1000] {
                return Err(format!("client {i} got other bytes back in round {round}"));
            }
        }
    }
    server.alive().then_some(()).ok_or("the server ended".into())
}

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// One response: its head as text, and its body.
fn response(socket: &mut TcpStream) -> Result<(String, Vec<u8>), String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte).map_err(|e| format!("head: {e}"))?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let length = head.lines().find_map(|l| l.strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.ok_or("no content-length")?];
    socket.read_exact(&mut body).map_err(|e| format!("body: {e}"))?;
    Ok((head, body))
}

/// Requests one by one and several in one piece over one connection, on each engine.
fn http(program: &Path) -> Result<(), String> {
    for engine in [None, Some("ready")] {
        let (mut server, port) = serve(program, &["2"], engine)?;
        let mut socket = connect(port)?;
        for pipelined in [1, 1, 5] {
            socket.write_all(&REQUEST.repeat(pipelined)).map_err(|e| format!("write: {e}"))?;
            for _ in 0..pipelined {
                let (head, body) = response(&mut socket)?;
                if !head.starts_with("http/1.1 200") || body != b"Hello, World!" {
                    return Err(format!("engine {engine:?}: {head}{body:?}"));
                }
            }
        }
        if !server.alive() {
            return Err("the server ended".into());
        }
    }
    Ok(())
}

/// The bundled load generator against the HTTP server.
fn load(program: &Path) -> Result<(), String> {
    let (_server, port) = serve(&build("cc", "http_server")?, &["1"], None)?;
    prints_figures(program, &["-c", "16", "-d", "1", &port.to_string()])
}

/// The HTTP server's page by name, and a server that is not there.
fn fetch(program: &Path) -> Result<(), String> {
    let (_server, port) = serve(&build("cc", "http_server")?, &["1"], None)?;
    let body = run_program(program, &["localhost", &port.to_string()])?;
    if body != "Hello, World!" {
        return Err(format!("it fetched {body:?}"));
    }
    match run_program(program, &["127.0.0.1", &free_port()?.to_string()]) {
        Ok(body) => Err(format!("it fetched {body:?} from nobody")),
        Err(_) => Ok(()),
    }
}

#[test]
fn figures_are_found_among_other_lines() {
    let text = "starting\nspawn 61.5 ns\nresident 4.1 KiB each\nfoo bar baz\n";
    let found = figures(text);
    let shown: Vec<String> =
        found.iter().map(|f| format!("{}={} {}", f.name, f.value, f.unit)).collect();
    assert_eq!(shown, ["spawn=61.5 ns", "resident=4.1 KiB each"]);
}
