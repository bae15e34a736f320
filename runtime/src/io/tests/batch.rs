//! Batches: what C cannot see. Coroutines that move while their records are elsewhere, and units of
//! files that wait for a thread of the pool.
#![allow(unsafe_code)]

use super::*;
use crate::io::Operation;
use std::ffi::CString;

/// Carries out a batch; the results, and what it gave itself.
fn batch(operations: Vec<Operation>, any: bool, timeout: i64) -> (Vec<R>, R) {
    let mut results = vec![None; operations.len()];
    let r = io::batch(operations.into_iter(), any, timeout, |i, r| {
        assert_eq!(results[i].replace(r), None, "told twice");
    });
    (results.into_iter().map(|r| r.expect("each is told")).collect(), r)
}

fn read_all(fds: &[c_int], bufs: &mut [[u8; 32]], any: bool, timeout: i64) -> (Vec<R>, R) {
    let op = |(i, b): (usize, &mut [u8; 32])| match i % 3 {
        0 => Operation::recv(fds[i], b.as_mut_ptr(), b.len(), 0),
        1 => Operation::read(fds[i], b.as_mut_ptr(), b.len(), None),
        _ => Operation::poll(fds[i], libc::POLLIN),
    };
    batch(bufs.iter_mut().enumerate().map(op).collect(), any, timeout)
}

/// Woken for something else, moved, and called off where they began: no byte is lost or comes twice.
#[test]
fn batches_of_coroutines_that_move() {
    const N: usize = 6;
    let _one = alone();
    for engine in engines() {
        let flags = crate::rt::config_flags::MIGRATE_ALL;
        run_on(engine, 2, flags, "batches_of_coroutines_that_move", || {
            let pairs: Vec<_> = (0..4 * N).map(|_| tcp_pair()).collect();
            let all: Vec<_> = pairs
                .chunks(N)
                .map(|own| {
                    let fds: Vec<_> = own.iter().map(|p| p[0]).collect();
                    let peers: Vec<_> = own.iter().map(|p| p[1]).collect();
                    let reader = go(move || reads_until_the_ends(&fds));
                    let id = reader.id();
                    let writer = go(move || {
                        for i in 0..120 {
                            assert_eq!(send(peers[i % N], &[1; 10], FOREVER), Ok(10));
                            crate::rt::interrupt(id, libc::EINTR).unwrap();
                            let _ = crate::rt::migrate(id, 0, 1 + i as u32 % 2);
                            if i % 4 == 0 {
                                wait::sleep(30_000).unwrap();
                            }
                        }
                        peers.iter().for_each(|&p| {
                            assert_eq!(io::shutdown(p, libc::SHUT_WR), Ok(0));
                        });
                    });
                    (reader, writer)
                })
                .collect();
            for (reader, writer) in all {
                writer.join();
                assert_eq!(reader.join(), 1200);
            }
            pairs.into_iter().for_each(close_both);
        });
    }
}

/// Batches on all, again and again; the bytes that came until each has ended.
fn reads_until_the_ends(fds: &[c_int]) -> i64 {
    let (mut sum, mut ended, mut round) = (0, vec![false; fds.len()], 0);
    while ended.iter().any(|e| !e) {
        let mut bufs = vec![[0; 32]; fds.len()];
        round += 1;
        let (results, r) = read_all(fds, &mut bufs, round % 2 == 0, 50_000);
        let done = results.iter().filter(|r| r.is_ok()).count() as i64;
        match r {
            Ok(n) => assert_eq!(n, done),
            Err(e) => assert_eq!((matches!(e, Errno::ETIMEDOUT | Errno::EINTR), done), (true, 0)),
        }
        for (i, r) in results.into_iter().enumerate() {
            match r {
                // A poll took nothing: see what there is.
                Ok(_) if i % 3 == 2 => match recv(fds[i], &mut bufs[i], NOW) {
                    Ok(0) => ended[i] = true,
                    Ok(n) => sum += n,
                    Err(e) => assert!(matches!(e, Errno::EAGAIN | Errno::EINTR), "{e:?}"),
                },
                Ok(0) => ended[i] = true,
                Ok(n) => sum += n,
                Err(e) => assert!(matches!(e, Errno::ETIMEDOUT | Errno::ECANCELED), "{e:?}"),
            }
        }
    }
    sum
}

