//! TCP and UDP: listen, accept, connect, and a server with many clients.
#![allow(unsafe_code)]

use super::*;
use std::mem::zeroed;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd};
use std::ptr::null_mut;

fn port_of(listener: c_int) -> u16 {
    // SAFETY: borrowed: given back by forget.
    let l = unsafe { TcpListener::from_raw_fd(listener) };
    let port = l.local_addr().unwrap().port();
    std::mem::forget(l);
    port
}

/// A sockaddr for the loopback.
fn v4(port: u16) -> libc::sockaddr_in {
    // SAFETY: all-zero is valid.
    let mut a = unsafe { zeroed::<libc::sockaddr_in>() };
    a.sin_family = libc::AF_INET as libc::sa_family_t;
    a.sin_port = port.to_be();
    a.sin_addr.s_addr = u32::from_ne_bytes([127, 0, 0, 1]);
    a
}

fn connect(port: u16, timeout: i64) -> Result<c_int, Errno> {
    let fd = io::socket(libc::AF_INET, libc::SOCK_STREAM, 0)? as c_int;
    let a = v4(port);
    match io::connect(fd, (&raw const a).cast(), size_of_val(&a) as libc::socklen_t, timeout) {
        Ok(_) => Ok(fd),
        Err(e) => {
            io::close(fd)?;
            Err(e)
        }
    }
}

fn accept(listener: c_int, timeout: i64) -> Result<c_int, Errno> {
    io::accept(listener, null_mut(), null_mut(), 0, timeout).map(|fd| fd as c_int)
}

#[test]
fn an_echo_server() {
    everywhere("an_echo_server", || {
        let l = io::tcp_listen(Some(b"127.0.0.1"), 0, 0).unwrap();
        let port = port_of(l);
        let server = go(move || {
            let mut sessions = Vec::new();
            while let Ok(fd) = accept(l, FOREVER) {
                sessions.push(go(move || {
                    let mut b = [0; 512];
                    while let Ok(n @ 1..) = recv(fd, &mut b, FOREVER) {
                        assert_eq!(send(fd, &b[..n as usize], FOREVER), Ok(n));
                    }
                    assert_eq!(io::close(fd), Ok(0));
                }));
            }
            let n = sessions.len();
            sessions.into_iter().for_each(Co::join);
            n
        });
        let clients: Vec<_> = (0..64u8)
            .map(|i| {
                go_on(1 + u32::from(i % 2), move || {
                    let fd = connect(port, FOREVER).unwrap();
                    for j in 0..50 {
                        let (out, mut b) = ([i ^ j; 100], [0; 100]);
                        assert_eq!(send(fd, &out, FOREVER), Ok(100));
                        let flags = libc::MSG_WAITALL;
                        assert_eq!(io::recv(fd, b.as_mut_ptr(), 100, flags, FOREVER), Ok(100));
                        assert_eq!(b, out);
                    }
                    assert_eq!(io::close(fd), Ok(0));
                })
            })
            .collect();
        clients.into_iter().for_each(Co::join);
        assert_eq!(io::close(l), Ok(0));
        assert_eq!(server.join(), 64);
    });
}

#[test]
fn who_connected() {
    everywhere("who_connected", || {
        for host in [&b"127.0.0.1"[..], b"::1"] {
            let l = match io::tcp_listen(Some(host), 0, 0) {
                Err(Errno::EADDRNOTAVAIL | Errno::EAFNOSUPPORT) => continue,
                l => l.unwrap(),
            };
            let at =
                SocketAddr::new(std::str::from_utf8(host).unwrap().parse().unwrap(), port_of(l));
            let t = std::thread::spawn(move || TcpStream::connect(at).unwrap());
            // SAFETY: all-zero is valid.
            let mut a = unsafe { zeroed::<libc::sockaddr_storage>() };
            let mut len = size_of_val(&a) as libc::socklen_t;
            let p = (&raw mut a).cast::<libc::sockaddr>();
            let fd = io::accept(l, p, &mut len, libc::SOCK_NONBLOCK, FOREVER).unwrap() as c_int;
            let client = t.join().unwrap().local_addr().unwrap();
            assert_eq!(
                i32::from(a.ss_family),
                if client.is_ipv6() { libc::AF_INET6 } else { libc::AF_INET }
            );
            // SAFETY: the family says so; both begin with family and port.
            let port = unsafe { (*p.cast::<libc::sockaddr_in>()).sin_port };
            assert_eq!(u16::from_be(port), client.port());
            assert_ne!(sys::flags(fd).unwrap() & libc::O_NONBLOCK, 0);
            close_both([fd, l]);
        }
    });
}

#[test]
fn connect_s_errors() {
    everywhere("connect_s_errors", || {
        let l = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = l.local_addr().unwrap().port();
        let fd = connect(port, FOREVER).unwrap();
        let a = v4(port);
        let len = size_of_val(&a) as libc::socklen_t;
        assert_eq!(io::connect(fd, (&raw const a).cast(), len, FOREVER), Err(Errno::EISCONN));
        assert_eq!(sys::flags(fd).unwrap() & libc::O_NONBLOCK, 0, "the mode is as it was");
        assert_eq!(io::close(fd), Ok(0));
        drop(l);
        assert_eq!(connect(port, FOREVER), Err(Errno::ECONNREFUSED));
        let fd =
            io::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_NONBLOCK, 0).unwrap() as c_int;
        assert_eq!(io::connect(fd, (&raw const a).cast(), 3, FOREVER), Err(Errno::EINVAL));
        assert_eq!(io::connect(fd, (&raw const a).cast(), len, FOREVER), Err(Errno::ECONNREFUSED));
        assert_ne!(sys::flags(fd).unwrap() & libc::O_NONBLOCK, 0);
        assert_eq!(io::close(fd), Ok(0));
        assert_eq!(io::socket(12345, 0, 0), Err(Errno::EAFNOSUPPORT));
    });
}

