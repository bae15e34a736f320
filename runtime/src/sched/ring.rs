//! The run ring: a vCPU's runnable coroutines, the running one among them, linked in a circle.
//! Owner thread only.
//!
//! ```text
//!        cur -> next -> ... -> (end) -+
//!         ^                           |
//!         +---------------------------+
//! ```
//! A yield moves `cur` on by one link and writes nothing else. The ring's end is just before `cur`:
//! what is put there runs after everybody else had a turn. Its front is just after `cur`: what is
//! put there runs next.
//!
//! Front or end: what an I/O completion or another thread wakes goes to the end; what has slept long
//! enough, some of it in each round, to the front: a sleeper is late by a round, not by a crowd. What
//! the running coroutine wakes or spawns goes to the front, while its data is in cache and its waker
//! is about to wait for it; children in the order they were spawned. So a tree of spawns is run depth
//! first, few of its coroutines live at once, and the ring's end, where thieves are served, has its
//! largest branches. Lest two that wake each other, or a chain of spawns, keep the rest waiting for
//! ever, a **mark** stands at the one that would have run next without all this: after
//! [`super::FRONT`] at the front, that one goes before them, and the mark moves on.
//!
//! Rejected: after so many at the front, the next to the end (the end then fills with twigs, and
//! thieves who take those come back at once: skynet on two vCPUs was no faster than on one). A
//! sentinel in the ring (Photon's idler): two coroutines would pay for three switches. A queue with
//! head and tail: four stores a yield instead of one.

use super::vcpu::VCpu;
use super::{FRONT, TaskRef};
use crate::arch;

/// `t` is running and about to sleep, as those after it may be that have not run for long: has the stack
/// of the second after it fetched, whose block has been fetched by the call before this one, and the
/// block of the third.
#[inline]
pub(crate) fn fetch_ahead(t: TaskRef) {
    let Some(second) = t.next.get().and_then(|n| n.next.get()) else { return };
    arch::prefetch(second.sp.get());
    if let Some(third) = second.next.get() {
        let block = std::ptr::from_ref(third).cast::<u8>();
        arch::prefetch(block);
        // Its timer.
        arch::prefetch(block.wrapping_add(64));
    }
}

impl VCpu {
    /// Links `t` just before `at`.
    #[inline(always)]
    fn link_before(&self, t: TaskRef, at: TaskRef) {
        let prev = at.prev.get();
        t.next.set(Some(at));
        t.prev.set(prev);
        if let Some(p) = prev {
            p.next.set(Some(t));
        }
        at.prev.set(Some(t));
    }

    /// Puts `t` at the ring's end.
    #[inline]
    pub(crate) fn push_end(&self, t: TaskRef) {
        self.runnable.set(self.runnable.get() + 1);
        match self.cur() {
            Some(cur) => self.link_before(t, cur),
            None => {
                t.next.set(Some(t));
                t.prev.set(Some(t));
                self.set_cur(Some(t));
            }
        }
    }

    /// Puts `t` after `at`, which is in the ring; after a number of these it is somebody else's turn
    /// first.
    #[inline(always)]
    fn push_after(&self, t: TaskRef, at: TaskRef) {
        let left = self.front_left.get();
        let Some(next) = at.next.get() else { return self.push_end(t) };
        if left == FRONT {
            self.mark.set(Some(next));
        } else if left == 0 {
            return self.push_after_marked(t, at);
        }
        self.front_left.set(left - 1);
        self.runnable.set(self.runnable.get() + 1);
        self.link_before(t, next);
    }

    /// Puts the marked one and then `t` after `at`.
    #[cold]
    fn push_after_marked(&self, t: TaskRef, at: TaskRef) {
        self.front_left.set(FRONT);
        let is = |a: TaskRef, b: Option<TaskRef>| b.is_some_and(|b| std::ptr::eq(a, b));
        let marked = self.mark.get().filter(|m| !is(m, self.cur()) && !is(m, Some(at)));
        let Some(m) = marked else { return self.push_after(t, at) };
        self.unlink(m);
        self.runnable.set(self.runnable.get() + 1);
        if let Some(next) = at.next.get() {
            self.link_before(m, next);
        }
        self.push_after(t, m);
    }

