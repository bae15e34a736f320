//! getaddrinfo and getnameinfo. What is all numbers is answered at once; the rest may ask files,
//! name servers and whatever else the system is told to ask, and goes to a thread: see `blocking`.
#![allow(unsafe_code)]

use super::addr::{Addr, Host};
use crate::blocking::NAMES;
use crate::err::Errno;
use crate::io::sys::{self, Found, Hints};
use crate::wait::{self, Deadline};
use std::ffi::{CStr, CString, c_int};
use std::net::{IpAddr, Ipv6Addr};

/// The longest texts that getnameinfo gives, with their zero bytes.
const HOST: usize = 1025;
const SERVICE: usize = 32;

/// A copy for a thread that may outlive the caller's text. ENOMEM.
fn copy(text: Option<&CStr>) -> Result<Option<CString>, Errno> {
    let Some(text) = text else { return Ok(None) };
    let bytes = text.to_bytes_with_nul();
    let mut own = Vec::new();
    own.try_reserve_exact(bytes.len()).map_err(|_| Errno::ENOMEM)?;
    own.extend_from_slice(bytes);
    CString::from_vec_with_nul(own).map(Some).map_err(|_| Errno::EINVAL)
}

/// An IP address, perhaps with a zone.
fn is_number(host: &CStr) -> bool {
    let Ok(text) = host.to_str() else { return false };
    match text.split_once('%') {
        Some((address, _)) => address.parse::<Ipv6Addr>().is_ok(),
        None => text.parse::<IpAddr>().is_ok(),
    }
}

fn is_port(service: &CStr) -> bool {
    service.to_bytes().iter().all(u8::is_ascii_digit)
}

/// A cancellation point, and the deadline.
fn begin(timeout_ns: i64) -> Result<Deadline, Errno> {
    let deadline = Deadline::new(timeout_ns)?;
    wait::check().map_err(|stop| stop.errno(deadline))?;
    Ok(deadline)
}

/// co_getaddrinfo.
pub fn getaddrinfo(
    node: Option<&CStr>,
    service: Option<&CStr>,
    hints: Hints,
    timeout_ns: i64,
) -> Result<Found, Errno> {
    find(node, service, hints, begin(timeout_ns)?)
}

/// The same, by a deadline.
pub fn find(
    node: Option<&CStr>,
    service: Option<&CStr>,
    hints: Hints,
    deadline: Deadline,
) -> Result<Found, Errno> {
    if node.is_none() && service.is_none() {
        return Err(Errno::EINVAL);
    }
    let numbers = node.is_none_or(|n| hints.flags & libc::AI_NUMERICHOST != 0 || is_number(n))
        && service.is_none_or(|s| hints.flags & libc::AI_NUMERICSERV != 0 || is_port(s));
    if numbers {
        return sys::getaddrinfo(node, service, &hints);
    }
    let (node, service) = (copy(node)?, copy(service)?);
    let call = move || sys::getaddrinfo(node.as_deref(), service.as_deref(), &hints);
    NAMES.errand(deadline, call)?
}

/// What getnameinfo found.
struct Texts {
    host: [u8; HOST],
    service: [u8; SERVICE],
}

fn texts(addr: &Addr, host: bool, service: bool, flags: c_int) -> Result<Texts, Errno> {
    let mut t = Texts { host: [0; HOST], service: [0; SERVICE] };
    let wanted = |text: bool, len| if text { len } else { 0 };
    let (h, s) = (wanted(host, HOST), wanted(service, SERVICE));
    addr.names(&mut t.host[..h], &mut t.service[..s], flags)?;
    Ok(t)
}

/// A text with its zero byte.
fn text(t: &[u8]) -> &[u8] {
    t.iter().position(|&b| b == 0).map_or(t, |end| &t[..=end])
}

