//! The word of a descriptor: see the head of `table`.

use crate::prim::atomic::{AtomicU16, AtomicU32, AtomicU64, Ordering::*};

const CLOSING: u64 = 1 << 63;
const LAST: u64 = 1 << 62;
const GATE: u64 = 1 << 61;
/// Plain threads have waited for the descriptor: see `engine::plain`.
pub const PLAIN: u64 = 1 << 60;
/// In `found`: it is no file.
const STREAM: u16 = 1 << 15;
/// vCPUs share a bit if their ids are equal modulo this.
pub const SPREAD: usize = 60;

/// See the module.
#[derive(Default, Debug)]
#[repr(C, align(16))]
pub struct Entry {
    word: AtomicU64,
    generation: AtomicU32,
    /// What was found out in a life: 15 bits of its generation plus one, and [`STREAM`]. (A hint: what
    /// it is wrong about costs time, or ends a read where a page is not in memory.)
    found: AtomicU16,
    /// The vCPU that receives (or accepts) ahead on it, plus one: see `engine::ahead`. 0: none.
    ahead: AtomicU16,
}

/// Why a call may not begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Enter {
    /// It may.
    Open,
    /// The descriptor is being closed: EBADF.
    Closing,
    /// The number is about to be free (or somebody else's): wait for that, then begin again.
    Last,
}

/// What a close finds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Close {
    /// It is the one; these bits are to be asked.
    Begun(u64),
    /// Another is.
    UnderWay,
    /// Another is in its last step: the number has been given away already, begin again.
    Last,
}

impl Entry {
    /// A call on vCPU `vcpu` begins. The caller goes on without a switch until it has ended or is
    /// in the vCPU's list.
    #[inline]
    pub fn enter(&self, vcpu: usize) -> Enter {
        self.enter_bit(1 << (vcpu % SPREAD))
    }

    /// A call of a plain thread is about to wait. The caller holds the lock of the list of such
    /// calls, and is in the list before it lets go; or it only wants to know.
    pub fn enter_plain(&self) -> Enter {
        self.enter_bit(PLAIN)
    }

    #[inline]
    fn enter_bit(&self, bit: u64) -> Enter {
        let mut word = self.word.load(Relaxed);
        if word & bit == 0 {
            // Acquire and release: pairs with `close`'s exchange: one of the two sees the other.
            word = self.word.fetch_or(bit, AcqRel);
        }
        match word & (CLOSING | LAST) {
            0 => Enter::Open,
            CLOSING => Enter::Closing,
            _ => Enter::Last,
        }
    }

    /// Begins a close.
    pub fn close(&self) -> Close {
        // Acquire and release: pairs with `enter`.
        let word = self.word.fetch_or(CLOSING, AcqRel);
        match word & (CLOSING | LAST) {
            0 => Close::Begun(word & !GATE),
            CLOSING => Close::UnderWay,
            _ => Close::Last,
        }
    }

    /// Everything under way has ended; close(2) comes next.
    pub fn last_step(&self) {
        self.word.fetch_or(LAST, Relaxed);
    }

    /// close(2) has been called.
    pub fn closed(&self) {
        self.generation.fetch_add(1, Relaxed);
        self.ahead.store(0, Relaxed);
        // Release: pairs with enter_bit's fetch_or: the generation that comes with it.
        self.word.fetch_and(GATE, Release);
    }

    /// The number has been given out anew: what was noted is about a former life, that ended behind
    /// our back.
    pub fn begins(&self) {
        self.generation.fetch_add(1, Relaxed);
        self.ahead.store(0, Relaxed);
        self.word.fetch_and(CLOSING | LAST | GATE, Relaxed);
    }

    /// Which of the number's lives this is.
    #[inline]
    pub fn generation(&self) -> u32 {
        self.generation.load(Relaxed)
    }

    /// In this life it has been found to go through the page cache ([`Entry::note_cached`]).
    #[inline]
    pub fn is_cached(&self) -> bool {
        self.found.load(Relaxed) & !STREAM == self.stamp()
    }

    /// See [`Entry::is_cached`].
    pub fn note_cached(&self) {
        self.found.store(self.stamp(), Relaxed);
    }

    /// In this life it has been found to be no file, so that a read or write of it ends where it would
    /// have to wait ([`Entry::note_stream`]).
    pub fn is_stream(&self) -> bool {
        self.found.load(Relaxed) == self.stamp() | STREAM
    }

    /// See [`Entry::is_stream`]. It is not past the page cache either.
    pub fn note_stream(&self) {
        self.found.store(self.stamp() | STREAM, Relaxed);
    }

    fn stamp(&self) -> u16 {
        self.generation().wrapping_add(1) as u16 & !STREAM
    }

    /// The vCPU that receives ahead on it. What it has received is found there, by a message.
    #[inline]
    pub fn ahead(&self) -> Option<usize> {
        (self.ahead.load(Relaxed) as usize).checked_sub(1)
    }

    /// `vcpu` is to receive ahead; false: another does, or has just ended doing so.
    pub fn begin_ahead(&self, vcpu: usize) -> bool {
        self.ahead.compare_exchange(0, vcpu as u16 + 1, Relaxed, Relaxed).is_ok()
    }

    /// `vcpu` does not receive ahead any more.
    pub fn end_ahead(&self, vcpu: usize) {
        let _ = self.ahead.compare_exchange(vcpu as u16 + 1, 0, Relaxed, Relaxed);
    }

    /// The same for a call that has not entered: a life whose close is in its last step is over.
    pub fn life(&self) -> u32 {
        // Acquire: pairs with the release in `closed`: the generation that it has raised.
        while self.word.load(Acquire) & LAST != 0 {
            std::thread::yield_now();
        }
        self.generation()
    }

    /// Takes the gate if it is free: while the guard lives no other co_io_* call is between looking
    /// whether the descriptor is ready and using it. None: somebody else is, on another vCPU, for a
    /// system call that does not block; try again shortly.
    pub fn gate(&self) -> Option<Gate<'_>> {
        // Acquire: pairs with the release in Gate's drop.
        (self.word.fetch_or(GATE, Acquire) & GATE == 0).then(|| Gate(self))
    }
}

/// The gate, taken.
#[derive(Debug)]
pub struct Gate<'a>(&'a Entry);

impl Drop for Gate<'_> {
    fn drop(&mut self) {
        // Release: pairs with the acquire in `Entry::gate`.
        self.0.word.fetch_and(!GATE, Release);
    }
}
