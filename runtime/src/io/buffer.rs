//! Buffers that the runtime owns. A receive hands one out when there is something to put into it
//! ([`take`]), so a connection that waits holds none; [`release`] takes it back, from any thread.
//!
//! ```text
//!   Pool   one for each vCPU, and one for plain threads; made when first needed, never freed
//!     slabs      chunks of SLAB buffers of SIZE bytes, mapped at once, resident once used
//!     spare      what is free, last in first out: owner only
//!     returned   what other threads have given back: an inbox, taken whole by the owner
//!   Buffer state: generation, held             `lent`: one compare-and-swap when it is released
//!   Handle: 0 | generation (31) | pool (16) | number (16)
//! ```
//! The owner of a vCPU's pool is that vCPU; of the plain threads' pool, whoever holds its lock.
//! Releasing twice, or what was never handed out, finds another generation or no held bit: EINVAL.
//! A buffer may be held longer than its vCPU lives, and its memory stays.
//!
//! Starts that are a power of two apart would compete for the same few cache lines: so each buffer
//! begins a little further on in its slot (`SLOT` bytes, whole pages) than the one before.
//!
//! After a spike the system gets a vCPU's memory back: what has lain at the bottom of `spare` for
//! `PERIOD` releases is discarded, all but `KEEP` buffers. (The plain threads' pool keeps what it
//! has: nobody is its owner when a buffer comes back.)
//!
//! Rejected: malloc for each receive (the ring needs to know the addresses beforehand, and a buffer
//! used a moment ago is in the cache); one pool for all (a lock, or a line shared by all vCPUs, for
//! each receive).
#![allow(unsafe_code)]

use crate::err::Errno;
use crate::io::lent::Lent;
use crate::list::{Inbox, Linked};
use crate::prim::atomic::{AtomicPtr, Ordering::*};
use crate::sched::{self, MAX_VCPUS};
use crate::stack::os;
use std::cell::UnsafeCell;
use std::ptr::null_mut;
use std::sync::{Mutex, OnceLock};

/// Bytes of a buffer.
pub const SIZE: usize = 16 << 10;
/// From one buffer to the next: a page more, for the colours.
const SLOT: usize = SIZE + 4096;
/// How much further on the next buffer begins in its slot: three cache lines.
const COLOUR: usize = 192;
/// Releases between two looks at what is not needed.
const PERIOD: u32 = 1024;
/// Free buffers that keep their memory.
const KEEP: usize = 256;
/// Buffers mapped at once.
const SLAB: usize = 256;
/// Slabs of a pool: 16,384 buffers, 256 MiB.
const SLABS: usize = 64;
/// The pool of plain threads.
const PLAIN: usize = MAX_VCPUS;

/// What is known of one buffer.
#[derive(Debug)]
struct State {
    lent: Lent,
    link: AtomicPtr<State>,
    number: u16,
}

impl Linked for State {
    fn link(&self) -> &AtomicPtr<State> {
        &self.link
    }
}

/// A slab's mapping; unmapped again if none is made of it.
#[derive(Debug)]
struct Memory(*mut u8);

fn slab_bytes() -> usize {
    (SLAB * SLOT).next_multiple_of(os::page_bytes())
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: our mapping, and nobody has anything in it. A failure leaves it where it is.
        let _ = unsafe { os::unmap(self.0, slab_bytes()) };
    }
}

#[derive(Debug)]
struct Slab {
    memory: Memory,
    states: Box<[State]>,
}

/// See the module.
#[derive(Debug)]
pub struct Pool {
    id: usize,
    slabs: [AtomicPtr<Slab>; SLABS],
    returned: Inbox<State>,
    spare: UnsafeCell<Spare>,
}

#[derive(Debug, Default)]
struct Spare {
    all: Vec<u16>,
    /// The fewest that there were in this period.
    least: usize,
    /// So many at the bottom have been discarded.
    cold: usize,
    /// Put back in this period.
    put: u32,
}

// SAFETY: `spare` is touched by the owner only: the vCPU's thread, or the holder of PLAIN_LOCK. The
// rest is atomic, or never changes once it has been published.
unsafe impl Sync for Pool {}
// SAFETY: as above.
unsafe impl Send for Pool {}

/// A buffer in the hands of a caller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Held {
    /// Its memory: [`SIZE`] bytes.
    pub data: *mut u8,
    /// What [`release`] wants.
    pub id: u64,
}

static POOLS: [OnceLock<Box<Pool>>; MAX_VCPUS + 1] = [const { OnceLock::new() }; MAX_VCPUS + 1];
static PLAIN_LOCK: Mutex<()> = Mutex::new(());

/// The pool of a vCPU. Only that vCPU calls the functions that say "owner".
pub fn of_vcpu(id: usize) -> &'static Pool {
    POOLS[id].get_or_init(|| Pool::new(id))
}

impl Pool {
    fn new(id: usize) -> Box<Pool> {
        Box::new(Pool {
            id,
            slabs: [const { AtomicPtr::new(null_mut()) }; SLABS],
            returned: Inbox::default(),
            spare: UnsafeCell::default(),
        })
    }

