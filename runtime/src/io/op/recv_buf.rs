//! recv_buf: a receive into a buffer of the runtime's, which is taken only when there is something
//! for it. With CO_IO_AHEAD the runtime may receive before it is asked: `engine::ahead`.

use crate::err::Errno;
use crate::io::buffer::{self, Held};
use crate::io::engine::ahead::{self, Want};
use crate::io::engine::run;
use crate::io::op::{AHEAD, Op};
use crate::io::sys::{self, R, Try};
use crate::wait::Deadline;
use std::ffi::{c_int, c_short};

#[cfg(target_os = "linux")]
use crate::io::engine::uring::sqe::Sqe;

struct RecvBuf<'a> {
    fd: c_int,
    out: &'a mut Option<Held>,
    /// A try has found nothing.
    waits: bool,
}

impl Op for RecvBuf<'_> {
    const RECEIVES: bool = true;
    const TAKES: bool = false;
    const TRY_FIRST: bool = true;

    fn fd(&self) -> c_int {
        self.fd
    }
    fn attempt(&mut self) -> Try {
        let held = match buffer::take() {
            Ok(h) => h,
            Err(e) => return Try::Done(Err(e)),
        };
        let r = sys::try_recv(self.fd, held.data, buffer::SIZE, 0);
        if matches!(r, Try::Done(Ok(n)) if n > 0) {
            *self.out = Some(held);
        } else {
            // Ours, and held.
            let _ = buffer::release(held.id);
        }
        self.waits = matches!(r, Try::Wait);
        r
    }
    /// No buffer is given to the ring by those who wait.
    fn by_readiness(&self) -> bool {
        self.waits
    }
    fn events(&self) -> c_short {
        libc::POLLIN
    }
    #[cfg(target_os = "linux")]
    fn sqe(&mut self, _wait_first: bool) -> Sqe {
        unreachable!("it is tried, and then goes by readiness")
    }
    fn took_all(&self, r: &R) -> bool {
        matches!(*r, Ok(n) if n > 0 && (n as usize) < buffer::SIZE)
    }
}

/// co_io_recv_buf: how many bytes, and the buffer that they are in (none for 0 bytes).
pub fn recv_buf(fd: c_int, flags: c_int, timeout_ns: i64) -> Result<(i64, Option<Held>), Errno> {
    if flags & !AHEAD != 0 {
        return Err(Errno::EINVAL);
    }
    let deadline = Deadline::new(timeout_ns)?;
    if let Some(taken) = ahead::take(fd, Want::Bytes, flags & AHEAD != 0, 0, deadline)? {
        return Ok(taken);
    }
    let mut held = None;
    let n = run(RecvBuf { fd, out: &mut held, waits: false }, timeout_ns)?;
    Ok((n, held))
}
