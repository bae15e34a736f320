//! Tokens: the runnable coroutines of a custom group, handed to its host one by one instead of
//! being run.
//!
//! ```text
//! parked --wake--> ring --hand_out--> token (in no ring) --run_token--> running --> parked, ended,
//!                   ^                                                      |        or in the ring again
//!                   +------------------- woke, spawned, yielded -----------+
//! ```
//! Such a group has one vCPU, and whoever polls it or runs a token has that vCPU to himself
//! meanwhile (`rt` sees to it), on whatever thread. All that makes a coroutine runnable puts it into
//! the ring, as everywhere; before the vCPU is let go, the ring is emptied: each gets a number that
//! is never given again, which stands in its control block where a parked one has its wait mask. So
//! a token costs no memory, and a stale one is found out. One coroutine at a time is put back, and
//! run for a single switch.

use super::TaskRef;
use super::vcpu::{VCpu, vcpu};
use crate::err::Errno;
use crate::task::life::State;
use crate::task::{handle, state, table};
use std::sync::atomic::{AtomicU32, Ordering::*};
use std::time::Duration;

/// How a token's run has ended; the numbers are the ABI's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Ran {
    /// It waits for something.
    Parked = 0,
    /// It has yielded, and has a new token.
    Ready = 1,
    /// It has ended, or has left for another group.
    Gone = 2,
}

/// A number for a token: not 0, below 2^31.
fn number() -> u32 {
    static LAST: AtomicU32 = AtomicU32::new(0);
    loop {
        let n = LAST.fetch_add(1, Relaxed).wrapping_add(1) & i32::MAX as u32;
        if n != 0 {
            return n;
        }
    }
}

/// The vCPU that has the token's coroutine now, if there is such a one; whether the token is good is
/// for that to say.
pub fn home(token: u64) -> Option<&'static VCpu> {
    vcpu((table::get(token as u32)?.owner.load(Relaxed) as usize).wrapping_sub(1))
}

impl VCpu {
    /// Takes everything out of the ring, and gives each with its token to `give`, which runs as on a
    /// plain thread. How many there were.
    fn hand_out(&'static self, give: &dyn Fn(u64, u64)) -> u64 {
        let mut n = 0;
        // What was put on offer while the thread was in foreign code.
        while self.take() {}
        while let Some(t) = self.cur() {
            self.unlink(t);
            t.next.set(None);
            t.prev.set(None);
            let number = number();
            t.wait_mask.set(number);
            n += 1;
            self.unbind();
            give(handle(number, t.slot.get()), t.handle());
            self.bind();
        }
        n
    }

    /// The coroutine of a token, which is good no more.
    fn redeem(&self, token: u64) -> Option<TaskRef> {
        let t = table::get(token as u32)?;
        let good = t.owner.load(Relaxed) == self.me
            && t.state.load(Relaxed) == state::RUNNABLE
            && t.next.get().is_none()
            && t.wait_mask.get() == (token >> 32) as u32;
        good.then(|| t.wait_mask.set(0)).map(|()| t)
    }

    /// Looks for what has become runnable and hands it out. The caller has the vCPU to itself and
    /// has bound it, here and below.
    pub fn poll_tokens(&'static self, idle: fn(&VCpu), give: &dyn Fn(u64, u64)) -> u64 {
        self.idle.awake();
        let mut n = 0;
        // The wake that brought the caller here is used up: the descriptor tells of the next.
        self.with_driver(|d| d.wait(Some(Duration::ZERO)));
        loop {
            self.look();
            n += self.hand_out(give);
            self.idle.prepare();
            idle(self);
            if !self.has_work() && self.cur().is_none() {
                return n;
            }
            self.idle.awake();
        }
    }

    /// Runs a token's coroutine until it gives up the vCPU, and hands out what has become runnable.
    /// ESRCH: the token is stale.
    pub fn run_token(
        &'static self,
        token: u64,
        idle: fn(&VCpu),
        give: &dyn Fn(u64, u64),
    ) -> Result<Ran, Errno> {
        let t = self.redeem(token).ok_or(Errno::ESRCH)?;
        let g = t.life.generation();
        self.idle.awake();
        self.push_end(t);
        self.run_ring(1);
        let ran = match t.life.state(g) {
            State::Live if t.owner.load(Relaxed) != self.me => Ran::Gone,
            State::Live if t.state.load(Relaxed) == state::RUNNABLE => Ran::Ready,
            // Or in foreign code, on another thread.
            State::Live => Ran::Parked,
            _ => Ran::Gone,
        };
        self.hand_out(give);
        // What it has asked of the kernel goes there now, and may be done already.
        self.with_driver(|d| d.poll());
        self.hand_out(give);
        self.idle.prepare();
        idle(self);
        if self.has_work() {
            // For the next poll.
            self.notify();
        }
        Ok(ran)
    }
}
