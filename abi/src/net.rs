//! Header section `net`: names, addresses, and what every network program would otherwise write.

use crate::convert::value;
use photonrt_runtime::io;
use std::ffi::{c_char, c_int};

/// Makes a TCP socket that listens on `host` (an IPv4 or IPv6 address as text; NULL: every address,
/// IPv6 and IPv4 where the system has both) and `port` (0: one that the system picks; getsockname
/// tells), with SO_REUSEADDR. `backlog` <= 0: the system's greatest. Does not block.
///
/// The descriptor; -EINVAL (`host` is no address), or what socket(2), bind(2), listen(2) give,
/// -EADDRINUSE for instance.
///
/// # Safety
/// `host` is NULL or ended by a zero byte.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_tcp_listen(host: *const c_char, port: u16, backlog: c_int) -> c_int {
    // SAFETY: the caller vouches for the text.
    let host = unsafe { crate::convert::optional_text(host) };
    value(io::tcp_listen(host, port, backlog).map(i64::from)) as c_int
}
