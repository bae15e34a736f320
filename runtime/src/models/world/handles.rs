//! Handles, as the models have them: objects that are made anew for each life, so that none outlasts
//! the run of a model that it was made in. A handle may come back in another run.
//!
//! Each object has a higher address than those before it: guards are locked in that order, and loom
//! wants the same one in each run.
#![allow(unsafe_code)]

use crate::err::Errno;
use std::cell::RefCell;
use std::marker::PhantomData;

/// Bytes for the objects of all runs of a model; untouched, they cost nothing.
const ROOM: usize = 1 << 30;

/// Addresses of the objects, which may be of any type; and of what is left of the room.
#[derive(Default)]
struct Slots {
    made: Vec<*mut u8>,
    next: usize,
    room: Vec<u8>,
}

// All threads of a model are one of the system's.
thread_local!(static SLOTS: RefCell<Slots> = RefCell::default());

/// As `handles::Slot`.
#[derive(Debug)]
pub struct Slot<T> {
    number: usize,
    /// The object.
    pub value: T,
}

/// As `handles::Table`; there is one, of one type.
#[derive(Debug)]
pub struct Table<T>(PhantomData<fn() -> T>);

impl<T: Default> Table<T> {
    /// For a static.
    pub const fn empty() -> Table<T> {
        Table(PhantomData)
    }

    /// As there.
    pub fn place(&self, handle: u64) -> Option<&'static Slot<T>> {
        let at = SLOTS.with_borrow(|s| s.made.get(handle as u32 as usize).copied())?;
        // SAFETY: made by `take` of the one table; a model's room is not freed while it runs.
        Some(unsafe { &*at.cast::<Slot<T>>() })
    }

    /// As there.
    pub fn take(&self) -> Result<&'static Slot<T>, Errno> {
        SLOTS.with_borrow_mut(|s| {
            s.room.try_reserve_exact(ROOM).map_err(|_| Errno::ENOMEM)?;
            let start = s.room.as_mut_ptr();
            s.next += start.wrapping_add(s.next).align_offset(align_of::<Slot<T>>());
            let at = start.wrapping_add(s.next).cast::<Slot<T>>();
            s.next += size_of::<Slot<T>>();
            assert!(s.next <= ROOM, "the model is too large");
            // SAFETY: inside the room, aligned, nobody's.
            unsafe { at.write(Slot { number: s.made.len(), value: T::default() }) };
            s.made.push(at.cast());
            // SAFETY: just written; see `place`.
            Ok(unsafe { &*at })
        })
    }

    /// As there.
    pub fn publish(&self, slot: &Slot<T>) -> u64 {
        1 << 32 | slot.number as u64
    }

    /// As there; the slot is not used again.
    pub fn give(&self, _: &Slot<T>) {}
}
