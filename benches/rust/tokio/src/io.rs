//! HTTP, streams, files.
use crate::{drive, rt};
use peer_common::*;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;

async fn serve(mut c: TcpStream) -> std::io::Result<()> {
    let (mut buf, mut st) = ([0u8; 4096], 0u8);
    loop {
        let n = c.read(&mut buf).await?;
        if n == 0 {
            return Ok(());
        }
        for _ in 0..feed(&mut st, &buf[..n]) {
            c.write_all(RESP).await?;
        }
    }
}
async fn accept(port: usize) {
    let l = listener(port);
    l.set_nonblocking(true).unwrap();
    let l = TcpListener::from_std(l).unwrap();
    loop {
        if let Ok((c, _)) = l.accept().await {
            tokio::spawn(serve(c));
        }
    }
}
fn http(port: usize, threads: usize, mt: bool) {
    if mt || threads == 1 {
        drive(&rt(mt, threads), accept(port))
    } else {
        on_two(|_, _| drive(&rt(false, 1), accept(port)));
    }
}
fn socket(s: std::net::TcpStream) -> TcpStream {
    s.set_nonblocking(true).unwrap();
    TcpStream::from_std(s).unwrap()
}
async fn sender(c: std::net::TcpStream, n: usize) -> std::net::TcpStream {
    let (mut c, msg) = (socket(c), message());
    for _ in 0..n {
        c.write_all(&msg).await.unwrap();
    }
    c.into_std().unwrap()
}
async fn receiver(c: std::net::TcpStream, n: usize) -> std::net::TcpStream {
    let (mut c, mut msg) = (socket(c), message());
    for _ in 0..n {
        c.read_exact(&mut msg).await.unwrap();
    }
    c.into_std().unwrap()
}
/// Each side on a thread of its own with `two`: current_thread runtimes, or a worker and the thread
/// in block_on, where each is pinned.
fn stream(name: &str, mt: bool, two: bool, n: usize) {
    let (mut from, mut to) = stream_pair();
    let on = |cpu| {
        let mut b = if mt { Builder::new_multi_thread() } else { Builder::new_current_thread() };
        b.worker_threads(1).enable_all();
        if two {
            b.on_thread_start(move || pin_cpu(cpu));
        }
        b.build().unwrap()
    };
    let (one, other) = (on(1), on(0));
    for m in [n / 20 + 1, n] {
        let meter = Meter::begin();
        if !two {
            (from, to) = one.block_on(async {
                let (from, to) = (tokio::spawn(sender(from, m)), tokio::spawn(receiver(to, m)));
                (from.await.unwrap(), to.await.unwrap())
            });
        } else {
            (from, to) = std::thread::scope(|s| {
                let from = s.spawn(|| {
                    pin_cpu(0);
                    if mt {
                        drive(&other, sender(from, m))
                    } else {
                        other.block_on(sender(from, m))
                    }
                });
                let to = s.spawn(|| {
                    pin_cpu(1);
                    if mt { drive(&one, receiver(to, m)) } else { one.block_on(receiver(to, m)) }
                });
                (from.join().unwrap(), to.join().unwrap())
            });
        }
        if m == n {
            meter.out_stream(name, n);
        }
    }
}
/// What tokio::fs does for each call, too: a positioned read on the pool of threads for blocking
/// code, but without its copy to another buffer.
async fn pread(name: String, ms: usize, path: String) {
    let (file, blocks) = open_blocks(&name, &path);
    let file = Arc::new(file);
    for (last, ms) in [(false, ms / 20), (true, ms)] {
        let meter = Meter::begin();
        let end = Instant::now() + Duration::from_millis(ms as u64);
        let readers: Vec<_> = (0..64)
            .map(|task| {
                let (file, mut at) = (file.clone(), Places::new(task, blocks));
                tokio::spawn(async move {
                    let (mut buf, mut n) = (Block::new(), 0);
                    while Instant::now() < end {
                        let (file, place) = (file.clone(), at.next());
                        let read = move || {
                            file.read_exact_at(&mut buf.0, place).unwrap();
                            buf
                        };
                        buf = tokio::task::spawn_blocking(read).await.unwrap();
                        n += 1;
                    }
                    n
                })
            })
            .collect();
        let mut n = 0;
        for r in readers {
            n += r.await.unwrap();
        }
        if last {
            meter.out_reads(&name, n);
        }
    }
}
/// False: not one of these.
pub fn run(a: &Args, mt: bool) -> bool {
    let name = a.name();
    match &name[..] {
        "http" => http(a.n(2, 8080), a.n(3, 1), mt),
        "stream1" | "stream2" => stream(&name, mt, name == "stream2", a.n(2, 20_000)),
        "pread4k" | "pread4k_direct" => {
            let path = a.path(3);
            drive(&rt(mt, 1), pread(name, a.n(2, 4000), path))
        }
        _ => return false,
    }
    true
}