    fn slab(&self, at: usize) -> Option<&Slab> {
        // Acquire: pairs with the release in `add`. SAFETY: never freed.
        unsafe { self.slabs.get(at)?.load(Acquire).as_ref() }
    }

    /// Owner: a free buffer's number. ENOBUFS: as many as there may be are in use; ENOMEM.
    pub fn pick(&self) -> Result<u16, Errno> {
        loop {
            if let Some(n) = self.pick_spare() {
                return Ok(n);
            }
            self.add(self.map()?)?;
        }
    }

    /// Owner: the same, unless new memory would have to be had for it.
    fn pick_spare(&self) -> Option<u16> {
        // SAFETY: owner.
        let spare = unsafe { &mut *self.spare.get() };
        if let Some(n) = spare.all.pop() {
            spare.least = spare.least.min(spare.all.len());
            return Some(n);
        }
        (spare.least, spare.cold) = (0, 0);
        spare.all.extend(self.returned.take().map(|s| s.number));
        spare.all.pop()
    }

    /// Owner: the opposite of `pick`.
    pub fn put(&self, number: u16) {
        // SAFETY: owner.
        let spare = unsafe { &mut *self.spare.get() };
        // There is room for all buffers: see `add`.
        spare.all.push(number);
        spare.put += 1;
        if spare.put >= PERIOD {
            self.trim(spare);
        }
    }

    #[cold]
    fn trim(&self, spare: &mut Spare) {
        let cold = spare.cold.min(spare.least);
        let cool = spare.least.saturating_sub(KEEP).max(cold);
        if SLOT.is_multiple_of(os::page_bytes()) {
            for &number in &spare.all[cold..cool] {
                // SAFETY: a slot of ours, in which nobody has anything.
                unsafe { os::discard(self.slot(number), SLOT) };
            }
        }
        *spare = Spare { cold: cool, least: spare.all.len(), put: 0, ..std::mem::take(spare) };
    }

    /// Memory for a slab more, if there may be one. Not only the owner.
    #[cold]
    fn map(&self) -> Result<Memory, Errno> {
        match self.slab(SLABS - 1) {
            Some(_) => Err(Errno::ENOBUFS),
            None => os::map(slab_bytes()).map(Memory),
        }
    }

    /// Owner: makes buffers of it.
    #[cold]
    fn add(&self, memory: Memory) -> Result<(), Errno> {
        // SAFETY: owner.
        let spare = unsafe { &mut (*self.spare.get()).all };
        let at = (0..SLABS).find(|&i| self.slab(i).is_none()).ok_or(Errno::ENOBUFS)?;
        spare.try_reserve((at + 1) * SLAB).map_err(|_| Errno::ENOMEM)?;
        let mut states = Vec::new();
        states.try_reserve_exact(SLAB).map_err(|_| Errno::ENOMEM)?;
        states.extend((0..SLAB).map(|i| State {
            lent: Lent::default(),
            link: AtomicPtr::new(null_mut()),
            number: (at * SLAB + i) as u16,
        }));
        let slab = Box::new(Slab { memory, states: states.into_boxed_slice() });
        // Release: pairs with the acquire in `slab`.
        self.slabs[at].store(Box::into_raw(slab), Release);
        spare.extend((at * SLAB..(at + 1) * SLAB).rev().map(|n| n as u16));
        Ok(())
    }

    fn find(&self, number: u16) -> Option<(&Slab, &State)> {
        let (slab, at) = (number as usize / SLAB, number as usize % SLAB);
        let slab = self.slab(slab)?;
        Some((slab, &slab.states[at]))
    }

    fn slot(&self, number: u16) -> *mut u8 {
        match self.find(number) {
            // SAFETY: within the slab's mapping.
            Some((slab, _)) => unsafe { slab.memory.0.add(number as usize % SLAB * SLOT) },
            None => unreachable!("a number that `pick` gave"),
        }
    }

    /// The memory of a buffer, [`SIZE`] bytes.
    pub fn memory(&self, number: u16) -> *mut u8 {
        let colour = number as usize % ((SLOT - SIZE) / COLOUR) * COLOUR;
        // SAFETY: within its slot.
        unsafe { self.slot(number).add(colour) }
    }

    /// Owner: hands a picked buffer to a caller.
    pub fn hold(&self, number: u16) -> Held {
        let Some((_, state)) = self.find(number) else {
            unreachable!("a number that `pick` gave");
        };
        let id = u64::from(state.lent.lend()) << 32 | (self.id as u64) << 16 | u64::from(number);
        Held { data: self.memory(number), id }
    }
}

/// A buffer for a receive that is about to be tried: the vCPU's, or on a plain thread that of plain
/// threads. ENOBUFS: 16,384 of that pool are held; ENOMEM.
pub fn take() -> Result<Held, Errno> {
    match sched::current() {
        Some(v) => {
            let pool = of_vcpu(v.id());
            pool.pick().map(|n| pool.hold(n))
        }
        None => take_plain(of_vcpu(PLAIN)),
    }
}