fn temp(name: &str) -> c_int {
    let path = std::env::temp_dir().join(format!("photonrt-batch-{}-{name}", std::process::id()));
    let path = CString::new(path.to_str().unwrap()).unwrap();
    let flags = libc::O_RDWR | libc::O_CREAT | libc::O_TRUNC;
    let fd = io::open(path.as_ptr(), flags, 0o600, FOREVER).unwrap() as c_int;
    // SAFETY: a path.
    assert_eq!(unsafe { libc::unlink(path.as_ptr()) }, 0);
    fd
}

/// Writes the same byte to each, linked.
fn chain(fds: &[c_int], byte: &'static [u8; 1]) -> Vec<Operation> {
    let write = |fd: &c_int| Operation::write(*fd, byte.as_ptr(), 1, Some(0)).linked(true);
    fds.iter().map(write).collect()
}

/// `ready`, the only thread of the pool busy: a unit is still in the queue.
#[test]
fn units_that_no_thread_has_begun() {
    let _one = alone();
    run_on(2, 1, 0, "units_that_no_thread_has_begun", || {
        crate::blocking::set_max(1);
        let dir = std::env::temp_dir().join(format!("photonrt-fifo-{}", std::process::id()));
        let fifo = CString::new(dir.to_str().unwrap()).unwrap();
        // A pipe has no positions, which is found out when its turn comes. To close it takes no thread.
        let p = pipe();
        let files = [temp("a"), p[0], temp("c")];
        let path = fifo.clone();
        // SAFETY: a path.
        assert_eq!(unsafe { libc::mkfifo(fifo.as_ptr(), 0o600) }, 0);
        let busy = go(move || io::open(path.as_ptr(), libc::O_RDONLY, 0, FOREVER));
        busy.settle();
        settle();
        let (results, r) = batch(chain(&files, b"x"), false, NS_PER_MS);
        assert_eq!(r, Err(Errno::ETIMEDOUT));
        let off = Err(Errno::ECANCELED);
        assert_eq!(results, [Err(Errno::ETIMEDOUT), off, off]);
        let waits = go(move || batch(chain(&files, b"y"), false, FOREVER));
        waits.settle();
        assert_eq!(io::close(files[1]), Ok(0), "waits for nobody");
        // SAFETY: a path; it waits for nobody, since the other end is there.
        let other = unsafe { libc::open(fifo.as_ptr(), libc::O_WRONLY) };
        let read_end = busy.join().unwrap() as c_int;
        let (results, r) = waits.join();
        assert_eq!(r, Ok(2));
        assert_eq!(results, [Ok(1), Err(Errno::EBADF), off]);
        let mut b = [0; 2];
        assert_eq!(io::pread(files[0], b.as_mut_ptr(), 2, 0, FOREVER), Ok(1));
        assert_eq!(b[0], b'y', "what was called off was not written later");
        assert_eq!(io::pread(files[2], b.as_mut_ptr(), 2, 0, FOREVER), Ok(0));
        // SAFETY: a path.
        assert_eq!(unsafe { libc::unlink(fifo.as_ptr()) }, 0);
        let rest = [files[0], files[2], p[1], other, read_end];
        assert_eq!(rest.map(io::close), [Ok(0); 5]);
        crate::blocking::set_max(0);
    });
}

/// A batch may be dropped only when nobody holds a record: each of many that end at once is seen.
#[test]
fn any_of_many_that_end_at_once() {
    everywhere("any_of_many_that_end_at_once", || {
        let pairs: Vec<_> = (0..40).map(|_| pair()).collect();
        let fds: Vec<_> = pairs.iter().map(|p| p[0]).collect();
        for round in 0..50 {
            let peers: Vec<_> = pairs.iter().map(|p| p[1]).collect();
            let writer = go_on(1 + round % 2, move || {
                peers.iter().for_each(|&p| assert_eq!(send(p, &[7], FOREVER), Ok(1)));
            });
            let (mut left, mut bufs) = (fds.len(), vec![[0; 32]; fds.len()]);
            while left > 0 {
                let (results, r) = read_all(&fds, &mut bufs, true, FOREVER);
                let done = results.iter().filter(|r| r.is_ok()).count();
                assert_eq!(r, Ok(done as i64));
                assert!(done >= 1);
                for i in (0..fds.len()).filter(|&i| results[i].is_ok()) {
                    let mut one = [0];
                    // A poll does not take it.
                    let took = i % 3 != 2 || recv(fds[i], &mut one, NOW) == Ok(1);
                    left -= usize::from(took);
                }
            }
            writer.join();
        }
        pairs.into_iter().for_each(close_both);
    });
}
