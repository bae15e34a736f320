//! Slabs: mappings of many stacks, and their records.
//!
//! A [`Slab`] is the record of one mapping. Records are never freed, only used again: [`find_guard`] walks
//! the list of all records from a signal handler, without a lock. The rest of a record is for whoever
//! holds the pool's lock.
//!
//! ```text
//!   record (never freed)          mapping (see mod.rs)
//!   place: base|class|count -----> places ... descriptors
//!   free, counts for decay           Stack -> Stack -> ...      each knows its record
//! ```
#![allow(unsafe_code)]

use super::descriptor::{Bounds, Stack};
use super::{class_bytes, os};
use crate::err::Errno;
use std::cell::Cell;
use std::ptr::{NonNull, null, null_mut};
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::*};

/// The record of one mapping.
pub struct Slab {
    /// The next record of all, older; set before the record is published.
    next_all: Cell<*const Slab>,
    /// The mapping's first address, class and number of stacks in one word (a page's low bits are free), so
    /// that a signal handler reads all three at once; 0 when there is none.
    place: AtomicUsize,
    /// Under the pool's lock.
    pub(super) locked: Locked,
}

/// What the pool's lock guards in a record.
pub struct Locked {
    /// In use: mapped, and its stacks may be in lists.
    pub live: Cell<bool>,
    pub free: Cell<*mut Stack>,
    pub free_len: Cell<usize>,
    /// How many free ones have been handed out since their pages were last given back.
    pub free_dirty: Cell<usize>,
    /// Fewest free in the current period of decay, and in the one before.
    pub least: Cell<usize>,
    pub least_before: Cell<usize>,
    /// Links of the class's list of slabs with free stacks, or of the spare records.
    pub prev: Cell<*const Slab>,
    pub next: Cell<*const Slab>,
}

// SAFETY: `locked` is touched under the pool's lock only; `next_all` is written before the record is
// published and only read afterwards; the rest are atomics.
unsafe impl Sync for Slab {}

/// Bytes of the guard of a class.
pub fn guard_bytes(class: u8) -> usize {
    let wanted: usize = if class_bytes(class) <= 64 << 10 { 4 << 10 } else { 16 << 10 };
    wanted.next_multiple_of(os::page_bytes())
}

/// Bytes from one stack to the next.
pub fn place_bytes(class: u8) -> usize {
    let page = os::page_bytes();
    guard_bytes(class) + class_bytes(class).next_multiple_of(page) + page
}

/// Most stacks of a slab.
pub const COUNT_MAX: usize = 64;

/// Stacks of a slab of usual size: about 16 MiB and at most 64 of them.
pub fn usual_count(class: u8) -> usize {
    ((16 << 20) / class_bytes(class)).min(COUNT_MAX)
}

/// Colours, and bytes from one to the next.
const COLOURS: usize = 16;
const COLOUR_STEP: usize = 192;

fn slab_bytes(class: u8, count: usize) -> usize {
    count * place_bytes(class) + (count * size_of::<Stack>()).next_multiple_of(os::page_bytes())
}

/// What `Slab::place` holds, unpacked.
#[derive(Clone, Copy)]
struct Place {
    base: usize,
    class: u8,
    count: usize,
}

const COUNT_BITS: u32 = 7;
const CLASS_BITS: u32 = 4;
// All counts and classes fit, and what they take is below the smallest page.
const _: () = assert!(
    64 < 1 << COUNT_BITS && super::CLASSES <= 1 << CLASS_BITS && COUNT_BITS + CLASS_BITS <= 12
);

impl Place {
    fn pack(self) -> usize {
        self.base | usize::from(self.class) << COUNT_BITS | self.count
    }

    fn unpack(word: usize) -> Option<Place> {
        let low = word & ((1 << (COUNT_BITS + CLASS_BITS)) - 1);
        let place = Place {
            base: word - low,
            class: (low >> COUNT_BITS) as u8,
            count: low & ((1 << COUNT_BITS) - 1),
        };
        (word != 0).then_some(place)
    }

    fn bytes(self) -> usize {
        slab_bytes(self.class, self.count)
    }

    /// The descriptor of stack `i`.
    fn stack(self, i: usize) -> NonNull<Stack> {
        let at = self.base + self.count * place_bytes(self.class) + i * size_of::<Stack>();
        // Never null: it lies inside a mapping.
        NonNull::new(std::ptr::with_exposed_provenance_mut(at)).unwrap_or(NonNull::dangling())
    }

    /// The stack whose guard is at `addr`.
    fn guard_at(self, addr: usize) -> Option<NonNull<Stack>> {
        let offset = addr.checked_sub(self.base)?;
        let (i, inside) = (offset / place_bytes(self.class), offset % place_bytes(self.class));
        (i < self.count && inside < guard_bytes(self.class)).then(|| self.stack(i))
    }
}

