//! L0: the timer wheel. One per vCPU, hierarchical, owner thread only, with nodes that live in what
//! waits.
//!
//! Time is counted in ticks of 2^14 ns (16.4 us). Six levels of 64 slots; a slot of level L spans
//! 64^L ticks:
//! ```text
//! level 0: |.|.|.|x|.| ... 64 slots of 1 tick          (1 ms in all)
//! level 1: |.|x|.| ...     64 slots of 64 ticks        (67 ms)
//! ...      level 5:        64 slots of 64^5 ticks      (13 days; what is later waits in its last slot)
//! ```
//! A node goes where its tick first differs from the present one, in base 64. When the present
//! reaches a slot above level 0, its nodes are placed again, lower. Inserting and removing is O(1);
//! a node moves five times at the most. A bitmap a level finds the next used slot by one
//! instruction.
//!
//! Never early: a deadline is rounded up to its tick, and a tick is past only when the clock says
//! so. Late by a tick (16 us) at the most, besides what the vCPU was doing.
//!
//! Rejected: a heap (O(log n) cache misses with 100,000 sleepers, and one more for each wait that
//! ends before its time); one timer thread (a wake across threads for each expiry); ticks of a
//! millisecond (the issue wants finer).
#![allow(unsafe_code)]

use std::cell::Cell;
use std::ptr::{NonNull, null_mut};

const TICK_SHIFT: u32 = 14;
const LEVELS: usize = 6;
const SLOT_BITS: u32 = 6;
const SLOTS: usize = 1 << SLOT_BITS;
/// The places of levels 0 and 1.
const NEAR: usize = 2 * SLOTS;
/// Where the top level's digit begins in a tick.
const TOP_SHIFT: u32 = SLOT_BITS * (LEVELS as u32 - 1);
/// Nodes looked at for the exact time of a slot above level 0; beyond it its beginning will do.
const EXACT: usize = 8;

/// What waits: embedded in its waiter, which stays where it is while the node is armed.
#[derive(Debug)]
pub struct Node {
    next: Cell<*mut Node>,
    prev: Cell<*mut Node>,
    /// The tick at which it fires.
    when: Cell<u64>,
    /// `level * SLOTS + slot`, or UNARMED.
    place: Cell<u32>,
    /// The user's: what it is part of.
    kind: u32,
}

const UNARMED: u32 = u32::MAX;

impl Default for Node {
    fn default() -> Node {
        Node::new(0)
    }
}

impl Node {
    /// One that is not armed, of a kind that means something to who arms it.
    pub const fn new(kind: u32) -> Node {
        Node {
            next: Cell::new(null_mut()),
            prev: Cell::new(null_mut()),
            when: Cell::new(0),
            place: Cell::new(UNARMED),
            kind,
        }
    }

    /// What it was made with.
    #[inline]
    pub fn kind(&self) -> u32 {
        self.kind
    }

    /// Whether it is in a wheel.
    #[inline]
    pub fn armed(&self) -> bool {
        self.place.get() != UNARMED
    }
}

/// See the module. Times are nanoseconds of [`crate::time::now`].
#[derive(Debug)]
pub struct Wheel {
    /// The present, in ticks: everything before it has fired.
    present: Cell<u64>,
    /// Armed nodes.
    count: Cell<usize>,
    /// Of those, the ones on levels 0 and 1.
    near: Cell<usize>,
    used: [Cell<u64>; LEVELS],
    heads: [Cell<*mut Node>; LEVELS * SLOTS],
}

impl Default for Wheel {
    fn default() -> Wheel {
        Wheel {
            present: Cell::new(0),
            count: Cell::new(0),
            near: Cell::new(0),
            used: Default::default(),
            heads: [const { Cell::new(null_mut()) }; LEVELS * SLOTS],
        }
    }
}

fn ceil_tick(ns: i64) -> u64 {
    (ns.max(0) as u64).div_ceil(1 << TICK_SHIFT)
}

