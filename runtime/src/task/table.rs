//! All control blocks: found by slot, handed out and taken back.
//!
//! Blocks live in chunks of 1,024 that are made as needed and kept for ever (256 KiB each, so what
//! a spike of a million coroutines leaves is 244 MiB of mostly untouched-again memory; it is reused
//! first). A directory finds a chunk by the slot's upper bits. Each vCPU keeps a list of free
//! blocks of its own, last in first out, and trades whole batches with the shared list; plain
//! threads use the shared list.
//! ```text
//!   push --> mine --a batch--> before --replaced--> shared batches      each a list by `next`,
//!   pop  <-- mine <--empty---- before <---empty---- shared batches      batches among them by `prev`
//! ```
//! A trade is a few stores, and walks nothing: the blocks of a batch have long left the cache. The
//! lock is held for that, never over a system call.
#![allow(unsafe_code)]

use super::block::{Task, TaskRef, handle};
use super::life::State;
use crate::arch;
use crate::err::Errno;
use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::*};

const CHUNK_SHIFT: u32 = 10;
const CHUNK: usize = 1 << CHUNK_SHIFT;
/// 64 million coroutines.
const CHUNKS: usize = 1 << 16;
/// What a vCPU trades with the shared list at once.
const BATCH: usize = 256;

static DIRECTORY: [AtomicPtr<Task>; CHUNKS] =
    [const { AtomicPtr::new(std::ptr::null_mut()) }; CHUNKS];
static MADE: AtomicUsize = AtomicUsize::new(0);
static FREE: Mutex<Shared> = Mutex::new(Shared { batches: None, loose: List::EMPTY });

/// The block of a slot, if there is one.
#[inline]
pub fn get(slot: u32) -> Option<TaskRef> {
    let chunk = (slot >> CHUNK_SHIFT) as usize;
    // Acquire: pairs with grow's release.
    let base = DIRECTORY.get(chunk)?.load(Acquire);
    if base.is_null() {
        return None;
    }
    // SAFETY: a chunk has CHUNK initialized blocks and is never freed.
    Some(unsafe { &*base.add(slot as usize % CHUNK) })
}

/// The block of a handle and the handle's generation, if that coroutine still exists (it may have
/// ended).
#[inline]
pub fn find(co: u64) -> Result<(TaskRef, u32), Errno> {
    let g = (co >> 32) as u32;
    match get(co as u32) {
        Some(t) if matches!(t.life.state(g), State::Live | State::Ended) => Ok((t, g)),
        _ => Err(Errno::ESRCH),
    }
}

/// As [`find`], for coroutines that have not ended.
#[inline]
pub fn find_live(co: u64) -> Result<(TaskRef, u32), Errno> {
    let g = (co >> 32) as u32;
    match get(co as u32) {
        Some(t) if t.life.state(g) == State::Live => Ok((t, g)),
        _ => Err(Errno::ESRCH),
    }
}

/// Every block that holds a coroutine now, with its handle.
pub fn all() -> impl Iterator<Item = (TaskRef, u64)> {
    let made = MADE.load(Relaxed).min(CHUNKS) as u32;
    (0..made << CHUNK_SHIFT).filter_map(|slot| {
        let t = get(slot)?;
        let g = t.life.live_generation()?;
        Some((t, handle(g, slot)))
    })
}

/// Free blocks, linked by `next`.
#[derive(Debug)]
struct List {
    head: Option<TaskRef>,
    len: usize,
}

impl List {
    const EMPTY: List = List { head: None, len: 0 };

    fn push(&mut self, t: TaskRef) {
        t.next.set(self.head.replace(t));
        self.len += 1;
    }
    fn pop(&mut self) -> Option<TaskRef> {
        let t = self.head?;
        self.head = t.next.take();
        self.len -= 1;
        Some(t)
    }
}

/// What no vCPU has.
#[derive(Debug)]
struct Shared {
    /// The first blocks of lists of [`BATCH`], linked by `prev`.
    batches: Option<TaskRef>,
    /// Fewer than that.
    loose: List,
}

