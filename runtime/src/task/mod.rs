//! L2: the control block of a coroutine.
//!
//! 256 bytes, four cache lines, apart from the stack, in slabs that are never freed (`table`): so a
//! stale handle can always be looked up, and walking the run ring touches dense memory.
//! ```text
//! line 0  sp next prev | flags state attention errno | stack entry arg     a switch
//! line 1  life | result joiner | slot, owner, class, group, env            an end, a join
//! line 2  timer node | mail, inbox link                                    a wait; other threads
//! line 3  name | own                                                       reports; what few have
//! ```
//! A coroutine that is spawned, runs to its end and is joined touches the first two, which processors
//! fetch as a pair. So the name, which is rarely given, is not cleared for the next coroutine: it says
//! whose it is, by the generation.
//! Who may touch what:
//! - `Cell`s: the owner's thread only. The owner is the vCPU in `owner`; it alone runs the
//!   coroutine, has it in its ring, its wheel and its engine, and may hand it to another (fresh or
//!   migratable ones, while they are runnable and not running).
//! - atomics: everybody, by the protocols of `life` and `mail`, or as a hint where they are read
//!   Relaxed.
//!
//! Rejected: the control block at the top of the stack (Photon): it saves a cache line, but its
//! memory goes when stacks are given back, so handles could dangle, and finding the next coroutines
//! in the ring would wait for a page of each one's stack, where it now reads dense memory.

#[cfg(not(loom))]
pub mod arena;
pub mod life;
#[cfg(not(loom))]
pub mod local;
pub mod mail;
#[cfg(not(loom))]
pub mod own;
#[cfg(not(loom))]
pub mod table;

#[cfg(not(loom))]
pub use block::*;

#[cfg(not(loom))]
#[path = "block.rs"]
mod block;
