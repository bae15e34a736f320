//! One operation, one file, all engines side by side, so that they cannot drift:
//!
//! | what an operation says | who asks |
//! |---|---|
//! | `attempt`: a try that never blocks; `events`: what to wait for then | `ready`, plain threads, CO_NOW |
//! | `block`: the same as a call that may block | the pool of `ready`, plain threads |
//! | `sqe`: the same as an entry of the ring, and `finish`: its result | `uring` |
//!
//! The functions that the ABI calls are beside them. Lengths are cut to [`MAX_LEN`], as the system
//! does itself.

use crate::err::Errno;
use crate::io::sys::{self, R, Try};
use std::ffi::{c_int, c_short};

#[cfg(target_os = "linux")]
use crate::io::engine::uring::sqe::Sqe;

pub mod accept;
pub mod close;
pub mod connect;
pub mod copy;
pub mod fallocate;
pub mod fsync;
pub mod ftruncate;
pub mod msg;
pub mod name;
pub mod open;
pub mod part;
pub mod pipe;
pub mod poll;
pub mod poll_many;
mod progress;
pub mod read;
pub mod readdir;
pub mod readlink;
pub mod recv;
pub mod recv_buf;
pub mod send;
pub mod sendfile;
pub mod socket;
pub mod splice;
pub mod stat;
pub mod vector;
pub mod write;

/// CO_IO_AHEAD, in the flags of accept and recv_buf.
pub const AHEAD: c_int = 1 << 30;
/// INT_MAX rounded down to a page: more is never transferred at once.
pub const MAX_LEN: usize = 0x7fff_f000;

/// See the module.
pub trait Op {
    /// It is about a descriptor: without one it gives EBADF. Otherwise `fd` may be -1.
    const HAS_FD: bool = true;
    /// `uring`: try before going through the ring. For what mostly can be done at once.
    const TRY_FIRST: bool = false;
    /// No readiness will ever tell: straight to the pool, unless the caller won't wait.
    const BLOCKS: bool = false;
    /// A receive: engines keep notes on whether there is more.
    const RECEIVES: bool = false;
    /// It takes what comes in, so it can't be used on a descriptor that is received from ahead.
    const TAKES: bool = Self::RECEIVES;
    /// The opcode of `sqe`, if it is not among those that every ring has (`sqe::NEEDED`): where the
    /// kernel lacks it, the call is made as under `ready`.
    const OPTIONAL: Option<u8> = None;

    /// The ring breaks a chain after it if, and only if, it has not wholly succeeded. (True of
    /// reads and writes of files; a failed fsync, for instance, breaks none.)
    const SEVERS: bool = false;

    /// A send, which may do without a copy: see `zero_copy`.
    const SENDS: bool = false;

    /// The descriptor, whose close ends the call.
    fn fd(&self) -> c_int;
    /// Another one, whose close ends it as well; -1: none.
    fn fd2(&self) -> c_int {
        -1
    }
    /// A descriptor that the call began with has been closed since, between two parts of the call.
    fn outlived(&self) -> bool {
        false
    }
    /// A try that doesn't block. As it stands here it is that of what nothing can be told of
    /// beforehand but whether the descriptor is open.
    fn attempt(&mut self) -> Try {
        if !Self::HAS_FD {
            return Try::Blocks;
        }
        match sys::flags(self.fd()) {
            Err(e) => Try::Done(Err(e)),
            Ok(_) => Try::Blocks,
        }
    }
    /// `uring`: this call is made as under `ready`, with the ring for a poller. Asked at the
    /// beginning of each round, and when a try has come to nothing.
    fn by_readiness(&self) -> bool {
        false
    }
    /// What to wait for when it would have to block. Nothing: it has no readiness.
    fn events(&self) -> c_short {
        0
    }
    /// The call as it blocks. A socket's comes here only with what always blocks, a file.
    fn block(&mut self) -> R {
        Err(Errno::ENOTSOCK)
    }
    /// As an entry of the ring. `wait_first`: the engine knows that it isn't ready.
    #[cfg(target_os = "linux")]
    fn sqe(&mut self, wait_first: bool) -> Sqe;
    /// Whether it is to be tried without a copy, and pays.
    fn zero_copy(&self) -> bool {
        false
    }
    /// As an entry that does not copy. None: not this one.
    #[cfg(target_os = "linux")]
    fn zero_copy_sqe(&mut self) -> Option<Sqe> {
        None
    }
    /// What the ring's result means.
    fn finish(&mut self, r: R) -> R {
        r
    }
    /// What it has transferred so far, when a wait of it is ended.
    fn partial(&self) -> Option<i64> {
        None
    }
    /// Whether `n` (>= 0) is all that was asked: otherwise what is linked to it in a batch does not
    /// begin.
    fn is_whole(&self, n: i64) -> bool {
        let _ = n;
        true
    }
    /// `r` says that it has to wait for something that nobody will tell it of (a file's readiness
    /// for what files never have).
    fn is_mute(&self, r: &R) -> bool {
        let _ = r;
        false
    }
    /// It is at an offset, so what has no positions refuses it; the ring by itself does not look.
    fn is_positional(&self) -> bool {
        false
    }
    /// It ends by itself: it waits at most for a device, never for a peer.
    fn is_bounded(&self) -> bool {
        false
    }
    /// After a receive that gave `r` there is probably more.
    fn left_more(&self, r: &R) -> bool {
        let _ = r;
        false
    }
    /// A receive that gave `r` has taken all there was, if the descriptor is of the kind that tells
    /// by it.
    fn took_all(&self, r: &R) -> bool {
        let _ = r;
        false
    }
}

/// Two descriptors of which either may be none, or both the same: the one whose close ends the
/// call, and another, or -1.
fn first_and_other(fds: [c_int; 2]) -> [c_int; 2] {
    match fds.map(|fd| fd.max(-1)) {
        [-1, b] => [b, -1],
        [a, b] if a == b => [a, -1],
        both => both,
    }
}

#[cfg(target_os = "linux")]
const ZERO_COPY: c_int = libc::MSG_ZEROCOPY;
#[cfg(not(target_os = "linux"))]
const ZERO_COPY: c_int = 0;
/// Less than this is copied: see `engine::uring::zero_copy` for why.
const ZERO_COPY_MIN: usize = 64 << 10;

/// The timeout of a call whose flags say that it must not wait.
fn patience(flags: c_int, timeout_ns: i64) -> i64 {
    // What is below -1 stays, to be refused.
    if flags & libc::MSG_DONTWAIT != 0 && timeout_ns >= -1 { 0 } else { timeout_ns }
}
