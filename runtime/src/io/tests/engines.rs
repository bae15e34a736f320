//! What a vCPU asks of an engine, without a runtime around it; the poller that is not Linux's own;
//! the pool's limits.
#![allow(unsafe_code)]

use super::*;
use crate::io::engine::ready::poller::PORTABLE;
use crate::io::{EngineKind, driver};
use std::time::Instant;

fn kinds() -> Vec<EngineKind> {
    let kind = |&e: &u32| match e {
        1 => EngineKind::Uring,
        2 => EngineKind::Ready,
        _ => EngineKind::Offload,
    };
    engines().iter().map(kind).collect()
}

fn on_each_driver(test: impl Fn(&mut dyn crate::sched::Driver, &str)) {
    let _one = alone();
    for kind in kinds() {
        for external in [false, true] {
            let mut d = driver(kind, external).unwrap();
            test(&mut *d, &format!("{kind:?}, external {external}"));
        }
    }
    PORTABLE.store(true, Ordering::Relaxed);
    let mut d = driver(EngineKind::Ready, false).unwrap();
    PORTABLE.store(false, Ordering::Relaxed);
    test(&mut *d, "the portable poller");
}

#[test]
fn waits_are_finer_than_a_millisecond() {
    on_each_driver(|d, which| {
        let t = Duration::from_micros(200);
        let lasted = |d: &mut dyn crate::sched::Driver| {
            let began = Instant::now();
            d.wait(Some(t));
            began.elapsed()
        };
        // The kernel may interrupt a wait for its own purposes (taking down the ring of the test
        // before, say).
        let full: Vec<_> = (0..50).map(|_| lasted(d)).filter(|&took| took >= t).collect();
        assert!(full.len() > 40, "{which}: only {} of 50 lasted", full.len());
        let best = full.iter().min().unwrap();
        assert!(*best < Duration::from_millis(1), "{which}: {best:?}");
        d.wait(Some(Duration::ZERO));
        assert_eq!(d.io_in_flight(), 0);
    });
}

#[test]
fn a_wake_ends_the_wait_before_or_after() {
    on_each_driver(|d, which| {
        let w = d.waker();
        w.wake();
        d.wait(None);
        for _ in 0..20 {
            let w = d.waker();
            let t = std::thread::spawn(move || w.wake());
            d.wait(None);
            t.join().unwrap();
        }
        let mut lasts = || {
            let began = Instant::now();
            d.wait(Some(Duration::from_millis(2)));
            began.elapsed() >= Duration::from_millis(2)
        };
        // Three: as above.
        assert!((0..3).any(|_| lasts()), "{which}: wakes were left over");
    });
}

#[test]
fn its_descriptor_tells_of_a_wake() {
    on_each_driver(|d, which| {
        d.poll();
        let asleep =
            |d: &dyn crate::sched::Driver| sys::poll(d.fd(), libc::POLLIN, Some(0)) == Ok(0);
        assert!(asleep(d), "{which}");
        let w = d.waker();
        let t = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(2));
            w.wake();
        });
        assert_eq!(
            sys::poll(d.fd(), libc::POLLIN, Some(10_000 * NS_PER_MS)),
            Ok(libc::POLLIN),
            "{which}"
        );
        t.join().unwrap();
        d.wait(None);
        d.poll();
        assert!(asleep(d), "{which}");
    });
}

/// The streams' tests once more, on the `polling` crate.
#[test]
fn the_portable_poller() {
    let _one = alone();
    PORTABLE.store(true, Ordering::Relaxed);
    for vcpus in [1, 2] {
        run_on(2, vcpus, 0, "the_portable_poller", || {
            for fds in [pair(), tcp_pair(), pipe()] {
                let echo = go_on(2, move || {
                    let (mut b, mut n) = ([0; 64], 0);
                    while let Ok(got @ 1..) = read(fds[0], &mut b, FOREVER) {
                        n += got;
                    }
                    n
                });
                for i in 0..200 {
                    assert_eq!(write(fds[1], &[0; 100], FOREVER), Ok(100));
                    if i % 20 == 0 {
                        settle();
                    }
                }
                settle();
                assert_eq!(io::close(fds[1]), Ok(0));
                assert_eq!(echo.join(), 20_000);
                assert_eq!(read(fds[0], &mut [0; 1], FOREVER), Ok(0));
                assert_eq!(io::close(fds[0]), Ok(0));
            }
        });
    }
    PORTABLE.store(false, Ordering::Relaxed);
}

