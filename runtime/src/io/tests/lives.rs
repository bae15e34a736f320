//! A call that pauses is in no list: what becomes of its descriptor's number meanwhile is not its
//! business.

use super::*;
use crate::io::engine;
use crate::io::op::Op;
use crate::io::sys::Try;
use std::ffi::c_short;

#[cfg(target_os = "linux")]
use crate::io::engine::uring::sqe::{self, Sqe};

/// A read that has to try again later, until it is allowed to go on.
struct Later {
    fd: c_int,
    byte: u8,
    go: Arc<AtomicBool>,
}

impl Op for Later {
    const TRY_FIRST: bool = true;

    fn fd(&self) -> c_int {
        self.fd
    }
    fn attempt(&mut self) -> Try {
        match self.go.load(Ordering::Relaxed) {
            false => Try::Again,
            true => sys::try_read(self.fd, &raw mut self.byte, 1, None),
        }
    }
    fn events(&self) -> c_short {
        libc::POLLIN
    }
    fn block(&mut self) -> R {
        sys::read_blocking(self.fd, &raw mut self.byte, 1, None)
    }
    #[cfg(target_os = "linux")]
    fn sqe(&mut self, _wait_first: bool) -> Sqe {
        sqe::read(self.fd, &raw mut self.byte, 1, None)
    }
}

#[test]
fn a_pause_does_not_lead_into_the_next_life() {
    everywhere("a_pause_does_not_lead_into_the_next_life", || {
        for closed in [false, true] {
            let (low, other) = (pipe(), pipe());
            // A number that nothing else in this process is given.
            // SAFETY: touches no memory.
            let high = unsafe { libc::fcntl(low[0], libc::F_DUPFD_CLOEXEC, 900) };
            assert!(high >= 900);
            assert_eq!(io::close(low[0]), Ok(0));
            let p = [high, low[1]];
            let allowed = Arc::new(AtomicBool::new(false));
            let go_on_reading = allowed.clone();
            let later =
                go(move || engine::run(Later { fd: p[0], byte: 0, go: go_on_reading }, FOREVER));
            settle();
            assert_eq!(write(p[1], b"x", FOREVER), Ok(1));
            assert_eq!(write(other[1], b"y", FOREVER), Ok(1));
            if closed {
                assert_eq!(io::close(p[0]), Ok(0));
                // SAFETY: the number is free, and nobody else's.
                assert_eq!(unsafe { libc::dup3(other[0], p[0], libc::O_CLOEXEC) }, p[0]);
            }
            allowed.store(true, Ordering::Relaxed);
            let expected = if closed { Err(Errno::EBADF) } else { Ok(1) };
            assert_eq!(later.join(), expected);
            let mut b = [0; 2];
            assert_eq!(read(other[0], &mut b, FOREVER), Ok(1), "nobody has taken it");
            close_both(p);
            close_both(other);
        }
    });
}
