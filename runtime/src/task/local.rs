//! Values by key: each coroutine and plain thread has its own under one key.
//!
//! ```text
//! key    | generation | slot |
//! KEYS   slot -> generation (odd: in use), destructor           process wide
//! Locals slot -> value, generation, next in order               one's own, as long as need be
//! ```
//! A read is two bounds checks and two comparisons: the entry must be of the key's generation, and
//! so must the slot. Hence a freed key's values can't be reached, under that key or the slot's
//! next.
//!
//! Destructors run newest value first, as constructed things are destroyed: entries are chained in
//! the order in which they first got a value. Rejected: order by key (pthread's is unspecified,
//! most use that), since a key's number says nothing about what depends on what.
#![allow(unsafe_code)]

use crate::err::Errno;
use std::cell::UnsafeCell;
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::*, fence};

/// Keys at a time.
pub const MAX_KEYS: usize = 4096;
const LAST_GENERATION: u32 = i32::MAX as u32;

/// Called with a value that its key's coroutine or thread has left.
pub type Destructor = unsafe extern "C" fn(value: *mut c_void);

struct Key {
    /// Odd: in use.
    generation: AtomicU32,
    /// A Destructor, or 0.
    destructor: AtomicUsize,
}

static KEYS: [Key; MAX_KEYS] =
    [const { Key { generation: AtomicU32::new(0), destructor: AtomicUsize::new(0) } }; MAX_KEYS];
/// Where to look for a free one first.
static NEXT: AtomicUsize = AtomicUsize::new(0);

/// co_key_new. EAGAIN: [`MAX_KEYS`] are in use.
pub fn key_new(destructor: Option<Destructor>) -> Result<u64, Errno> {
    let first = NEXT.load(Relaxed);
    for slot in (0..MAX_KEYS).map(|i| (first + i) % MAX_KEYS) {
        let key = &KEYS[slot];
        let g = key.generation.load(Relaxed);
        if g.is_multiple_of(2)
            && g < LAST_GENERATION
            && key.generation.compare_exchange(g, g + 1, Relaxed, Relaxed).is_ok()
        {
            // Release: pairs with the fence in destructor_of: who sees this sees the generation.
            key.destructor.store(destructor.map_or(0, |f| f as usize), Release);
            NEXT.store((slot + 1) % MAX_KEYS, Relaxed);
            return Ok(u64::from(g + 1) << 32 | slot as u64);
        }
    }
    Err(Errno::EAGAIN)
}

/// co_key_free. ESRCH: a stale one.
pub fn key_free(key: u64) -> Result<(), Errno> {
    let (slot, g) = parts(key).ok_or(Errno::ESRCH)?;
    match KEYS[slot].generation.compare_exchange(g, g + 1, Relaxed, Relaxed) {
        Ok(_) => Ok(()),
        Err(_) => Err(Errno::ESRCH),
    }
}

/// Slot and generation of a handle that may be a key.
#[inline(always)]
fn parts(key: u64) -> Option<(usize, u32)> {
    let (slot, g) = (key as u32 as usize, (key >> 32) as u32);
    (slot < MAX_KEYS && g % 2 == 1).then_some((slot, g))
}

#[inline(always)]
fn in_use(slot: usize, g: u32) -> bool {
    KEYS[slot].generation.load(Relaxed) == g
}

/// The destructor of a key, if it is still that key.
fn destructor_of(slot: usize, g: u32) -> Option<Destructor> {
    let f = KEYS[slot].destructor.load(Relaxed);
    // Acquire: pairs with key_new's store: if that was the next key's, so is the generation.
    fence(Acquire);
    if f == 0 || !in_use(slot, g) {
        return None;
    }
    // SAFETY: key_new stored a function of this type.
    Some(unsafe { std::mem::transmute::<usize, Destructor>(f) })
}

const END: u32 = 0;
/// Not in the chain.
const APART: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Entry {
    value: *mut c_void,
    generation: u32,
    /// The slot + 1 of the one that got its value before.
    next: u32,
}

const NONE: Entry = Entry { value: null_mut(), generation: 0, next: APART };

#[derive(Debug, Default)]
struct Table {
    entries: Vec<Entry>,
    /// Slot + 1 of the newest.
    newest: u32,
}

/// The values of one coroutine or thread.
#[derive(Debug, Default)]
pub struct Locals(UnsafeCell<Table>);

impl Locals {
    /// Borrowed for the length of `f`, which calls nothing that could come back here.
    #[inline(always)]
    fn with<R>(&self, f: impl FnOnce(&mut Table) -> R) -> R {
        // SAFETY: one thread at a time has it, and see above.
        f(unsafe { &mut *self.0.get() })
    }

    /// The value under a key; null if there is none or the key is stale.
    #[inline]
    pub fn get(&self, key: u64) -> *mut c_void {
        let Some((slot, g)) = parts(key) else { return null_mut() };
        self.with(|t| match t.entries.get(slot) {
            Some(e) if e.generation == g && in_use(slot, g) => e.value,
            _ => null_mut(),
        })
    }

