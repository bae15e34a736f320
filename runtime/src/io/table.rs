//! What the process knows of a descriptor: which vCPUs have had calls on it, and whether it is
//! being closed.
//!
//! One word for each number, in chunks that are allocated as numbers come up and never freed:
//! ```text
//!   63 CLOSING | 62 LAST | 61 GATE | 60 PLAIN | 59 ... 0: a bit for the vCPUs with id % 60 = that bit
//! ```
//! A call sets its vCPU's bit before it does anything with the descriptor ([`Entry::enter`]), in
//! the coroutine and without a switch between that and either the end of the call or its entry in
//! that vCPU's list of calls (`engine::slots`). The bit stays, so that the next call finds it and
//! writes nothing. [`crate::io::close`] goes the other way round:
//!
//! 1. CLOSING is set, and the bits are read, by one read-modify-write. A vCPU whose bit comes later
//!    has seen CLOSING: its call gives EBADF.
//! 2. Each vCPU with a bit is sent a message. When it looks at the message, in its scheduler, no
//!    coroutine of it is between `enter` and the list: what is under way is in the list, and what
//!    comes later sees CLOSING (published by the message).
//! 3. All lists empty: LAST is set, the descriptor closed, the word cleared, the generation raised.
//!    The number may be given to somebody else the moment that close(2) has taken it off, before
//!    the word is clear: so a call that finds LAST waits until it is gone instead of failing.
//!
//! The generation counts what we see of a number's lives. What an engine has noted about a
//! descriptor (a registration, a hint) is void when it differs. A number that is closed and opened
//! behind our back keeps its generation: engines must survive that (they do, late).
//!
//! GATE: two coroutines must not look whether a blocking descriptor is ready and then both go for
//! it: see [`Entry::gate`].
//!
//! Rejected: a count of the calls under way for each descriptor: two atomic additions a call (12
//! ns), to save one message in a close.
#![allow(unsafe_code)]

pub use super::entry::{Close, Enter, Entry, PLAIN, SPREAD};
use crate::err::Errno;
use crate::prim::atomic::{AtomicPtr, Ordering::*};
use std::alloc::Layout;
use std::ffi::c_int;
use std::ptr::null_mut;

const CHUNK_BITS: u32 = 12;
const CHUNK: usize = 1 << CHUNK_BITS;
const CHUNKS: usize = 1 << (31 - CHUNK_BITS);

/// Zero pages until they are used: descriptors are small numbers.
static CHUNK_TABLE: [AtomicPtr<Entry>; CHUNKS] = [const { AtomicPtr::new(null_mut()) }; CHUNKS];

/// A number's entry. EBADF if it can't be one, ENOMEM.
#[inline]
pub fn entry(fd: c_int) -> Result<&'static Entry, Errno> {
    if fd < 0 {
        return Err(Errno::EBADF);
    }
    let (chunk, at) = (fd as usize >> CHUNK_BITS, fd as usize % CHUNK);
    // Acquire: pairs with the exchange in `add_chunk`: the zeros are there.
    let p = CHUNK_TABLE[chunk].load(Acquire);
    let p = if p.is_null() { add_chunk(chunk)? } else { p };
    // SAFETY: a chunk has CHUNK entries, valid for ever; zero bytes are a valid Entry.
    Ok(unsafe { &*p.add(at) })
}

#[cold]
fn add_chunk(chunk: usize) -> Result<*mut Entry, Errno> {
    let layout = Layout::array::<Entry>(CHUNK).map_err(|_| Errno::ENOMEM)?;
    // SAFETY: the layout is not empty.
    let new = unsafe { std::alloc::alloc_zeroed(layout) }.cast::<Entry>();
    if new.is_null() {
        return Err(Errno::ENOMEM);
    }
    // Release: publishes the zeros to `entry`; acquire: the other's zeros.
    match CHUNK_TABLE[chunk].compare_exchange(null_mut(), new, AcqRel, Acquire) {
        Ok(_) => Ok(new),
        Err(theirs) => {
            // SAFETY: allocated above with this layout and never shown to anybody.
            unsafe { std::alloc::dealloc(new.cast(), layout) };
            Ok(theirs)
        }
    }
}

/// A number that a system call has just given us: whatever was noted about it is about a former
/// life, that ended behind our back. No call can have begun on the new one.
pub fn begins(fd: c_int) {
    if let Ok(e) = entry(fd) {
        e.begins();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Numbers that the test process never opens: no other test uses their entries.
    const A: c_int = 0x7fff_0001;

    #[test]
    fn a_close_shuts_calls_out() {
        let e = entry(A).unwrap();
        assert_eq!(e.enter(3), Enter::Open);
        assert_eq!(e.enter(3 + SPREAD), Enter::Open, "shares bit 3");
        let g = e.generation();
        assert_eq!(e.close(), Close::Begun(1 << 3));
        assert_eq!(e.close(), Close::UnderWay, "one close at a time");
        assert_eq!(e.enter(5), Enter::Closing);
        e.last_step();
        assert_eq!(e.enter(5), Enter::Last);
        assert_eq!(e.close(), Close::Last);
        e.closed();
        assert_eq!(e.generation(), g + 1);
        assert_eq!(e.enter_plain(), Enter::Open);
        assert_eq!(e.close(), Close::Begun(PLAIN), "no bit outlives a close");
        e.closed();
    }

    #[test]
    fn one_through_the_gate() {
        let e = entry(A + 1).unwrap();
        let first = e.gate().unwrap();
        assert!(e.gate().is_none());
        assert!(e.gate().is_none(), "who does not get it does not open it");
        drop(first);
        assert!(e.gate().is_some());
        assert_eq!(e.enter(1), Enter::Open);
    }

    #[test]
    fn no_number() {
        assert_eq!(entry(-1).err(), Some(Errno::EBADF));
        assert!(entry(c_int::MAX).is_ok());
    }
}
