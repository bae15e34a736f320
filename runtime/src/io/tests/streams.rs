//! Pipes and local sockets: what is transferred, what is waited for, what the descriptor's mode is
//! afterwards.
#![allow(unsafe_code)]

use super::*;

#[test]
fn a_receive_waits_for_data() {
    everywhere("a_receive_waits_for_data", || {
        for fds in [pair(), tcp_pair()] {
            let reader = go_on(2, move || {
                let mut b = [0; 16];
                let n = recv(fds[1], &mut b, FOREVER).unwrap() as usize;
                b[..n].to_vec()
            });
            settle();
            assert_eq!(send(fds[0], b"hello", FOREVER), Ok(5));
            assert_eq!(reader.join(), b"hello");
            close_both(fds);
        }
    });
}

#[test]
fn ping_pong_of_many_sizes() {
    everywhere("ping_pong_of_many_sizes", || {
        for fds in [pair(), tcp_pair()] {
            let echo = go_on(2, move || {
                let mut b = [0; 4096];
                loop {
                    match recv(fds[1], &mut b, FOREVER).unwrap() as usize {
                        0 => break,
                        n => send_all(fds[1], &b[..n]),
                    }
                }
            });
            for i in 0..300usize {
                let out: Vec<u8> = (0..i * 37 % 9000 + 1).map(|j| (i + j) as u8).collect();
                send_all(fds[0], &out);
                let mut back = vec![0; out.len()];
                let mut at = 0;
                while at < back.len() {
                    // Every other one by read.
                    let r = match i % 2 {
                        0 => recv(fds[0], &mut back[at..], FOREVER),
                        _ => read(fds[0], &mut back[at..], FOREVER),
                    };
                    at += r.unwrap() as usize;
                }
                assert_eq!(back, out, "round {i}");
            }
            assert_eq!(io::shutdown(fds[0], libc::SHUT_WR), Ok(0));
            echo.join();
            let mut b = [0; 4];
            assert_eq!(io::shutdown(fds[1], libc::SHUT_WR), Ok(0));
            assert_eq!(recv(fds[0], &mut b, FOREVER), Ok(0));
            close_both(fds);
        }
    });
}

fn send_all(fd: c_int, mut data: &[u8]) {
    while !data.is_empty() {
        let n = send(fd, data, FOREVER).unwrap() as usize;
        data = &data[n..];
    }
}

/// Data and the end of the stream may arrive together: the one edge for both must not be used up by
/// the data.
#[test]
fn the_end_that_comes_with_the_data() {
    everywhere("the_end_that_comes_with_the_data", || {
        for round in 0..50 {
            let fds = tcp_pair();
            let mut b = [0; 64];
            // A wait, so that the descriptor is registered.
            let peer = go(move || {
                settle();
                send(fds[0], b"first", FOREVER)
            });
            assert_eq!(recv(fds[1], &mut b, FOREVER), Ok(5));
            assert_eq!(peer.join(), Ok(5));
            assert_eq!(send(fds[0], b"last", FOREVER), Ok(4));
            assert_eq!(io::shutdown(fds[0], libc::SHUT_WR), Ok(0));
            if round % 2 == 0 {
                settle();
            }
            assert_eq!(recv(fds[1], &mut b, FOREVER), Ok(4));
            assert_eq!(recv(fds[1], &mut b, FOREVER), Ok(0), "round {round}");
            close_both(fds);
        }
    });
}

#[test]
fn a_full_pipe_makes_the_writer_wait() {
    everywhere("a_full_pipe_makes_the_writer_wait", || {
        for nonblocking in [false, true] {
            let p = pipe();
            if nonblocking {
                p.iter().for_each(|&fd| {
                    sys::set_flags(fd, sys::flags(fd).unwrap() | libc::O_NONBLOCK).unwrap()
                });
            }
            let mode = p.map(|fd| sys::flags(fd).unwrap());
            let total = 1 << 20;
            let writer = go_on(2, move || {
                let data: Vec<u8> = (0..total).map(|i| (i / 7) as u8).collect();
                let mut at = 0;
                while at < total {
                    at += write(p[1], &data[at..], FOREVER).unwrap() as usize;
                }
            });
            let (mut got, mut b) = (Vec::new(), [0; 30_000]);
            while got.len() < total {
                let n = read(p[0], &mut b, FOREVER).unwrap() as usize;
                got.extend_from_slice(&b[..n]);
            }
            writer.join();
            assert!(got.iter().enumerate().all(|(i, &c)| c == (i / 7) as u8));
            assert_eq!(p.map(|fd| sys::flags(fd).unwrap()), mode, "the mode is as it was");
            assert_eq!(io::close(p[1]), Ok(0));
            assert_eq!(read(p[0], &mut b, FOREVER), Ok(0));
            assert_eq!(io::close(p[0]), Ok(0));
        }
    });
}

