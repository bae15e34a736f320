//! When a wait gives up, and why.

use crate::err::Errno;
use crate::time;

/// When a wait gives up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Deadline {
    /// It does not wait at all.
    Now,
    /// At that time of [`time::now`].
    At(i64),
    /// Never.
    Never,
}

impl Deadline {
    /// From the ABI's timeout: -1, 0 or nanoseconds. Reads the clock for a finite one only. EINVAL
    /// below -1.
    #[inline]
    pub fn new(timeout_ns: i64) -> Result<Deadline, Errno> {
        match timeout_ns {
            -1 => Ok(Deadline::Never),
            0 => Ok(Deadline::Now),
            n if n > 0 => Ok(Deadline::At(time::now().saturating_add(n))),
            _ => Err(Errno::EINVAL),
        }
    }

    #[cfg(not(loom))]
    pub(crate) fn at(self) -> Option<i64> {
        if let Deadline::At(t) = self { Some(t) } else { None }
    }

    /// Nanoseconds left; none for ever.
    pub fn left(self) -> Option<i64> {
        match self {
            Deadline::Now => Some(0),
            Deadline::At(t) => Some((t - time::now()).max(0)),
            Deadline::Never => None,
        }
    }
}

/// The deadline of a timeout that has been found valid.
#[inline]
pub fn deadline(timeout_ns: i64) -> Deadline {
    Deadline::new(timeout_ns).unwrap_or(Deadline::Never)
}

/// Why a wait ended without its condition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// The deadline.
    Timeout,
    /// A cancel, which stays.
    Cancelled,
    /// An interrupt, used up by this.
    Interrupted(Errno),
}

impl Stop {
    /// As the ABI reports it for a wait with that deadline.
    pub fn errno(self, d: Deadline) -> Errno {
        match self {
            Stop::Timeout if d == Deadline::Now => Errno::EAGAIN,
            Stop::Timeout => Errno::ETIMEDOUT,
            Stop::Cancelled => Errno::ECANCELED,
            Stop::Interrupted(e) => e,
        }
    }
}
