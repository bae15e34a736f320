//! Close: it ends the calls under way, wherever they are, and a number's next life never sees them.
#![allow(unsafe_code)]

use super::*;
use crate::io::table;
use std::ptr::null_mut;

#[test]
fn calls_under_way_end() {
    everywhere("calls_under_way_end", || {
        for vcpu in [1, 2] {
            for nonblocking in [0, libc::O_NONBLOCK] {
                let (fds, p) = (pair(), pipe());
                let l = io::tcp_listen(None, 0, 0).unwrap();
                sys::set_flags(l, sys::flags(l).unwrap() & !libc::O_NONBLOCK | nonblocking)
                    .unwrap();
                sys::set_flags(p[0], sys::flags(p[0]).unwrap() | nonblocking).unwrap();
                let calls = [
                    go_on(vcpu, move || recv(fds[0], &mut [0; 8], FOREVER)),
                    go_on(vcpu, move || recv(fds[0], &mut [0; 8], 10_000 * NS_PER_MS)),
                    go_on(vcpu, move || io::poll(fds[0], libc::POLLIN, FOREVER)),
                    go_on(vcpu, move || read(p[0], &mut [0; 8], FOREVER)),
                    go_on(vcpu, move || io::accept(l, null_mut(), null_mut(), 0, FOREVER)),
                ];
                calls.iter().for_each(Co::settle);
                assert_eq!([fds[0], p[0], l].map(io::close), [Ok(0); 3]);
                for (i, co) in calls.into_iter().enumerate() {
                    assert_eq!(co.join(), Err(Errno::EBADF), "call {i}, vCPU {vcpu}");
                }
                assert_eq!([fds[1], p[1]].map(io::close), [Ok(0); 2]);
            }
        }
    });
}

#[test]
fn twice() {
    everywhere("twice", || {
        let fds = pair();
        assert_eq!(io::close(fds[0]), Ok(0));
        assert_eq!(io::close(fds[0]), Err(Errno::EBADF));
        assert_eq!(recv(fds[0], &mut [0; 1], NOW), Err(Errno::EBADF));
        assert_eq!(io::close(fds[1]), Ok(0));
        assert_eq!(io::close(-1), Err(Errno::EBADF));
    });
}

/// A receive that began before the close never gets, nor spoils, what belongs to the number's next
/// life.
#[test]
fn a_number_s_next_life() {
    everywhere("a_number_s_next_life", || {
        for round in 0..300 {
            let fds = pair();
            let reader = go_on(1 + round % 2, move || {
                let mut b = [0xee; 8];
                (recv(fds[0], &mut b, FOREVER), b)
            });
            reader.settle();
            assert_eq!(send(fds[1], &[1; 3], FOREVER), Ok(3));
            if round % 3 == 0 {
                crate::sched::yield_now();
            }
            assert_eq!(io::close(fds[0]), Ok(0));
            let next = pair();
            assert_eq!(next[0], fds[0], "the lowest free number");
            assert_eq!(send(next[1], &[2; 5], FOREVER), Ok(5));
            let (r, b) = reader.join();
            match r {
                Ok(n) => assert_eq!((n, b[..4] == [1, 1, 1, 0xee]), (3, true)),
                Err(e) => assert_eq!((e, b), (Errno::EBADF, [0xee; 8])),
            }
            let mut b = [0; 8];
            assert_eq!(recv(next[0], &mut b, FOREVER), Ok(5));
            assert_eq!(b[..5], [2; 5]);
            close_both(next);
            assert_eq!(io::close(fds[1]), Ok(0));
        }
    });
}

#[test]
fn from_a_plain_thread() {
    everywhere("from_a_plain_thread", || {
        let fds = pair();
        let calls: Vec<_> = [1, 2]
            .into_iter()
            .map(|v| go_on(v, move || recv(fds[0], &mut [0; 8], FOREVER)))
            .collect();
        calls.iter().for_each(Co::settle);
        let t = std::thread::spawn(move || io::close(fds[0]));
        for co in calls {
            assert_eq!(co.join(), Err(Errno::EBADF));
        }
        assert_eq!(t.join().unwrap(), Ok(0));
        assert_eq!(io::close(fds[1]), Ok(0));
    });
}

