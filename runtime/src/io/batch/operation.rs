//! Operations of every kind as one type, so that a batch can hold some of each.

use crate::err::Errno;
use crate::io::op::accept::Accept;
use crate::io::op::connect::Connect;
use crate::io::op::fallocate::Fallocate;
use crate::io::op::fsync::Fsync;
use crate::io::op::ftruncate::Ftruncate;
use crate::io::op::msg::{RecvMsg, SendMsg};
use crate::io::op::name::{Mkdir, Unlink};
use crate::io::op::open::Open;
use crate::io::op::poll::Poll;
use crate::io::op::read::Read;
use crate::io::op::recv::Recv;
use crate::io::op::send::Send;
use crate::io::op::vector::{Readv, Writev};
use crate::io::op::write::Write;
use crate::io::op::{AHEAD, Op};
use crate::io::sys::{R, Try};
use libc::{iovec, msghdr, sockaddr, socklen_t};
use std::ffi::{c_char, c_int, c_short};

#[cfg(target_os = "linux")]
use crate::io::engine::uring::sqe::Sqe;

/// The constants of an [`Op`].
#[derive(Clone, Copy, Debug)]
pub struct Traits {
    pub has_fd: bool,
    pub try_first: bool,
    pub blocks: bool,
    pub receives: bool,
    pub severs: bool,
    pub takes: bool,
    pub optional: Option<u8>,
}

/// An [`Op`] whose type is not known: the same methods, the constants as a value.
pub trait Face {
    fn traits(&self) -> Traits;
    fn fd(&self) -> c_int;
    fn fd2(&self) -> c_int;
    fn outlived(&self) -> bool;
    fn attempt(&mut self) -> Try;
    fn by_readiness(&self) -> bool;
    fn events(&self) -> c_short;
    fn block(&mut self) -> R;
    #[cfg(target_os = "linux")]
    fn sqe(&mut self, wait_first: bool) -> Sqe;
    fn finish(&mut self, r: R) -> R;
    fn partial(&self) -> Option<i64>;
    fn is_whole(&self, n: i64) -> bool;
    fn is_mute(&self, r: &R) -> bool;
    fn is_positional(&self) -> bool;
    fn is_bounded(&self) -> bool;
    fn left_more(&self, r: &R) -> bool;
    fn took_all(&self, r: &R) -> bool;
}

impl<O: Op> Face for O {
    fn traits(&self) -> Traits {
        Traits {
            has_fd: O::HAS_FD,
            try_first: O::TRY_FIRST,
            blocks: O::BLOCKS,
            receives: O::RECEIVES,
            severs: O::SEVERS,
            takes: O::TAKES,
            optional: O::OPTIONAL,
        }
    }
    fn fd(&self) -> c_int {
        Op::fd(self)
    }
    fn fd2(&self) -> c_int {
        Op::fd2(self)
    }
    fn outlived(&self) -> bool {
        Op::outlived(self)
    }
    fn attempt(&mut self) -> Try {
        Op::attempt(self)
    }
    fn by_readiness(&self) -> bool {
        Op::by_readiness(self)
    }
    fn events(&self) -> c_short {
        Op::events(self)
    }
    fn block(&mut self) -> R {
        Op::block(self)
    }
    #[cfg(target_os = "linux")]
    fn sqe(&mut self, wait_first: bool) -> Sqe {
        Op::sqe(self, wait_first)
    }
    fn finish(&mut self, r: R) -> R {
        Op::finish(self, r)
    }
    fn partial(&self) -> Option<i64> {
        Op::partial(self)
    }
    fn is_whole(&self, n: i64) -> bool {
        Op::is_whole(self, n)
    }
    fn is_mute(&self, r: &R) -> bool {
        Op::is_mute(self, r)
    }
    fn is_positional(&self) -> bool {
        Op::is_positional(self)
    }
    fn is_bounded(&self) -> bool {
        Op::is_bounded(self)
    }
    fn left_more(&self, r: &R) -> bool {
        Op::left_more(self, r)
    }
    fn took_all(&self, r: &R) -> bool {
        Op::took_all(self, r)
    }
}

