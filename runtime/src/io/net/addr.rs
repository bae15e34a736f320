//! Socket addresses, from text and to text.
//!
//! ```text
//!   192.0.2.1:80   [2001:db8::1]:80   [fe80::1%eth0]:80    the port may be left out (0), and with
//!   192.0.2.1      2001:db8::1        [::1]                it the brackets
//!   unix:/run/x    unix:@name         unix:                a path; a name of Linux's abstract
//!                                                          namespace; an unnamed local socket
//! ```
//! Names of hosts are not addresses: they need a lookup, see `names`.
#![allow(unsafe_code)]

use crate::err::Errno;
use crate::io::sys;
use libc::{sockaddr, sockaddr_storage, socklen_t};
use std::ffi::{CStr, CString, c_int};
use std::fmt::{self, Write};
use std::mem::offset_of;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const PATH_AT: usize = offset_of!(libc::sockaddr_un, sun_path);
const PATH_MAX: usize = size_of::<libc::sockaddr_un>() - PATH_AT;

/// An address of any family.
#[derive(Clone, Copy)]
pub struct Addr {
    storage: sockaddr_storage,
    len: socklen_t,
}

impl fmt::Debug for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 256];
        let len = self.format(&mut text).unwrap_or(0).min(text.len() - 1);
        write!(f, "{}", String::from_utf8_lossy(&text[..len]))
    }
}