    /// `t` leaves the ring.
    #[inline(always)]
    fn move_mark(&self, t: TaskRef) {
        if self.mark.get().is_some_and(|m| std::ptr::eq(m, t)) {
            self.mark.set(t.next.get().filter(|n| !std::ptr::eq(*n, t)));
        }
    }

    /// Scheduler context: puts `t`, whose time has come, before all others, or after `due`, which was put
    /// there before it.
    pub(crate) fn push_due(&self, t: TaskRef, due: Option<TaskRef>) {
        match (self.cur(), due.and_then(|d| d.next.get())) {
            (Some(_), Some(next)) => {
                self.runnable.set(self.runnable.get() + 1);
                self.link_before(t, next);
            }
            (Some(_), None) => {
                self.push_end(t);
                self.set_cur(Some(t));
            }
            (None, _) => self.push_end(t),
        }
    }

    /// Puts `t`, woken by the running coroutine, at the ring's front.
    #[inline]
    pub(crate) fn push_front(&self, t: TaskRef) {
        match self.cur() {
            Some(cur) if self.in_task.get() => self.push_after(t, cur),
            _ => self.push_end(t),
        }
    }

    /// Puts `t`, spawned by the running coroutine, behind its siblings at the ring's front.
    #[inline(always)]
    pub(crate) fn push_spawned(&self, t: TaskRef) {
        let Some(cur) = self.cur() else { return self.push_end(t) };
        let at = match self.last_spawn.get() {
            Some(s) if self.spawn_tick.get() == self.tick.get() => s,
            _ => cur,
        };
        self.push_after(t, at);
        self.spawn_tick.set(self.tick.get());
        self.last_spawn.set(Some(t));
    }

    /// Takes `t`, which is `cur` and running, out of the ring: gives the next one, which is `cur` now. (`t`
    /// is not `last_spawn` of this tick: it has been switched to since it was spawned.)
    #[inline(always)]
    pub(crate) fn unlink_cur(&self, t: TaskRef) -> Option<TaskRef> {
        self.move_mark(t);
        self.runnable.set(self.runnable.get() - 1);
        let next = match (t.next.get(), t.prev.get()) {
            (Some(n), Some(p)) if !std::ptr::eq(n, t) => {
                p.next.set(Some(n));
                n.prev.set(Some(p));
                Some(n)
            }
            _ => None,
        };
        self.set_cur(next);
        next
    }

    /// `t`, which is `cur` and running, ends, and `other`, which it wakes, has its place: what
    /// [`VCpu::push_front`] and [`VCpu::unlink_cur`] would come to. False: nothing is done, it is
    /// somebody else's turn.
    #[inline(always)]
    pub(crate) fn replace_cur(&self, t: TaskRef, other: TaskRef) -> bool {
        let left = self.front_left.get();
        let (Some(n), Some(p)) = (t.next.get(), t.prev.get()) else { return false };
        if left == 0 {
            return false;
        }
        self.front_left.set(left - 1);
        let alone = std::ptr::eq(n, t);
        let (n, p) = if alone { (other, other) } else { (n, p) };
        if left == FRONT {
            self.mark.set(Some(n));
        } else if self.mark.get().is_some_and(|m| std::ptr::eq(m, t)) {
            self.mark.set(Some(other));
        }
        other.next.set(Some(n));
        other.prev.set(Some(p));
        p.next.set(Some(other));
        n.prev.set(Some(other));
        self.set_cur(Some(other));
        true
    }

    /// Takes `t` out of the ring. If it was `cur`, the next one is `cur` now, or none.
    #[inline(always)]
    pub(crate) fn unlink(&self, t: TaskRef) {
        self.move_mark(t);
        self.runnable.set(self.runnable.get() - 1);
        let (next, prev) = (t.next.get(), t.prev.get());
        let is_cur = self.cur().is_some_and(|c| std::ptr::eq(c, t));
        match (next, prev) {
            (Some(n), Some(p)) if !std::ptr::eq(n, t) => {
                p.next.set(Some(n));
                n.prev.set(Some(p));
                if is_cur {
                    self.set_cur(Some(n));
                }
            }
            _ => self.set_cur(None),
        }
        if self.last_spawn.get().is_some_and(|s| std::ptr::eq(s, t)) {
            self.last_spawn.set(None);
        }
    }
}
