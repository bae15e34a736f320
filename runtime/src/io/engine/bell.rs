//! An eventfd that wakes a vCPU. Nobody reads it: each write is an edge for epoll and a completion
//! for a multishot poll, and the count takes 2^64 writes to be full.

use crate::err::Errno;
use crate::io::sys;
use crate::sched::driver::Waker;
use std::ffi::c_int;

/// See the module.
#[derive(Debug)]
pub struct Bell(c_int);

impl Bell {
    /// EMFILE and the like.
    pub fn new() -> Result<Bell, Errno> {
        sys::eventfd().map(Bell)
    }

    /// What becomes readable.
    pub fn fd(&self) -> c_int {
        self.0
    }
}

impl Waker for Bell {
    fn wake(&self) {
        sys::eventfd_add(self.0);
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        // Nothing is to be done about a failure.
        let _ = sys::close(self.0);
    }
}
