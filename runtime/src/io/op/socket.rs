//! What never blocks: socket, socketpair, bind, listen, names and options, shutdown.
#![allow(unsafe_code)]

use crate::io::sys::{self, R};
use crate::io::table;
use libc::{sockaddr, socklen_t};
use std::ffi::{c_int, c_void};

/// co_io_socket.
pub fn socket(domain: c_int, type_: c_int, protocol: c_int) -> R {
    sys::socket(domain, type_, protocol).inspect(|&fd| table::begins(fd as c_int))
}

/// co_io_shutdown.
pub fn shutdown(fd: c_int, how: c_int) -> R {
    sys::shutdown(fd, how)
}

/// co_io_socketpair. `fds` has room for two.
pub fn socketpair(domain: c_int, type_: c_int, protocol: c_int, fds: *mut c_int) -> R {
    let r = sys::socketpair(domain, type_, protocol, fds)?;
    for fd in both(fds) {
        table::begins(fd);
    }
    Ok(r)
}

/// What socketpair(2) has written.
fn both(fds: *mut c_int) -> [c_int; 2] {
    // SAFETY: the system wrote there without EFAULT.
    unsafe { fds.cast::<[c_int; 2]>().read_unaligned() }
}

/// co_io_bind. `addr` has `len` bytes.
pub fn bind(fd: c_int, addr: *const sockaddr, len: socklen_t) -> R {
    sys::bind_to(fd, addr, len)
}

/// co_io_listen.
pub fn listen(fd: c_int, backlog: c_int) -> R {
    sys::listen(fd, backlog).map(|()| 0)
}

/// co_io_getsockname. `addr` has as many bytes as `len` points to.
pub fn getsockname(fd: c_int, addr: *mut sockaddr, len: *mut socklen_t) -> R {
    sys::address(fd, addr, len, false)
}

/// co_io_getpeername. `addr` has as many bytes as `len` points to.
pub fn getpeername(fd: c_int, addr: *mut sockaddr, len: *mut socklen_t) -> R {
    sys::address(fd, addr, len, true)
}

/// co_io_getsockopt. `value` has as many bytes as `len` points to.
pub fn getsockopt(
    fd: c_int,
    level: c_int,
    name: c_int,
    value: *mut c_void,
    len: *mut socklen_t,
) -> R {
    sys::get_option(fd, level, name, value, len)
}

/// co_io_setsockopt. `value` has `len` bytes.
pub fn setsockopt(fd: c_int, level: c_int, name: c_int, value: *const c_void, len: socklen_t) -> R {
    sys::set_option_to(fd, level, name, value, len)
}
