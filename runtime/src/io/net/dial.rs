//! Sockets that are connected.
//!
//! A name may have several addresses, of which some answer late or never. So they are tried as RFC
//! 8305 ("Happy Eyeballs", section 5) has it: in the order of getaddrinfo (RFC 6724) with the
//! families taking turns, each 250 ms after the one before it or at once when that has failed, all
//! at the same time, until one is connected:
//! ```text
//!   0 ms      A connecting ....................................... closed
//!   250 ms              B connecting ... refused
//!                                        C connecting ... connected: it is the one
//! ```
//! It takes no coroutines of its own: the attempts are sockets in O_NONBLOCK mode, polled together.
//! The winner is put into blocking mode, as co_io_socket's are, and has TCP_NODELAY: see `listen`.
//!
//! Not as in the RFC: the addresses of both families are waited for together, since that is how the
//! C library gives them.

use super::addr::Addr;
use super::fd::Fd;
use super::names::{Service, resolve};
use crate::err::Errno;
use crate::io::op::{connect, poll_many::poll_many};
use crate::io::sys;
use crate::time;
use crate::wait::{self, Deadline};
use std::ffi::{c_int, c_uint};

/// The RFC's "Connection Attempt Delay".
const HEAD_START: i64 = 250_000_000;

/// The timeout of a call under a deadline. ETIMEDOUT: the time is up.
fn left(deadline: Deadline) -> Result<i64, Errno> {
    match deadline {
        Deadline::Now => Ok(0),
        Deadline::Never => Ok(-1),
        Deadline::At(t) => match t - time::now() {
            ns if ns <= 0 => Err(Errno::ETIMEDOUT),
            ns => Ok(ns),
        },
    }
}

/// Puts the addresses into the order in which they are tried: the families take turns, beginning
/// with the first one's.
fn interleave(addrs: &mut [Addr]) {
    for at in 1..addrs.len() {
        let before = addrs[at - 1].family();
        if let Some(next) = addrs[at..].iter().position(|a| a.family() != before) {
            addrs[at..=at + next].rotate_right(1);
        }
    }
}

/// A connection that is being made.
struct Attempt(Fd);

/// What beginning one came to.
enum Begun {
    Connected(Fd),
    UnderWay(Attempt),
}

impl Attempt {
    fn begin(addr: &Addr) -> Result<Begun, Errno> {
        let fd = Fd::socket(addr.family(), libc::SOCK_STREAM)?;
        sys::set_flags(fd.number(), sys::flags(fd.number())? | libc::O_NONBLOCK)?;
        let (raw, len) = addr.raw();
        match sys::connect(fd.number(), raw, len) {
            Ok(_) => Ok(Begun::Connected(fd)),
            Err(Errno::EINPROGRESS) => Ok(Begun::UnderWay(Attempt(fd))),
            Err(e) => Err(e),
        }
    }

    /// It has been found ready: connected or not.
    fn end(self) -> Result<Fd, Errno> {
        match sys::socket_option(self.0.number(), libc::SOL_SOCKET, libc::SO_ERROR)? {
            0 => Ok(self.0),
            e => Err(Errno(e)),
        }
    }
}

/// All that are under way.
#[derive(Default)]
struct Race {
    attempts: Vec<Attempt>,
    polled: Vec<libc::pollfd>,
}

impl Race {
    fn add(&mut self, attempt: Attempt) -> Result<(), Errno> {
        self.attempts.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        self.polled.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        self.polled.push(libc::pollfd {
            fd: attempt.0.number(),
            events: libc::POLLOUT,
            revents: 0,
        });
        self.attempts.push(attempt);
        Ok(())
    }

    /// Waits until one has ended, takes it out and gives its end.
    fn next(&mut self, timeout_ns: i64) -> Result<Result<Fd, Errno>, Errno> {
        let n = self.polled.len() as c_uint;
        poll_many(self.polled.as_mut_ptr(), n, timeout_ns)?;
        let at = self.polled.iter().position(|p| p.revents != 0).ok_or(Errno::EIO)?;
        self.polled.remove(at);
        Ok(self.attempts.remove(at).end())
    }
}

