//! L0: the atomics that the lock-free protocols are written with: the standard library's, or loom's
//! when the models are built (`--cfg loom`), and padding between fields that different threads
//! write.

#[cfg(loom)]
pub use loom::sync::atomic;
#[cfg(not(loom))]
pub use std::sync::atomic;

/// The standard library's, or one with which loom finds races.
#[cfg(loom)]
pub use loom::cell::Cell;
#[cfg(not(loom))]
pub use std::cell::Cell;

/// Between a SeqCst store and a SeqCst load that must not pass it. The language guarantees that
/// already (all SeqCst operations have one order); loom takes SeqCst accesses for acquire and
/// release only, and is told by a fence.
#[inline(always)]
pub fn seq_cst_store_load() {
    #[cfg(loom)]
    atomic::fence(atomic::Ordering::SeqCst);
}

/// Keeps its content on cache lines of its own. 128 bytes: x86-64 fetches lines in pairs.
#[derive(Default, Debug)]
#[repr(align(128))]
pub struct Padded<T>(pub T);

impl<T> std::ops::Deref for Padded<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}
