//! What the helpers of networking need: the C library's name service, as it blocks; interfaces;
//! bind.
//!
//! The name service's errors are numbers of their own (EAI_*). They become errno values, one to one as far as
//! that goes, so that no caller needs a second channel:
//! ```text
//!   NONAME, NODATA, ADDRFAMILY  ENOENT           no such name, or no such address of it
//!   SERVICE                     EPROTONOSUPPORT  no such service
//!   AGAIN                       EHOSTUNREACH     no name server answers, for the moment
//!   FAIL                        EIO              a name server answers, but not to the question
//!   FAMILY, SOCKTYPE            EAFNOSUPPORT, ESOCKTNOSUPPORT
//!   BADFLAGS, MEMORY, OVERFLOW  EINVAL, ENOMEM, EOVERFLOW
//!   SYSTEM                      errno
//! ```
//! Not EAGAIN for AGAIN: that says "not at once" everywhere else.
#![allow(unsafe_code)]

use crate::err::Errno;
use libc::{addrinfo, sockaddr, socklen_t};
use std::ffi::{CStr, c_char, c_int};
use std::ptr::{null, null_mut};

/// What getaddrinfo(3) looks for besides the names.
#[derive(Clone, Copy, Default, Debug)]
pub struct Hints {
    /// AI_*.
    pub flags: c_int,
    /// AF_*.
    pub family: c_int,
    /// SOCK_*.
    pub socktype: c_int,
    /// IPPROTO_*.
    pub protocol: c_int,
}

/// What getaddrinfo(3) found.
#[derive(Debug)]
pub struct Found(*mut addrinfo);

// SAFETY: a list in memory that belongs to nobody else and to no thread.
unsafe impl Send for Found {}

impl Found {
    /// For C, which frees it with freeaddrinfo.
    pub fn into_raw(self) -> *mut addrinfo {
        let list = self.0;
        std::mem::forget(self);
        list
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = &addrinfo> {
        let mut p: *const addrinfo = self.0;
        std::iter::from_fn(move || {
            // SAFETY: the list's nodes live as long as it does.
            let node = unsafe { p.as_ref() }?;
            p = node.ai_next;
            Some(node)
        })
    }
}

impl Drop for Found {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: getaddrinfo's, and nobody else's.
            unsafe { libc::freeaddrinfo(self.0) };
        }
    }
}

fn pointer(text: Option<&CStr>) -> *const c_char {
    text.map_or(null(), CStr::as_ptr)
}

/// getaddrinfo(3).
pub fn getaddrinfo(
    node: Option<&CStr>,
    service: Option<&CStr>,
    hints: &Hints,
) -> Result<Found, Errno> {
    let mut found = Found(null_mut());
    // SAFETY: all-zero is a valid addrinfo; the texts are ended by zero bytes.
    let r = unsafe {
        let mut h = std::mem::zeroed::<addrinfo>();
        h.ai_flags = hints.flags;
        h.ai_family = hints.family;
        h.ai_socktype = hints.socktype;
        h.ai_protocol = hints.protocol;
        libc::getaddrinfo(pointer(node), pointer(service), &raw const h, &raw mut found.0)
    };
    if r == 0 { Ok(found) } else { Err(errno_of(r)) }
}

/// getnameinfo(3). A text that is empty is not asked for.
///
/// # Safety
/// `addr` has `len` bytes.
pub unsafe fn getnameinfo(
    addr: *const sockaddr,
    len: socklen_t,
    host: &mut [u8],
    service: &mut [u8],
    flags: c_int,
) -> Result<(), Errno> {
    let room = |text: &mut [u8]| match text.len() {
        0 => (null_mut(), 0),
        n => (text.as_mut_ptr().cast::<c_char>(), n as socklen_t),
    };
    let ((h, hl), (s, sl)) = (room(host), room(service));
    // SAFETY: texts and their lengths; the caller's.
    let r = unsafe { libc::getnameinfo(addr, len, h, hl, s, sl, flags) };
    if r == 0 { Ok(()) } else { Err(errno_of(r)) }
}

/// glibc's, which the libc crate does not have for every system.
#[cfg(target_os = "linux")]
const EAI_ADDRFAMILY: c_int = -9;
#[cfg(not(target_os = "linux"))]
const EAI_ADDRFAMILY: c_int = 1;
#[cfg(not(target_os = "linux"))]
const EAI_NODATA: c_int = 7;
#[cfg(target_os = "linux")]
const EAI_NODATA: c_int = -5;

