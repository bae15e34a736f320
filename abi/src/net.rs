//! Header section `net`: names, addresses, and what every network program would otherwise write.

use crate::convert::{optional_text, status, value};
use libc::{addrinfo, sockaddr, sockaddr_storage, socklen_t};
use photonrt_runtime::err::Errno;
use photonrt_runtime::io::{self, Addr, Hints, Service};
use std::ffi::{CStr, c_char, c_int};

/// # Safety
/// `s` is NULL or ended by a zero byte that outlives the result.
unsafe fn c_text<'a>(s: *const c_char) -> Option<&'a CStr> {
    // SAFETY: the caller's.
    (!s.is_null()).then(|| unsafe { CStr::from_ptr(s) })
}

/// A text that must be there. EINVAL: NULL.
///
/// # Safety
/// As [`c_text`].
unsafe fn needed<'a>(s: *const c_char) -> Result<&'a CStr, Errno> {
    // SAFETY: the caller's.
    unsafe { c_text(s) }.ok_or(Errno::EINVAL)
}

fn fd(r: Result<c_int, Errno>) -> c_int {
    r.unwrap_or_else(Errno::code)
}

/// Makes a TCP socket that listens on `host` (an IPv4 or IPv6 address as text, or a name, of whose
/// addresses the first that can be had is taken; NULL: every address, IPv6 and IPv4 where the
/// system has both) and `port` (0: one that the system picks; getsockname tells). It has
/// SO_REUSEADDR, is in O_NONBLOCK mode, and has TCP_NODELAY, as then have the sockets that it
/// accepts. `backlog` <= 0: the system's greatest. Blocks, for as long as it takes, only to look up
/// a name; then a cancellation point; plain threads too.
///
/// The descriptor; -EINVAL (`host` can be neither address nor name), errors of co_getaddrinfo, or
/// what socket(2), bind(2), listen(2) give, -EADDRINUSE for instance.
///
/// # Safety
/// `host` is NULL or ended by a zero byte.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_tcp_listen(host: *const c_char, port: u16, backlog: c_int) -> c_int {
    // SAFETY: the caller vouches for the text.
    let host = unsafe { optional_text(host) };
    fd(io::tcp_listen(host, port, backlog))
}

/// The same on a service: a port's number as text, or its name ("http"). Blocks for a lookup at
/// most as long as the timeout. -EPROTONOSUPPORT: no such service; -EINVAL also for a `service` of
/// NULL.
///
/// # Safety
/// Texts are NULL or ended by a zero byte.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_tcp_listen_on(
    host: *const c_char,
    service: *const c_char,
    backlog: c_int,
    timeout_ns: i64,
) -> c_int {
    // SAFETY: the caller vouches for the texts.
    let (host, service) = unsafe { (optional_text(host), needed(service)) };
    fd(service.and_then(|s| io::tcp_listen_on(host, Service::Name(s), backlog, timeout_ns)))
}

/// Connects to a port of `host`, an address as text or a name. A name's addresses are tried in
/// getaddrinfo's order with IPv6 and IPv4 in turn, each 250 ms after the one before it or at once
/// when that has failed; the first to be connected is taken, the others are closed ("Happy
/// Eyeballs", RFC 8305). One timeout for the lookup and all attempts. The socket has TCP_NODELAY
/// and is in blocking mode.
///
/// Blocks; a cancellation point; plain threads too. The descriptor; -EINVAL (`host` NULL, or it can
/// be neither address nor name), errors of co_getaddrinfo; if no address could be connected, the
/// last one's error; -ETIMEDOUT (-EAGAIN with CO_NOW), -ECANCELED or an interrupt's error: then
/// nothing is left open.
///
/// # Safety
/// `host` is NULL or ended by a zero byte.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_tcp_connect(host: *const c_char, port: u16, timeout_ns: i64) -> c_int {
    // SAFETY: the caller vouches for the text.
    let host = unsafe { needed(host) };
    fd(host.and_then(|h| io::tcp_connect(h.to_bytes(), Service::Port(port), timeout_ns)))
}

/// The same to a service: a port's number as text, or its name ("http"). -EPROTONOSUPPORT: no such
/// service.
///
/// # Safety
/// Texts are NULL or ended by a zero byte.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_tcp_connect_to(
    host: *const c_char,
    service: *const c_char,
    timeout_ns: i64,
) -> c_int {
    // SAFETY: the caller vouches for the texts.
    let (host, service) = unsafe { (needed(host), needed(service)) };
    let connect = |h: &CStr, s| io::tcp_connect(h.to_bytes(), Service::Name(s), timeout_ns);
    fd(host.and_then(|h| service.and_then(|s| connect(h, s))))
}