/// More jobs than threads: they wait their turn, can be withdrawn meanwhile, and all are done in
/// the end.
#[test]
fn the_pool_has_a_limit() {
    let _one = alone();
    run_on(2, 2, 0, "the_pool_has_a_limit", || {
        crate::blocking::set_max(2);
        let path = std::env::temp_dir().join(format!("photonrt-io-{}-pool", std::process::id()));
        let path = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
        // SAFETY: a path.
        assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
        // Two opens that block hold both threads.
        let open = |flags, timeout| {
            let p = path.clone();
            go(move || io::open(p.as_ptr(), flags, 0, timeout))
        };
        let stuck = [open(libc::O_RDONLY, FOREVER), open(libc::O_RDONLY, FOREVER)];
        settle();
        let late = open(libc::O_RDONLY, 5 * NS_PER_MS);
        assert_eq!(late.join(), Err(Errno::ETIMEDOUT), "withdrawn from the queue");
        let file = io::open(c"/dev/null".as_ptr(), libc::O_RDWR, 0, NOW);
        assert_eq!(file, Err(Errno::EAGAIN), "a device is not opened without a thread");
        let queued = open(libc::O_RDONLY | libc::O_NONBLOCK, FOREVER);
        settle();
        // SAFETY: a path.
        let writer = unsafe { libc::open(path.as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) };
        assert!(writer >= 0);
        for co in stuck.into_iter().chain([queued]) {
            assert_eq!(io::close(co.join().unwrap() as c_int), Ok(0));
        }
        assert_eq!(io::close(writer), Ok(0));
        // SAFETY: a path.
        assert_eq!(unsafe { libc::unlink(path.as_ptr()) }, 0);
    });
}

/// A coroutine whose calls always complete at once gives way now and then.
#[test]
fn a_fast_peer_starves_nobody() {
    everywhere("a_fast_peer_starves_nobody", || {
        let fds = pair();
        let (stop, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (stop2, seen2) = (stop.clone(), seen.clone());
        let fast = go_on(1, move || {
            let mut b = [0; 8];
            while !stop.load(Ordering::Relaxed) {
                assert_eq!(send(fds[0], b"x", FOREVER), Ok(1));
                assert_eq!(recv(fds[1], &mut b, FOREVER), Ok(1));
            }
        });
        let other = go_on(1, move || {
            seen2.store(true, Ordering::Relaxed);
            stop2.store(true, Ordering::Relaxed);
        });
        fast.join();
        other.join();
        assert!(seen.load(Ordering::Relaxed));
        close_both(fds);
    });
}

/// More operations in flight than the completion queue holds.
#[test]
fn more_completions_than_fit() {
    everywhere("more_completions_than_fit", || {
        let fds = pair();
        let all: Vec<_> =
            (0..6000).map(|_| go_on(1, move || io::poll(fds[0], libc::POLLIN, FOREVER))).collect();
        wait::sleep(50 * NS_PER_MS).unwrap();
        assert_eq!(send(fds[1], b"x", FOREVER), Ok(1));
        for co in all {
            assert_eq!(co.join(), Ok(i64::from(libc::POLLIN)));
        }
        close_both(fds);
    });
}

/// Migratable coroutines: one that was woken for something else may go on elsewhere while its
/// operation is still where it began.
#[test]
fn calls_of_coroutines_that_move() {
    let _one = alone();
    for engine in engines() {
        run_on(
            engine,
            2,
            crate::rt::config_flags::MIGRATE_ALL,
            "calls_of_coroutines_that_move",
            || {
                let fds: Vec<_> = (0..16).map(|_| tcp_pair()).collect();
                let all: Vec<_> = fds
                    .iter()
                    .map(|&[a, b]| {
                        let reader = go(move || {
                            let (mut n, mut stopped, mut buf) = (0, 0, [0; 32]);
                            loop {
                                match recv(a, &mut buf, 50_000) {
                                    Ok(0) => break (n, stopped),
                                    Ok(got) => n += got,
                                    Err(Errno::ETIMEDOUT | Errno::EINTR) => stopped += 1,
                                    Err(e) => panic!("{e:?}"),
                                }
                            }
                        });
                        let id = reader.id();
                        let writer = go(move || {
                            for i in 0..300 {
                                assert_eq!(send(b, &[1; 10], FOREVER), Ok(10));
                                crate::rt::interrupt(id, libc::EINTR).unwrap();
                                let _ = crate::rt::migrate(id, 0, 1 + i % 2);
                                if i % 4 == 0 {
                                    wait::sleep(30_000).unwrap();
                                }
                            }
                            assert_eq!(io::shutdown(b, libc::SHUT_WR), Ok(0));
                        });
                        (reader, writer)
                    })
                    .collect();
                for (reader, writer) in all {
                    writer.join();
                    assert_eq!(reader.join().0, 3000);
                }
                fds.into_iter().for_each(close_both);
            },
        );
    }
}