#[test]
fn a_full_socket_makes_the_sender_wait() {
    everywhere("a_full_socket_makes_the_sender_wait", || {
        for (fds, by_write) in [(pair(), false), (tcp_pair(), false), (pair(), true)] {
            let total = 8 << 20;
            let sender = go_on(2, move || {
                let data = vec![7; 1 << 18];
                let mut left = total;
                while left > 0 {
                    let part = &data[..left.min(data.len())];
                    let r = match by_write {
                        false => send(fds[0], part, FOREVER),
                        true => write(fds[0], part, FOREVER),
                    };
                    left -= r.unwrap() as usize;
                }
            });
            let (mut got, mut b) = (0, vec![0; 50_000]);
            settle();
            while got < total {
                let n = recv(fds[1], &mut b, FOREVER).unwrap() as usize;
                assert!(b[..n].iter().all(|&c| c == 7));
                got += n;
            }
            sender.join();
            close_both(fds);
        }
    });
}

#[test]
fn a_peer_that_is_gone() {
    everywhere("a_peer_that_is_gone", || {
        // The test binary ignores SIGPIPE, as Rust programs do; make sure that a socket raises none
        // by itself.
        // SAFETY: the default disposition, for this one block; other tests of this process wait for
        // the runtime.
        let before = unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
        for by_write in [false, true] {
            let fds = pair();
            assert_eq!(io::close(fds[1]), Ok(0));
            let r = match by_write {
                false => send(fds[0], b"x", FOREVER),
                true => write(fds[0], b"x", FOREVER),
            };
            assert_eq!(r, Err(Errno::EPIPE));
            assert_eq!(io::close(fds[0]), Ok(0));
        }
        // SAFETY: what was there.
        unsafe { libc::signal(libc::SIGPIPE, before) };
        let p = pipe();
        assert_eq!(io::close(p[0]), Ok(0));
        assert_eq!(write(p[1], b"x", FOREVER), Err(Errno::EPIPE));
        assert_eq!(io::close(p[1]), Ok(0));
    });
}

#[test]
fn flags_of_recv() {
    everywhere("flags_of_recv", || {
        for fds in [pair(), tcp_pair()] {
            let mut b = [0; 8];
            let get =
                |b: &mut [u8], flags| io::recv(fds[1], b.as_mut_ptr(), b.len(), flags, FOREVER);
            assert_eq!(get(&mut b, libc::MSG_DONTWAIT), Err(Errno::EAGAIN));
            assert_eq!(send(fds[0], b"abcd", FOREVER), Ok(4));
            assert_eq!(get(&mut b, libc::MSG_PEEK), Ok(4));
            assert_eq!(get(&mut b, libc::MSG_PEEK), Ok(4));
            assert_eq!(get(&mut b[..3], 0), Ok(3));
            let rest = go(move || {
                settle();
                send(fds[0], b"efg", FOREVER).unwrap();
                settle();
                send(fds[0], b"hijk", FOREVER).unwrap();
            });
            assert_eq!(get(&mut b, libc::MSG_WAITALL), Ok(8), "all eight");
            assert_eq!(&b, b"defghijk");
            rest.join();
            assert_eq!(send(fds[0], b"lm", FOREVER), Ok(2));
            let some = io::recv(fds[1], b.as_mut_ptr(), 8, libc::MSG_WAITALL, 20 * NS_PER_MS);
            assert_eq!((some, &b[..2]), (Ok(2), &b"lm"[..]), "what came until the timeout");
            assert_eq!(io::recv(fds[1], b.as_mut_ptr(), 0, 0, NOW), zero_length(fds[1]));
            close_both(fds);
        }
    });
}

