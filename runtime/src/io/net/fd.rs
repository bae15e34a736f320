//! A descriptor of a helper's own, closed unless it is handed out.

use crate::err::Errno;
use crate::io::op::{close, socket};
use std::ffi::c_int;

/// See the module. Its close is co_io_close's, since calls of the engine may have been made on it.
#[derive(Debug)]
pub struct Fd(c_int);

impl Fd {
    /// socket(2), in blocking mode.
    pub fn socket(family: c_int, kind: c_int) -> Result<Fd, Errno> {
        socket::socket(family, kind, 0).map(|fd| Fd(fd as c_int))
    }

    /// As system calls want it.
    pub fn number(&self) -> c_int {
        self.0
    }

    /// Hands it out.
    pub fn into_number(self) -> c_int {
        let number = self.0;
        std::mem::forget(self);
        number
    }
}

impl Drop for Fd {
    fn drop(&mut self) {
        // Nothing is to be done about a failure.
        let _ = close::close(self.0);
    }
}
