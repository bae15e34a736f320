//! All scopes' Cores: found by slot, handed out and taken back. Chunks of 64 are made as needed and
//! kept for ever, so that a stale handle always leads to a Core. The lock is held for a few
//! instructions, never over an allocation.
#![allow(unsafe_code)]

use super::core::Core;
use crate::err::Errno;
use std::sync::atomic::{AtomicPtr, Ordering::*};
use std::sync::{Mutex, MutexGuard, PoisonError};

const CHUNK: usize = 64;
/// Four million scopes.
const CHUNKS: usize = 1 << 16;

static DIRECTORY: [AtomicPtr<Core>; CHUNKS] =
    [const { AtomicPtr::new(std::ptr::null_mut()) }; CHUNKS];

struct Free {
    /// Linked by `next_free`.
    first: Option<&'static Core>,
    /// Chunks made.
    made: usize,
}

static FREE: Mutex<Free> = Mutex::new(Free { first: None, made: 0 });

fn free() -> MutexGuard<'static, Free> {
    FREE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Free {
    fn push(&mut self, c: &'static Core) {
        c.next_free.set(self.first.replace(c));
    }
}

/// The Core of a slot, if there is one.
pub fn get(slot: u32) -> Option<&'static Core> {
    // Acquire: pairs with grow's release.
    let chunk = DIRECTORY.get(slot as usize / CHUNK)?.load(Acquire);
    if chunk.is_null() {
        return None;
    }
    // SAFETY: a chunk has CHUNK Cores and is never freed.
    Some(unsafe { &*chunk.add(slot as usize % CHUNK) })
}

/// One that nobody uses. ENOMEM.
pub fn take() -> Result<&'static Core, Errno> {
    {
        let mut f = free();
        if let Some(c) = f.first {
            f.first = c.next_free.take();
            return Ok(c);
        }
    }
    grow()
}

/// Takes one back.
pub fn give(c: &'static Core) {
    free().push(c);
}

#[cold]
fn grow() -> Result<&'static Core, Errno> {
    let mut chunk = Vec::new();
    chunk.try_reserve_exact(CHUNK).map_err(|_| Errno::ENOMEM)?;
    let number = {
        let mut f = free();
        if f.made == CHUNKS {
            return Err(Errno::ENOMEM);
        }
        f.made += 1;
        f.made - 1
    };
    chunk.extend((0..CHUNK).map(|i| Core::blank((number * CHUNK + i) as u32)));
    let chunk: &'static mut [Core] = chunk.leak();
    let base = chunk.as_mut_ptr();
    // Release: pairs with get's acquire.
    DIRECTORY[number].store(base, Release);
    let mut f = free();
    for i in (1..CHUNK).rev() {
        if let Some(c) = get((number * CHUNK + i) as u32) {
            f.push(c);
        }
    }
    drop(f);
    get((number * CHUNK) as u32).ok_or(Errno::ENOMEM)
}
