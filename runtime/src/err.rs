//! L0: errors are errno values, as the ABI returns them.

use std::ffi::CStr;

/// An errno value, 1..=4095.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Errno(pub i32);

macro_rules! errnos {
    ($($name:ident $text:literal),* $(,)?) => {
        #[allow(missing_docs)]
        impl Errno {
            $(pub const $name: Errno = Errno(libc::$name);)*
        }
        fn known(err: i32) -> Option<&'static CStr> {
            match err {
                $(libc::$name => CStr::from_bytes_with_nul(concat!($text, "\0").as_bytes()).ok(),)*
                _ => None,
            }
        }
    };
}

errnos! {
    EPERM "operation not permitted",
    ENOENT "no such file or directory",
    ESRCH "no such coroutine, group or runtime",
    EINTR "interrupted",
    EIO "input/output error",
    ENXIO "no such device or address",
    E2BIG "option struct from a newer header, or environment too large",
    EBADF "bad file descriptor",
    EAGAIN "not possible at once; try again",
    ENOMEM "out of memory or address space",
    EACCES "permission denied",
    EFAULT "bad address",
    EBUSY "busy",
    EEXIST "exists already",
    ENODEV "no such device",
    ENOTDIR "not a directory",
    EISDIR "is a directory",
    EINVAL "invalid argument",
    ENFILE "too many open files in the system",
    EMFILE "too many open files",
    ENOTTY "not a terminal",
    EFBIG "file too large",
    ENOSPC "no space left on the device",
    ESPIPE "the descriptor has no positions",
    EROFS "read-only file system",
    EMLINK "too many links",
    EPIPE "broken pipe",
    EDEADLK "would wait for itself",
    ENAMETOOLONG "name too long",
    ENOSYS "not supported by this system",
    ELOOP "too many symbolic links",
    EOVERFLOW "value too large",
    ENOTSOCK "not a socket",
    EDESTADDRREQ "destination address required",
    EMSGSIZE "message too long",
    EPROTOTYPE "wrong protocol for the socket",
    ENOPROTOOPT "protocol option not available",
    EPROTONOSUPPORT "protocol not supported",
    EOPNOTSUPP "operation not supported",
    EAFNOSUPPORT "address family not supported",
    EADDRINUSE "address in use",
    EADDRNOTAVAIL "address not available",
    ENETDOWN "network is down",
    ENETUNREACH "network unreachable",
    ECONNABORTED "connection aborted",
    ECONNRESET "connection reset by peer",
    ENOBUFS "no buffer space",
    EISCONN "already connected",
    ENOTCONN "not connected",
    ESHUTDOWN "shutting down",
    ETIMEDOUT "timed out",
    ETIME "the scope's deadline has passed",
    ECONNREFUSED "connection refused",
    EHOSTUNREACH "host unreachable",
    EALREADY "already under way",
    EINPROGRESS "under way",
    ECANCELED "cancelled",
    EOWNERDEAD "the runtime died in a fork",
}

impl Errno {
    /// The calling thread's errno, right after a system call failed.
    pub fn last() -> Errno {
        Errno(std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO))
    }

    /// From an error of the standard library or a crate; EIO where it carries no number.
    pub fn from_io(e: &std::io::Error) -> Errno {
        Errno(e.raw_os_error().unwrap_or(libc::EIO))
    }

    /// As the ABI returns it: negative.
    pub fn code(self) -> i32 {
        -self.0
    }

    /// Checks what a system call returned: negative means errno.
    pub fn check(ret: i64) -> Result<i64, Errno> {
        if ret < 0 { Err(Errno::last()) } else { Ok(ret) }
    }

    /// Checks what a pthread function returned: 0, or an error's number.
    pub fn check_number(ret: i32) -> Result<(), Errno> {
        if ret == 0 { Ok(()) } else { Err(Errno(ret)) }
    }
}

/// A short English text for an errno value: the words that this library's documentation uses.
pub fn text(err: i32) -> &'static CStr {
    match err {
        0 => c"success",
        _ => known(err).unwrap_or(c"unknown error"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        assert_eq!(text(libc::ETIMEDOUT).to_str(), Ok("timed out"));
        assert_eq!(text(0).to_str(), Ok("success"));
        assert_eq!(text(4095).to_str(), Ok("unknown error"));
        assert_eq!(Errno::EBADF.code(), -libc::EBADF);
    }

    #[test]
    fn last_is_the_system_calls() {
        assert!(std::fs::File::open("/no such file").is_err());
        assert_eq!(Errno::check(-1), Err(Errno::ENOENT));
        assert_eq!(Errno::check(3), Ok(3));
    }
}
