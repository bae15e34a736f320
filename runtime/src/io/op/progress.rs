//! How far a read or write has come by tries. Of a file a try stops where a page is not in memory; what is
//! left then is done by whoever can wait, from there on, and the caller gets the sum, as from read(2).

use crate::err::Errno;
use crate::io::sys::{self, R, Try};
use std::ffi::c_int;

/// Bytes that tries have done so far.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Progress(usize);

impl Progress {
    /// The bytes.
    pub fn done(self) -> usize {
        self.0
    }

    /// The position to go on at, of a call that began at `offset`.
    pub fn at(self, offset: Option<i64>) -> Option<i64> {
        offset.map(|o| o.saturating_add(self.0 as i64))
    }

    /// Tries, again and again where that may help, until all is done or it has to wait; gives how far it has
    /// come then. `call` is given what is done; `len`, how much it is in all, is only asked once something
    /// has been done.
    pub fn attempt(
        mut self,
        fd: c_int,
        len: impl Fn() -> usize,
        mut call: impl FnMut(Progress) -> Try,
    ) -> (Progress, Try) {
        loop {
            match call(self) {
                Try::Done(Ok(n @ 1..)) if self.0 + (n as usize) < len() && sys::may_go_on(fd) => {
                    self.0 += n as usize;
                }
                Try::Done(r) => return (self, Try::Done(self.finish(r))),
                other => return (self, other),
            }
        }
    }

    /// What the call has come to, of which the last part gave `r`.
    pub fn finish(self, r: R) -> R {
        r.map(|n| n + self.0 as i64).or_else(|e: Errno| self.partial().ok_or(e))
    }

    /// See [`Op::partial`](super::Op::partial).
    pub fn partial(self) -> Option<i64> {
        (self.0 > 0).then_some(self.0 as i64)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_before_an_error_or_the_end_is_the_result() {
        let none = Progress::default();
        let (p, r) = none.attempt(-1, || 9, |_| Try::Wait);
        assert!(matches!(r, Try::Wait));
        assert_eq!((p.partial(), p.finish(Err(Errno::EIO))), (None, Err(Errno::EIO)));
        // No file, so what is short is all there is.
        let (p, r) = none.attempt(-1, || 9, |_| Try::Done(Ok(4)));
        assert!(p.done() == 0 && matches!(r, Try::Done(Ok(4))));
        let part = Progress(4);
        assert_eq!((part.done(), part.at(None), part.at(Some(7))), (4, None, Some(11)));
        assert_eq!(part.at(Some(i64::MAX)), Some(i64::MAX));
        assert_eq!(part.finish(Ok(5)), Ok(9));
        assert_eq!((part.finish(Err(Errno::EIO)), part.partial()), (Ok(4), Some(4)));
    }
}
