//! Waiting for a word of the user's to change: what a language builds its own primitives from.
//!
//! ```text
//! address -> bucket:  guard | first last          waiter's stack: Node (arg = address)
//!                              +---------------------^
//! ```
//! **Order.** A waiter holds its bucket while it compares the word and joins the queue. A waker has
//! changed the word before it calls, and holds the bucket while it looks who waits. If it came
//! first, the waiter's acquire of the guard pairs with its release, so the waiter sees the change
//! and does not wait; else the waker finds the waiter in the queue. No wake falls between the look
//! and the queueing, and neither side needs a fence of its own.
//!
//! A wake touches the bucket and the nodes, never the word: that may be freed by then.
//!
//! Buckets are everybody's and no vCPU's: the lock alone guards them, without a bias (the caller
//! counts as nobody). Words that share a bucket share its queue; a wake passes over the others'
//! waiters. (Linux's futex and WebKit's parking lot are such tables.)
#![allow(unsafe_code)]

use super::{begin, here, wait_in};
use crate::err::Errno;
use crate::prim::Padded;
use crate::prim::atomic::{AtomicU32, Ordering::*};
use crate::wait::guard::Word;
use crate::wait::hold;
use crate::wait::queue::{Grants, Node, Queue};

const SHIFT: u32 = if cfg!(loom) { 0 } else { 8 };

/// Those who wait for any of the words of one bucket.
#[derive(Default, Debug)]
struct Bucket {
    word: Word,
    waiters: Queue,
}

/// See the module. Zero is a valid one.
#[derive(Debug)]
pub struct Table([Padded<Bucket>; 1 << SHIFT]);

// SAFETY: the queues are touched by who holds their `word`.
unsafe impl Sync for Table {}
// SAFETY: nothing in it belongs to a thread.
unsafe impl Send for Table {}

impl Default for Table {
    fn default() -> Table {
        Table(std::array::from_fn(|_| Padded::default()))
    }
}

/// The process's.
// SAFETY: zero is a valid guard and an empty queue.
#[cfg(not(loom))]
static TABLE: Table = unsafe { std::mem::MaybeUninit::zeroed().assume_init() };

/// EINVAL: not a word's address.
fn checked(address: *const u32) -> Result<usize, Errno> {
    if address.is_null() || !address.is_aligned() { Err(Errno::EINVAL) } else { Ok(address.addr()) }
}

impl Table {
    /// Neighbouring words in different buckets (the multiplier is 2^64 over the golden ratio:
    /// Knuth, The Art of Computer Programming, vol. 3, 6.4).
    fn bucket(&self, address: usize) -> &Bucket {
        let hash = (address as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        &self.0[hash.checked_shr(64 - SHIFT).unwrap_or(0) as usize]
    }

    /// Waits for a wake, if the word is `expected`. EAGAIN: it is not.
    ///
    /// # Safety
    /// `word` is null, or a word that can be read now.
    pub unsafe fn wait(
        &self,
        word: *const AtomicU32,
        expected: u32,
        timeout_ns: i64,
    ) -> Result<(), Errno> {
        let address = checked(word.cast())?;
        let bucket = self.bucket(address);
        begin(timeout_ns, |who, _| {
            let held = hold(&bucket.word, None);
            // SAFETY: the caller's.
            // Acquire: whoever finds it changed sees what its release store published.
            if unsafe { &*word }.load(Acquire) != expected || timeout_ns == 0 {
                return Err(Errno::EAGAIN);
            }
            let node = Node::new(who, address);
            // SAFETY: it is out of the queue when this returns.
            unsafe { bucket.waiters.push(&node) };
            drop(held);
            wait_in(&bucket.word, &bucket.waiters, &node, timeout_ns, Grants::default).map(|_| ())
        })
    }

    /// Wakes up to `n` that wait for that word, those first that have waited longest; how many. The
    /// word itself is not touched.
    pub fn wake(&self, word: *const AtomicU32, n: u32) -> Result<u32, Errno> {
        let address = checked(word.cast())?;
        let bucket = self.bucket(address);
        let mut grants = Grants::default();
        let mut woken = 0;
        let held = hold(&bucket.word, None);
        let mut at = bucket.waiters.first();
        while woken < n
            && let Some(node) = at
        {
            at = bucket.waiters.after(node);
            if node.arg.get() == address {
                grants.take(&bucket.waiters, node, 1);
                woken += 1;
            }
        }
        drop(held);
        grants.wake(here());
        Ok(woken)
    }
}

/// See [`Table::wait`].
///
/// # Safety
/// As there.
#[cfg(not(loom))]
pub unsafe fn wait(word: *const AtomicU32, expected: u32, timeout_ns: i64) -> Result<(), Errno> {
    // SAFETY: the caller's.
    unsafe { TABLE.wait(word, expected, timeout_ns) }
}

/// See [`Table::wake`].
#[cfg(not(loom))]
pub fn wake(word: *const AtomicU32, n: u32) -> Result<u32, Errno> {
    TABLE.wake(word, n)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// Two words of one bucket.
    fn neighbours(t: &Table, words: &[AtomicU32]) -> (usize, usize) {
        let bucket = |w: &AtomicU32| std::ptr::from_ref(t.bucket(std::ptr::from_ref(w).addr()));
        for i in 1..words.len() {
            if let Some(j) = (0..i).find(|&j| bucket(&words[j]) == bucket(&words[i])) {
                return (i, j);
            }
        }
        panic!("more words than buckets")
    }

    #[test]
    fn words_of_one_bucket_are_told_apart() {
        let t = Table::default();
        let words: Vec<AtomicU32> = (0..=1 << SHIFT).map(AtomicU32::new).collect();
        let (a, b) = neighbours(&t, &words);
        std::thread::scope(|s| {
            let wait = |i: usize| {
                let (t, w) = (&t, &words[i]);
                // SAFETY: the word lives.
                s.spawn(move || unsafe { t.wait(w, i as u32, -1) })
            };
            let (first, second) = (wait(a), wait(b));
            while t.wake(&words[b], 9) == Ok(0) {}
            assert_eq!(second.join().ok(), Some(Ok(())));
            while t.wake(&words[a], 9) == Ok(0) {}
            assert_eq!(first.join().ok(), Some(Ok(())));
        });
        let empty = |i: usize| t.bucket(std::ptr::from_ref(&words[i]).addr()).waiters.is_empty();
        assert!(empty(a) && empty(b));
    }
}
