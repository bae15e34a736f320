//! Buffers that the kernel may receive into: a registered ring of them, filled from the vCPU's pool
//! (`io::buffer`). The kernel takes the next one when it has data for it, and says which in the
//! completion.
//!
//! ```text
//!   entries  [ addr len bid | addr len bid | ... ]    shared with the kernel; tail: 16 bits in entry 0
//! ```
//! As many as fit are kept there, so a round of completions seldom finds it empty (ENOBUFS, after
//! which the receive is begun again).
#![allow(unsafe_code)]

use super::ring::Ring;
use crate::err::Errno;
use crate::io::buffer::{self, Pool};
use crate::prim::atomic::{AtomicU16, Ordering::*};
use crate::stack::os;
use io_uring::types::BufRingEntry;

/// Its number for the kernel.
pub const GROUP: u16 = 0;
/// Entries; a power of two.
const ENTRIES: u16 = 128;

/// See the module.
#[derive(Debug)]
pub struct Bufs {
    entries: *mut BufRingEntry,
    bytes: usize,
    pool: &'static Pool,
    tail: u16,
    /// Buffers that the kernel has.
    given: u16,
}

impl Bufs {
    /// EINVAL: the kernel is older than 5.19; ENOMEM and the like.
    pub fn new(ring: &Ring, pool: &'static Pool) -> Result<Bufs, Errno> {
        let bytes = size_of::<BufRingEntry>() * ENTRIES as usize;
        let bytes = bytes.next_multiple_of(os::page_bytes());
        let entries = os::map(bytes)?.cast::<BufRingEntry>();
        let mut b = Bufs { entries, bytes, pool, tail: 0, given: 0 };
        // SAFETY: the memory stays until the ring has gone: see Uring's drop.
        unsafe { ring.register_buffers(entries.addr() as u64, ENTRIES, GROUP)? };
        b.fill();
        Ok(b)
    }

    /// The kernel has used one.
    #[inline]
    pub fn used(&mut self) {
        self.given -= 1;
    }

    /// Gives the kernel as many as there is room for; false if it has none, because there is no
    /// more memory for them.
    #[inline]
    pub fn fill(&mut self) -> bool {
        if self.given == ENTRIES {
            return true;
        }
        while self.given < ENTRIES {
            let Ok(number) = self.pool.pick() else { break };
            // SAFETY: within the mapping; the kernel does not read what is beyond the tail.
            let entry = unsafe { &mut *self.entries.add((self.tail % ENTRIES) as usize) };
            entry.set_addr(self.pool.memory(number).addr() as u64);
            entry.set_len(buffer::SIZE as u32);
            entry.set_bid(number);
            self.tail = self.tail.wrapping_add(1);
            self.given += 1;
        }
        // SAFETY: the tail is a field of the first entry, written by us only.
        let tail = unsafe { AtomicU16::from_ptr(BufRingEntry::tail(self.entries).cast_mut()) };
        // Release: the entries, for the kernel.
        tail.store(self.tail, Release);
        self.given > 0
    }

    /// The pool that they come from.
    pub fn pool(&self) -> &'static Pool {
        self.pool
    }
}

impl Drop for Bufs {
    fn drop(&mut self) {
        // What the kernel has not used: everything before that has been seen, as nothing is in
        // flight.
        for back in 1..=self.given {
            let at = self.tail.wrapping_sub(back) % ENTRIES;
            // SAFETY: within the mapping.
            self.pool.put(unsafe { (*self.entries.add(at as usize)).bid() });
        }
        // SAFETY: our mapping; the ring that knew it has been closed.
        let _ = unsafe { os::unmap(self.entries.cast(), self.bytes) };
    }
}
