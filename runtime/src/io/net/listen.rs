//! Sockets that wait for peers: TCP and local listeners, UDP sockets with an address of their own.
//!
//! Listeners are in O_NONBLOCK mode, which spares each accept a look beforehand; UDP sockets are in
//! blocking mode, as co_io_socket's.
//!
//! TCP listeners have TCP_NODELAY, which the accepted sockets inherit (Linux, macOS, the BSDs):
//! without it a small write that follows another waits for the peer's delayed acknowledgement, 40
//! ms of nothing, and whoever cares to send full segments writes larger pieces.
//!
//! A local listener's file outlives its process. When there is one already and nobody listens on
//! it, it is taken away and bind(2) is tried again. (Two that start at the same moment may both
//! think so; the later one then has the name. A lock would need a second file.)

use super::addr::Addr;
use super::fd::Fd;
use super::names::{Service, resolve};
use crate::err::Errno;
use crate::io::sys;
use crate::wait::Deadline;
use std::ffi::{CStr, c_int};
use std::net::{Ipv4Addr, Ipv6Addr};

/// A socket that is bound but for what the caller adds.
fn bound(addr: &Addr, kind: c_int, both: bool) -> Result<Fd, Errno> {
    let fd = Fd::socket(addr.family(), kind)?;
    if kind == libc::SOCK_STREAM && addr.family() != libc::AF_UNIX {
        sys::set_option(fd.number(), libc::SOL_SOCKET, libc::SO_REUSEADDR, 1)?;
    }
    if addr.family() == libc::AF_INET6 {
        let only = c_int::from(!both);
        sys::set_option(fd.number(), libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, only)?;
    }
    let (raw, len) = addr.raw();
    sys::bind(fd.number(), raw, len)?;
    Ok(fd)
}

/// The rest of a listener.
fn listening(fd: Fd, backlog: c_int) -> Result<c_int, Errno> {
    let backlog = if backlog <= 0 { c_int::MAX } else { backlog };
    sys::listen(fd.number(), backlog)?;
    sys::set_flags(fd.number(), sys::flags(fd.number())? | libc::O_NONBLOCK)?;
    Ok(fd.into_number())
}

/// Tries `make` with each address of a host until one works; with both families at once (true) for
/// none in particular. The last error.
fn first(
    host: Option<&[u8]>,
    service: Service<'_>,
    kind: c_int,
    deadline: Deadline,
    make: impl Fn(&Addr, bool) -> Result<c_int, Errno>,
) -> Result<c_int, Errno> {
    let Some(host) = host else {
        let port = service.port(kind, deadline)?;
        // One socket for both where the system has IPv6.
        return match make(&Addr::ip(Ipv6Addr::UNSPECIFIED.into(), 0, port), true) {
            Err(Errno::EAFNOSUPPORT | Errno::EADDRNOTAVAIL) => {
                make(&Addr::ip(Ipv4Addr::UNSPECIFIED.into(), 0, port), false)
            }
            r => r,
        };
    };
    let mut last = Errno::ENOENT;
    for addr in &resolve(host, service, kind, deadline)? {
        match make(addr, false) {
            Ok(fd) => return Ok(fd),
            Err(e) => last = e,
        }
    }
    Err(last)
}

/// co_tcp_listen. `host` None: every address.
pub fn tcp_listen(host: Option<&[u8]>, port: u16, backlog: c_int) -> Result<c_int, Errno> {
    tcp_listen_on(host, Service::Port(port), backlog, -1)
}

/// co_tcp_listen_on.
pub fn tcp_listen_on(
    host: Option<&[u8]>,
    service: Service<'_>,
    backlog: c_int,
    timeout_ns: i64,
) -> Result<c_int, Errno> {
    let deadline = Deadline::new(timeout_ns)?;
    first(host, service, libc::SOCK_STREAM, deadline, |addr, both| {
        let fd = bound(addr, libc::SOCK_STREAM, both)?;
        sys::set_option(fd.number(), libc::IPPROTO_TCP, libc::TCP_NODELAY, 1)?;
        listening(fd, backlog)
    })
}

/// co_udp_bind. `host` None: every address.
pub fn udp_bind(host: Option<&[u8]>, port: u16) -> Result<c_int, Errno> {
    first(host, Service::Port(port), libc::SOCK_DGRAM, Deadline::Never, |addr, both| {
        bound(addr, libc::SOCK_DGRAM, both).map(Fd::into_number)
    })
}

/// co_unix_listen.
pub fn unix_listen(path: &[u8], backlog: c_int) -> Result<c_int, Errno> {
    let addr = Addr::unix(path)?;
    let fd = match (bound(&addr, libc::SOCK_STREAM, false), addr.path()) {
        (Err(Errno::EADDRINUSE), Some(path)) if is_stale(&addr, path)? => {
            sys::unlink(path)?;
            bound(&addr, libc::SOCK_STREAM, false)?
        }
        (r, _) => r?,
    };
    listening(fd, backlog)
}

/// Whether a local address is the file of a socket that is gone. Asked by a socket of another kind,
/// which a live one refuses with EPROTOTYPE: one of its own kind would be a connection to it.
fn is_stale(addr: &Addr, path: &CStr) -> Result<bool, Errno> {
    let probe = Fd::socket(libc::AF_UNIX, libc::SOCK_DGRAM)?;
    let (raw, len) = addr.raw();
    let refused = sys::connect(probe.number(), raw, len) == Err(Errno::ECONNREFUSED);
    Ok(refused && sys::is_socket_file(path))
}