fn race(addrs: &[Addr], deadline: Deadline) -> Result<Fd, Errno> {
    let mut race = Race::default();
    let mut waiting = addrs.iter();
    let mut last = Errno::ENOENT;
    let mut next_start = 0;
    loop {
        if (race.attempts.is_empty() || time::now() >= next_start)
            && let Some(addr) = waiting.next()
        {
            match Attempt::begin(addr) {
                Ok(Begun::Connected(fd)) => return Ok(fd),
                Ok(Begun::UnderWay(attempt)) => {
                    race.add(attempt)?;
                    next_start = time::now().saturating_add(HEAD_START);
                }
                Err(e) => last = e,
            }
            continue;
        }
        if race.attempts.is_empty() {
            return Err(last);
        }
        let until = match deadline {
            Deadline::At(t) if waiting.len() > 0 => Deadline::At(t.min(next_start)),
            Deadline::Never if waiting.len() > 0 => Deadline::At(next_start),
            d => d,
        };
        let ended = left(until).and_then(|timeout| race.next(timeout));
        match ended {
            Ok(Ok(fd)) => return Ok(fd),
            Ok(Err(e)) => {
                last = e;
                next_start = 0;
            }
            // The next one's turn.
            Err(Errno::ETIMEDOUT) if until != deadline && left(deadline).is_ok() => {}
            Err(e) => return Err(e),
        }
    }
}

/// A cancel or an interrupt, before anything else.
fn begin(timeout_ns: i64) -> Result<Deadline, Errno> {
    let deadline = Deadline::new(timeout_ns)?;
    wait::check().map_err(|stop| stop.errno(deadline))?;
    Ok(deadline)
}

fn connected(addr: &Addr, kind: c_int, deadline: Deadline) -> Result<Fd, Errno> {
    let fd = Fd::socket(addr.family(), kind)?;
    let (raw, len) = addr.raw();
    connect::connect(fd.number(), raw, len, left(deadline)?)?;
    Ok(fd)
}

/// co_tcp_connect and co_tcp_connect_to.
pub fn tcp_connect(host: &[u8], service: Service<'_>, timeout_ns: i64) -> Result<c_int, Errno> {
    let deadline = begin(timeout_ns)?;
    let mut addrs = resolve(host, service, libc::SOCK_STREAM, deadline)?;
    let fd = match &mut addrs[..] {
        [addr] => connected(addr, libc::SOCK_STREAM, deadline)?,
        addrs => {
            interleave(addrs);
            let fd = race(addrs, deadline)?;
            sys::set_flags(fd.number(), sys::flags(fd.number())? & !libc::O_NONBLOCK)?;
            fd
        }
    };
    sys::set_option(fd.number(), libc::IPPROTO_TCP, libc::TCP_NODELAY, 1)?;
    Ok(fd.into_number())
}

/// co_udp_connect.
pub fn udp_connect(host: &[u8], port: u16, timeout_ns: i64) -> Result<c_int, Errno> {
    let deadline = begin(timeout_ns)?;
    let mut last = Errno::ENOENT;
    for addr in &resolve(host, Service::Port(port), libc::SOCK_DGRAM, deadline)? {
        match connected(addr, libc::SOCK_DGRAM, deadline) {
            Ok(fd) => return Ok(fd.into_number()),
            Err(e) => last = e,
        }
    }
    Err(last)
}

/// co_unix_connect.
pub fn unix_connect(path: &[u8], timeout_ns: i64) -> Result<c_int, Errno> {
    let deadline = begin(timeout_ns)?;
    connected(&Addr::unix(path)?, libc::SOCK_STREAM, deadline).map(Fd::into_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let order = |families: &str| -> String {
            let addr = |(i, c): (usize, char)| {
                let ip = if c == '4' { "192.0.2.1" } else { "2001:db8::1" };
                Addr::ip(ip.parse().unwrap(), 0, i as u16)
            };
            let mut all: Vec<Addr> = families.chars().enumerate().map(addr).collect();
            interleave(&mut all);
            let port = |a: &Addr| a.parts().unwrap().2;
            // The order within a family is kept.
            for family in [libc::AF_INET, libc::AF_INET6] {
                assert!(all.iter().filter(|a| a.family() == family).map(port).is_sorted());
            }
            all.iter().map(|a| if a.family() == libc::AF_INET { '4' } else { '6' }).collect()
        };
        for (given, tried) in [
            ("6644", "6464"),
            ("4466", "4646"),
            ("66664", "64666"),
            ("6", "6"),
            ("44", "44"),
            ("", ""),
            ("646644", "646464"),
        ] {
            assert_eq!(order(given), tried, "{given}");
        }
    }
}
