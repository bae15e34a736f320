//! A mutex that its holder may lock again, and unlocks as many times. The depth belongs to the
//! holder, so it needs no guard.
#![allow(unsafe_code)]

use super::{Mutex, identity};
use crate::err::Errno;
use crate::prim::Cell;
use crate::wait::queue::as_waiter;

/// See the module.
#[derive(Default, Debug)]
#[repr(C)]
pub struct RecursiveMutex {
    mutex: Mutex,
    /// How many times the holder has locked it beyond the first.
    again: Cell<u32>,
}

// SAFETY: `again` is touched by the mutex's holder.
unsafe impl Sync for RecursiveMutex {}
// SAFETY: nothing in it belongs to a thread.
unsafe impl Send for RecursiveMutex {}

impl RecursiveMutex {
    /// Locks it, or once more. EOVERFLOW: 2^32 times.
    pub fn lock(&self, timeout_ns: i64) -> Result<(), Errno> {
        match self.mutex.lock(timeout_ns) {
            // The caller holds it.
            Err(Errno::EDEADLK) => {
                self.again.set(self.again.get().checked_add(1).ok_or(Errno::EOVERFLOW)?);
                Ok(())
            }
            first => first,
        }
    }

    /// Unlocks it once. EPERM: the caller does not hold it.
    pub fn unlock(&self) -> Result<(), Errno> {
        if !as_waiter(|who, _| self.mutex.owned_by(identity(who))) {
            return Err(Errno::EPERM);
        }
        match self.again.get().checked_sub(1) {
            Some(again) => {
                self.again.set(again);
                Ok(())
            }
            None => self.mutex.unlock(),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_depth_that_is_used_up() {
        let m = RecursiveMutex::default();
        assert_eq!(m.lock(0), Ok(()));
        m.again.set(u32::MAX);
        assert_eq!(m.lock(0), Err(Errno::EOVERFLOW));
        m.again.set(0);
        assert_eq!(m.lock(-1), Ok(()));
        assert_eq!((m.unlock(), m.unlock(), m.unlock()), (Ok(()), Ok(()), Err(Errno::EPERM)));
    }
}
