//! Operations that the kernel's ring does not know: they keep their promises without it.

use super::*;
use crate::io::engine;
use crate::io::op::Op;
use crate::io::sys::Try;
use std::ffi::c_short;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

#[cfg(target_os = "linux")]
use crate::io::engine::uring::sqe::{self, Sqe};

/// A thread has begun it.
static BEGUN: AtomicBool = AtomicBool::new(false);

/// A read by an opcode that no kernel has. `SLOW`: nothing tells whether it would block.
struct Unknown<const SLOW: bool> {
    fd: c_int,
    byte: u8,
}

impl<const SLOW: bool> Op for Unknown<SLOW> {
    const BLOCKS: bool = SLOW;
    const OPTIONAL: Option<u8> = Some(255);

    fn fd(&self) -> c_int {
        self.fd
    }
    fn attempt(&mut self) -> Try {
        sys::try_read(self.fd, &raw mut self.byte, 1, None)
    }
    fn events(&self) -> c_short {
        libc::POLLIN
    }
    fn block(&mut self) -> R {
        BEGUN.store(true, Relaxed);
        sys::read_blocking(self.fd, &raw mut self.byte, 1, None)
    }
    #[cfg(target_os = "linux")]
    fn sqe(&mut self, _wait_first: bool) -> Sqe {
        panic!("the ring does not know it: {:?}", sqe::nop())
    }
}

fn unknown<const SLOW: bool>(fd: c_int, timeout_ns: i64) -> R {
    engine::run(Unknown::<SLOW> { fd, byte: 0 }, timeout_ns)
}

#[test]
fn wait_for_the_descriptor() {
    everywhere("an unknown operation waits", || {
        let p = pipe();
        assert_eq!(unknown::<false>(p[0], NOW), Err(Errno::EAGAIN));
        assert_eq!(unknown::<false>(p[0], NS_PER_MS), Err(Errno::ETIMEDOUT));
        let waiting = go(move || unknown::<false>(p[0], FOREVER));
        waiting.settle();
        assert_eq!(write(p[1], b"x", FOREVER), Ok(1));
        assert_eq!(waiting.join(), Ok(1));
        let canceled = go(move || unknown::<false>(p[0], FOREVER));
        canceled.settle();
        rt::cancel(canceled.id()).unwrap();
        assert_eq!(canceled.join(), Err(Errno::ECANCELED));
        let closed = go(move || unknown::<false>(p[0], FOREVER));
        closed.settle();
        close_both(p);
        assert_eq!(closed.join(), Err(Errno::EBADF));
        assert_eq!(unknown::<false>(-1, FOREVER), Err(Errno::EBADF));
    });
}

#[test]
fn block_on_a_thread() {
    everywhere("an unknown operation blocks", || {
        let p = pipe();
        BEGUN.store(false, Relaxed);
        let waiting = go(move || unknown::<true>(p[0], FOREVER));
        while !BEGUN.load(Relaxed) {
            settle();
        }
        // It can't be called off any more: it is waited for, and has its byte.
        rt::interrupt(waiting.id(), Errno::EINTR.0).unwrap();
        let closing = go(move || io::close(p[0]));
        closing.settle();
        assert_eq!(write(p[1], b"x", FOREVER), Ok(1));
        assert_eq!(waiting.join(), Ok(1));
        assert_eq!(closing.join(), Ok(0));
        assert_eq!(io::close(p[1]), Ok(0));
    });
}
