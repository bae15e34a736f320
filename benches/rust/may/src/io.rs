//! HTTP and streams.
use may::go;
use may::net::{TcpListener, TcpStream};
use peer_common::*;
use std::io::{Read, Write};
use std::os::fd::{FromRawFd, IntoRawFd};

fn serve(mut c: TcpStream) -> std::io::Result<()> {
    let (mut buf, mut st) = ([0u8; 4096], 0u8);
    loop {
        let n = c.read(&mut buf)?;
        if n == 0 {
            return Ok(());
        }
        for _ in 0..feed(&mut st, &buf[..n]) {
            c.write_all(RESP)?;
        }
    }
}
fn http(port: usize) {
    raise_files();
    let l = TcpListener::bind(("127.0.0.1", port as u16)).unwrap();
    for c in l.incoming().flatten() {
        c.set_nodelay(true).ok();
        go!(move || drop(serve(c)));
    }
}
fn stream(name: &str, n: usize) {
    // SAFETY: the descriptor is given up by the one and taken by the other.
    let own = |s: std::net::TcpStream| unsafe { TcpStream::from_raw_fd(s.into_raw_fd()) };
    let (from, to) = stream_pair();
    let (mut from, mut to) = (own(from), own(to));
    for m in [n / 20 + 1, n] {
        let meter = Meter::begin();
        let sender = go!(move || {
            let msg = message();
            for _ in 0..m {
                from.write_all(&msg).unwrap();
            }
            from
        });
        let receiver = go!(move || {
            let mut msg = message();
            for _ in 0..m {
                to.read_exact(&mut msg).unwrap();
            }
            to
        });
        (from, to) = (sender.join().unwrap(), receiver.join().unwrap());
        if m == n {
            meter.out_stream(name, n);
        }
    }
}
/// False: not one of these.
pub fn run(name: &str, a: &Args) -> bool {
    match name {
        "http" => http(a.n(2, 8080)),
        "stream1" => stream(name, a.n(2, 20_000)),
        _ => return false,
    }
    true
}
