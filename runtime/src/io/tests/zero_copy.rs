//! Sends without copying on `uring`: that they take that way, what is remembered of it, and what
//! ends one whose peer does not read.

use super::*;
use crate::io::engine::slots::bits;
use crate::io::engine::{self, Engine};
use std::time::Instant;

/// On the ring, if it has the operation.
fn on_ring(name: &str, body: fn()) {
    let _one = alone();
    if engines().contains(&1) {
        run_on(1, 2, 0, name, body);
    }
}

fn send_long(fd: c_int, len: usize, timeout: i64) -> R {
    let buf = vec![7; len];
    io::send(fd, buf.as_ptr(), len, libc::MSG_ZEROCOPY, timeout)
}

/// Whether the descriptor's sends are copied from now on; none if the ring can't send otherwise.
fn copies(fd: c_int) -> Option<bool> {
    engine::with(engine::coroutine().unwrap(), |e| match e {
        Engine::Uring(u) => u
            .has(engine::uring::sqe::SEND_ZC)
            .then(|| u.slots.get(fd).is_ok_and(|s| s.has(bits::COPIES))),
        Engine::Ready(_) => None,
    })
}

#[test]
fn the_loopback_copies_and_that_is_remembered() {
    on_ring("the_loopback_copies_and_that_is_remembered", || {
        let [a, b] = tcp_pair();
        assert_eq!(send_long(a, 1000, FOREVER), Ok(1000));
        if copies(a).is_none() {
            return close_both([a, b]);
        }
        assert_eq!(copies(a), Some(false), "too short to be tried");
        let reader = go_on(1, move || {
            let (mut buf, mut n) = (vec![0; 1 << 16], 0);
            while n < 1 << 20 {
                n += recv(b, &mut buf, FOREVER).unwrap();
            }
        });
        let mut n = 1000;
        while n < 1 << 20 {
            n += send_long(a, (1 << 20) - n as usize, FOREVER).unwrap();
        }
        reader.join();
        assert_eq!(copies(a), Some(true));
        close_both([a, b]);
        let [a, b] = tcp_pair();
        assert_ne!(copies(a), None);
        assert_eq!(send_long(a, 1000, FOREVER), Ok(1000));
        assert_eq!(copies(a), Some(false), "forgotten with the number's former life");
        close_both([a, b]);
    });
}

#[test]
fn a_peer_that_does_not_read() {
    on_ring("a_peer_that_does_not_read", || {
        let [a, b] = tcp_pair();
        if copies(a).is_none() {
            return close_both([a, b]);
        }
        let sender = go_on(2, move || send_long(a, 32 << 20, 5 * NS_PER_MS));
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(50) {
            settle();
        }
        sender.settle();
        assert_eq!(rt::info(sender.id()).unwrap().state, Doing::Parked, "its time is over");
        assert_eq!(io::close(a), Ok(0));
        assert!(sender.join().unwrap() > 0);
        // What was in the queue is gone with the connection.
        let mut buf = vec![0; 1 << 20];
        let end = loop {
            match recv(b, &mut buf, FOREVER) {
                Ok(n) if n > 0 => {}
                end => break end,
            }
        };
        assert_eq!(end, Err(Errno::ECONNRESET));
        assert_eq!(io::close(b), Ok(0));
    });
}
