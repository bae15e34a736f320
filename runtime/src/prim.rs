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

// What is written by its owner alone, as plain memory, and read by others as a hint.
#[cfg(not(loom))]
macro_rules! hint {
    ($(#[$doc:meta])* $name:ident, $atomic:ident, $value:ty) => {
        $(#[$doc])*
        #[derive(Default, Debug)]
        pub struct $name(atomic::$atomic);

        impl $name {
            /// As it is; for others, as it was.
            #[inline(always)]
            pub fn get(&self) -> $value {
                self.0.load(atomic::Ordering::Relaxed)
            }
            /// Owner only.
            #[inline(always)]
            pub fn set(&self, value: $value) {
                self.0.store(value, atomic::Ordering::Relaxed);
            }
        }
    };
}

#[cfg(not(loom))]
hint!(
    /// A number that its owner writes, and others may read.
    HintU32, AtomicU32, u32
);
#[cfg(not(loom))]
hint!(
    /// A size that its owner writes, and others may read.
    HintUsize, AtomicUsize, usize
);
#[cfg(not(loom))]
hint!(
    /// A truth that its owner writes, and others may read.
    HintBool, AtomicBool, bool
);

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
