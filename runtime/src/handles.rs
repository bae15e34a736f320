//! L0: objects found by handles that cannot dangle.
//!
//! ```text
//! handle   | generation (31 bits) | slot (32) |
//! slot     | generation, used? | next free | value |     in chunks that are never freed
//! ```
//! A handle names a slot and the generation that it was given in; both must agree. As a slot is
//! never freed, looking up a stale, forged or zero handle reads a slot, of another generation, or
//! finds none. A slot whose generations are used up is retired, so no handle comes back.
//!
//! What is found may be given back by another thread the next moment: the value guards itself (its
//! own lock, its own state) and looks at the handle again under that guard, with [`Slot::holds`].
//! It stays a valid `T` in any case.
#![allow(unsafe_code)]

use crate::err::Errno;
use crate::prim::atomic::{AtomicPtr, AtomicU32, AtomicUsize, Ordering::*};
use std::sync::{Mutex, MutexGuard, PoisonError};

const CHUNK_SHIFT: u32 = 8;
const CHUNK: usize = 1 << CHUNK_SHIFT;
/// 4 million objects of a kind.
const CHUNKS: usize = 1 << 14;
const LAST_GENERATION: u32 = i32::MAX as u32;

/// A place for one object.
#[derive(Debug)]
pub struct Slot<T> {
    /// Generation << 1 | used.
    word: AtomicU32,
    /// The number of the free slot after this one, plus one (0: none), under the table's lock.
    next: AtomicU32,
    number: u32,
    /// The object; between users, whatever the last one left.
    pub value: T,
}

/// All objects of a kind. See the module.
#[derive(Debug)]
pub struct Table<T: 'static> {
    chunks: [AtomicPtr<Slot<T>>; CHUNKS],
    made: AtomicUsize,
    /// The first free slot's number plus one; 0: none.
    free: Mutex<u32>,
}

impl<T> Slot<T> {
    /// Whether the handle is still this object's; what its maker wrote is visible then.
    pub fn holds(&self, handle: u64) -> bool {
        let generation = (handle >> 32) as u32;
        // Acquire: pairs with publish.
        self.word.load(Acquire) == generation << 1 | 1
            && generation <= LAST_GENERATION
            && handle as u32 == self.number
    }
}

impl<T: Default> Table<T> {
    /// For a static. All zero: it takes no room in the program's file.
    pub const fn empty() -> Table<T> {
        Table {
            chunks: [const { AtomicPtr::new(std::ptr::null_mut()) }; CHUNKS],
            made: AtomicUsize::new(0),
            free: Mutex::new(0),
        }
    }