impl Slab {
    /// A record without a mapping; it lives for ever. ENOMEM.
    pub fn record(all: &AtomicPtr<Slab>) -> Result<&'static Slab, Errno> {
        let layout = std::alloc::Layout::new::<Slab>();
        // SAFETY: the layout is not empty.
        let at =
            NonNull::new(unsafe { std::alloc::alloc(layout) }).ok_or(Errno::ENOMEM)?.cast::<Slab>();
        let locked = Locked {
            live: Cell::new(false),
            free: Cell::new(null_mut()),
            free_len: Cell::new(0),
            free_dirty: Cell::new(0),
            least: Cell::new(0),
            least_before: Cell::new(0),
            prev: Cell::new(null()),
            next: Cell::new(null()),
        };
        // SAFETY: the allocation is ours, of that layout, and never freed.
        let slab: &'static Slab = unsafe {
            at.write(Slab { next_all: Cell::new(null()), place: AtomicUsize::new(0), locked });
            at.as_ref()
        };
        let mut head = all.load(Relaxed);
        loop {
            slab.next_all.set(head);
            // Release pairs with the Acquire load of the head in `records`: who sees the record sees its
            // link.
            match all.compare_exchange_weak(head, at.as_ptr(), Release, Relaxed) {
                Ok(_) => return Ok(slab),
                Err(now) => head = now,
            }
        }
    }

    /// The record made before this one, or null.
    pub fn older(&self) -> *const Slab {
        self.next_all.get()
    }

    /// The mapping; of use to those who know that it stays. Acquire pairs with the Release in `map`.
    fn place(&self) -> Option<Place> {
        Place::unpack(self.place.load(Acquire))
    }

    /// The size class of its stacks; 0 when there is no mapping.
    pub fn class(&self) -> u8 {
        self.place().map_or(0, |p| p.class)
    }

    /// Number of its stacks; 0 when there is no mapping.
    pub fn count(&self) -> usize {
        self.place().map_or(0, |p| p.count)
    }

    /// Bytes of the mapping.
    pub fn bytes(&self) -> usize {
        self.place().map_or(0, Place::bytes)
    }

    /// Its stacks' descriptors; they exist as long as the mapping.
    pub fn stacks(&self) -> impl Iterator<Item = NonNull<Stack>> {
        self.place().into_iter().flat_map(|p| (0..p.count).map(move |i| p.stack(i)))
    }

    /// Maps `count` stacks of `class`, all free and without guards, coloured from `colour` on if at all.
    /// The record must be the caller's alone: not live and in no list.
    pub fn map(&'static self, class: u8, count: usize, colour: Option<usize>) -> Result<(), Errno> {
        let at = os::map(slab_bytes(class, count))?;
        let place = Place { base: at.expose_provenance(), class, count };
        let (step, guard) = (place_bytes(class), guard_bytes(class));
        let mut free = null_mut();
        for i in (0..count).rev() {
            let low = at.wrapping_add(i * step + guard);
            let end = at.wrapping_add((i + 1) * step);
            let lowered = colour.map_or(0, |first| (first + i) % COLOURS * COLOUR_STEP);
            let at = Bounds { low, top: end.wrapping_sub(lowered), end, guard_bytes: guard };
            let stack = Stack::new(self, class, at, free);
            free = place.stack(i).as_ptr();
            // SAFETY: the new mapping has room for `count` descriptors behind the places.
            unsafe { free.write(stack) };
        }
        let l = &self.locked;
        l.free.set(free);
        l.free_len.set(count);
        l.free_dirty.set(0);
        // New counts as used just now.
        l.least.set(0);
        l.least_before.set(0);
        // Pairs with the Acquire load in `place`: who sees the mapping sees its descriptors.
        self.place.store(place.pack(), Release);
        Ok(())
    }

    /// Unmaps it. On an error all is as before.
    ///
    /// # Safety
    /// It is not live, and all its stacks are free.
    pub unsafe fn unmap(&self) -> Result<(), Errno> {
        // First out of sight of signal handlers.
        let word = self.place.swap(0, Relaxed);
        let Some(place) = Place::unpack(word) else { return Ok(()) };
        // SAFETY: the caller's contract; `map` made it.
        let done =
            unsafe { os::unmap(std::ptr::with_exposed_provenance_mut(place.base), place.bytes()) };
        if done.is_err() {
            // Pairs as in `map`.
            self.place.store(word, Release);
        }
        done
    }
}

/// All records from the newest on.
pub fn records(all: &AtomicPtr<Slab>) -> impl Iterator<Item = &'static Slab> {
    // Pairs with the Release in `record`.
    let mut at = all.load(Acquire).cast_const();
    std::iter::from_fn(move || {
        // SAFETY: records live for ever.
        let slab = unsafe { at.as_ref() }?;
        at = slab.next_all.get();
        Some(slab)
    })
}

/// The stack in whose guard `addr` lies. For a signal handler: no lock, no allocation; it waits for nobody.
pub fn find_guard(all: &AtomicPtr<Slab>, addr: usize) -> Option<NonNull<Stack>> {
    records(all).find_map(|slab| slab.place()?.guard_at(addr))
}
