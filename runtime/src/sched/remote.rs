//! Between vCPUs: sending a coroutine to its owner's inbox, and serving the inbox. See `task::mail`
//! for the rules.
#![allow(unsafe_code)]

use super::TaskRef;
use super::vcpu::{VCpu, current, vcpu};
use crate::arch;
use crate::parker;
use crate::task::life::{Register, State};
use crate::task::mail::{Post, bits};
use crate::task::{attention, flags, state, table};
use std::sync::atomic::Ordering::*;

/// Puts a block whose Q bit the caller has set, or holds, into its owner's inbox. False: that vCPU
/// has ended.
pub(super) fn send(t: TaskRef) -> bool {
    t.mail.route(&t.owner, |owner| {
        let v = vcpu(owner as usize - 1);
        v.is_some_and(|v| v.inbox().push(t).map(|()| v.wake()).is_ok())
    })
}

/// Asks something of the coroutine of generation `g`, from wherever the caller is. False: it is
/// gone.
pub(super) fn request(t: TaskRef, g: u32, req: u32) -> bool {
    if let Some(v) = current()
        && t.owner.load(Relaxed) == v.me
    {
        if t.life.state(g) != State::Live {
            return false;
        }
        apply(v, t, req, true);
        return true;
    }
    match t.mail.post(g, req) {
        Post::Stale => false,
        Post::Merged => true,
        // A vCPU ends after its coroutines: if it has, this one has too.
        Post::Enqueue => send(t),
    }
}

impl VCpu {
    /// Serves everything in the inbox.
    pub(super) fn serve_inbox(&'static self) {
        if self.inbox().is_empty() {
            return;
        }
        for t in self.inbox().take() {
            self.serve(t);
        }
    }

    fn serve(&'static self, t: TaskRef) {
        if t.owner.load(Relaxed) != self.me {
            let _ended = !send(t);
            return;
        }
        let (g, req) = t.mail.dequeue();
        if req == 0 || t.life.state(g) != State::Live {
            return;
        }
        // It may have become another vCPU's between the first look and dequeue, whose acquire makes
        // this look the true one: a live coroutine that is ours stays ours until we give it away.
        if t.owner.load(Relaxed) == self.me {
            apply(self, t, req, false);
        } else if t.mail.post(g, req) == Post::Enqueue {
            let _ended = !send(t);
        }
    }

    /// Takes over a coroutine that was on offer, and what was asked of it meanwhile.
    pub(super) fn adopt(&'static self, t: TaskRef) {
        let req = t.mail.adopt(&t.owner, self.me, t.life.generation());
        self.receive(t);
        self.push_end(t);
        if req != 0 {
            apply(self, t, req, false);
        }
    }

    /// Gives a runnable coroutine that is in no ring to the vCPU that it is to move to.
    pub(super) fn transfer(&'static self, t: TaskRef) {
        t.set_flag(flags::MOVING, false);
        let Some(to) = vcpu(t.move_to.load(Relaxed) as usize - 1) else { return self.push_end(t) };
        let g = t.life.generation();
        release_joiner(t, g);
        t.set_flag(flags::PINNED, true);
        t.state.store(state::NONE, Relaxed);
        t.group.store(to.group_handle.load(Relaxed), Relaxed);
        to.counts.entered.fetch_add(1, Relaxed);
        // Counted there before it is no longer counted here: see Group::live (whose acquire the Release
        // pairs with).
        self.counts.left.fetch_add(1, Release);
        self.counts.migrated.add(1);
        // What this thread wrote to the block reaches the next owner through the mail, whose post
        // comes after this.
        t.owner.store(to.me, Relaxed);
        if t.mail.post(g, bits::START) == Post::Enqueue && !send(t) {
            // That vCPU has ended meanwhile: it stays.
            to.counts.entered.fetch_sub(1, Relaxed);
            self.counts.entered.fetch_add(1, Relaxed);
            t.group.store(self.group().handle, Relaxed);
            t.state.store(state::RUNNABLE, Relaxed);
            self.adopt(t);
        }
    }
}

/// Before `t` leaves this vCPU: its joiner here becomes one like those elsewhere.
pub(super) fn release_joiner(t: TaskRef, g: u32) {
    let joiner = t.joiner.swap(0, Relaxed);
    if joiner != 0 && t.life.register(g, joiner) == Register::Refused {
        // Somebody else has registered meanwhile: this one is to find that out.
        wake_waiter(joiner);
    }
}

/// On the owner: does what was asked. `hot`: by the running coroutine, whose wakes go to the front.
pub(super) fn apply(v: &'static VCpu, t: TaskRef, req: u32, hot: bool) {
    note(t, req);
    // Once it has been given away it is another vCPU's, and not to be looked at again.
    if req & bits::START != 0 {
        v.receive(t);
        if !make_ready(v, t, VCpu::push_end) {
            return;
        }
    }
    if req & bits::MOVE != 0 && !begin_move(v, t) {
        return;
    }
    if t.parked() && (req & bits::WAKE != 0 || t.attention.get() & t.wait_mask.get() != 0) {
        let push = if hot { VCpu::push_front } else { VCpu::push_end };
        make_ready(v, t, push);
    }
}

/// Notes what was asked in the attention bits.
pub(super) fn note(t: TaskRef, req: u32) {
    let mut a = t.attention.get();
    if req & bits::UNPARK != 0 {
        a |= attention::TOKEN;
    }
    if req & bits::CANCEL != 0 {
        a |= attention::CANCEL;
        if t.has(flags::ACKNOWLEDGED) {
            t.set_flag(flags::ACKNOWLEDGED, false);
        }
    }
    if req & bits::INTERRUPT != 0 {
        a |= attention::INTERRUPT;
        t.errno.set(bits::errno(req));
    }
    t.attention.set(a);
}

