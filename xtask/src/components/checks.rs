//! The checks themselves; each gives a line on what it did.

use super::{Place, Size, pipe, program, sha256, start};
use crate::sh::{Server, cmd, free_port, output, root, run};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const MIB: u64 = 1 << 20;

fn io(e: std::io::Error) -> String {
    e.to_string()
}

/// wrk with 64 connections for two seconds; every answer is looked at.
fn load(place: &Place, port: u16) -> Result<String, String> {
    let out = output(
        place
            .limited("wrk")
            .args(["-t1", "-c64", "-d2s", "-s"])
            .arg(root().join("conformance/components/check.lua"))
            .arg(format!("http://127.0.0.1:{port}/hello")),
    )?;
    if out.contains("Socket errors") || out.contains("Non-2xx") {
        return Err(format!("errors under load:\n{out}"));
    }
    let line = out.lines().find(|l| l.starts_with("right ")).ok_or("wrk says nothing")?;
    let count: Vec<u64> = line.split(' ').filter_map(|w| w.parse().ok()).collect();
    match count[..] {
        [right, 0] if right >= 100 => Ok(format!("{right} answers to wrk")),
        _ => Err(line.into()),
    }
}

pub fn wrk(place: &Place) -> Result<String, String> {
    let (mut server, port) = place.serve(2)?;
    let did = load(place, port)?;
    server.alive().then_some(did).ok_or("the server ended".into())
}

fn curl(place: &Place) -> Command {
    let mut c = place.limited("curl");
    c.args(["--silent", "--show-error", "--fail", "--noproxy", "*"]);
    c
}

/// Fetches so many bytes and checks each.
fn download(place: &Place, port: u16, size: u64) -> Result<(), String> {
    fetched(place, &format!("http://127.0.0.1:{port}/bytes/{size}/5"), size, 5)
}

/// What an address gives must be so many bytes of the pattern.
fn fetched(place: &Place, url: &str, size: u64, seed: u32) -> Result<(), String> {
    let mut check = cmd(program("pattern"));
    pipe(curl(place).arg(url), check.args(["check", &size.to_string(), &seed.to_string()]))
        .map_err(|e| format!("{size} bytes down: {e}"))
}

/// Sends a file of so many bytes, each of which the server checks.
fn upload(place: &Place, port: u16, size: u64) -> Result<(), String> {
    let path = place.path("upload");
    let file = std::fs::File::create(&path).map_err(io)?;
    let mut make = cmd(program("pattern"));
    let made = make.args(["make", &size.to_string(), "6"]).stdout(file).status().map_err(io)?;
    if !made.success() {
        return Err("pattern make failed".into());
    }
    let url = format!("http://127.0.0.1:{port}/check/{size}/6");
    match output(curl(place).arg("--upload-file").arg(&path).arg(url)) {
        Ok(text) if text == "right\n" => Ok(()),
        Ok(text) | Err(text) => Err(format!("{size} bytes up: {text}")),
    }
}

pub fn curl_bodies(place: &Place) -> Result<String, String> {
    let (mut server, port) = place.serve(2)?;
    // The last resort of engines gets a quarter.
    let most = if place.engine == "offload" { 256 } else { 1024 };
    for size in [0, 1, 4095, 65537, 1_000_003, most * MIB] {
        download(place, port, size)?;
    }
    for size in [0, 1, 65537, 2 * MIB + 1, 256 * MIB] {
        upload(place, port, size)?;
    }
    // What the last upload sent.
    fetched(place, &format!("http://127.0.0.1:{port}/file"), 256 * MIB, 6)?;
    match server.alive() {
        true => Ok(format!("up to {most} MiB down and 256 MiB up, every byte checked")),
        false => Err("the server ended".into()),
    }
}