/// Makes a UDP socket with an address of its own: `host` and `port` as for co_tcp_listen. It is in
/// blocking mode. Blocks only to look up a name. As co_tcp_listen.
///
/// # Safety
/// `host` is NULL or ended by a zero byte.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_udp_bind(host: *const c_char, port: u16) -> c_int {
    // SAFETY: the caller vouches for the text.
    fd(io::udp_bind(unsafe { optional_text(host) }, port))
}

/// Makes a UDP socket for the exchange with one peer: co_io_send reaches it, and co_io_recv takes
/// nothing from others. The first address of `host` that the system knows a way to is taken. Blocks
/// only to look up a name. As co_tcp_connect.
///
/// # Safety
/// `host` is NULL or ended by a zero byte.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_udp_connect(host: *const c_char, port: u16, timeout_ns: i64) -> c_int {
    // SAFETY: the caller vouches for the text.
    let host = unsafe { needed(host) };
    fd(host.and_then(|h| io::udp_connect(h.to_bytes(), port, timeout_ns)))
}

/// Makes a local stream socket that listens on `path`, or with a leading '@' on a name of Linux's
/// abstract namespace, in O_NONBLOCK mode; `backlog` as for co_tcp_listen. A socket file that is
/// there already and that nobody listens on is replaced; one that somebody listens on, and any
/// other file, gives -EADDRINUSE. The file stays when the socket is closed: unlink it. Does not
/// wait for anything but the file system.
///
/// The descriptor; -EINVAL (NULL, empty), -ENAMETOOLONG (over 107 bytes on Linux), or what
/// socket(2), bind(2), listen(2) give.
///
/// # Safety
/// `path` is NULL or ended by a zero byte.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_unix_listen(path: *const c_char, backlog: c_int) -> c_int {
    // SAFETY: the caller vouches for the text.
    fd(unsafe { needed(path) }.and_then(|p| io::unix_listen(p.to_bytes(), backlog)))
}

/// Connects to a local stream socket, `path` as for co_unix_listen, and waits while the listener's
/// queue is full. The socket is in blocking mode. Blocks; a cancellation point; plain threads too.
/// The descriptor; -EINVAL, -ENAMETOOLONG, or as co_io_connect: -ENOENT (no such file),
/// -ECONNREFUSED (nobody listens).
///
/// # Safety
/// `path` is NULL or ended by a zero byte.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_unix_connect(path: *const c_char, timeout_ns: i64) -> c_int {
    // SAFETY: the caller vouches for the text.
    fd(unsafe { needed(path) }.and_then(|p| io::unix_connect(p.to_bytes(), timeout_ns)))
}

/// getaddrinfo(3) without blocking the vCPU. `*res` is the system's list, for freeaddrinfo(3);
/// `hints` counts with its first four members, NULL as there.
///
/// Blocks; a cancellation point; plain threads too. An address and a port as text are answered at
/// once. Anything else is looked up by a thread (config: half of blocking_max); the lookup itself
/// cannot be stopped, so after a timeout or a cancel that thread finishes it for nobody. 0, or in
/// place of EAI_*: -ENOENT (no such name, or no address of that family), -EPROTONOSUPPORT (no such
/// service), -EHOSTUNREACH (no name server answered: may be tried again), -EIO (one did, to no
/// use), -EAFNOSUPPORT, -ESOCKTNOSUPPORT, -EINVAL (flags; `res`, or `node` and `service` NULL),
/// -ENOMEM; or -ETIMEDOUT, -EAGAIN (CO_NOW; no thread to be had), -ECANCELED or an interrupt's
/// error.
///
/// # Safety
/// Texts are NULL or ended by a zero byte, `hints` is NULL or valid, `res` NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_getaddrinfo(
    node: *const c_char,
    service: *const c_char,
    hints: *const addrinfo,
    res: *mut *mut addrinfo,
    timeout_ns: i64,
) -> c_int {
    if res.is_null() {
        return -libc::EINVAL;
    }
    // SAFETY: the caller vouches for the pointers.
    let (node, service, hints) = unsafe { (c_text(node), c_text(service), hints.as_ref()) };
    let hints = hints.map_or_else(Hints::default, |h| Hints {
        flags: h.ai_flags,
        family: h.ai_family,
        socktype: h.ai_socktype,
        protocol: h.ai_protocol,
    });
    match io::getaddrinfo(node, service, hints, timeout_ns) {
        Ok(found) => {
            // SAFETY: as above.
            unsafe { res.write(found.into_raw()) };
            0
        }
        Err(e) => e.code(),
    }
}

