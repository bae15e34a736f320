//! Waiting until nothing lives.
//!
//! Whoever waits for that registers a watch. A vCPU that is about to sleep (it has said so already,
//! with a fence: `Idle::prepare`) looks at the watches if there are any. A watcher registers, then
//! counts; a vCPU counts what ended, then looks for watches: so one of them notices.

use crate::err::Errno;
use crate::parker;
use crate::sched::{self, Group, VCpu, registry, running, wake_waiter};
use crate::wait::{self, Deadline};
use std::sync::atomic::{AtomicUsize, Ordering::*};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

struct Watch {
    waiter: u32,
    /// None: all groups.
    group: Option<Arc<Group>>,
    /// As many may live.
    limit: u64,
}

impl Watch {
    fn quiet(&self) -> bool {
        match &self.group {
            Some(g) => g.live() <= self.limit,
            None => live() <= self.limit,
        }
    }
}

static WATCHING: AtomicUsize = AtomicUsize::new(0);
static WATCHES: Mutex<Vec<Arc<Watch>>> = Mutex::new(Vec::new());

fn watches() -> MutexGuard<'static, Vec<Arc<Watch>>> {
    WATCHES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Coroutines of all groups that have not ended.
fn live() -> u64 {
    let groups = registry::all();
    sched::group::live(groups.iter().flat_map(|g| g.all()))
}

/// What a vCPU calls when it is about to sleep.
pub fn idle(_: &VCpu) {
    if WATCHING.load(Relaxed) != 0 {
        let all = watches().clone();
        for w in all {
            if w.quiet() {
                wake_waiter(w.waiter);
            }
        }
    }
}

/// Waits until at most `limit` coroutines live in the group, or in all.
pub fn wait(group: Option<Arc<Group>>, limit: u64, d: Deadline) -> Result<(), Errno> {
    match running() {
        Some((_, t)) => watch(group, limit, t.waiter(), |w| wait::until(d, || w.quiet())),
        None => parker::with(|id, p| {
            watch(group, limit, id, |w| wait::thread_until(d, p, || w.quiet()))
        }),
    }
    .map_err(|s| s.errno(d))
}

fn watch<R>(
    group: Option<Arc<Group>>,
    limit: u64,
    waiter: u32,
    wait: impl FnOnce(&Watch) -> R,
) -> R {
    let w = Arc::new(Watch { waiter, group, limit });
    watches().push(w.clone());
    // SeqCst: together with the fence in Group::live, pairs with Idle::prepare's fence: see the
    // head.
    WATCHING.fetch_add(1, SeqCst);
    let r = wait(&w);
    WATCHING.fetch_sub(1, Relaxed);
    watches().retain(|x| !Arc::ptr_eq(x, &w));
    r
}

/// Everything has ended but the caller: co_run's vCPU may return when the caller has ended too.
pub fn stop_first(v: &'static VCpu) {
    // Release: pairs with the acquire in sched's run.
    v.stop.store(true, Release);
}
