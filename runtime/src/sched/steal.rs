//! Offering what can be spared, and taking it.
//!
//! Only while some vCPU of the group is hungry does another one look at the far end of its ring for
//! coroutines that may move, and put up to half of what it has into its deque. On offer they have
//! no owner: what others ask of them stays in their mail until somebody adopts them. A vCPU takes
//! back from its own deque, one a round, what nobody wanted, so that being on offer costs a
//! coroutine at most a few rounds.

use super::vcpu::{Steal, VCpu};
use super::{TaskRef, remote};
use crate::task::flags;
use std::sync::atomic::{Ordering::*, fence};

/// Coroutines looked at for one offer.
const SCAN: u32 = 64;
/// Coroutines on offer at most: the deque has room for 64 from its beginning. With more it would grow,
/// and shrink again in a pop, and where there is no memory for that the process would end.
const MOST: usize = 63;

fn movable(t: TaskRef) -> bool {
    let f = t.flags.load(Relaxed);
    f & (flags::FRESH | flags::MIGRATABLE) != 0 && f & (flags::PINNED | flags::HELD) == 0
}

impl VCpu {
    /// Puts up to half of the ring on offer.
    #[cold]
    pub(super) fn offer(&'static self) {
        self.offer_some(self.runnable.get() / 2);
    }

    /// Puts all that may move on offer, and is not `cur`: its thread will not run them soon.
    #[cold]
    pub(super) fn offer_all(&'static self) {
        self.offer_some(self.runnable.get() - 1);
    }

    fn offer_some(&'static self, spare: u32) {
        let Some(cur) = self.cur() else { return };
        let room = MOST.saturating_sub(self.offers.len());
        let mut spare = room.min(spare as usize);
        let mut at = cur.prev.get();
        let mut offered = false;
        for _ in 0..SCAN {
            let Some(t) = at else { break };
            if spare == 0 || std::ptr::eq(t, cur) {
                break;
            }
            at = t.prev.get();
            if movable(t) {
                self.unlink(t);
                remote::release_joiner(t, t.life.generation());
                // Release: who finds it without an owner sees it as it was left. The deque
                // publishes it to its taker.
                t.owner.store(0, Release);
                self.offers.push(t);
                offered = true;
                spare -= 1;
            }
        }
        if offered {
            // Pairs with the fence of Idle::prepare: either the sleeper sees the offer or we see it
            // asleep.
            fence(SeqCst);
            self.group().wake_one();
        }
    }

    /// Once a round: offers while somebody is hungry, takes back what is left.
    pub(super) fn share(&'static self) {
        if !self.offers.is_empty()
            && let Some(t) = self.offers.pop()
        {
            self.adopt(t);
        }
        if self.runnable.get() > 1 && self.group().hungry.load(Relaxed) != 0 {
            self.offer();
        }
    }

    /// With an empty ring: something from one's own offers or another's. True if the ring has
    /// something now.
    pub(super) fn take(&'static self) -> bool {
        if let Some(t) = self.offers.pop() {
            self.adopt(t);
            return true;
        }
        if !self.is_active() || self.group().pinned {
            return false;
        }
        let group = self.group();
        let n = group.all().count();
        if n < 2 {
            return false;
        }
        let from = group.all().cycle().skip(self.rng.below(n)).take(n);
        from.filter(|v| !std::ptr::eq(*v, self)).any(|v| self.rob(v))
    }

    /// One at a time: each is counted where it comes to before it is no longer counted where it was, so that
    /// nobody takes the group for quiet meanwhile.
    fn rob(&'static self, victim: &'static VCpu) -> bool {
        loop {
            match victim.stealer.steal() {
                Steal::Success(t) => {
                    self.counts.entered.fetch_add(1, Relaxed);
                    // Release: pairs with Group::live's acquire.
                    victim.counts.left.fetch_add(1, Release);
                    self.counts.stolen.add(1);
                    self.adopt(t);
                    return true;
                }
                Steal::Empty => return false,
                Steal::Retry => std::hint::spin_loop(),
            }
        }
    }

    /// Before sleeping: whether somebody in the group has something on offer.
    pub(super) fn sees_offers(&self) -> bool {
        self.is_active() && self.group().has_offers()
    }

    /// Whether it has something on offer. Any thread.
    pub fn offers(&self) -> bool {
        !self.stealer.is_empty()
    }

    /// Takes back all that nobody has wanted.
    #[cold]
    pub(super) fn take_back(&'static self) {
        while let Some(t) = self.offers.pop() {
            self.adopt(t);
        }
    }
}