/// What no engine carries out: a timer, or what is refused.
#[derive(Debug)]
struct Nothing;

impl Op for Nothing {
    const HAS_FD: bool = false;

    fn fd(&self) -> c_int {
        -1
    }
    fn attempt(&mut self) -> Try {
        Try::Done(Ok(0))
    }
    fn events(&self) -> c_short {
        0
    }
    fn block(&mut self) -> R {
        Ok(0)
    }
    #[cfg(target_os = "linux")]
    fn sqe(&mut self, _wait_first: bool) -> Sqe {
        crate::io::engine::uring::sqe::nop()
    }
}

macro_rules! kinds {
    ($($kind:ident),*) => {
        #[derive(Debug)]
        enum Kind {
            $($kind($kind),)*
        }

        $(impl From<$kind> for Kind {
            fn from(op: $kind) -> Kind {
                Kind::$kind(op)
            }
        })*

        impl Kind {
            fn face(&mut self) -> &mut dyn Face {
                match self {
                    $(Kind::$kind(op) => op,)*
                }
            }
        }
    };
}

kinds!(
    Nothing, Read, Write, Readv, Writev, Recv, Send, RecvMsg, SendMsg, Accept, Connect, Fsync,
    Poll, Open, Fallocate, Ftruncate, Unlink, Mkdir
);

/// One operation of a batch, as it is asked for. Its pointers are as the single call wants them,
/// until the batch has returned.
#[derive(Debug)]
pub struct Operation {
    kind: Kind,
    /// It does not wait, whatever the batch does.
    pub(super) now: bool,
    /// The next one begins only when this one has succeeded wholly.
    pub(super) linked: bool,
    /// It takes what comes in, and so not where that is taken ahead.
    pub(super) takes: bool,
    /// A timer's nanoseconds.
    pub(super) timer: Option<i64>,
    /// Its result, since its arguments are wrong.
    pub(super) refused: Option<Errno>,
}

impl Operation {
    fn of(kind: impl Into<Kind>) -> Operation {
        let mut kind = kind.into();
        let takes = kind.face().traits().takes;
        Operation { kind, now: false, linked: false, takes, timer: None, refused: None }
    }

    /// One whose arguments may be wrong: then that is its result.
    fn checked(made: Result<impl Into<Kind>, Errno>) -> Operation {
        match made {
            Ok(op) => Operation::of(op),
            Err(e) => Operation::refused(e),
        }
    }

    /// One that is not carried out: `e` is its result.
    pub fn refused(e: Errno) -> Operation {
        Operation { refused: Some(e), ..Operation::of(Nothing) }
    }

    fn patient(self, flags: c_int) -> Operation {
        Operation { now: flags & libc::MSG_DONTWAIT != 0, ..self }
    }

    /// Whether the next one begins only when this one has succeeded wholly.
    pub fn linked(self, linked: bool) -> Operation {
        Operation { linked, ..self }
    }

    /// The operation's own methods.
    pub fn face(&mut self) -> &mut dyn Face {
        self.kind.face()
    }

    /// read (offset None) or pread.
    pub fn read(fd: c_int, buf: *mut u8, len: usize, offset: Option<i64>) -> Operation {
        Operation::checked(Read::new(fd, buf, len, offset))
    }

    /// write (offset None) or pwrite.
    pub fn write(fd: c_int, buf: *const u8, len: usize, offset: Option<i64>) -> Operation {
        Operation::checked(Write::new(fd, buf, len, offset))
    }

    /// recv.
    pub fn recv(fd: c_int, buf: *mut u8, len: usize, flags: c_int) -> Operation {
        Operation::of(Recv::new(fd, buf, len, flags)).patient(flags)
    }

    /// send.
    pub fn send(fd: c_int, buf: *const u8, len: usize, flags: c_int) -> Operation {
        Operation::of(Send::new(fd, buf, len, flags)).patient(flags)
    }

