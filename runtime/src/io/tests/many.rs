//! Waits for several descriptors: more than a ring takes at once, and coroutines that move while
//! they wait.

use super::*;
use libc::pollfd;

fn want(fd: c_int) -> pollfd {
    pollfd { fd, events: libc::POLLIN, revents: 0 }
}

fn poll_many(fds: &mut [pollfd], timeout: i64) -> R {
    io::poll_many(fds.as_mut_ptr(), fds.len() as u32, timeout)
}

#[test]
fn more_than_the_submission_queue_holds() {
    everywhere("more_than_the_submission_queue_holds", || {
        let [read, write] = pipe();
        let other = pipe();
        // Descriptors may be few: the same ones many times.
        let mut all: Vec<_> =
            (0..700).map(|i| want(if i == 650 { other[0] } else { read })).collect();
        assert_eq!(poll_many(&mut all, 2 * NS_PER_MS), Err(Errno::ETIMEDOUT));
        let later = go_on(2, move || {
            settle();
            self::write(other[1], b"x", FOREVER)
        });
        assert_eq!(poll_many(&mut all, FOREVER), Ok(1));
        assert!(all.iter().enumerate().all(|(i, p)| (p.revents != 0) == (i == 650)));
        assert_eq!(later.join(), Ok(1));
        let later = go_on(2, move || {
            settle();
            self::write(write, b"x", FOREVER)
        });
        all[650] = want(read);
        assert_eq!(poll_many(&mut all, FOREVER), Ok(700));
        assert_eq!(later.join(), Ok(1));
        close_both([read, write]);
        close_both(other);
    });
}

/// An array of no entries may be anywhere.
#[test]
fn an_array_of_nothing() {
    everywhere("an_array_of_nothing", || {
        for at in [std::ptr::null_mut(), std::ptr::without_provenance_mut(usize::MAX)] {
            assert_eq!(io::poll_many(at, 0, 0), Err(Errno::EAGAIN));
            assert_eq!(io::poll_many(at, 0, NS_PER_MS), Err(Errno::ETIMEDOUT));
        }
    });
}

/// What ends a wait may find its coroutine on another vCPU than its records.
#[test]
fn waits_of_coroutines_that_move() {
    let _one = alone();
    for engine in engines() {
        let flags = crate::rt::config_flags::MIGRATE_ALL;
        run_on(engine, 2, flags, "waits_of_coroutines_that_move", || {
            let pipes: Vec<_> = (0..8).map(|_| pipe()).collect();
            let reads: Vec<c_int> = pipes.iter().map(|p| p[0]).collect();
            let waiter = go(move || {
                let (mut got, mut buf) = (0, [0; 8]);
                while got < 400 {
                    let mut all: Vec<_> = reads.iter().map(|&fd| want(fd)).collect();
                    match poll_many(&mut all, 50_000) {
                        Ok(n) => {
                            let ready: Vec<_> = all.iter().filter(|p| p.revents != 0).collect();
                            assert_eq!(ready.len() as i64, n);
                            for p in ready {
                                assert_eq!(p.revents, libc::POLLIN);
                                match read(p.fd, &mut buf, NOW) {
                                    Ok(n) => got += n,
                                    // An interrupt that came too late for the wait.
                                    Err(Errno::EINTR) => {}
                                    Err(e) => panic!("{e:?}"),
                                }
                            }
                        }
                        Err(Errno::ETIMEDOUT | Errno::EINTR) => {}
                        Err(e) => panic!("{e:?}"),
                    }
                }
            });
            for i in 0..400 {
                assert_eq!(write(pipes[i * 5 % 8][1], b"x", FOREVER), Ok(1));
                let _ = crate::rt::interrupt(waiter.id(), libc::EINTR);
                let _ = crate::rt::migrate(waiter.id(), 0, 1 + i as u32 % 2);
                if i % 4 == 0 {
                    wait::sleep(30_000).unwrap();
                }
            }
            waiter.join();
            pipes.into_iter().for_each(close_both);
        });
    }
}
