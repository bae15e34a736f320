//! HTTP, streams, files. Buffers go to the runtime with each call and come back with its result.
use crate::{drive, rt};
use monoio::buf::IoBufMut;
use monoio::fs::File;
use monoio::io::{AsyncReadRent, AsyncReadRentExt, AsyncWriteRentExt};
use monoio::net::{TcpListener, TcpStream};
use peer_common::*;
use std::rc::Rc;
use std::time::{Duration, Instant};

async fn serve(mut c: TcpStream) -> std::io::Result<()> {
    let (mut buf, mut st) = (vec![0u8; 4096], 0u8);
    loop {
        let (r, b) = c.read(buf).await;
        let n = r?;
        if n == 0 {
            return Ok(());
        }
        for _ in 0..feed(&mut st, &b[..n]) {
            c.write_all(RESP).await.0?;
        }
        buf = b;
    }
}
async fn http(port: usize) {
    let l = TcpListener::from_std(listener(port)).expect("a listener");
    loop {
        if let Ok((c, _)) = l.accept().await {
            monoio::spawn(serve(c));
        }
    }
}
async fn send(c: std::net::TcpStream, n: usize) -> std::net::TcpStream {
    let (keep, mut msg) = (c.try_clone().unwrap(), message());
    let mut c = TcpStream::from_std(c).unwrap();
    for _ in 0..n {
        let (r, b) = c.write_all(msg).await;
        r.unwrap();
        msg = b;
    }
    keep
}
async fn receive(c: std::net::TcpStream, n: usize) -> std::net::TcpStream {
    let (keep, mut msg) = (c.try_clone().unwrap(), message());
    let mut c = TcpStream::from_std(c).unwrap();
    for _ in 0..n {
        let (r, b) = c.read_exact(msg).await;
        r.unwrap();
        msg = b;
    }
    keep
}
fn stream1(name: &str, n: usize) {
    let ((mut from, mut to), mut r) = (stream_pair(), rt());
    for m in [n / 20 + 1, n] {
        let meter = Meter::begin();
        (from, to) = r.block_on(async {
            let (from, to) = (monoio::spawn(send(from, m)), monoio::spawn(receive(to, m)));
            (from.await, to.await)
        });
        if m == n {
            meter.out_stream(name, n);
        }
    }
}
fn stream2(name: &str, n: usize) {
    let (from, to) = stream_pair();
    on_two(|th, both| {
        pin_cpu(th);
        let (mut r, mut side) = (rt(), if th == 0 { &from } else { &to }.try_clone().unwrap());
        for m in [n / 20 + 1, n] {
            let meter = Meter::begin();
            side = both.timed(th, || {
                if th == 0 { r.block_on(send(side, m)) } else { r.block_on(receive(side, m)) }
            });
            if m == n && th == 1 {
                meter.out_stream(name, n);
            }
        }
    });
}

struct Buffer(Box<Block>);
// SAFETY: the block is on the heap, so its place does not change with the box.
unsafe impl IoBufMut for Buffer {
    fn write_ptr(&mut self) -> *mut u8 {
        self.0.0.as_mut_ptr()
    }
    fn bytes_total(&mut self) -> usize {
        BLOCK
    }
    unsafe fn set_init(&mut self, _: usize) {}
}
async fn pread(name: String, ms: usize, path: String) {
    let (file, blocks) = open_blocks(&name, &path);
    let file = Rc::new(File::from_std(file).unwrap());
    for (last, ms) in [(false, ms / 20), (true, ms)] {
        let meter = Meter::begin();
        let end = Instant::now() + Duration::from_millis(ms as u64);
        let readers: Vec<_> = (0..64)
            .map(|task| {
                let (file, mut at) = (file.clone(), Places::new(task, blocks));
                monoio::spawn(async move {
                    let (mut buf, mut n) = (Buffer(Block::new()), 0);
                    while Instant::now() < end {
                        // a clock reading for each would be seen
                        for _ in 0..64 {
                            let (r, b) = file.read_at(buf, at.next()).await;
                            assert_eq!(r.unwrap(), BLOCK);
                            buf = b;
                        }
                        n += 64;
                    }
                    n
                })
            })
            .collect();
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
                on_two(|_, _| rt().block_on(http(port)));
            } else {
                rt().block_on(http(port));
            }
        }
        "stream1" => stream1(&name, a.n(2, 20_000)),
        "stream2" => stream2(&name, a.n(2, 20_000)),
        "pread4k" | "pread4k_direct" => {
            let path = a.path(3);
            drive(pread(name, a.n(2, 4000), path))
        }
        _ => return false,
    }
    true
}