    /// readv (offset None) or preadv.
    pub fn readv(fd: c_int, iov: *const iovec, count: c_int, offset: Option<i64>) -> Operation {
        Operation::checked(Readv::new(fd, iov, count, offset))
    }

    /// writev (offset None) or pwritev.
    pub fn writev(fd: c_int, iov: *const iovec, count: c_int, offset: Option<i64>) -> Operation {
        Operation::checked(Writev::new(fd, iov, count, offset))
    }

    /// recvfrom.
    pub fn recvfrom(
        fd: c_int,
        buf: *mut u8,
        len: usize,
        flags: c_int,
        addr: *mut sockaddr,
        addr_len: *mut socklen_t,
    ) -> Operation {
        let op = Recv::new(fd, buf, len, flags).from(addr, addr_len);
        Operation::of(op).patient(flags)
    }

    /// sendto.
    pub fn sendto(
        fd: c_int,
        buf: *const u8,
        len: usize,
        flags: c_int,
        addr: *const sockaddr,
        addr_len: socklen_t,
    ) -> Operation {
        let op = Send::new(fd, buf, len, flags).to(addr, addr_len);
        Operation::of(op).patient(flags)
    }

    /// recvmsg.
    pub fn recvmsg(fd: c_int, msg: *mut msghdr, flags: c_int) -> Operation {
        Operation::checked(RecvMsg::new(fd, msg, flags)).patient(flags)
    }

    /// sendmsg.
    pub fn sendmsg(fd: c_int, msg: *const msghdr, flags: c_int) -> Operation {
        Operation::checked(SendMsg::new(fd, msg, flags)).patient(flags)
    }

    /// fallocate.
    pub fn fallocate(fd: c_int, mode: c_int, offset: i64, len: i64) -> Operation {
        Operation::checked(Fallocate::new(fd, mode, offset, len))
    }

    /// ftruncate.
    pub fn ftruncate(fd: c_int, len: i64) -> Operation {
        Operation::checked(Ftruncate::new(fd, len))
    }

    /// unlinkat.
    pub fn unlinkat(dir: c_int, path: *const c_char, flags: c_int) -> Operation {
        Operation::checked(Unlink::new(dir, path, flags))
    }

    /// mkdirat.
    pub fn mkdirat(dir: c_int, path: *const c_char, mode: u32) -> Operation {
        Operation::checked(Mkdir::new(dir, path, mode))
    }

    /// accept.
    pub fn accept(fd: c_int, addr: *mut sockaddr, len: *mut socklen_t, flags: c_int) -> Operation {
        // Ahead only one by one.
        let made = if flags & AHEAD == 0 { Ok(()) } else { Err(Errno::EINVAL) };
        let op = Operation::checked(made.map(|()| Accept::new(fd, addr, len, flags)));
        Operation { takes: true, ..op }
    }

    /// connect.
    pub fn connect(fd: c_int, addr: *const sockaddr, len: socklen_t) -> Operation {
        Operation::of(Connect::new(fd, addr, len))
    }

    /// fsync.
    pub fn fsync(fd: c_int) -> Operation {
        Operation::of(Fsync::new(fd, false))
    }

    /// poll.
    pub fn poll(fd: c_int, events: c_short) -> Operation {
        Operation::checked(Poll::new(fd, events))
    }

    /// fdatasync.
    pub fn fdatasync(fd: c_int) -> Operation {
        Operation::of(Fsync::new(fd, true))
    }

    /// openat.
    pub fn openat(dir: c_int, path: *const c_char, flags: c_int, mode: u32) -> Operation {
        Operation::checked(Open::new(dir, path, flags, mode))
    }

    /// Ends `ns` nanoseconds after its beginning; negative: EINVAL.
    pub fn timer(ns: i64) -> Operation {
        if ns < 0 {
            return Operation::refused(Errno::EINVAL);
        }
        Operation { timer: Some(ns), ..Operation::of(Nothing) }
    }
}