/// Clients that take their time, and clients that go away in the middle, all at once. Nobody gets
/// wrong bytes, and no connection is left over.
pub fn curl_rude(place: &Place) -> Result<String, String> {
    const EACH: usize = 6;
    let (mut server, port) = place.serve(2)?;
    let url = format!("http://127.0.0.1:{port}");
    // They complain, as they should.
    let spawn = |c: &mut Command| c.stdout(Stdio::null()).stderr(Stdio::null()).spawn().map_err(io);
    let mut aborted: Vec<Child> = Vec::new();
    for _ in 0..EACH {
        let mut down = curl(place);
        down.args(["--max-time", "0.5", "--output", "/dev/null"]);
        aborted.push(spawn(down.arg(format!("{url}/bytes/{}/1", 1u64 << 40)))?);
        let mut up = curl(place);
        up.args(["--max-time", "0.5", "--limit-rate", "200k", "--upload-file"]);
        aborted.push(spawn(up.arg(program("serve")).arg(format!("{url}/check/1/1")))?);
    }
    std::thread::scope(|scope| {
        let slow: Vec<_> = (0..EACH)
            .map(|_| {
                scope.spawn(|| {
                    let path = format!("{url}/bytes/1500000/5");
                    let mut check = cmd(program("pattern"));
                    let mut slow = curl(place);
                    slow.args(["--limit-rate", "1M"]).arg(path);
                    pipe(&mut slow, check.args(["check", "1500000", "5"]))
                })
            })
            .collect();
        slow.into_iter().try_for_each(|t| t.join().map_err(|_| "a thread panicked".to_string())?)
    })
    .map_err(|e| format!("slow clients: {e}"))?;
    for mut client in aborted {
        // 28: curl's own word for its limit of time.
        let status = client.wait().map_err(io)?;
        if status.code() != Some(28) {
            return Err(format!("a client that should have given up: {status}"));
        }
    }
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        let left = output(curl(place).arg(format!("{url}/connections")))?;
        if left == "1" && server.alive() {
            return Ok(format!("{EACH} slow, {} aborted, none left", 2 * EACH));
        }
        if Instant::now() > end {
            return Err(format!("{left} connections instead of 1"));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// nginx, one process that ends when it is killed, in the place's folder: files below `files`, or all
/// requests passed on to `backend`.
fn nginx(place: &Place, backend: Option<u16>) -> Result<(Server, u16), String> {
    let port = free_port()?;
    let what = match backend {
        None => "root files; keepalive_requests 50;".to_string(),
        Some(_) => "location / { proxy_pass http://ours; proxy_http_version 1.1; \
                    proxy_set_header Connection \"\"; proxy_request_buffering off; }"
            .to_string(),
    };
    let upstream = backend.map_or(String::new(), |port| {
        format!("upstream ours {{ server 127.0.0.1:{port}; keepalive 16; }}")
    });
    let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temp: String = kinds.iter().map(|k| format!("{k}_temp_path temp-{k};\n")).collect();
    let config = format!(
        "master_process off;\ndaemon off;\npid nginx.pid;\nerror_log nginx.log;\n\
         events {{ worker_connections 1024; }}\n\
         http {{\n{temp}access_log off;\nclient_max_body_size 0;\n{upstream}\n\
         server {{ listen 127.0.0.1:{port}; {what} }}\n}}\n"
    );
    std::fs::write(place.path("nginx.conf"), config).map_err(io)?;
    let mut c = cmd("nginx");
    let prefix = format!("{}/", place.dir.display());
    c.args(["-p", &prefix, "-c", "nginx.conf", "-e", "nginx.log"]);
    start(&mut c, port).map_err(|e| {
        let log = std::fs::read_to_string(place.path("nginx.log")).unwrap_or_default();
        format!("nginx: {e}\n{log}")
    })
}

const SIZES: u64 = 300_000;
const FILES: u64 = 60;

/// Fetches with 64 connections of ours; says how many.
fn fetch(place: &Place, port: u16, count: u64) -> Result<String, String> {
    let args = [port.into(), 64, count, SIZES, FILES].map(|n: u64| n.to_string());
    output(place.ours("fetch").args(args)).map(|text| text.trim().to_string())
}

pub fn nginx_files(place: &Place) -> Result<String, String> {
    for seed in 0..FILES {
        let size = seed * SIZES / FILES;
        let dir = place.path(&format!("files/bytes/{size}"));
        std::fs::create_dir_all(&dir).map_err(io)?;
        let file = std::fs::File::create(dir.join(seed.to_string())).map_err(io)?;
        let mut make = cmd(program("pattern"));
        let args = ["make".into(), size.to_string(), seed.to_string()];
        if !make.args(args).stdout(file).status().map_err(io)?.success() {
            return Err("pattern make failed".into());
        }
    }
    let (_server, port) = nginx(place, None)?;
    fetch(place, port, if place.size == Size::Full { 50_000 } else { 5000 })
}

pub fn nginx_proxy(place: &Place) -> Result<String, String> {
    let (mut ours, backend) = place.serve(2)?;
    let (_server, port) = nginx(place, Some(backend))?;
    let fetched = fetch(place, port, 2000)?;
    let loaded = load(place, port)?;
    download(place, port, 64 * MIB)?;
    upload(place, port, 32 * MIB)?;
    match ours.alive() {
        true => Ok(format!("{fetched}; {loaded}; 64 MiB down, 32 MiB up")),
        false => Err("our server ended".into()),
    }
}

pub fn redis(place: &Place) -> Result<String, String> {
    let port = free_port()?;
    let mut c = cmd("redis-server");
    c.args([
        "--port",
        &port.to_string(),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--appendonly",
        "no",
    ]);
    let (_server, port) = start(c.arg("--dir").arg(&place.dir), port)?;
    let rounds = if place.size == Size::Full { "1000" } else { "40" };
    output(place.ours("redis").args([&port.to_string(), "64", rounds]))
        .map(|text| text.trim().to_string())
}

/// A file that is half holes, in every way that there is; and a large one in the two that matter.
pub fn copy(place: &Place) -> Result<String, String> {
    const WAYS: [(&str, &str); 5] =
        [("copy", "1"), ("pieces", "2"), ("pieces", "1"), ("sendfile", "1"), ("range", "1")];
    const GIB: u64 = 1024 * MIB;
    copied(place, 64 * MIB, &WAYS)?;
    let more = match place.size {
        Size::Sample => "4 GiB in a soak",
        // The file itself is half holes, the copy is not.
        Size::Full if room(place)? < 8 * GIB => "no room on the disk for 4 GiB",
        Size::Full => copied(place, 4 * GIB, &WAYS[..2]).map(|()| "4 GiB by the first two")?,
    };
    Ok(format!(
        "64 MiB by co_io_copy, by 16 coroutines on two vCPUs and on one, by sendfile, by \
         copy_file_range; {more}"
    ))
}

/// Bytes that are free where the place is.
fn room(place: &Place) -> Result<u64, String> {
    let text = output(cmd("df").args(["--output=avail", "-B1"]).arg(&place.dir))?;
    text.lines().last().and_then(|l| l.trim().parse().ok()).ok_or("df says nothing".into())
}

fn copied(place: &Place, size: u64, ways: &[(&str, &str)]) -> Result<(), String> {
    let (from, to) = (place.path("from"), place.path("to"));
    let mut make = cmd(program("pattern"));
    run(make.arg("sparse").arg(&from).arg((size + 12345).to_string()))?;
    let sum = sha256(place, &from)?;
    for (way, vcpus) in ways {
        run(place.ours("copy").arg(&from).arg(&to).args([way, vcpus]))?;
        let copied = sha256(place, &to)?;
        if copied != sum {
            return Err(format!("{way}: the copy's sum is {copied}, the file's {sum}"));
        }
    }
    Ok(())
}

#[test]
fn df_is_understood() {
    let place = Place::new("none", Size::Full).unwrap_or_else(|e| panic!("{e}"));
    assert!(room(&place).is_ok_and(|bytes| bytes > 0));
}