/// What the system itself says to a receive into nothing.
fn zero_length(fd: c_int) -> R {
    let mut b = [0u8; 1];
    // SAFETY: nothing is written.
    Errno::check(unsafe { libc::recv(fd, b.as_mut_ptr().cast(), 0, libc::MSG_DONTWAIT) as i64 })
}

#[test]
fn poll_tells() {
    everywhere("poll_tells", || {
        let fds = pair();
        let (input, output) = (i64::from(libc::POLLIN), i64::from(libc::POLLOUT));
        assert_eq!(io::poll(fds[0], libc::POLLIN | libc::POLLOUT, FOREVER), Ok(output));
        assert_eq!(io::poll(fds[0], libc::POLLIN, NOW), Err(Errno::EAGAIN));
        assert_eq!(io::poll(fds[0], libc::POLLIN, 3 * NS_PER_MS), Err(Errno::ETIMEDOUT));
        let poller = go_on(2, move || io::poll(fds[0], libc::POLLIN, FOREVER));
        settle();
        assert_eq!(send(fds[1], b"x", FOREVER), Ok(1));
        assert_eq!(poller.join(), Ok(input));
        let mut b = [0; 4];
        assert_eq!(recv(fds[0], &mut b, FOREVER), Ok(1));
        let poller = go_on(2, move || io::poll(fds[0], 0, FOREVER));
        settle();
        assert_eq!(io::close(fds[1]), Ok(0));
        assert_eq!(poller.join(), Ok(i64::from(libc::POLLHUP)));
        assert_eq!(io::poll(fds[0], 0x4000, FOREVER), Err(Errno::EINVAL));
        assert_eq!(io::close(fds[0]), Ok(0));
    });
}

#[test]
fn several_readers_of_one_pipe() {
    everywhere("several_readers_of_one_pipe", || {
        let p = pipe();
        let readers: Vec<_> = (0..8)
            .map(|i| {
                go_on(1 + i % 2, move || {
                    let (mut sum, mut b) = (0, [0; 1]);
                    while read(p[0], &mut b, FOREVER).unwrap() == 1 {
                        sum += u64::from(b[0]);
                    }
                    sum
                })
            })
            .collect();
        settle();
        let mut expected = 0;
        for i in 0..2000u64 {
            expected += i % 251;
            assert_eq!(write(p[1], &[(i % 251) as u8], FOREVER), Ok(1));
            if i % 50 == 0 {
                crate::sched::yield_now();
            }
        }
        assert_eq!(io::close(p[1]), Ok(0));
        assert_eq!(readers.into_iter().map(Co::join).sum::<u64>(), expected);
        assert_eq!(io::close(p[0]), Ok(0));
    });
}

#[test]
fn on_plain_threads() {
    let fds = pair();
    let mut b = [0; 8];
    let began = std::time::Instant::now();
    assert_eq!(recv(fds[0], &mut b, 5 * NS_PER_MS), Err(Errno::ETIMEDOUT));
    assert!(began.elapsed() >= Duration::from_millis(5));
    assert_eq!(recv(fds[0], &mut b, NOW), Err(Errno::EAGAIN));
    let t = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(5));
        send(fds[1], b"abc", FOREVER)
    });
    assert_eq!(recv(fds[0], &mut b, FOREVER), Ok(3));
    assert_eq!(t.join().unwrap(), Ok(3));
    assert_eq!(io::poll(fds[0], libc::POLLOUT, FOREVER), Ok(i64::from(libc::POLLOUT)));
    let fd = io::open(c"/dev/null".as_ptr(), libc::O_RDWR, 0, FOREVER).unwrap() as c_int;
    assert_eq!(write(fd, b"abc", FOREVER), Ok(3));
    assert_eq!(read(fd, &mut b, FOREVER), Ok(0));
    assert_eq!(io::fsync(fd, FOREVER), Err(Errno::EINVAL));
    assert_eq!(io::close(fd), Ok(0));
    close_both(fds);
}