/// False: it has been given away.
#[must_use]
fn begin_move(v: &'static VCpu, t: TaskRef) -> bool {
    if !t.has(flags::FRESH | flags::MIGRATABLE) {
        return true;
    }
    match t.state.load(Relaxed) {
        _ if t.has(flags::HELD) => {
            t.raise_flag(flags::MOVING);
            true
        }
        // The running one has its own way; a fresh one that began to run meanwhile was refused above.
        state::RUNNABLE if v.task().is_some_and(|cur| std::ptr::eq(cur, t)) => true,
        state::RUNNABLE => {
            // One with a token is in no ring.
            if t.next.get().is_some() {
                v.unlink(t);
            }
            v.transfer(t);
            false
        }
        // Parked, away, or not yet started here: when it becomes runnable.
        _ => {
            t.raise_flag(flags::MOVING);
            true
        }
    }
}

/// False: it was to move, and has been given away.
#[inline(always)]
fn make_ready(v: &'static VCpu, t: TaskRef, push: impl FnOnce(&VCpu, TaskRef)) -> bool {
    if t.timer.armed() || is_moving(t) {
        return make_ready_long(v, t, push);
    }
    t.state.store(state::RUNNABLE, Relaxed);
    push(v, t);
    true
}

#[inline(always)]
fn is_moving(t: TaskRef) -> bool {
    t.flags.load(Relaxed) & (flags::MOVING | flags::HELD) == flags::MOVING
}

/// [`make_ready`] of any; apart, so that the short way keeps nothing over a call.
#[cold]
#[inline(never)]
fn make_ready_long(v: &'static VCpu, t: TaskRef, push: impl FnOnce(&VCpu, TaskRef)) -> bool {
    if t.timer.armed() {
        // SAFETY: in its owner's wheel.
        unsafe { v.wheel.remove((&t.timer).into()) };
    }
    t.state.store(state::RUNNABLE, Relaxed);
    if is_moving(t) {
        v.transfer(t);
        return false;
    }
    push(v, t);
    true
}

/// On the owner's thread, by the running coroutine: `t` runs next if it was parked.
#[inline]
pub(super) fn ready_front(v: &'static VCpu, t: TaskRef) {
    if t.parked() {
        make_ready(v, t, VCpu::push_front);
    }
}

/// On the owner's thread: the running coroutine `t` leaves the ring for good, and `joiner` runs next if it
/// was parked.
#[inline(always)]
pub(super) fn hand_over(v: &'static VCpu, t: TaskRef, joiner: TaskRef) {
    if joiner.parked() {
        let simple = !joiner.timer.armed() && !joiner.has(flags::MOVING);
        if simple && v.replace_cur(t, joiner) {
            joiner.state.store(state::RUNNABLE, Relaxed);
            return;
        }
        make_ready(v, joiner, VCpu::push_front);
    }
    v.unlink_cur(t);
}

/// On a vCPU's thread: makes `t` runnable if it is parked; by way of its owner, if that is another
/// (it may have moved).
#[inline]
pub fn ready(t: TaskRef) {
    match current() {
        Some(v) if t.owner.load(Relaxed) == v.me => {
            if t.parked() {
                // Of many descriptors one is seldom ready: its stack has not been touched for long.
                let sp = t.sp.get();
                arch::prefetch(sp);
                arch::prefetch(sp.wrapping_add(64));
                make_ready(v, t, VCpu::push_end);
            }
        }
        _ => wake(t),
    }
}

/// Wakes a coroutine that is known to wait: it runs next, behind those woken before it, if it is the
/// caller's vCPU `v` that it belongs to; otherwise by way of its owner.
#[inline(always)]
pub fn wake_waiting(v: Option<&'static VCpu>, t: TaskRef) {
    match v {
        Some(v) if t.owner.load(Relaxed) == v.me => {
            if t.parked() {
                make_ready(v, t, VCpu::push_spawned);
            }
        }
        _ => wake(t),
    }
}

/// In the owner's scheduler context: its timer has fired. `after`: it is to run next, after that one if
/// there is one, which came before it by this; otherwise when its turn comes. False: it was to move, and
/// has been given away.
pub(super) fn ready_timed_out(
    v: &'static VCpu,
    t: TaskRef,
    after: Option<Option<TaskRef>>,
) -> bool {
    t.attention.set(t.attention.get() | attention::TIMEOUT);
    // Its stack has not been touched for long; it comes while others that are due run.
    arch::prefetch(t.sp.get());
    make_ready(v, t, |v, t| match after {
        Some(before) => v.push_due(t, before),
        None => v.push_end(t),
    })
}

/// Any thread: if the coroutine in this block is parked, it looks again at what it waits for. A
/// hint: the coroutine may be another than the caller thinks, so every wait must bear being woken
/// without a reason.
pub fn wake(t: TaskRef) {
    if let Some(g) = t.life.live_generation() {
        let _gone = !request(t, g, bits::WAKE);
    }
}

/// Wakes a waiter by its id in `task::life`: a coroutine's slot + 1, or a plain thread's.
pub fn wake_waiter(id: u32) {
    if let Some(p) = parker::get(id) {
        p.unpark();
    } else if let Some(t) = table::get(id - 1) {
        wake(t);
    }
}
