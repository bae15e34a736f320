//! Calls that end early: timeouts, cancels, interrupts; and that they lose nothing and leave the
//! buffer alone.
#![allow(unsafe_code)]

use super::*;
use crate::rt::{cancel, cancel_clear, interrupt, shield};
use crate::time;
use std::ptr::null_mut;

/// A call with a timeout.
type Call = Box<dyn Fn(i64) -> R + Send>;

/// Every call that waits, on descriptors where it does.
fn waits(fds: [c_int; 2], p: [c_int; 2], listener: c_int) -> Vec<(&'static str, Call)> {
    let (s, p) = (fds[0], p[0]);
    vec![
        ("recv", Box::new(move |t| recv(s, &mut [0; 8], t))),
        ("read", Box::new(move |t| read(s, &mut [0; 8], t))),
        ("read of a pipe", Box::new(move |t| read(p, &mut [0; 8], t))),
        ("poll", Box::new(move |t| io::poll(s, libc::POLLIN, t))),
        ("accept", Box::new(move |t| io::accept(listener, null_mut(), null_mut(), 0, t))),
        ("send", Box::new(move |t| loop_until_full(|t| send(s, &[0; 4096], t), t))),
        ("write", Box::new(move |t| loop_until_full(|t| write(s, &[0; 4096], t), t))),
    ]
}

fn loop_until_full(call: impl Fn(i64) -> R, t: i64) -> R {
    loop {
        call(t)?;
    }
}

