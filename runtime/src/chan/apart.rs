//! A channel whose senders are on one vCPU and its receivers on another.
//!
//! Between vCPUs a wake costs some 300 ns: five cache lines that both write. And it stays so once it
//! has begun: the ring is full, each receive makes room for one sender and wakes it, which
//! finds the ring full again. So before one queues there, it **spins**, without the guard:
//! ```text
//! sender    ring full  --> until it is empty, or nobody takes out any more --> fills it at one go
//! receiver  ring empty --> until it is full, or nobody puts in any more    --> empties it at one go
//! ```
//! While one side spins, the other has the channel's lines to itself. Who spins goes on as soon as it
//! finds something and the other side slow, and who need not wait never spins. What is seen without the
//! guard is a hint: afterwards it looks again under the guard, and queues if there is nothing. The order
//! among those that wait is that of their nodes, as ever: there is room only while no sender is queued,
//! and an element only while no receiver is.
//!
//! A spin is short, and holds up what else its vCPU has to run for that time. One that was in vain keeps
//! the next ones of its side from spinning: once, then three times, seven, up to [`MOST_SKIPPED`].
//!
//! Nobody spins in a channel that one vCPU alone uses, nor a plain thread, nor for a rendezvous.
//!
//! Rejected: waking senders only when the ring is half empty (who takes one element and then waits for
//! what its sender does next would wait for ever).

use crate::prim::Cell;
use crate::sched::VCpu;

/// Pauses (of 28 ns here) before the first look, and between two when it has waited for a while. Each look
/// costs the other side a cache line or two, 100 ns each: with 4 pauses between any two looks an element
/// took 180 ns, with 16 130, with 24 105, with 64 80; looking early, which the short waits want, 97.
const FIRST_PAUSES: usize = 8;
const PAUSES: usize = 64;
/// So many at most; and if nothing has come by then.
const MOST_PAUSES: usize = 256;
const IN_VAIN: usize = 128;
/// The other side is slow if it takes so many pauses for an element, or more: then there is no point in
/// waiting for more.
const SLOW: usize = 8;
/// How many waits at most queue at once after a spin in vain.
const MOST_SKIPPED: u32 = 255;

/// Under the channel's guard.
#[derive(Debug, Default)]
pub(super) struct Apart {
    pub senders: Side,
    pub receivers: Side,
}

/// One side of a channel.
#[derive(Debug, Default)]
pub(super) struct Side {
    /// The vCPU whose coroutine came last by the lock; 0: none has, or a plain thread.
    vcpu: Cell<u32>,
    /// How many waits are to queue at once; and how many that were after the last spin in vain.
    skip: Cell<u32>,
    skipped: Cell<u32>,
}

impl Apart {
    /// A new channel.
    pub fn begin(&self) {
        for side in [&self.senders, &self.receivers] {
            side.vcpu.set(0);
            side.skip.set(0);
            side.skipped.set(0);
        }
    }
}

impl Side {
    /// One of this side has come, on `v`. `spun`: it has spun, and found what it waited for or not.
    #[inline(always)]
    pub fn came(&self, v: Option<&'static VCpu>, spun: Option<bool>) {
        self.vcpu.set(v.map_or(0, |v| v.me));
        if let Some(well) = spun {
            self.spun(well);
        }
    }

    fn spun(&self, well: bool) {
        let n = if well { 0 } else { MOST_SKIPPED.min(self.skipped.get() * 2 + 1) };
        self.skipped.set(n);
        self.skip.set(n);
    }

    /// The one that has just come has to wait: whether it spins, rather than queue.
    #[inline(never)]
    pub fn may_spin(&self, other: &Side, spun: Option<bool>) -> bool {
        let (me, other) = (self.vcpu.get(), other.vcpu.get());
        if spun.is_some() || me == other || me == 0 || other == 0 {
            return false;
        }
        let skip = self.skip.get();
        self.skip.set(skip.saturating_sub(1));
        skip == 0
    }
}

/// Without the guard: until all of the `places` have what the caller waits for, or some have and more come
/// slowly or not at all, or none has for too long. `found` counts them. Whether there are any.
#[inline(never)]
pub(super) fn spin(places: usize, found: impl Fn() -> usize) -> bool {
    let (mut before, mut pauses, mut all) = (0, FIRST_PAUSES, 0);
    while all < MOST_PAUSES {
        (0..pauses).for_each(|_| std::hint::spin_loop());
        all += pauses;
        let n = found();
        if n >= places || n != 0 && n.saturating_sub(before) * SLOW <= pauses {
            return true;
        }
        if n == 0 && all >= IN_VAIN {
            return false;
        }
        before = n;
        pauses = (pauses * 2).min(PAUSES);
    }
    true
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::cell::Cell as Looks;

    /// A spin that sees these one after the other, and how often it looked.
    fn spun(places: usize, seen: &[usize]) -> (bool, usize) {
        let looks = Looks::new(0);
        let well = spin(places, || {
            looks.set(looks.get() + 1);
            seen[(looks.get() - 1).min(seen.len() - 1)]
        });
        (well, looks.get())
    }

    #[test]
    fn a_spin_ends_when_all_is_there_or_no_more_comes() {
        assert_eq!(spun(64, &[64]), (true, 1));
        assert_eq!(spun(64, &[1]), (true, 1), "slow, so what is there is taken at once");
        assert_eq!(spun(64, &[8, 24, 24]), (true, 3));
        assert_eq!(spun(64, &[0, 8, 64]), (true, 3));
        assert_eq!(spun(1, &[0, 1]), (true, 2));
        let (well, looks) = spun(64, &[0]);
        assert!(!well && looks > 2);
        // As fast as need be for ever: it ends nevertheless.
        let fast: Vec<usize> = (1..100).map(|n| n * PAUSES).collect();
        let (well, looks) = spun(usize::MAX, &fast);
        assert!(well && looks < 10);
    }

    #[test]
    fn spins_in_vain_become_rare_and_one_that_paid_brings_them_back() {
        let (here, there) = (Side::default(), Side::default());
        let spins = |waits: usize| (0..waits).filter(|_| here.may_spin(&there, None)).count();
        assert_eq!(spins(5), 0, "nobody has come");
        here.vcpu.set(1);
        there.vcpu.set(1);
        assert_eq!(spins(5), 0, "one vCPU");
        there.vcpu.set(2);
        assert_eq!(spins(5), 5);
        assert!(!here.may_spin(&there, Some(true)), "it has spun");
        for skipped in [1, 3, 7, 15] {
            here.spun(false);
            assert_eq!((spins(skipped), spins(1)), (0, 1));
        }
        (0..20).for_each(|_| here.spun(false));
        assert_eq!((spins(MOST_SKIPPED as usize), spins(1)), (0, 1));
        here.spun(true);
        assert_eq!(spins(5), 5);
    }
}