/// A plain thread's wait ends as well, whoever closes.
#[test]
fn under_a_plain_thread() {
    everywhere("under_a_plain_thread", || {
        let (fds, p) = (pair(), pipe());
        let threads = [
            std::thread::spawn(move || recv(fds[0], &mut [0; 8], FOREVER)),
            std::thread::spawn(move || io::poll(fds[0], libc::POLLIN, FOREVER)),
            std::thread::spawn(move || read(p[0], &mut [0; 8], 60_000 * NS_PER_MS)),
        ];
        wait::sleep(10 * NS_PER_MS).unwrap();
        assert_eq!(io::close(fds[0]), Ok(0));
        let closer = std::thread::spawn(move || io::close(p[0]));
        for t in threads {
            while !t.is_finished() {
                settle();
            }
            assert_eq!(t.join().unwrap(), Err(Errno::EBADF));
        }
        while !closer.is_finished() {
            settle();
        }
        assert_eq!(closer.join().unwrap(), Ok(0));
        assert_eq!([fds[1], p[1]].map(io::close), [Ok(0); 2]);
    });
}

/// Closed and opened again by plain system calls: whatever the engine has noted about the number is
/// wrong.
#[test]
fn a_foreign_close() {
    everywhere("a_foreign_close", || {
        for round in 0..4 {
            let fds = tcp_pair();
            let peer = go(move || {
                settle();
                send(fds[1], b"abc", FOREVER)
            });
            assert_eq!(recv(fds[0], &mut [0; 8], FOREVER), Ok(3));
            assert_eq!(peer.join(), Ok(3));
            let next = tcp_pair();
            // SAFETY: descriptors of this test.
            unsafe {
                // The number's file is replaced; to the engine it looks as before, drained and
                // registered.
                assert_eq!(libc::dup2(next[0], fds[0]), fds[0]);
                libc::close(next[0]);
            }
            if round % 2 == 0 {
                assert_eq!(send(next[1], b"early", FOREVER), Ok(5));
                assert_eq!(recv(fds[0], &mut [0; 8], FOREVER), Ok(5));
            }
            let late = go(move || {
                wait::sleep(30 * NS_PER_MS).unwrap();
                send(next[1], b"late", FOREVER)
            });
            assert_eq!(recv(fds[0], &mut [0; 8], FOREVER), Ok(4));
            assert_eq!(late.join(), Ok(4));
            assert_eq!([fds[0], fds[1], next[1]].map(io::close), [Ok(0); 3]);
        }
    });
}

#[test]
fn a_lingering_socket_blocks_its_closer_only() {
    everywhere("a_lingering_socket_blocks_its_closer_only", || {
        let fds = tcp_pair();
        let l = libc::linger { l_onoff: 1, l_linger: 1 };
        // SAFETY: the option's struct.
        let r = unsafe {
            let len = size_of_val(&l) as libc::socklen_t;
            libc::setsockopt(fds[0], libc::SOL_SOCKET, libc::SO_LINGER, (&raw const l).cast(), len)
        };
        assert_eq!(r, 0);
        assert!(sys::lingers(fds[0]) && !sys::lingers(fds[1]));
        // More than the peer takes: the close lingers for a second.
        while send(fds[0], &[0; 65536], NOW).is_ok() {}
        let closer = go_on(1, move || io::close(fds[0]));
        let began = crate::time::now();
        settle();
        assert!(crate::time::now() - began < 500 * NS_PER_MS, "the vCPU was blocked");
        assert_eq!(closer.join(), Ok(0));
        assert_eq!(io::close(fds[1]), Ok(0));
    });
}

#[test]
fn bits_of_vcpus_that_are_gone() {
    let _one = alone();
    for engine in engines() {
        static FDS: Mutex<[c_int; 2]> = Mutex::new([-1; 2]);
        run_on(engine, 4, 0, "bits_of_vcpus_that_are_gone", || {
            let fds = pair();
            *FDS.lock().unwrap() = fds;
            let all: Vec<_> =
                (1..=4).map(|v| go_on(v, move || recv(fds[0], &mut [0; 1], NOW))).collect();
            assert!(all.into_iter().all(|co| co.join() == Err(Errno::EAGAIN)));
        });
        run_on(engine, 1, 0, "bits_of_vcpus_that_are_gone", || {
            let fds = *FDS.lock().unwrap();
            assert_ne!(table::entry(fds[0]).unwrap().generation(), u32::MAX);
            close_both(fds);
        });
    }
}