/// On the thread that made the call.
fn errno_of(eai: c_int) -> Errno {
    match eai {
        libc::EAI_NONAME | EAI_NODATA | EAI_ADDRFAMILY => Errno::ENOENT,
        libc::EAI_SERVICE => Errno::EPROTONOSUPPORT,
        libc::EAI_AGAIN => Errno::EHOSTUNREACH,
        libc::EAI_FAMILY => Errno::EAFNOSUPPORT,
        libc::EAI_SOCKTYPE => Errno(libc::ESOCKTNOSUPPORT),
        libc::EAI_BADFLAGS => Errno::EINVAL,
        libc::EAI_MEMORY => Errno::ENOMEM,
        libc::EAI_OVERFLOW => Errno::EOVERFLOW,
        libc::EAI_SYSTEM => match Errno::last() {
            Errno(0) => Errno::EIO,
            e => e,
        },
        _ => Errno::EIO,
    }
}

/// bind(2).
pub fn bind(fd: c_int, addr: *const sockaddr, len: socklen_t) -> Result<(), Errno> {
    // SAFETY: the caller vouches for the address; the system checks it.
    Errno::check(i64::from(unsafe { libc::bind(fd, addr, len) })).map(drop)
}

/// Whether a path is a socket's, and not a link to one.
pub fn is_socket_file(path: &CStr) -> bool {
    // SAFETY: all-zero is a valid stat; a text ended by a zero byte.
    unsafe {
        let mut st = std::mem::zeroed::<libc::stat>();
        libc::lstat(path.as_ptr(), &raw mut st) == 0 && st.st_mode & libc::S_IFMT == libc::S_IFSOCK
    }
}

/// unlink(2).
pub fn unlink(path: &CStr) -> Result<(), Errno> {
    // SAFETY: a text ended by a zero byte.
    Errno::check(i64::from(unsafe { libc::unlink(path.as_ptr()) })).map(drop)
}

/// The number of an interface. ENODEV: there is none of that name.
pub fn interface_number(name: &CStr) -> Result<u32, Errno> {
    // SAFETY: a text ended by a zero byte.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(Errno::ENODEV),
        n => Ok(n),
    }
}

/// The name of an interface; none if there is no such interface (any more).
pub fn interface_name(number: u32, name: &mut [u8; libc::IF_NAMESIZE]) -> Option<&str> {
    // SAFETY: room for as much as the system writes.
    if unsafe { libc::if_indextoname(number, name.as_mut_ptr().cast()) }.is_null() {
        return None;
    }
    CStr::from_bytes_until_nul(name).ok()?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_need_no_name_server() {
        let hints = Hints { flags: libc::AI_NUMERICHOST, ..Hints::default() };
        let found = getaddrinfo(Some(c"::1"), Some(c"80"), &hints).unwrap();
        assert!(found.iter().all(|a| a.ai_family == libc::AF_INET6));
        assert!(found.iter().count() > 0);
        for (hints, service, want) in [
            (hints, c"80", Errno::ENOENT),
            (Hints { family: 9999, ..hints }, c"80", Errno::EAFNOSUPPORT),
            (Hints { flags: -1, ..hints }, c"80", Errno::EINVAL),
        ] {
            assert_eq!(getaddrinfo(Some(c"no number"), Some(service), &hints).err(), Some(want));
        }
        let hints = Hints { socktype: libc::SOCK_STREAM, ..hints };
        let no_service = getaddrinfo(Some(c"::1"), Some(c"no-such-service"), &hints);
        assert_eq!(no_service.err(), Some(Errno::EPROTONOSUPPORT));
    }

    #[test]
    fn every_error_has_a_meaning() {
        assert_eq!(errno_of(libc::EAI_AGAIN), Errno::EHOSTUNREACH);
        assert_eq!(errno_of(libc::EAI_FAIL), Errno::EIO);
        assert_eq!(errno_of(libc::EAI_MEMORY), Errno::ENOMEM);
        assert_eq!(errno_of(libc::EAI_OVERFLOW), Errno::EOVERFLOW);
        assert!((-200..0).map(errno_of).all(|e| e.0 > 0));
    }
}