impl PartialEq for Addr {
    fn eq(&self, other: &Addr) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Addr {
    /// # Safety
    /// `T` is a socket address as the system has it.
    unsafe fn new<T>(address: T, len: usize) -> Addr {
        const { assert!(size_of::<T>() <= size_of::<sockaddr_storage>()) };
        // SAFETY: all-zero is a valid storage, and it is large and aligned enough for each kind.
        unsafe {
            let mut storage = std::mem::zeroed::<sockaddr_storage>();
            (&raw mut storage).cast::<T>().write(address);
            Addr { storage, len: len as socklen_t }
        }
    }

    /// A copy of C's. EFAULT: NULL; EINVAL: too short for a family, or longer than any address.
    ///
    /// # Safety
    /// `addr` is NULL or has `len` bytes.
    pub unsafe fn from_raw(addr: *const sockaddr, len: socklen_t) -> Result<Addr, Errno> {
        let n = len as usize;
        if addr.is_null() {
            return Err(Errno::EFAULT);
        }
        if n < size_of::<libc::sa_family_t>() || n > size_of::<sockaddr_storage>() {
            return Err(Errno::EINVAL);
        }
        // SAFETY: all-zero is valid; `n` bytes on both sides.
        unsafe {
            let mut storage = std::mem::zeroed::<sockaddr_storage>();
            (&raw mut storage).cast::<u8>().copy_from_nonoverlapping(addr.cast(), n);
            Ok(Addr { storage, len })
        }
    }

    /// `scope`: the interface of a link-local address; 0: none.
    pub fn ip(host: IpAddr, scope: u32, port: u16) -> Addr {
        // SAFETY: all-zero is a valid address of both families, and they are addresses.
        unsafe {
            match host {
                IpAddr::V4(host) => {
                    let mut a = std::mem::zeroed::<libc::sockaddr_in>();
                    a.sin_family = libc::AF_INET as libc::sa_family_t;
                    a.sin_port = port.to_be();
                    a.sin_addr.s_addr = u32::from_ne_bytes(host.octets());
                    Addr::new(a, size_of_val(&a))
                }
                IpAddr::V6(host) => {
                    let mut a = std::mem::zeroed::<libc::sockaddr_in6>();
                    a.sin6_family = libc::AF_INET6 as libc::sa_family_t;
                    a.sin6_port = port.to_be();
                    a.sin6_addr.s6_addr = host.octets();
                    a.sin6_scope_id = scope;
                    Addr::new(a, size_of_val(&a))
                }
            }
        }
    }

    /// A path, or `@` and an abstract name. EINVAL: empty, a zero byte in a path, an abstract name
    /// where the system has none; ENAMETOOLONG.
    pub fn unix(name: &[u8]) -> Result<Addr, Errno> {
        let (abstract_, name) = match name {
            [b'@', rest @ ..] if cfg!(target_os = "linux") => (true, rest),
            [] | [b'@', ..] => return Err(Errno::EINVAL),
            path => (false, path),
        };
        if !abstract_ && name.contains(&0) {
            return Err(Errno::EINVAL);
        }
        // The zero byte stands before an abstract name and behind a path.
        if name.len() + 1 > PATH_MAX {
            return Err(Errno::ENAMETOOLONG);
        }
        // SAFETY: all-zero is a valid address.
        let mut a = unsafe { std::mem::zeroed::<libc::sockaddr_un>() };
        a.sun_family = libc::AF_UNIX as libc::sa_family_t;
        let room = a.sun_path.iter_mut().skip(usize::from(abstract_));
        room.zip(name).for_each(|(to, b)| *to = *b as std::ffi::c_char);
        // SAFETY: it is an address.
        Ok(unsafe { Addr::new(a, PATH_AT + name.len() + 1) })
    }

    /// The path of a local address that has one.
    pub fn path(&self) -> Option<&CStr> {
        let name = self.bytes().get(PATH_AT..).filter(|_| self.family() == libc::AF_UNIX)?;
        CStr::from_bytes_until_nul(name).ok().filter(|path| !path.is_empty())
    }

    /// For a system call: it and its length.
    pub fn raw(&self) -> (*const sockaddr, socklen_t) {
        ((&raw const self.storage).cast(), self.len)
    }

    /// For C.
    pub fn storage(&self) -> sockaddr_storage {
        self.storage
    }

    /// AF_*.
    pub fn family(&self) -> c_int {
        c_int::from(self.storage.ss_family)
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: the storage is plain bytes, `len` of which are set.
        unsafe { std::slice::from_raw_parts((&raw const self.storage).cast(), self.len as usize) }
    }

    /// # Safety
    /// `T` is a socket address as the system has it.
    unsafe fn view<T>(&self) -> Option<&T> {
        // SAFETY: large enough by its length, aligned, plain integers.
        (self.len as usize >= size_of::<T>())
            .then(|| unsafe { &*(&raw const self.storage).cast::<T>() })
    }

    /// The IP address, its scope and port. EAFNOSUPPORT: another family; EINVAL: too short.
    pub fn parts(&self) -> Result<(IpAddr, u32, u16), Errno> {
        // SAFETY: the families say what they are.
        unsafe {
            match self.family() {
                libc::AF_INET => {
                    let a = self.view::<libc::sockaddr_in>().ok_or(Errno::EINVAL)?;
                    let host = Ipv4Addr::from(a.sin_addr.s_addr.to_ne_bytes());
                    Ok((host.into(), 0, u16::from_be(a.sin_port)))
                }
                libc::AF_INET6 => {
                    let a = self.view::<libc::sockaddr_in6>().ok_or(Errno::EINVAL)?;
                    let host = Ipv6Addr::from(a.sin6_addr.s6_addr);
                    Ok((host.into(), a.sin6_scope_id, u16::from_be(a.sin6_port)))
                }
                _ => Err(Errno::EAFNOSUPPORT),
            }
        }
    }

    /// getnameinfo(3), which may block; see `sys`.
    pub fn names(&self, host: &mut [u8], service: &mut [u8], flags: c_int) -> Result<(), Errno> {
        let (addr, len) = self.raw();
        // SAFETY: an address and its length.
        unsafe { sys::getnameinfo(addr, len, host, service, flags) }
    }

    /// From text. EINVAL: it is none; ENODEV: no such interface; ENAMETOOLONG.
    pub fn parse(text: &[u8]) -> Result<Addr, Errno> {
        if let Some(name) = text.strip_prefix(b"unix:") {
            return Addr::unix(name);
        }
        let text = std::str::from_utf8(text).map_err(|_| Errno::EINVAL)?;
        if let Some(inside) = text.strip_prefix('[') {
            let (host, rest) = inside.split_once(']').ok_or(Errno::EINVAL)?;
            let port = match rest.strip_prefix(':') {
                Some(port) => parse_port(port)?,
                None if rest.is_empty() => 0,
                None => return Err(Errno::EINVAL),
            };
            let (host, scope) = parse_v6(host)?;
            return Ok(Addr::ip(host, scope, port));
        }
        match text.split_once(':') {
            Some((host, port)) if !port.contains(':') => {
                let host: Ipv4Addr = host.parse().map_err(|_| Errno::EINVAL)?;
                Ok(Addr::ip(host.into(), 0, parse_port(port)?))
            }
            _ => parse_ip(text).map(|(host, scope)| Addr::ip(host, scope, 0)),
        }
    }

    /// To text: what `parse` takes, ended by a zero byte as far as there is room. The length that
    /// it has or would have, without that. EAFNOSUPPORT, EINVAL: too short for its family.
    pub fn format(&self, to: &mut [u8]) -> Result<usize, Errno> {
        let mut out = Cut { to, len: 0 };
        if self.family() == libc::AF_UNIX {
            self.format_unix(&mut out);
        } else {
            let (host, scope, port) = self.parts()?;
            let mut name = [0; libc::IF_NAMESIZE];
            // Writing to a Cut does not fail.
            let _ = match (host, scope) {
                (IpAddr::V4(host), _) => write!(out, "{host}:{port}"),
                (IpAddr::V6(host), 0) => write!(out, "[{host}]:{port}"),
                (IpAddr::V6(host), _) => match sys::interface_name(scope, &mut name) {
                    Some(name) => write!(out, "[{host}%{name}]:{port}"),
                    None => write!(out, "[{host}%{scope}]:{port}"),
                },
            };
        }
        Ok(out.end())
    }

    fn format_unix(&self, out: &mut Cut<'_>) {
        out.bytes(b"unix:");
        let name = self.bytes().get(PATH_AT..).unwrap_or_default();
        match name {
            [] => {}
            [0, name @ ..] if cfg!(target_os = "linux") => {
                out.bytes(b"@");
                // What C's text can't hold is shown as /proc/net/unix shows it.
                name.iter().for_each(|&b| out.bytes(&[if b == 0 { b'@' } else { b }]));
            }
            path => {
                if path[0] == b'@' {
                    out.bytes(b"./");
                }
                out.bytes(path.split(|&b| b == 0).next().unwrap_or_default());
            }
        }
    }
}

fn parse_port(text: &str) -> Result<u16, Errno> {
    // Rust's parser would take a sign.
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Errno::EINVAL);
    }
    text.parse().map_err(|_| Errno::EINVAL)
}

