//! All alarms that nobody uses. Chunks of 256 are made as needed and kept for ever; what was given
//! back last is used first. The lock is held for a few instructions, never over an allocation.
#![allow(unsafe_code)]

use super::Alarm;
use crate::err::Errno;
use std::ptr::null_mut;
use std::sync::atomic::Ordering::*;
use std::sync::{Mutex, MutexGuard, PoisonError};

const CHUNK: usize = 256;

/// Linked by `link`, which is free while an alarm is unused.
#[derive(Debug)]
struct Free(Option<&'static Alarm>);

static FREE: Mutex<Free> = Mutex::new(Free(None));

fn free() -> MutexGuard<'static, Free> {
    FREE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Free {
    fn push(&mut self, a: &'static Alarm) {
        let next = self.0.map_or(null_mut(), |next| std::ptr::from_ref(next).cast_mut());
        a.link.store(next, Relaxed);
        self.0 = Some(a);
    }

    fn pop(&mut self) -> Option<&'static Alarm> {
        let a = self.0?;
        // SAFETY: push stored null or an alarm, and alarms are never freed.
        self.0 = unsafe { a.link.load(Relaxed).as_ref() };
        Some(a)
    }
}

/// An alarm that nobody else has, not set. ENOMEM.
pub(super) fn take() -> Result<&'static Alarm, Errno> {
    let free_one = free().pop();
    let a = match free_one {
        Some(a) => a,
        None => grow()?,
    };
    a.orders.reset();
    Ok(a)
}

/// One that is armed nowhere and in no inbox.
pub(super) fn give(a: &'static Alarm) {
    free().push(a);
}

#[cold]
fn grow() -> Result<&'static Alarm, Errno> {
    let mut chunk = Vec::new();
    chunk.try_reserve_exact(CHUNK).map_err(|_| Errno::ENOMEM)?;
    chunk.extend((0..CHUNK).map(|_| Alarm::blank()));
    let chunk: &'static [Alarm] = chunk.leak();
    let mut free = free();
    chunk[1..].iter().rev().for_each(|a| free.push(a));
    Ok(&chunk[0])
}