fn on_each(test: impl Fn(&'static str, Call)) {
    for nonblocking in [false, true] {
        let (fds, p) = (pair(), pipe());
        let l = io::tcp_listen(Some(b"127.0.0.1"), 0, 0).unwrap();
        for fd in fds.into_iter().chain(p).chain([l]) {
            let flags = sys::flags(fd).unwrap() & !libc::O_NONBLOCK;
            sys::set_flags(fd, flags | if nonblocking { libc::O_NONBLOCK } else { 0 }).unwrap();
        }
        for (name, call) in waits(fds, p, l) {
            test(name, call);
        }
        close_both(fds);
        close_both(p);
        assert_eq!(io::close(l), Ok(0));
    }
}

#[test]
fn timeouts() {
    everywhere("timeouts", || {
        on_each(|name, call| {
            let began = time::now();
            assert_eq!(call(3 * NS_PER_MS), Err(Errno::ETIMEDOUT), "{name}");
            assert!(time::now() - began >= 3 * NS_PER_MS, "{name} ended early");
            assert_eq!(call(NOW), Err(Errno::EAGAIN), "{name}");
            assert_eq!(call(-2), Err(Errno::EINVAL), "{name}");
        });
    });
}

#[test]
fn cancels_and_interrupts() {
    everywhere("cancels_and_interrupts", || {
        on_each(|name, call| {
            let stage = Arc::new(AtomicBool::new(false));
            let interrupted = stage.clone();
            let co = go_on(2, move || {
                let first = call(FOREVER);
                stage.store(true, Ordering::Relaxed);
                let second = call(FOREVER);
                let third = call(1000 * NS_PER_MS);
                let cleared = cancel_clear();
                (first, second, third, cleared, call(NOW))
            });
            co.settle();
            interrupt(co.id(), libc::EINTR).unwrap();
            while !interrupted.load(Ordering::Relaxed) {
                settle();
            }
            co.settle();
            cancel(co.id()).unwrap();
            let r = co.join();
            let cancelled = Err(Errno::ECANCELED);
            assert_eq!(
                r,
                (Err(Errno::EINTR), cancelled, cancelled, Ok(true), Err(Errno::EAGAIN)),
                "{name}"
            );
        });
    });
}

#[test]
fn a_shield_holds_them_off() {
    everywhere("a_shield_holds_them_off", || {
        let fds = pair();
        let co = go_on(2, move || {
            shield(true).unwrap();
            let first = recv(fds[0], &mut [0; 4], FOREVER);
            shield(false).unwrap();
            (first, recv(fds[0], &mut [0; 4], FOREVER))
        });
        co.settle();
        cancel(co.id()).unwrap();
        settle();
        assert_eq!(send(fds[1], b"abc", FOREVER), Ok(3));
        assert_eq!(co.join(), (Ok(3), Err(Errno::ECANCELED)));
        close_both(fds);
    });
}

#[test]
fn a_cancel_that_was_there_before() {
    everywhere("a_cancel_that_was_there_before", || {
        let fds = pair();
        assert_eq!(send(fds[1], b"abc", FOREVER), Ok(3));
        cancel(crate::rt::current()).unwrap();
        assert_eq!(recv(fds[0], &mut [0; 4], FOREVER), Err(Errno::ECANCELED), "sticky");
        assert_eq!(recv(fds[0], &mut [0; 4], NOW), Err(Errno::ECANCELED));
        assert_eq!(cancel_clear(), Ok(true));
        assert_eq!(recv(fds[0], &mut [0; 4], FOREVER), Ok(3), "nothing was lost");
        close_both(fds);
    });
}

/// After a call has been stopped, its buffer is the caller's: what arrives later goes to the next
/// reader.
#[test]
fn the_buffer_is_given_back() {
    everywhere("the_buffer_is_given_back", || {
        for fds in [pair(), tcp_pair(), pipe()] {
            let is_pipe = sys::socket_option(fds[0], libc::SOL_SOCKET, libc::SO_TYPE).is_err();
            for i in 0..20 {
                let mut poisoned = [0xee; 64];
                let r = match (is_pipe, i % 2) {
                    (false, 0) => recv(fds[0], &mut poisoned, 1000),
                    _ => read(fds[0], &mut poisoned, 1000),
                };
                assert_eq!(r, Err(Errno::ETIMEDOUT));
                assert_eq!(write(fds[1], &[i; 32], FOREVER), Ok(32));
                settle();
                assert_eq!(poisoned, [0xee; 64]);
                let mut b = [0; 64];
                assert_eq!(read(fds[0], &mut b, FOREVER), Ok(32));
                assert_eq!(b[..32], [i; 32]);
            }
            close_both(fds);
        }
    });
}

/// Timeouts that race with the data: each byte comes out once.
#[test]
fn a_timeout_loses_no_data() {
    everywhere("a_timeout_loses_no_data", || {
        for fds in [pair(), tcp_pair()] {
            const N: usize = 3000;
            let writer = go_on(2, move || {
                for i in 0..N {
                    assert_eq!(send(fds[1], &[i as u8], FOREVER), Ok(1));
                    if i % 3 == 0 {
                        wait::sleep((i as i64 * 7919) % 60_000).unwrap();
                    }
                }
            });
            let (mut got, mut timeouts) = (0, 0);
            while got < N {
                let mut b = [0xee; 4];
                match recv(fds[0], &mut b, 1 + (got as i64 * 104_729) % 40_000) {
                    Ok(n) => {
                        for &c in &b[..n as usize] {
                            assert_eq!(c, got as u8);
                            got += 1;
                        }
                    }
                    Err(e) => {
                        assert_eq!((e, b), (Errno::ETIMEDOUT, [0xee; 4]));
                        timeouts += 1;
                    }
                }
            }
            assert!(timeouts > 0, "the race was not run");
            writer.join();
            close_both(fds);
        }
    });
}

/// The same for interrupts from the other side: one that comes too late stays pending for the next
/// call.
#[test]
fn an_interrupt_loses_no_data() {
    everywhere("an_interrupt_loses_no_data", || {
        let fds = tcp_pair();
        const N: usize = 3000;
        let reader = go_on(1, move || {
            let (mut got, mut interrupts) = (0, 0);
            while got < N {
                let mut b = [0; 4];
                match recv(fds[0], &mut b, FOREVER) {
                    Ok(n) => {
                        for &c in &b[..n as usize] {
                            assert_eq!(c, got as u8);
                            got += 1;
                        }
                    }
                    Err(e) => {
                        assert_eq!(e, Errno::EINTR);
                        interrupts += 1;
                    }
                }
            }
            interrupts
        });
        let id = reader.id();
        let disturber = go_on(2, move || {
            let mut n = 0;
            while interrupt(id, libc::EINTR).is_ok() {
                n += 1;
                wait::sleep(5000).unwrap();
            }
            n
        });
        for i in 0..N {
            assert_eq!(send(fds[1], &[i as u8], FOREVER), Ok(1));
            if i % 8 == 0 {
                crate::sched::yield_now();
            }
        }
        let delivered = reader.join();
        assert!(delivered <= disturber.join());
        close_both(fds);
    });
}

#[test]
fn an_open_that_waits_can_be_stopped() {
    everywhere("an_open_that_waits_can_be_stopped", || {
        // On `ready` an open that a thread has begun goes on until it is done: only the ring can
        // call it off.
        let path = std::env::temp_dir().join(format!("photonrt-io-{}-stop", std::process::id()));
        let path = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
        // SAFETY: a path.
        assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
        let p = path.clone();
        let co = go(move || io::open(p.as_ptr(), libc::O_RDONLY, 0, 5 * NS_PER_MS));
        wait::sleep(20 * NS_PER_MS).unwrap();
        let helper = io::open(path.as_ptr(), libc::O_RDWR, 0, FOREVER).unwrap() as c_int;
        match co.join() {
            Ok(fd) => {
                assert_eq!(io::close(fd as c_int), Ok(0), "it had begun, so its result stands")
            }
            Err(e) => assert_eq!(e, Errno::ETIMEDOUT),
        }
        assert_eq!(io::close(helper), Ok(0));
        // SAFETY: a path.
        assert_eq!(unsafe { libc::unlink(path.as_ptr()) }, 0);
    });
}
