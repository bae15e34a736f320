//! Where elements wait: a ring of fixed size, or blocks that come and go.
//!
//! ```text
//! ring     first -> | e | e |   |   | e |     head, tail: indices; in the core if it is small
//!                         tail      head
//! blocks   first -> | next | - e e e | -> | next | e e e e | <- last     head in the first, tail in the last
//!          spare -> one that is empty, so that a queue of changing length asks the heap for none
//! ```
//! All of it belongs to the core's guard; only [`Block`]s are made and freed outside of it.
#![allow(unsafe_code)]

use crate::err::Errno;
use crate::prim::Cell;
use std::alloc::{Layout, alloc, dealloc};
use std::cell::UnsafeCell;
use std::ptr::null_mut;

/// Bytes of elements in a block, as far as one is not larger by itself.
const BLOCK: usize = 4096;
/// Bytes of a ring that needs no memory of its own.
const INSIDE: usize = 64;
/// A block's link.
const LINK: usize = size_of::<*mut u8>();

/// Copies an element.
///
/// # Safety
/// `from` has `size` bytes, `to` room for them.
#[inline(always)]
pub unsafe fn copy(from: *const u8, to: *mut u8, size: usize) {
    // SAFETY: the caller's. `copy`: a sender and a receiver may have named the same memory.
    unsafe {
        match size {
            0 => {}
            8 => to.cast::<u64>().write_unaligned(from.cast::<u64>().read_unaligned()),
            4 => to.cast::<u32>().write_unaligned(from.cast::<u32>().read_unaligned()),
            n => std::ptr::copy(from, to, n),
        }
    }
}

fn layout(bytes: usize) -> Result<Layout, Errno> {
    Layout::from_size_align(bytes, LINK).map_err(|_| Errno::ENOMEM)
}

/// Memory that is freed when dropped: without the guard.
#[derive(Debug)]
pub struct Block {
    at: *mut u8,
    layout: Layout,
}

impl Block {
    fn sized(bytes: usize) -> Result<Block, Errno> {
        let layout = layout(bytes)?;
        // SAFETY: of a size that is not 0.
        let at = unsafe { alloc(layout) };
        if at.is_null() { Err(Errno::ENOMEM) } else { Ok(Block { at, layout }) }
    }

    /// The store owns it now.
    fn into_raw(self) -> *mut u8 {
        let at = self.at;
        std::mem::forget(self);
        at
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: allocated so.
        unsafe { dealloc(self.at, self.layout) };
    }
}

/// See the module.
#[derive(Debug)]
pub struct Store {
    /// The ring's first place, or the first block.
    first: Cell<*mut u8>,
    head: Cell<usize>,
    tail: Cell<usize>,
    /// Places of the ring, or in each block.
    places: Cell<usize>,
    last: Cell<*mut u8>,
    spare: Cell<*mut u8>,
    inside: UnsafeCell<[u64; INSIDE / 8]>,
}

impl Default for Store {
    fn default() -> Store {
        Store {
            first: Cell::new(null_mut()),
            head: Cell::new(0),
            tail: Cell::new(0),
            places: Cell::new(0),
            last: Cell::new(null_mut()),
            spare: Cell::new(null_mut()),
            inside: UnsafeCell::new([0; INSIDE / 8]),
        }
    }
}

/// The memory that a ring needs beside the core; none if it has room inside.
pub fn ring_memory(places: usize, size: usize) -> Result<Option<Block>, Errno> {
    match places.checked_mul(size) {
        Some(0..=INSIDE) => Ok(None),
        Some(bytes) => Block::sized(bytes).map(Some),
        None => Err(Errno::ENOMEM),
    }
}

/// Elements in a block.
pub fn per_block(size: usize) -> usize {
    (BLOCK / size.max(1)).max(1)
}

/// A block for an unbounded channel.
pub fn new_block(size: usize) -> Result<Block, Errno> {
    Block::sized(LINK + per_block(size) * size)
}

impl Store {
    /// An empty ring.
    pub fn begin_ring(&self, places: usize, memory: Option<Block>) {
        self.first.set(memory.map_or(self.inside.get().cast(), Block::into_raw));
        self.places.set(places);
        self.head.set(0);
        self.tail.set(0);
    }

    /// No block yet.
    pub fn begin_blocks(&self, size: usize) {
        self.places.set(per_block(size));
        self.head.set(0);
        self.tail.set(0);
    }

