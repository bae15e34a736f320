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
//! Front or end: what an I/O completion, a timer or another thread wakes goes to the end. What the
//! running coroutine wakes or spawns goes to the front, while its data is in cache and its waker is
//! about to wait for it; children in the order they were spawned. So a tree of spawns is run depth
//! first and few of its coroutines live at once. Lest two that wake each other keep the rest
//! waiting for ever, after [`super::FRONT`] of these one goes to the end.
//!
//! Rejected: a sentinel in the ring (Photon's idler): two coroutines would pay for three switches.
//! A queue with head and tail: four stores a yield instead of one.

use super::vcpu::VCpu;
use super::{FRONT, TaskRef};

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

    /// Puts `t` after `at`, which is in the ring, unless it is time for the end.
    #[inline(always)]
    fn push_after(&self, t: TaskRef, at: TaskRef) {
        let left = self.front_left.get();
        match at.next.get() {
            Some(next) if left > 0 => {
                self.front_left.set(left - 1);
                self.runnable.set(self.runnable.get() + 1);
                self.link_before(t, next);
            }
            _ => {
                self.front_left.set(FRONT);
                self.push_end(t);
            }
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

    /// Takes `t`, which is `cur` and running, out of the ring: the next one is `cur` now, or none. (It
    /// is not `last_spawn` of this tick: it has been switched to since it was spawned.)
    #[inline(always)]
    pub(crate) fn unlink_cur(&self, t: TaskRef) {
        self.runnable.set(self.runnable.get() - 1);
        match (t.next.get(), t.prev.get()) {
            (Some(n), Some(p)) if !std::ptr::eq(n, t) => {
                p.next.set(Some(n));
                n.prev.set(Some(p));
                self.set_cur(Some(n));
            }
            _ => self.set_cur(None),
        }
    }

    /// Takes `t` out of the ring. If it was `cur`, the next one is `cur` now, or none.
    #[inline(always)]
    pub(crate) fn unlink(&self, t: TaskRef) {
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
