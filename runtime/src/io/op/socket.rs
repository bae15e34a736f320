//! What never blocks: socket, shutdown.

use crate::io::sys::{self, R};
use crate::io::table;
use std::ffi::c_int;

/// co_io_socket.
pub fn socket(domain: c_int, type_: c_int, protocol: c_int) -> R {
    sys::socket(domain, type_, protocol).inspect(|&fd| table::begins(fd as c_int))
}

/// co_io_shutdown.
pub fn shutdown(fd: c_int, how: c_int) -> R {
    sys::shutdown(fd, how)
}