/// getnameinfo(3) without blocking the vCPU: the names of an address, into `host` and `service`
/// where those are not NULL (NI_MAXHOST and NI_MAXSERV bytes are enough). With NI_NUMERICHOST and
/// NI_NUMERICSERV it is answered at once. As co_getaddrinfo; -EOVERFLOW (a text does not fit:
/// neither is written), -EFAULT (`addr` NULL), -EINVAL (a length that is no address's; both texts
/// NULL).
///
/// # Safety
/// `addr` points to `len` bytes, the texts are NULL or have their lengths.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_getnameinfo(
    addr: *const sockaddr,
    len: socklen_t,
    host: *mut c_char,
    hostlen: socklen_t,
    service: *mut c_char,
    servicelen: socklen_t,
    flags: c_int,
    timeout_ns: i64,
) -> c_int {
    // SAFETY: the caller vouches for the pointers.
    let (addr, host, service) = unsafe {
        (
            Addr::from_raw(addr, len),
            room(host, hostlen as usize),
            room(service, servicelen as usize),
        )
    };
    status(addr.and_then(|a| io::getnameinfo(&a, host, service, flags, timeout_ns)))
}

/// The bytes that a text goes to.
///
/// # Safety
/// `text` is NULL or has `len` bytes, which are the result's for as long as it lives.
unsafe fn room<'a>(text: *mut c_char, len: usize) -> Option<&'a mut [u8]> {
    // SAFETY: the caller's; any bytes are u8.
    (!text.is_null()).then(|| unsafe { std::slice::from_raw_parts_mut(text.cast(), len) })
}

/// Reads an address from text: `192.0.2.1:80`, `[2001:db8::1]:80`, `[fe80::1%eth0]:80` (or the
/// interface's number); without a port it is 0, and IPv6 may then be without brackets; `unix:/path`,
/// `unix:@name` (Linux's abstract namespace). No names of hosts: those are looked up. Any thread;
/// never blocks.
///
/// 0, with `*len` set to the address's length; -EINVAL (not an address, or a pointer is NULL),
/// -ENODEV (no such interface), -ENAMETOOLONG.
///
/// # Safety
/// `text` is NULL or ended by a zero byte, the others NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_addr_parse(
    text: *const c_char,
    out: *mut sockaddr_storage,
    len: *mut socklen_t,
) -> c_int {
    // SAFETY: the caller vouches for the pointers.
    let (text, out, len) = unsafe { (optional_text(text), out.as_mut(), len.as_mut()) };
    let (Some(text), Some(out), Some(len)) = (text, out, len) else { return -libc::EINVAL };
    match Addr::parse(text) {
        Ok(addr) => {
            *out = addr.storage();
            *len = addr.raw().1;
            0
        }
        Err(e) => e.code(),
    }
}

/// Writes an address as text that co_addr_parse takes, with its port, at most `size` bytes with the
/// zero byte at its end; `buf` may be NULL if `size` is 0. An unnamed local socket is "unix:", a
/// zero byte in an abstract name is shown as '@', IPv6's flow label is left out. Any thread; never
/// blocks.
///
/// The text's length, without the zero byte, even if it was cut: as snprintf. -EFAULT (`addr` NULL,
/// or `buf` with a `size`), -EINVAL (too short for its family), -EAFNOSUPPORT.
///
/// # Safety
/// `addr` is NULL or points to `len` bytes, `buf` is NULL or has `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_addr_format(
    addr: *const sockaddr,
    len: socklen_t,
    buf: *mut c_char,
    size: usize,
) -> c_int {
    if buf.is_null() && size > 0 {
        return -libc::EFAULT;
    }
    // SAFETY: the caller vouches for the pointers.
    let (addr, to) = unsafe { (Addr::from_raw(addr, len), room(buf, size)) };
    let text = addr.and_then(|a| a.format(to.unwrap_or_default()));
    value(text.map(|n| n as i64)) as c_int
}