impl Shared {
    fn push_batch(&mut self, head: TaskRef) {
        head.prev.set(self.batches.replace(head));
    }

    /// A list of [`BATCH`]; of fewer, but some, if there is no batch; none if there is nothing.
    fn take(&mut self) -> Option<List> {
        match self.batches {
            Some(head) => {
                self.batches = head.prev.take();
                Some(List { head: Some(head), len: BATCH })
            }
            None if self.loose.len > 0 => Some(std::mem::replace(&mut self.loose, List::EMPTY)),
            None => None,
        }
    }

    fn pop(&mut self) -> Option<TaskRef> {
        if self.loose.len == 0 {
            self.loose = self.take()?;
        }
        self.loose.pop()
    }

    fn push(&mut self, t: TaskRef) {
        self.loose.push(t);
        if self.loose.len == BATCH
            && let Some(head) = std::mem::replace(&mut self.loose, List::EMPTY).head
        {
            self.push_batch(head);
        }
    }
}

fn shared() -> std::sync::MutexGuard<'static, Shared> {
    FREE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A new chunk of blocks, as lists of [`BATCH`].
fn grow() -> Result<[List; CHUNK / BATCH], Errno> {
    let chunk = MADE.fetch_add(1, Relaxed);
    if chunk >= CHUNKS {
        MADE.fetch_sub(1, Relaxed);
        return Err(Errno::ENOMEM);
    }
    let mut blocks = Vec::new();
    if blocks.try_reserve_exact(CHUNK).is_err() {
        // The number is lost unless nobody has taken the next one; the directory can spare it.
        let _ = MADE.compare_exchange(chunk + 1, chunk, Relaxed, Relaxed);
        return Err(Errno::ENOMEM);
    }
    let first = (chunk as u32) << CHUNK_SHIFT;
    blocks.extend((0..CHUNK as u32).map(|i| Task::blank(first + i)));
    let blocks: &'static mut [Task] = blocks.leak();
    // Release: pairs with get's acquire.
    DIRECTORY[chunk].store(blocks.as_mut_ptr(), Release);
    let mut lists = [const { List::EMPTY }; CHUNK / BATCH];
    for i in (0..CHUNK).rev() {
        if let Some(t) = get(first + i as u32) {
            lists[i / BATCH].push(t);
        }
    }
    Ok(lists)
}

/// Takes what is free from the shared lists, which get a new chunk where there is nothing.
fn shared_or_new<T>(mut take: impl FnMut(&mut Shared) -> Option<T>) -> Result<T, Errno> {
    loop {
        if let Some(got) = take(&mut shared()) {
            return Ok(got);
        }
        let lists = grow()?;
        let mut free = shared();
        lists.into_iter().rev().filter_map(|l| l.head).for_each(|head| free.push_batch(head));
    }
}

/// A block for a plain thread.
pub fn take() -> Result<TaskRef, Errno> {
    shared_or_new(Shared::pop)
}

/// Takes a block back from a plain thread.
pub fn give(t: TaskRef) {
    shared().push(t);
}

/// A vCPU's own lists: owner thread only.
#[derive(Debug)]
pub struct Cache {
    mine: Cell<Option<TaskRef>>,
    len: Cell<usize>,
    /// The first of a whole batch.
    before: Cell<Option<TaskRef>>,
}

impl Default for Cache {
    fn default() -> Cache {
        Cache { mine: Cell::new(None), len: Cell::new(0), before: Cell::new(None) }
    }
}

impl Cache {
    /// A free block: the last one that was freed here.
    #[inline]
    pub fn pop(&self) -> Result<TaskRef, Errno> {
        let t = match self.mine.get() {
            Some(t) => t,
            None => self.refill()?,
        };
        let next = t.next.get();
        if let Some(n) = next {
            expect(t, n);
        }
        self.mine.set(next);
        self.len.set(self.len.get() - 1);
        Ok(t)
    }

    #[cold]
    fn refill(&self) -> Result<TaskRef, Errno> {
        let list = match self.before.take() {
            Some(head) => List { head: Some(head), len: BATCH },
            None => shared_or_new(Shared::take)?,
        };
        self.mine.set(list.head);
        self.len.set(list.len);
        list.head.ok_or(Errno::ENOMEM)
    }