fn take_plain(pool: &Pool) -> Result<Held, Errno> {
    loop {
        let spare = {
            let _owner = PLAIN_LOCK.lock();
            pool.pick_spare().map(|n| pool.hold(n))
        };
        if let Some(held) = spare {
            return Ok(held);
        }
        // The system is asked without the lock.
        let memory = pool.map()?;
        let _owner = PLAIN_LOCK.lock();
        pool.add(memory)?;
    }
}

/// Takes a buffer back. Any thread. EINVAL: it is not held, or not a buffer's handle at all.
pub fn release(id: u64) -> Result<(), Errno> {
    let (generation, pool, number) = ((id >> 32) as u32, id >> 16 & 0xffff, id as u16);
    let pool = POOLS.get(pool as usize).and_then(OnceLock::get).ok_or(Errno::EINVAL)?;
    let (_, state) = pool.find(number).ok_or(Errno::EINVAL)?;
    if !state.lent.give_back(generation) {
        return Err(Errno::EINVAL);
    }
    if sched::current().is_some_and(|v| v.id() == pool.id) {
        pool.put(number);
    } else {
        // It never closes.
        let _ = pool.returned.push(static_state(state));
    }
    Ok(())
}

/// States are never freed.
fn static_state(state: &State) -> &'static State {
    // SAFETY: as said.
    unsafe { &*std::ptr::from_ref(state) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stale_and_forged_handles_are_refused() {
        let a = take().unwrap();
        assert_eq!(release(a.id), Ok(()));
        assert_eq!(release(a.id), Err(Errno::EINVAL), "twice");
        let b = take().unwrap();
        assert_ne!(a.id, b.id);
        for bit in 32..64 {
            assert_eq!(release(b.id ^ 1 << bit), Err(Errno::EINVAL), "bit {bit}");
        }
        for forged in [0, u64::MAX, b.id | 0xffff, b.id | 0xffff << 16] {
            assert_eq!(release(forged), Err(Errno::EINVAL), "{forged:#x}");
        }
        assert_eq!(release(b.id), Ok(()));
    }

    #[test]
    fn buffers_do_not_overlap_and_are_used_again() {
        let pool = Pool::new(PLAIN);
        let pick = || pool.pick().unwrap();
        let numbers: Vec<u16> = (0..SLAB + 10).map(|_| pick()).collect();
        let all: Vec<Held> = numbers.iter().map(|&n| pool.hold(n)).collect();
        let mut starts: Vec<usize> = all.iter().map(|h| h.data as usize).collect();
        starts.sort_unstable();
        assert!(starts.windows(2).all(|w| w[1] - w[0] >= SIZE));
        for h in &all {
            // SAFETY: held, SIZE bytes.
            unsafe { h.data.write_bytes(7, SIZE) };
        }
        pool.put(numbers[3]);
        assert_eq!(pick(), numbers[3], "last in, first out");
    }

    #[test]
    fn a_spike_is_given_back() {
        let pool = Pool::new(PLAIN);
        let all: Vec<u16> = (0..4096).map(|_| pool.pick().unwrap()).collect();
        for &n in &all {
            // SAFETY: picked, SIZE bytes.
            unsafe { pool.memory(n).write_bytes(7, SIZE) };
        }
        all.iter().for_each(|&n| pool.put(n));
        // SAFETY: nobody else uses the pool.
        let cold = unsafe { (*pool.spare.get()).cold };
        assert!(cold >= 4096 - 2 * PERIOD as usize - KEEP, "{cold} of 4096");
        // SAFETY: mapped.
        let byte = |n: u16| unsafe { pool.memory(n).read() };
        if cfg!(target_os = "linux") && SLOT.is_multiple_of(os::page_bytes()) {
            assert_eq!(byte(all[0]), 0);
        }
        assert_eq!(byte(all[4095]), 7, "what is used next stays");
        // All again: what was cold is not taken for cold any more.
        let again: Vec<u16> = (0..4096).map(|_| pool.pick().unwrap()).collect();
        // SAFETY: as above.
        again.iter().for_each(|&n| unsafe { pool.memory(n).write_bytes(8, SIZE) });
        again.iter().take(500).for_each(|&n| pool.put(n));
        assert!(again.iter().all(|&n| byte(n) == 8));
    }

    #[test]
    fn many_threads_give_back_what_one_takes() {
        let (send, receive) = std::sync::mpsc::sync_channel::<u64>(1000);
        let receive = std::sync::Arc::new(Mutex::new(receive));
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let receive = receive.clone();
                std::thread::spawn(move || {
                    while let Ok(id) = { receive.lock().unwrap().recv() } {
                        release(id).unwrap();
                    }
                })
            })
            .collect();
        for _ in 0..20_000 {
            send.send(take().unwrap().id).unwrap();
        }
        drop(send);
        threads.into_iter().for_each(|t| t.join().unwrap());
    }
}