    #[inline(always)]
    fn slot(&self, number: u32) -> Option<&'static Slot<T>> {
        // Acquire: pairs with grow's release.
        let chunk = self.chunks.get((number >> CHUNK_SHIFT) as usize)?.load(Acquire);
        if chunk.is_null() {
            return None;
        }
        // SAFETY: a chunk has CHUNK slots and is never freed.
        Some(unsafe { &*chunk.add(number as usize % CHUNK) })
    }

    fn lock(&self) -> MutexGuard<'_, u32> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The slot that a handle names, whatever it holds now: for a value that knows its own handle
    /// and is asked for it under its guard.
    #[inline(always)]
    pub fn place(&self, handle: u64) -> Option<&'static Slot<T>> {
        self.slot(handle as u32)
    }

    /// The object of a handle.
    pub fn find(&self, handle: u64) -> Option<&'static Slot<T>> {
        self.slot(handle as u32).filter(|s| s.holds(handle))
    }

    /// A free slot. Its value is the caller's alone until [`Table::publish`]. ENOMEM.
    pub fn take(&self) -> Result<&'static Slot<T>, Errno> {
        loop {
            {
                let mut free = self.lock();
                if let Some(s) = free.checked_sub(1).and_then(|n| self.slot(n)) {
                    *free = s.next.load(Relaxed);
                    return Ok(s);
                }
            }
            self.grow()?;
        }
    }

    /// The handle that a slot has, or will have when it is published.
    pub fn name(&self, slot: &'static Slot<T>) -> u64 {
        u64::from(slot.word.load(Relaxed) >> 1) << 32 | u64::from(slot.number)
    }

    /// The slot is in use from here on: its handle.
    pub fn publish(&self, slot: &'static Slot<T>) -> u64 {
        // Release: pairs with holds.
        slot.word.store(slot.word.load(Relaxed) | 1, Release);
        self.name(slot)
    }

    /// The object's end; its handle is stale from here on. By one who has made sure to be the only
    /// one. (Or of a slot that was taken and not published.)
    pub fn give(&self, slot: &'static Slot<T>) {
        let g = slot.word.load(Relaxed) >> 1;
        slot.word.store((g + 1) << 1, Relaxed);
        if g < LAST_GENERATION {
            let mut free = self.lock();
            slot.next.store(*free, Relaxed);
            *free = slot.number + 1;
        }
    }

    /// Every object that is in use, with its handle.
    pub fn all(&self) -> impl Iterator<Item = (u64, &'static Slot<T>)> {
        let made = self.made.load(Relaxed).min(CHUNKS) as u32;
        (0..made << CHUNK_SHIFT).filter_map(|number| {
            let slot = self.slot(number)?;
            let word = slot.word.load(Relaxed);
            (word & 1 != 0).then(|| (u64::from(word >> 1) << 32 | u64::from(number), slot))
        })
    }

    #[cold]
    fn grow(&self) -> Result<(), Errno> {
        let mut slots = Vec::new();
        slots.try_reserve_exact(CHUNK).map_err(|_| Errno::ENOMEM)?;
        let chunk = self.made.fetch_add(1, Relaxed);
        if chunk >= CHUNKS {
            self.made.fetch_sub(1, Relaxed);
            return Err(Errno::ENOMEM);
        }
        let first = (chunk as u32) << CHUNK_SHIFT;
        slots.extend((0..CHUNK as u32).map(|i| Slot {
            word: AtomicU32::new(1 << 1),
            next: AtomicU32::new(first + i + 2),
            number: first + i,
            value: T::default(),
        }));
        let slots: &'static mut [Slot<T>] = slots.leak();
        // Release: pairs with slot's acquire.
        self.chunks[chunk].store(slots.as_mut_ptr(), Release);
        let mut free = self.lock();
        if let Some(last) = self.slot(first + CHUNK as u32 - 1) {
            last.next.store(*free, Relaxed);
        }
        *free = first + 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static TABLE: Table<Mutex<u64>> = Table::empty();

    #[test]
    fn handles_are_good_for_one_life() {
        let all: Vec<u64> = (0..1000)
            .map(|i| {
                let s = TABLE.take().unwrap();
                *s.value.lock().unwrap() = i;
                TABLE.publish(s)
            })
            .collect();
        for (i, h) in all.iter().enumerate() {
            assert_eq!(*TABLE.find(*h).unwrap().value.lock().unwrap(), i as u64);
            assert!(h >> 63 == 0 && h >> 32 != 0);
        }
        assert_eq!(TABLE.all().count(), 1000);
        for h in &all {
            TABLE.give(TABLE.find(*h).unwrap());
            assert!(TABLE.find(*h).is_none());
        }
        let again = TABLE.publish(TABLE.take().unwrap());
        assert_eq!(again as u32, all[999] as u32, "the last one is used first");
        assert!(TABLE.find(all[999]).is_none() && TABLE.find(again).is_some());
        TABLE.give(TABLE.find(again).unwrap());
    }

    #[test]
    fn handles_that_never_were() {
        static NONE_YET: Table<u8> = Table::empty();
        for h in [0, 1, u64::MAX, 1 << 32, 1 << 32 | 0xffff_ffff, 7 << 32 | 5] {
            assert!(NONE_YET.find(h).is_none(), "{h:x}");
        }
        let s = NONE_YET.take().unwrap();
        assert!(NONE_YET.find(1 << 32).is_none(), "not published");
        assert_eq!(NONE_YET.publish(s), 1 << 32);
        assert!(NONE_YET.find(3 << 32).is_none() && NONE_YET.find(0).is_none());
        // A generation too far, and one whose top bit falls off.
        assert!(NONE_YET.find(1 << 63 | 1 << 32).is_none());
    }

    #[test]
    fn a_slot_is_retired_when_its_generations_are_used_up() {
        static ONE: Table<u8> = Table::empty();
        let s = ONE.take().unwrap();
        s.word.store(LAST_GENERATION << 1, Relaxed);
        let last = ONE.publish(s);
        assert!(ONE.find(last).is_some());
        ONE.give(s);
        assert!(ONE.find(last).is_none());
        assert!(!std::ptr::eq(s, ONE.take().unwrap()));
    }
}