    /// Takes all memory out, to be freed without the guard. `size` of a ring's elements.
    pub fn end_ring(&self, size: usize) -> Option<Block> {
        let at = self.first.replace(null_mut());
        let inside = at.cast() == self.inside.get();
        let layout = layout(self.places.get() * size).ok()?;
        (!inside && !at.is_null()).then(|| Block { at, layout })
    }

    /// The same of blocks: a chain for [`free_blocks`].
    pub fn end_blocks(&self) -> *mut u8 {
        let spare = self.spare.replace(null_mut());
        self.last.set(null_mut());
        let first = self.first.replace(null_mut());
        if spare.is_null() {
            return first;
        }
        // SAFETY: a block begins with its link.
        unsafe { spare.cast::<*mut u8>().write(first) };
        spare
    }

    /// The ring's place for the next element; there is one.
    #[inline(always)]
    pub fn ring_put(&self, size: usize) -> *mut u8 {
        self.first.get().wrapping_add(self.step(&self.tail) * size)
    }

    /// Where the ring's oldest element is, of which there is one.
    #[inline(always)]
    pub fn ring_get(&self, size: usize) -> *mut u8 {
        self.first.get().wrapping_add(self.step(&self.head) * size)
    }

    #[inline(always)]
    fn step(&self, index: &Cell<usize>) -> usize {
        let i = index.get();
        index.set(if i + 1 == self.places.get() { 0 } else { i + 1 });
        i
    }

    /// The place for the next element in the blocks; none: [`Store::add`] one, or the spare one.
    #[must_use]
    pub fn blocks_put(&self, size: usize) -> Option<*mut u8> {
        if self.last.get().is_null() || self.tail.get() == self.places.get() {
            let spare = self.spare.replace(null_mut());
            if spare.is_null() {
                return None;
            }
            self.append(spare);
        }
        let i = self.tail.replace(self.tail.get() + 1);
        Some(self.last.get().wrapping_add(LINK + i * size))
    }

    /// A new block at the end.
    pub fn add(&self, block: Block) {
        self.append(block.into_raw());
    }

    /// A new block to have in hand; gives it back if there is one already.
    #[must_use]
    pub fn keep(&self, block: Block) -> Option<Block> {
        if !self.spare.get().is_null() {
            return Some(block);
        }
        self.spare.set(block.into_raw());
        None
    }

    fn append(&self, block: *mut u8) {
        let last = self.last.replace(block);
        // SAFETY: blocks begin with their link.
        unsafe {
            block.cast::<*mut u8>().write(null_mut());
            if last.is_null() {
                self.first.set(block);
                self.head.set(0);
            } else {
                last.cast::<*mut u8>().write(block);
            }
        }
        self.tail.set(0);
    }

    /// Copies the oldest element out of the blocks, in which there is one; null `to`: drops it.
    /// Gives a block that is not needed any more.
    ///
    /// # Safety
    /// `to` is null or has room for `size` bytes.
    #[must_use]
    pub unsafe fn blocks_get(&self, to: *mut u8, size: usize) -> Option<Block> {
        let first = self.first.get();
        let i = self.head.replace(self.head.get() + 1);
        if !to.is_null() {
            // SAFETY: the caller's; the element is there.
            unsafe { copy(first.wrapping_add(LINK + i * size), to, size) };
        }
        let is_last = first == self.last.get();
        if is_last && self.head.get() == self.tail.get() {
            // Empty: the block begins anew.
            self.head.set(0);
            self.tail.set(0);
            return None;
        }
        if is_last || self.head.get() < self.places.get() {
            return None;
        }
        // SAFETY: it begins with its link.
        self.first.set(unsafe { first.cast::<*mut u8>().read() });
        self.head.set(0);
        if self.spare.get().is_null() {
            self.spare.set(first);
            return None;
        }
        let layout = layout(LINK + self.places.get() * size).ok()?;
        Some(Block { at: first, layout })
    }
}

/// Frees what [`Store::end_blocks`] gave.
pub fn free_blocks(mut chain: *mut u8, size: usize) {
    let Ok(layout) = layout(LINK + per_block(size) * size) else { return };
    while !chain.is_null() {
        // SAFETY: a block of that layout, which begins with its link.
        let next = unsafe { chain.cast::<*mut u8>().read() };
        drop(Block { at: chain, layout });
        chain = next;
    }
}