    /// Sets it. ESRCH: a stale key. ENOMEM.
    pub fn set(&self, key: u64, value: *mut c_void) -> Result<(), Errno> {
        let (slot, g) = parts(key).filter(|(s, g)| in_use(*s, *g)).ok_or(Errno::ESRCH)?;
        self.with(|t| {
            if slot >= t.entries.len() {
                let more = (slot + 1).next_multiple_of(8) - t.entries.len();
                t.entries.try_reserve(more).map_err(|_| Errno::ENOMEM)?;
                t.entries.resize(slot + 1, NONE);
            }
            if t.entries[slot].generation != g {
                t.unchain(slot);
                t.entries[slot].generation = g;
            }
            if t.entries[slot].next == APART && !value.is_null() {
                t.entries[slot].next = std::mem::replace(&mut t.newest, slot as u32 + 1);
            }
            t.entries[slot].value = value;
            Ok(())
        })
    }

    /// One round of destructors, for the values that there are now, newest first. False: there was
    /// none to destroy.
    pub fn destroy(&self) -> bool {
        let mut any = false;
        let mut at = self.with(|t| std::mem::replace(&mut t.newest, END));
        while at != END {
            let slot = at as usize - 1;
            let e = self.with(|t| {
                let e = t.entries[slot];
                t.entries[slot] = Entry { value: null_mut(), next: APART, ..e };
                e
            });
            at = e.next;
            if !e.value.is_null()
                && let Some(f) = destructor_of(slot, e.generation)
            {
                any = true;
                // SAFETY: who made the key vouched for it.
                unsafe { f(e.value) };
            }
        }
        any
    }
}

impl Table {
    /// Takes an entry out of the chain, for a new key in its slot.
    fn unchain(&mut self, slot: usize) {
        let id = slot as u32 + 1;
        let after = std::mem::replace(&mut self.entries[slot].next, APART);
        if after == APART {
            return;
        }
        let mut at = self.newest;
        if at == id {
            self.newest = after;
        }
        while at != END && at != id {
            let e = &mut self.entries[at as usize - 1];
            if e.next == id {
                e.next = after;
            }
            at = e.next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    thread_local!(static SEEN: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) });

    unsafe extern "C" fn note(value: *mut c_void) {
        SEEN.with_borrow_mut(|s| s.push(value.addr()));
    }

    fn value(n: usize) -> *mut c_void {
        std::ptr::without_provenance_mut(n)
    }

    #[test]
    fn a_freed_key_reaches_nothing() {
        let l = Locals::default();
        let Ok(a) = key_new(None) else { panic!("no key") };
        assert_eq!(l.get(a), null_mut());
        assert_eq!(l.set(a, value(1)), Ok(()));
        assert_eq!(l.get(a), value(1));
        assert_eq!(key_free(a), Ok(()));
        assert_eq!(l.get(a), null_mut());
        assert_eq!((l.set(a, value(2)), key_free(a)), (Err(Errno::ESRCH), Err(Errno::ESRCH)));
        for forged in [0, 1, u64::MAX, a + (1 << 32), a ^ 2048, 1 << 32 | MAX_KEYS as u64] {
            assert_eq!(l.get(forged), null_mut());
            assert_eq!(l.set(forged, value(3)), Err(Errno::ESRCH));
        }
    }

    #[test]
    fn the_next_key_in_a_slot_begins_empty_and_newest() {
        let l = Locals::default();
        let keys: Vec<u64> = (0..3).filter_map(|_| key_new(Some(note)).ok()).collect();
        for (i, k) in keys.iter().enumerate() {
            assert_eq!(l.set(*k, value(i + 1)), Ok(()));
        }
        let slot = keys[1] as u32 as usize;
        assert_eq!(key_free(keys[1]), Ok(()));
        NEXT.store(slot, Relaxed);
        let Ok(again) = key_new(Some(note)) else { panic!("no key") };
        if again as u32 as usize == slot {
            assert_eq!(l.get(again), null_mut());
        }
        assert_eq!(l.set(again, value(9)), Ok(()));
        assert!(l.destroy() && !l.destroy());
        assert_eq!(SEEN.with_borrow(Clone::clone), [9, 3, 1]);
        for k in [keys[0], keys[2], again] {
            assert_eq!(key_free(k), Ok(()));
        }
    }

    #[test]
    fn a_value_taken_back_is_not_destroyed() {
        let l = Locals::default();
        let Ok(k) = key_new(Some(note)) else { panic!("no key") };
        assert_eq!(l.set(k, value(1)), Ok(()));
        assert_eq!(l.set(k, null_mut()), Ok(()));
        assert!(!l.destroy());
        assert!(SEEN.with_borrow(Vec::is_empty));
        assert_eq!(key_free(k), Ok(()));
    }
}
