//! What never blocks: socket, shutdown, a TCP listener.

use crate::err::Errno;
use crate::io::sys::{self, R};
use crate::io::table;
use std::ffi::c_int;
use std::net::{IpAddr, Ipv6Addr};

/// co_io_socket.
pub fn socket(domain: c_int, type_: c_int, protocol: c_int) -> R {
    sys::socket(domain, type_, protocol).inspect(|&fd| table::begins(fd as c_int))
}

/// co_io_shutdown.
pub fn shutdown(fd: c_int, how: c_int) -> R {
    sys::shutdown(fd, how)
}

/// A descriptor that is closed unless it is handed out.
struct Owned(c_int);

impl Drop for Owned {
    fn drop(&mut self) {
        // Nothing is to be done about a failure.
        let _ = sys::close(self.0);
    }
}

/// co_tcp_listen: the socket is in O_NONBLOCK mode, which spares each accept a look beforehand.
pub fn tcp_listen(host: Option<&[u8]>, port: u16, backlog: c_int) -> Result<i32, Errno> {
    let backlog = if backlog <= 0 { c_int::MAX } else { backlog };
    let Some(host) = host else {
        // Both families by one socket where the system has IPv6.
        return match listen(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port, backlog, true) {
            Err(Errno::EAFNOSUPPORT | Errno::EADDRNOTAVAIL) => {
                listen(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), port, backlog, false)
            }
            r => r,
        };
    };
    let host = std::str::from_utf8(host).map_err(|_| Errno::EINVAL)?;
    let host = host.parse::<IpAddr>().map_err(|_| Errno::EINVAL)?;
    listen(host, port, backlog, false)
}

fn listen(host: IpAddr, port: u16, backlog: c_int, both: bool) -> Result<i32, Errno> {
    let domain = if host.is_ipv6() { libc::AF_INET6 } else { libc::AF_INET };
    let fd = Owned(socket(domain, libc::SOCK_STREAM, 0)? as c_int);
    sys::set_option(fd.0, libc::SOL_SOCKET, libc::SO_REUSEADDR, 1)?;
    if host.is_ipv6() {
        sys::set_option(fd.0, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, c_int::from(!both))?;
    }
    sys::bind(fd.0, host, port)?;
    sys::listen(fd.0, backlog)?;
    sys::set_flags(fd.0, sys::flags(fd.0)? | libc::O_NONBLOCK)?;
    let number = fd.0;
    std::mem::forget(fd);
    Ok(number)
}
