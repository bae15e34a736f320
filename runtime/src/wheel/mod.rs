//! L0: the timer wheel. One per vCPU, hierarchical, owner thread only, with nodes that live in what
//! waits.
//!
//! Time is counted in ticks of 2^14 ns (16.4 us). Five levels of 256 slots; a slot of level L spans
//! 256^L ticks:
//! ```text
//! level 0: |.|.|.|x|.| ... 256 slots of 1 tick         (4 ms in all)
//! level 1: |.|x|.| ...     256 slots of 256 ticks      (1.07 s)
//! level 2: ...             256 slots of 256^2 ticks    (4.6 minutes)
//! ...      level 4:        256 slots of 256^4 ticks    (208 days; what is later waits in its last slot)
//! ```
//! A node goes to the lowest level on which its slot is fewer than 256 slots away. When the present
//! reaches a slot above level 0, its nodes are placed again, lower, or fire if they are due. Inserting and
//! removing is O(1); a node moves four times at the most, and one that waits for up to a second, as most do,
//! once, some milliseconds before its time. A bitmap a level finds the next used slot.
//!
//! Levels overlap in time: a node that was far away when it was armed may lie on a high level and yet come
//! before one on a lower level. So what comes first is the least over all levels in use; no used
//! slot begins before `soonest`, and until then there is nothing to look at.
//!
//! Never early: a deadline is rounded up to its tick, and a tick is past only when the clock says
//! so. Late by a tick (16 us) at the most, besides what the vCPU was doing.
//!
//! Rejected: a heap (O(log n) cache misses with 100,000 sleepers, and one more for each wait that ends
//! before its time); levels that begin at multiples of their span, so that they never overlap (half of all
//! sleeps of a second cross such a border, and are then placed again all at once); levels of 64 slots (with
//! 100,000 sleepers each node was touched cold twice more); one timer thread (a wake across threads for each
//! expiry); ticks of a millisecond (too coarse for deadlines of I/O).
#![allow(unsafe_code)]

use std::cell::Cell;
use std::ptr::{NonNull, null_mut};

const TICK_SHIFT: u32 = 14;
const LEVELS: usize = 5;
const SLOT_BITS: u32 = 8;
const SLOTS: usize = 1 << SLOT_BITS;
/// Words of a level's bitmap.
const WORDS: usize = SLOTS / 64;
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
    /// No used slot begins before this tick.
    soonest: Cell<u64>,
    /// Armed nodes.
    count: Cell<usize>,
    /// Levels with used slots, and perhaps some without.
    levels: Cell<u32>,
    used: [[Cell<u64>; WORDS]; LEVELS],
    heads: [Cell<*mut Node>; LEVELS * SLOTS],
}

impl Default for Wheel {
    fn default() -> Wheel {
        Wheel {
            present: Cell::new(0),
            soonest: Cell::new(u64::MAX),
            count: Cell::new(0),
            levels: Cell::new(0),
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
        let (mut level, mut shift) = (0, 0);
        while (when >> shift) - (present >> shift) >= SLOTS as u64 {
            (level, shift) = (level + 1, shift + SLOT_BITS);
        }
        let begins = (when >> shift) << shift;
        self.soonest.set(self.soonest.get().min(begins));
        let slot = (when >> shift) as usize % SLOTS;
        let place = level * SLOTS + slot;
        let head = &self.heads[place];
        n.place.set(place as u32);
        n.prev.set(null_mut());
        n.next.set(head.get());
        if let Some(old) = NonNull::new(head.get()) {
            // SAFETY: as above.
            unsafe { old.as_ref() }.prev.set(node.as_ptr());
        }
        head.set(node.as_ptr());
        let used = &self.used[level][slot / 64];
        used.set(used.get() | 1 << (slot % 64));
        self.levels.set(self.levels.get() | 1 << level);
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
            let (next, prev) = (n.next.get(), n.prev.get());
            if let Some(next) = NonNull::new(next) {
                next.as_ref().prev.set(prev);
            }
            match NonNull::new(prev) {
                Some(prev) => prev.as_ref().next.set(next),
                None => {
                    self.heads[place as usize].set(next);
                    if next.is_null() {
                        let (level, slot) = (place as usize / SLOTS, place as usize % SLOTS);
                        let used = &self.used[level][slot / 64];
                        used.set(used.get() & !(1 << (slot % 64)));
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

    /// The used slot of a level that comes first: its place and the tick at which it begins.
    fn first_of(&self, level: usize) -> Option<(usize, u64)> {
        if self.levels.get() & 1 << level == 0 {
            return None;
        }
        let digits = self.present.get() >> (level as u32 * SLOT_BITS);
        let here = digits as usize % SLOTS;
        // Here's word from here on, the other words, and the beginning of here's.
        for i in 0..=WORDS {
            let mut bits = self.used[level][(here / 64 + i) % WORDS].get();
            let from_here = !0 << (here % 64);
            if i == 0 {
                bits &= from_here;
            } else if i == WORDS {
                bits &= !from_here;
            }
            if bits != 0 {
                let ahead = i * 64 + bits.trailing_zeros() as usize - here % 64;
                let begins = (digits + ahead as u64) << (level as u32 * SLOT_BITS);
                return Some((level * SLOTS + (here + ahead) % SLOTS, begins));
            }
        }
        self.levels.set(self.levels.get() & !(1 << level));
        None
    }

    /// The used slot that comes first.
    fn next_slot(&self) -> Option<(usize, u64)> {
        (0..LEVELS).filter_map(|level| self.first_of(level)).min_by_key(|(_, begins)| *begins)
    }

    /// When [`Wheel::advance`] should be called next, in nanoseconds; never after the first
    /// deadline's tick.
    pub fn next(&self) -> Option<i64> {
        let mut tick = None;
        for level in 0..LEVELS {
            if let Some((place, begins)) = self.first_of(level)
                && tick.is_none_or(|t| begins < t)
            {
                let first = if level == 0 { begins } else { self.first_in(place, begins) };
                tick = Some(tick.map_or(first, |t| first.min(t)));
            }
        }
        tick.map(|t| (t << TICK_SHIFT) as i64)
    }

    /// The tick of the first deadline in a slot, or, if there are many, that at which it begins: that would
    /// do, but waking up just to place it again is saved.
    fn first_in(&self, place: usize, begins: u64) -> u64 {
        let mut first = u64::MAX;
        let mut p = self.heads[place].get();
        for _ in 0..EXACT {
            // SAFETY: armed nodes are valid.
            let Some(n) = NonNull::new(p).map(|n| unsafe { n.as_ref() }) else {
                return first.max(begins);
            };
            first = first.min(n.when.get());
            p = n.next.get();
        }
        begins
    }

    /// Brings the present to `now` and hands over each node whose time has come, disarmed; of a slot
    /// above level 0, what is due at once, so that it is not touched twice (hence in no strict order). `fire`
    /// may insert and remove nodes; one that it inserts with a deadline in the past fires within
    /// this call.
    pub fn advance(&self, now: i64, mut fire: impl FnMut(NonNull<Node>)) {
        let now = (now.max(0) as u64) >> TICK_SHIFT;
        while now >= self.soonest.get() {
            let Some((place, begins)) = self.next_slot() else {
                self.soonest.set(u64::MAX);
                break;
            };
            self.soonest.set(begins);
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
