//! L1: stacks: where they lie, what keeps one from running into another, and who holds the free ones.
//!
//! # Memory
//!
//! Stacks of one size class are mapped many at once, in *slabs*. Addresses grow to the right:
//!
//! ```text
//!   base                 base + place                                base + n * place
//!    |  place of stack 0  |  place of stack 1  |   ...   | place n-1  |  descriptors   |
//!    | guard |   usable  c|                                           | Stack 0 .. n-1 |
//!            |            |
//!           low    top = end of the place, lowered by the colour c
//!
//!   place = guard + class_bytes(class) + one page for the colour
//! ```
//!
//! - **Touching commits.** A slab is reserved address space; a page of it is memory once it is written.
//!   Huge pages are refused for it: one would commit dozens of stacks for the first byte of one.
//! - **Guard.** 4 KiB up to the 64 KiB class, 16 KiB above (bigger frames), made when a stack is first
//!   handed out: see `guard.rs`. Usable bytes are never fewer than the class says; guard and colour
//!   come on top. Nothing lies between a stack and its neighbour but that neighbour's guard.
//! - **Colour.** Tops at equal offsets in their pages would all use the same few cache sets: 1,000
//!   coroutines in a ring then yield in 16 ns instead of 5. So each top is lowered by one of 16 multiples
//!   of 192 bytes.
//! - **Descriptors** lie outside the stacks, at the end of the slab, one cache line each: lists of free
//!   stacks never touch the stacks, and unmapping the slab frees them too.
//!
//! # Who holds a stack
//!
//! ```text
//!                 take                      pop
//!   slab's list  ------>  [ Cache, per  ] ------>  coroutine
//!        ^     and the    [ vCPU, LIFO  ] <------      |
//!        |     inbox      [ no atomics  ]   push       |
//!        |  sort at trim                               |
//!   inbox of the class  <------ give ------------------+ (plain threads, flush, shrink)
//! ```
//!
//! A dying coroutine pushes the stack it still runs on, then jumps away. That is sound because the cache
//! is its own thread's: nobody pops before the jump. For that, `push` neither takes a lock nor makes a
//! system call, and never lets go of the stack just pushed; see `cache.rs`.
//!
//! A coroutine that has not begun holds no stack but a *promise*: there will be one; see `promise.rs`.
//!
//! # Decay
//!
//! What has been idle for `decay_ns` goes back to the system: whole slabs are unmapped with their page
//! tables, idle stacks of slabs in use lose their pages; see `decay.rs`.
//!
//! # Rejected
//!
//! - One mapping for each stack: three system calls a stack, and at 65,530 mappings the system says no.
//! - Growing stacks by copying (Go): C frames hold pointers into themselves.
//! - Control blocks inside the stack's top. Measured here, 256-byte blocks, ns a yield and resident bytes
//!   each:
//!
//!   ```text
//!     coroutines     2     1,000    100,000 in order   100,000 shuffled   resident
//!     beside        2.8      8.7        200 to 280          290             4,096
//!     apart         2.8      4.9         19 to 20            70             4,352
//!   ```
//!
//!   Beside, each block is in a page of its own: the walk of the ring misses the TLB and the prefetcher
//!   sees no stride. Apart, sixteen blocks share a page.
//! - MAP_GROWSDOWN: the kernel's gap logic is for one stack a process.
//! - Descriptors from the heap: after a spike of a million coroutines 64 MB of them would stay.

mod alt;
mod backtrace;
mod cache;
mod decay;
mod descriptor;
mod guard;
mod lists;
pub(crate) mod os;
mod pool;
mod promise;
mod slab;

pub use alt::AltStack;
pub use backtrace::Backtrace;
pub use cache::Cache;
pub use descriptor::{Chain, Stack};
pub use pool::{GuardMode, Pool, PoolOptions, PoolStats};

/// Number of size classes: 16 KiB << class, up to 8 MiB.
pub const CLASSES: usize = 10;

/// Bytes of the smallest class. Below it a signal frame (3.4 KiB with AVX-512) is a danger.
const SMALLEST: u64 = 16 << 10;

/// The smallest class with room for `bytes`; None over 8 MiB.
pub fn class_of(bytes: u64) -> Option<u8> {
    let units = bytes.div_ceil(SMALLEST).max(1);
    let class = (u64::BITS - (units - 1).leading_zeros()) as u8;
    (usize::from(class) < CLASSES).then_some(class)
}

/// Bytes of a stack of `class`, guard and colour not counted.
///
/// Panics if there is no such class.
pub const fn class_bytes(class: u8) -> usize {
    assert!((class as usize) < CLASSES, "no such stack class");
    (SMALLEST as usize) << class
}

#[cfg(test)]
mod tests;