/// A local listener whose queue is full: the connect waits until there is room, or for its time.
#[test]
fn a_local_connect_waits_for_room() {
    everywhere("a_local_connect_waits_for_room", || {
        let path = std::env::temp_dir().join(format!("photonrt-io-{}-listen", std::process::id()));
        let l = std::os::unix::net::UnixListener::bind(&path).unwrap();
        sys::listen(l.as_raw_fd(), 0).unwrap();
        // SAFETY: all-zero is valid.
        let mut a = unsafe { zeroed::<libc::sockaddr_un>() };
        a.sun_family = libc::AF_UNIX as libc::sa_family_t;
        let name = path.to_str().unwrap().bytes();
        a.sun_path.iter_mut().zip(name).for_each(|(to, c)| *to = c as std::ffi::c_char);
        let connect = move |timeout| {
            let fd = io::socket(libc::AF_UNIX, libc::SOCK_STREAM, 0).unwrap() as c_int;
            let len = size_of_val(&a) as libc::socklen_t;
            (fd, io::connect(fd, (&raw const a).cast(), len, timeout))
        };
        let (first, r) = connect(FOREVER);
        assert_eq!(r, Ok(0));
        let (second, r) = connect(20 * NS_PER_MS);
        assert_eq!(r, Err(Errno::ETIMEDOUT));
        let third = go(move || connect(FOREVER));
        settle();
        let accepted = accept(l.as_raw_fd(), FOREVER).unwrap();
        let (third, r) = third.join();
        assert_eq!(r, Ok(0));
        assert_eq!([first, second, third, accepted].map(io::close), [Ok(0); 4]);
        std::fs::remove_file(path).unwrap();
    });
}

#[test]
fn listen_s_errors() {
    everywhere("listen_s_errors", || {
        for bad in [&b"a b"[..], b"", b"1.2.3", b"\xff"] {
            assert_eq!(io::tcp_listen(Some(bad), 0, 0), Err(Errno::EINVAL));
        }
        let l = io::tcp_listen(Some(b"127.0.0.1"), 0, 5).unwrap();
        assert_eq!(io::tcp_listen(Some(b"127.0.0.1"), port_of(l), 5), Err(Errno::EADDRINUSE));
        assert_eq!(io::close(l), Ok(0));
        assert_eq!(io::tcp_listen(Some(b"192.0.2.1"), 0, 0), Err(Errno::EADDRNOTAVAIL));
        let all = io::tcp_listen(None, 0, 0).unwrap();
        let t = TcpStream::connect(("127.0.0.1", port_of(all))).unwrap();
        let fd = accept(all, FOREVER).unwrap();
        drop(t);
        close_both([fd, all]);
    });
}

#[test]
fn a_blocking_listener_on_two_vcpus() {
    everywhere("a_blocking_listener_on_two_vcpus", || {
        let l = io::tcp_listen(Some(b"127.0.0.1"), 0, 0).unwrap();
        sys::set_flags(l, sys::flags(l).unwrap() & !libc::O_NONBLOCK).unwrap();
        let port = port_of(l);
        let acceptors: Vec<_> = (0..4)
            .map(|i| {
                go_on(1 + i % 2, move || {
                    let mut n = 0;
                    loop {
                        match accept(l, FOREVER) {
                            Ok(fd) => assert_eq!(io::close(fd), Ok(0)),
                            Err(e) => break assert_eq!(e, Errno::EBADF),
                        }
                        n += 1;
                        let _ = n;
                    }
                })
            })
            .collect();
        for _ in 0..200 {
            let fd = connect(port, FOREVER).unwrap();
            assert_eq!(recv(fd, &mut [0; 1], FOREVER), Ok(0));
            assert_eq!(io::close(fd), Ok(0));
        }
        assert_eq!(io::close(l), Ok(0));
        acceptors.into_iter().for_each(Co::join);
    });
}

#[test]
fn datagrams() {
    everywhere("datagrams", || {
        let a = UdpSocket::bind("127.0.0.1:0").unwrap();
        let b = UdpSocket::bind("127.0.0.1:0").unwrap();
        a.connect(b.local_addr().unwrap()).unwrap();
        b.connect(a.local_addr().unwrap()).unwrap();
        let (a, b) = (a.as_raw_fd(), b.as_raw_fd());
        let mut buf = [0; 64];
        for round in 0..10 {
            let sender = go(move || {
                settle();
                (send(a, b"one", FOREVER), send(a, b"three", FOREVER))
            });
            assert_eq!(recv(b, &mut buf, FOREVER), Ok(3), "round {round}");
            // A short receive proves nothing here: the second one is there, and no edge will come
            // for it.
            assert_eq!(recv(b, &mut buf, FOREVER), Ok(5), "round {round}");
            assert_eq!(sender.join(), (Ok(3), Ok(5)));
        }
    });
}
