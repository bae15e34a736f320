//! All control blocks: found by slot, handed out and taken back.
//!
//! Blocks live in chunks of 1,024 that are made as needed and kept for ever (256 KiB each, so what
//! a spike of a million coroutines leaves is 244 MiB of mostly untouched-again memory; it is reused
//! first). A directory finds a chunk by the slot's upper bits. Each vCPU keeps a list of free
//! blocks of its own, last in first out, and trades whole batches with the shared list; plain
//! threads use the shared list. The lock is held for a splice or a walk of a batch, never over a
//! system call.
#![allow(unsafe_code)]

use super::block::{Task, TaskRef, handle};
use super::life::State;
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
static FREE: Mutex<List> = Mutex::new(List { head: None, len: 0 });

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
    fn take(&mut self, n: usize) -> List {
        let mut out = List { head: None, len: 0 };
        for _ in 0..n {
            let Some(t) = self.pop() else { break };
            out.push(t);
        }
        out
    }
}

fn shared() -> std::sync::MutexGuard<'static, List> {
    FREE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A new chunk of blocks, as a list.
fn grow() -> Result<List, Errno> {
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
    let mut list = List { head: None, len: 0 };
    for slot in (0..CHUNK as u32).rev() {
        if let Some(t) = get(first + slot) {
            list.push(t);
        }
    }
    Ok(list)
}

fn refill(want: usize) -> Result<List, Errno> {
    let got = shared().take(want);
    if got.len > 0 {
        return Ok(got);
    }
    let mut made = grow()?;
    let got = made.take(want);
    let mut free = shared();
    while let Some(t) = made.pop() {
        free.push(t);
    }
    Ok(got)
}

/// A block for a plain thread.
pub fn take() -> Result<TaskRef, Errno> {
    refill(1)?.pop().ok_or(Errno::ENOMEM)
}

/// Takes a block back from a plain thread.
pub fn give(t: TaskRef) {
    shared().push(t);
}

/// A vCPU's own list: owner thread only.
#[derive(Debug)]
pub struct Cache {
    head: Cell<Option<TaskRef>>,
    len: Cell<usize>,
}

impl Default for Cache {
    fn default() -> Cache {
        Cache { head: Cell::new(None), len: Cell::new(0) }
    }
}

impl Cache {
    /// A free block: the last one that was freed here.
    #[inline]
    pub fn pop(&self) -> Result<TaskRef, Errno> {
        let t = match self.head.get() {
            Some(t) => t,
            None => self.refill()?,
        };
        self.head.set(t.next.get());
        self.len.set(self.len.get() - 1);
        Ok(t)
    }

    #[cold]
    fn refill(&self) -> Result<TaskRef, Errno> {
        let list = refill(BATCH)?;
        self.len.set(list.len);
        list.head.ok_or(Errno::ENOMEM)
    }

    /// A block that has become free.
    #[inline]
    pub fn push(&self, t: TaskRef) {
        t.next.set(self.head.replace(Some(t)));
        self.len.set(self.len.get() + 1);
        if self.len.get() >= 3 * BATCH {
            self.give_back(2 * BATCH);
        }
    }

    #[cold]
    fn give_back(&self, n: usize) {
        let mut mine = List { head: self.head.take(), len: self.len.get() };
        let mut out = mine.take(n);
        self.head.set(mine.head);
        self.len.set(mine.len);
        let mut free = shared();
        while let Some(t) = out.pop() {
            free.push(t);
        }
    }

    /// Gives everything back: its vCPU ends.
    pub fn flush(&self) {
        self.give_back(self.len.get());
    }
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
        assert!(cache.len.get() < 3 * BATCH, "the rest went back to the shared list");
        cache.flush();
        assert_eq!(cache.len.get(), 0);
    }

    #[test]
    fn handles_that_never_were() {
        for co in [0, 1, u64::MAX, 1 << 32 | 0xffff_ffff, 7 << 32 | (CHUNKS as u64) << CHUNK_SHIFT]
        {
            assert!(find(co).is_err() && find_live(co).is_err(), "{co:x}");
        }
    }
}
