//! HTTP, streams, files.
use crate::{drive, rt};
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use glommio::io::{BufferedFile, DmaFile};
use glommio::net::{TcpListener, TcpStream};
use glommio::spawn_local;
use peer_common::*;
use std::rc::Rc;
use std::time::{Duration, Instant};

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
/// It binds by itself, with SO_REUSEPORT.
async fn http(port: usize) {
    raise_files();
    let l = TcpListener::bind(("127.0.0.1", port as u16)).expect("a listener");
    loop {
        if let Ok(c) = l.accept().await {
            c.set_nodelay(true).ok();
            spawn_local(serve(c)).detach();
        }
    }
}
async fn send(mut c: TcpStream, n: usize) -> TcpStream {
    let msg = message();
    for _ in 0..n {
        c.write_all(&msg).await.unwrap();
    }
    c
}
async fn receive(mut c: TcpStream, n: usize) -> TcpStream {
    let mut msg = message();
    for _ in 0..n {
        c.read_exact(&mut msg).await.unwrap();
    }
    c
}
async fn stream1(name: String, n: usize) {
    let l = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = l.local_addr().unwrap();
    let from = spawn_local(async move { TcpStream::connect(to).await.unwrap() });
    let mut to = l.accept().await.unwrap();
    let mut from = from.await;
    for m in [n / 20 + 1, n] {
        let meter = Meter::begin();
        let (sender, receiver) = (spawn_local(send(from, m)), spawn_local(receive(to, m)));
        (from, to) = (sender.await, receiver.await);
        if m == n {
            meter.out_stream(&name, n);
        }
    }
}
fn stream2(name: &str, n: usize) {
    let (tx, rx) = std::sync::mpsc::channel();
    let rx = std::sync::Mutex::new(rx);
    on_two(|th, both| {
        pin_cpu(th);
        let r = rt();
        let mut c = r.run(async {
            if th == 0 {
                let to: std::net::SocketAddr = rx.lock().unwrap().recv().unwrap();
                return TcpStream::connect(to).await.unwrap();
            }
            let l = TcpListener::bind("127.0.0.1:0").unwrap();
            tx.send(l.local_addr().unwrap()).unwrap();
            l.accept().await.unwrap()
        });
        for m in [n / 20 + 1, n] {
            let meter = Meter::begin();
            c = both.timed(th, || {
                r.run(async { if th == 0 { send(c, m).await } else { receive(c, m).await } })
            });
            if m == n && th == 1 {
                meter.out_stream(name, n);
            }
        }
        r.run(async { drop(c) });
    });
}
/// A file for each kind of reading; buffers are the runtime's.
enum File {
    Cached(BufferedFile),
    Direct(DmaFile),
}
async fn pread(name: String, ms: usize, path: String) {
    let (_, blocks) = open_blocks(&name, &path);
    let file = if name == "pread4k_direct" {
        File::Direct(DmaFile::open(&path).await.unwrap())
    } else {
        File::Cached(BufferedFile::open(&path).await.unwrap())
    };
    let file = Rc::new(file);
    for (last, ms) in [(false, ms / 20), (true, ms)] {
        let meter = Meter::begin();
        let end = Instant::now() + Duration::from_millis(ms as u64);
        let reader = |task| {
            let (file, mut at) = (file.clone(), Places::new(task, blocks));
            spawn_local(async move {
                let mut n = 0;
                while Instant::now() < end {
                    // a clock reading for each would be seen
                    for _ in 0..64 {
                        let r = match &*file {
                            File::Cached(f) => f.read_at(at.next(), BLOCK).await,
                            File::Direct(f) => f.read_at_aligned(at.next(), BLOCK).await,
                        };
                        assert_eq!(r.unwrap().len(), BLOCK);
                    }
                    n += 64;
                }
                n
            })
        };
        let readers: Vec<_> = (0..64).map(reader).collect();
        let mut n = 0;
        for r in readers {
            n += r.await;
        }
        if last {
            meter.out_reads(&name, n);
        }
    }
}
/// False: not one of these.
pub fn run(a: &Args) -> bool {
    let name = a.name();
    match &name[..] {
        "http" => {
            let port = a.n(2, 8080);
            if a.n(3, 1) > 1 {
                on_two(|_, _| rt().run(http(port)));
            } else {
                rt().run(http(port));
            }
        }
        "stream1" => drive(stream1(name, a.n(2, 20_000))),
        "stream2" => stream2(&name, a.n(2, 20_000)),
        "pread4k" | "pread4k_direct" => {
            let path = a.path(3);
            drive(pread(name, a.n(2, 4000), path))
        }
        _ => return false,
    }
    true
}
