//! Memory that is taken piece by piece and given back at once: a bump arena (bumpalo's), one a
//! coroutine.

use bumpalo::Bump;
use std::alloc::Layout;
use std::cell::{Cell, RefCell};
use std::ptr::NonNull;

/// See the module. Empty, it holds no memory.
#[derive(Debug, Default)]
pub struct Arena {
    bump: RefCell<Bump>,
    used: Cell<usize>,
}

impl Arena {
    /// `size` bytes aligned to `align`; none if `align` is no power of two, or there is no memory.
    #[inline]
    pub fn alloc(&self, size: usize, align: usize) -> Option<NonNull<u8>> {
        let layout = Layout::from_size_align(size, align).ok()?;
        let p = self.bump.borrow().try_alloc_layout(layout).ok()?;
        self.used.set(self.used.get() + size);
        Some(p)
    }

    /// Bytes handed out since it was empty.
    pub fn used(&self) -> usize {
        self.used.get()
    }

    /// Takes everything back and keeps the last chunk for what comes.
    pub fn reset(&self) {
        self.bump.borrow_mut().reset();
        self.used.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_aligned_apart_and_counted() {
        let a = Arena::default();
        let mut before = 0;
        for align in [1, 2, 8, 64, 4096] {
            let p = a.alloc(24, align).map_or(0, |p| p.addr().get());
            assert!(p != 0 && p % align == 0 && p.abs_diff(before) >= 24);
            before = p;
        }
        assert_eq!(a.used(), 5 * 24);
        assert!(a.alloc(8, 3).is_none() && a.alloc(8, 0).is_none());
        assert!(a.alloc(isize::MAX as usize - 4096, 8).is_none(), "no such memory");
        assert_eq!(a.used(), 5 * 24);
        a.reset();
        assert_eq!(a.used(), 0);
        assert!(a.alloc(0, 16).is_some());
    }
}