    /// A block that has become free.
    #[inline]
    pub fn push(&self, t: TaskRef) {
        if self.len.get() == BATCH {
            self.set_batch_aside();
        }
        t.next.set(self.mine.replace(Some(t)));
        self.len.set(self.len.get() + 1);
    }

    #[cold]
    fn set_batch_aside(&self) {
        self.len.set(0);
        if let Some(head) = self.before.replace(self.mine.take()) {
            shared().push_batch(head);
        }
    }

    /// Gives everything back: its vCPU ends.
    pub fn flush(&self) {
        let mut mine = List { head: self.mine.take(), len: self.len.take() };
        let mut free = shared();
        if let Some(head) = self.before.take() {
            free.push_batch(head);
        }
        while let Some(t) = mine.pop() {
            free.push(t);
        }
    }
}

/// After `t` comes `next`, and what comes then is probably as far from that. A hint: blocks that are
/// used in a row mostly lie in a row, and what is four further on is in the cache when its turn comes.
#[inline(always)]
pub fn expect(t: TaskRef, next: TaskRef) {
    let (a, b) = (std::ptr::from_ref(t).cast::<u8>(), std::ptr::from_ref(next).cast::<u8>());
    let step = b.addr().wrapping_sub(a.addr());
    let ahead = b.wrapping_add(step.wrapping_mul(3));
    arch::prefetch(ahead);
    arch::prefetch(ahead.wrapping_add(64));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_by_slot_and_reused_last_first() {
        let cache = Cache::default();
        let taken: Vec<TaskRef> = (0..3000).filter_map(|_| cache.pop().ok()).collect();
        assert_eq!(taken.len(), 3000);
        for t in &taken {
            assert!(get(t.slot.get()).is_some_and(|f| std::ptr::eq(f, *t)));
        }
        let mut slots: Vec<u32> = taken.iter().map(|t| t.slot.get()).collect();
        slots.sort_unstable();
        slots.dedup();
        assert_eq!(slots.len(), 3000, "no block twice");
        for t in &taken {
            cache.push(t);
        }
        assert!(cache.pop().is_ok_and(|t| std::ptr::eq(t, taken[2999])));
        cache.push(taken[2999]);
        assert!(cache.len.get() <= BATCH, "the rest went back to the shared list");
        cache.flush();
        assert_eq!(cache.len.get(), 0);
        assert!(cache.mine.get().is_none() && cache.before.get().is_none());
        // Nothing is lost in trading: as many again without one more chunk than others may have made.
        let again: Vec<u32> =
            (0..3000).filter_map(|_| cache.pop().ok()).map(|t| t.slot.get()).collect();
        let mut sorted = again.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), 3000, "no block twice");
        again.iter().filter_map(|slot| get(*slot)).for_each(|t| cache.push(t));
        cache.flush();
    }

    #[test]
    fn what_is_shared_makes_batches_of_single_ones() {
        let blocks: Vec<Task> = (0..600).map(Task::blank).collect();
        let blocks: &'static [Task] = blocks.leak();
        let mut free = Shared { batches: None, loose: List::EMPTY };
        blocks.iter().for_each(|t| free.push(t));
        assert_eq!(free.loose.len, 600 % BATCH);
        let mut seen = 0;
        for len in [BATCH, BATCH, 600 % BATCH] {
            let mut l = free.take().unwrap();
            assert_eq!(l.len, len);
            while l.pop().is_some() {
                seen += 1;
            }
            assert_eq!(l.len, 0);
        }
        assert_eq!(seen, 600);
        assert!(free.take().is_none());
    }

    #[test]
    fn handles_that_never_were() {
        for co in [0, 1, u64::MAX, 1 << 32 | 0xffff_ffff, 7 << 32 | (CHUNKS as u64) << CHUNK_SHIFT]
        {
            assert!(find(co).is_err() && find_live(co).is_err(), "{co:x}");
        }
    }
}