/// co_getnameinfo. A text that is None is not asked for.
pub fn getnameinfo(
    addr: &Addr,
    host: Option<&mut [u8]>,
    service: Option<&mut [u8]>,
    flags: c_int,
    timeout_ns: i64,
) -> Result<(), Errno> {
    let deadline = begin(timeout_ns)?;
    let (h, s) = (host.is_some(), service.is_some());
    if !h && !s {
        return Err(Errno::EINVAL);
    }
    let numbers =
        (!h || flags & libc::NI_NUMERICHOST != 0) && (!s || flags & libc::NI_NUMERICSERV != 0);
    let found = if numbers {
        texts(addr, h, s, flags)?
    } else {
        let addr = *addr;
        NAMES.errand(deadline, move || texts(&addr, h, s, flags))??
    };
    let pairs = [(text(&found.host), host), (text(&found.service), service)];
    // All or nothing.
    if pairs.iter().any(|(t, to)| to.as_ref().is_some_and(|to| to.len() < t.len())) {
        return Err(Errno::EOVERFLOW);
    }
    for (t, to) in pairs {
        if let Some(to) = to {
            to[..t.len()].copy_from_slice(t);
        }
    }
    Ok(())
}

/// A port, or what it goes by.
#[derive(Clone, Copy, Debug)]
pub enum Service<'a> {
    /// Its number.
    Port(u16),
    /// Its number as text, or its name.
    Name(&'a CStr),
}

impl Service<'_> {
    /// The number, if that is what it is. EINVAL: it is none of a port.
    fn number(self) -> Result<Option<u16>, Errno> {
        match self {
            Service::Port(port) => Ok(Some(port)),
            Service::Name(name) if name.is_empty() => Err(Errno::EINVAL),
            Service::Name(name) if is_port(name) => {
                let digits = name.to_str().map_err(|_| Errno::EINVAL)?;
                digits.parse().map(Some).map_err(|_| Errno::EINVAL)
            }
            Service::Name(_) => Ok(None),
        }
    }

    /// The port, looked up if need be. `kind`: SOCK_*.
    pub fn port(self, kind: c_int, deadline: Deadline) -> Result<u16, Errno> {
        if let (Some(port), _) | (None, Service::Port(port)) = (self.number()?, self) {
            return Ok(port);
        }
        let Service::Name(name) = self else { return Err(Errno::EINVAL) };
        let hints = Hints { socktype: kind, flags: libc::AI_PASSIVE, ..Hints::default() };
        let found = find(None, Some(name), hints, deadline)?;
        let first = found.iter().find_map(|a| addr_of(a).ok()).ok_or(Errno::EPROTONOSUPPORT)?;
        first.parts().map(|(_, _, port)| port)
    }
}

fn addr_of(a: &libc::addrinfo) -> Result<Addr, Errno> {
    // SAFETY: the C library's: an address and its length.
    unsafe { Addr::from_raw(a.ai_addr, a.ai_addrlen) }
}

/// The addresses of a host with the service's port, in the system's order. EINVAL: no host's name;
/// ENOENT: not known.
pub fn resolve(
    host: &[u8],
    service: Service<'_>,
    kind: c_int,
    deadline: Deadline,
) -> Result<Vec<Addr>, Errno> {
    let mut out = Vec::new();
    let mut add = |addr| {
        out.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        out.push(addr);
        Ok::<(), Errno>(())
    };
    let (port, name) = match (service.number()?, service) {
        (Some(port), _) | (None, Service::Port(port)) => (Some(port), None),
        (None, Service::Name(name)) => (None, Some(name)),
    };
    match Host::new(host)? {
        Host::Ip(host, scope) => {
            add(Addr::ip(host, scope, service.port(kind, deadline)?))?;
        }
        Host::Name(host) => {
            let hints = Hints { socktype: kind, ..Hints::default() };
            for a in find(Some(&host), name, hints, deadline)?.iter() {
                let (host, scope, found) = addr_of(a)?.parts()?;
                add(Addr::ip(host, scope, port.unwrap_or(found)))?;
            }
        }
    }
    Ok(out)
}