fn parse_v6(text: &str) -> Result<(IpAddr, u32), Errno> {
    let (host, scope) = match text.split_once('%') {
        None => (text, 0),
        Some((host, zone)) => (host, parse_zone(zone)?),
    };
    let host: Ipv6Addr = host.parse().map_err(|_| Errno::EINVAL)?;
    Ok((host.into(), scope))
}

fn parse_zone(zone: &str) -> Result<u32, Errno> {
    if zone.is_empty() {
        return Err(Errno::EINVAL);
    }
    if zone.bytes().all(|b| b.is_ascii_digit()) {
        return zone.parse().map_err(|_| Errno::EINVAL);
    }
    let mut name = [0; libc::IF_NAMESIZE];
    let room = name.get_mut(..zone.len()).ok_or(Errno::ENODEV)?;
    room.copy_from_slice(zone.as_bytes());
    let name = CStr::from_bytes_until_nul(&name).map_err(|_| Errno::ENODEV)?;
    sys::interface_number(name)
}

/// An IP address by itself, perhaps with a zone.
pub fn parse_ip(text: &str) -> Result<(IpAddr, u32), Errno> {
    match text.parse::<IpAddr>() {
        Ok(host) => Ok((host, 0)),
        Err(_) => parse_v6(text),
    }
}

/// What a caller calls a host.
#[derive(Debug)]
pub enum Host {
    /// An address and its scope.
    Ip(IpAddr, u32),
    /// A name to be looked up.
    Name(CString),
}

impl Host {
    /// EINVAL: neither. What ends like an IPv4 address (its last part begins with a digit and is a
    /// number) or has a colon is a mistyped address, never a name; so says also the URL standard of
    /// WHATWG.
    pub fn new(text: &[u8]) -> Result<Host, Errno> {
        let utf8 = std::str::from_utf8(text).map_err(|_| Errno::EINVAL)?;
        if utf8.contains([':', '[']) || utf8.contains('%') {
            return parse_v6(utf8).map(|(host, scope)| Host::Ip(host, scope));
        }
        if let Ok(host) = utf8.parse::<Ipv4Addr>() {
            return Ok(Host::Ip(host.into(), 0));
        }
        let last = utf8.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
        let number = |t: &str| match t.strip_prefix("0x").or(t.strip_prefix("0X")) {
            Some(hex) => hex.bytes().all(|b| b.is_ascii_hexdigit()),
            None => t.bytes().all(|b| b.is_ascii_digit()),
        };
        let odd = |c: char| c.is_ascii_control() || c.is_ascii_whitespace() || c == '/';
        if last.is_empty() || number(last) || utf8.contains(odd) || text.len() > 255 {
            return Err(Errno::EINVAL);
        }
        let mut own = Vec::new();
        own.try_reserve_exact(text.len() + 1).map_err(|_| Errno::ENOMEM)?;
        own.extend_from_slice(text);
        CString::new(own).map(Host::Name).map_err(|_| Errno::EINVAL)
    }
}

/// A text that is cut where the room ends.
struct Cut<'a> {
    to: &'a mut [u8],
    len: usize,
}

impl Cut<'_> {
    fn bytes(&mut self, bytes: &[u8]) {
        if let Some(room) = self.to.get_mut(self.len..) {
            let n = room.len().min(bytes.len());
            room[..n].copy_from_slice(&bytes[..n]);
        }
        self.len += bytes.len();
    }

    /// Ends it by a zero byte.
    fn end(self) -> usize {
        if let Some(last) = self.to.len().checked_sub(1) {
            self.to[self.len.min(last)] = 0;
        }
        self.len
    }
}

impl Write for Cut<'_> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        self.bytes(s.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests;