impl Wheel {
    /// Whether nothing is armed: no clock need be read.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.count.get() == 0
    }

    /// Nodes armed.
    pub fn len(&self) -> usize {
        self.count.get()
    }

    /// Of those, the ones that fire within about 67 ms.
    pub fn near(&self) -> usize {
        self.near.get()
    }

    /// An empty wheel's present may be brought forward, so that the next node finds its place at
    /// once.
    pub fn begin(&self, now: i64) {
        if self.is_empty() {
            self.present.set(self.present.get().max((now.max(0) as u64) >> TICK_SHIFT));
        }
    }

    /// Arms a node for a deadline; one that has passed fires at the next [`Wheel::advance`].
    ///
    /// # Safety
    /// The node is not armed, and stays where it is until it has fired or been removed from this
    /// wheel.
    pub unsafe fn insert(&self, node: NonNull<Node>, deadline: i64) {
        // SAFETY: the caller's.
        let n = unsafe { node.as_ref() };
        debug_assert!(!n.armed());
        n.when.set(ceil_tick(deadline));
        self.count.set(self.count.get() + 1);
        self.place(node);
    }

    fn place(&self, node: NonNull<Node>) {
        // SAFETY: armed nodes stay valid (insert's contract).
        let n = unsafe { node.as_ref() };
        let present = self.present.get();
        // What is due goes to the next tick that advance will look at; what is too far, as far as
        // there is room.
        let last = ((present >> TOP_SHIFT) + SLOTS as u64 - 1) << TOP_SHIFT;
        let when = n.when.get().clamp(present, last);
        let differs = (when ^ present) | (SLOTS as u64 - 1);
        let level = ((63 - differs.leading_zeros()) / SLOT_BITS).min(LEVELS as u32 - 1);
        let slot = (when >> (level * SLOT_BITS)) as usize % SLOTS;
        let place = level as usize * SLOTS + slot;
        self.near.set(self.near.get() + usize::from(place < NEAR));
        let head = &self.heads[place];
        n.place.set(place as u32);
        n.prev.set(null_mut());
        n.next.set(head.get());
        if let Some(old) = NonNull::new(head.get()) {
            // SAFETY: as above.
            unsafe { old.as_ref() }.prev.set(node.as_ptr());
        }
        head.set(node.as_ptr());
        let used = &self.used[level as usize];
        used.set(used.get() | 1 << slot);
    }

    /// Takes a node out, if it is armed.
    ///
    /// # Safety
    /// If it is armed, then in this wheel.
    pub unsafe fn remove(&self, node: NonNull<Node>) {
        // SAFETY: the caller's; neighbours are armed and so valid.
        unsafe {
            let n = node.as_ref();
            let place = n.place.replace(UNARMED);
            if place == UNARMED {
                return;
            }
            self.count.set(self.count.get() - 1);
            self.near.set(self.near.get() - usize::from((place as usize) < NEAR));
            let (next, prev) = (n.next.get(), n.prev.get());
            if let Some(next) = NonNull::new(next) {
                next.as_ref().prev.set(prev);
            }
            match NonNull::new(prev) {
                Some(prev) => prev.as_ref().next.set(next),
                None => {
                    self.heads[place as usize].set(next);
                    if next.is_null() {
                        let used = &self.used[place as usize / SLOTS];
                        used.set(used.get() & !(1 << (place as usize % SLOTS)));
                    }
                }
            }
        }
    }

    /// Takes all nodes out, and hands each over.
    pub fn clear(&self, mut taken: impl FnMut(NonNull<Node>)) {
        for head in &self.heads {
            while let Some(node) = NonNull::new(head.get()) {
                // SAFETY: it is armed here, hence valid.
                unsafe { self.remove(node) };
                taken(node);
            }
        }
    }

    /// The used slot that comes first: its place and the tick at which it begins.
    fn next_slot(&self) -> Option<(usize, u64)> {
        let present = self.present.get();
        (0..LEVELS).find_map(|level| {
            let used = self.used[level].get();
            if used == 0 {
                return None;
            }
            let shift = level as u32 * SLOT_BITS;
            let here = (present >> shift) as u32 % SLOTS as u32;
            let ahead = used.rotate_right(here).trailing_zeros();
            let slot = (here + ahead) as usize % SLOTS;
            let begins = ((present >> shift) + u64::from(ahead)) << shift;
            Some((level * SLOTS + slot, begins.max(present)))
        })
    }

    /// When [`Wheel::advance`] should be called next, in nanoseconds; never after the first
    /// deadline's tick.
    pub fn next(&self) -> Option<i64> {
        let (place, begins) = self.next_slot()?;
        let mut tick = begins;
        if place >= SLOTS {
            // The slot's own beginning would do; its first deadline saves waking up just to place
            // it again.
            let mut first = u64::MAX;
            let mut p = self.heads[place].get();
            for i in 0.. {
                // SAFETY: armed nodes are valid.
                let Some(n) = NonNull::new(p).map(|n| unsafe { n.as_ref() }) else {
                    tick = tick.max(first);
                    break;
                };
                if i == EXACT {
                    break;
                }
                first = first.min(n.when.get());
                p = n.next.get();
            }
        }
        Some((tick << TICK_SHIFT) as i64)
    }

    /// Brings the present to `now` and hands over each node whose time has come, disarmed; of a slot
    /// above level 0, what is due at once, so that it is not touched twice (hence in no strict order). `fire`
    /// may insert and remove nodes; one that it inserts with a deadline in the past fires within
    /// this call.
    pub fn advance(&self, now: i64, mut fire: impl FnMut(NonNull<Node>)) {
        let now = (now.max(0) as u64) >> TICK_SHIFT;
        while let Some((place, begins)) = self.next_slot() {
            if begins > now {
                break;
            }
            self.present.set(begins);
            while let Some(node) = NonNull::new(self.heads[place].get()) {
                // SAFETY: it is armed here, hence valid until it is fired. A node that is placed
                // again goes to another slot: a lower level, or (beyond the span) the top level's
                // last.
                unsafe {
                    self.remove(node);
                    if node.as_ref().when.get() <= now {
                        fire(node);
                    } else {
                        self.count.set(self.count.get() + 1);
                        self.place(node);
                    }
                }
            }
        }
        self.present.set(self.present.get().max(now));
    }
}

#[cfg(test)]
mod tests;
