//! The groups that run, by handle; and spawning into any of them.
//!
//! `rt` makes groups and ends them; everybody else finds them here. A group is in the registry from
//! the moment that it can be spawned into until nothing lives in it and nobody holds it: whoever
//! spawns into a group from outside holds its `Arc` meanwhile, so `retire` sees them.
//!
//! Before the runtime ends, plain threads are refused. Those that came in just before are counted
//! (`entering`), and `refuse` returns when they are through: from then on only coroutines spawn, and
//! the runtime ends when there are none.

use super::Group;
use super::spawn::{Env, spawn_in, spawn_local};
use super::vcpu::running;
use crate::err::Errno;
use crate::task::{Attr, Entry};
use std::collections::BTreeMap;
use std::ffi::c_void;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::*};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Debug)]
struct Registry {
    groups: BTreeMap<u64, Arc<Group>>,
    /// The default group's handle; 0: nothing runs.
    default: u64,
    refusing: bool,
}

static REGISTRY: Mutex<Registry> =
    Mutex::new(Registry { groups: BTreeMap::new(), default: 0, refusing: false });
/// Groups made since the process began: the last one's handle.
static MADE: AtomicU64 = AtomicU64::new(0);
/// Plain threads that have been let in to spawn.
static ENTERING: AtomicUsize = AtomicUsize::new(0);

fn registry() -> MutexGuard<'static, Registry> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A handle for a new group. Not used twice in a process.
pub fn new_handle() -> u64 {
    MADE.fetch_add(1, Relaxed) + 1
}

/// The runtime begins with its default group.
pub fn open(default: Arc<Group>) {
    let mut r = registry();
    r.default = default.handle;
    r.refusing = false;
    r.groups.insert(default.handle, default);
}

/// The runtime ends: no group is found any more.
pub fn close() {
    let mut r = registry();
    r.default = 0;
    let groups = std::mem::take(&mut r.groups);
    drop(r);
    drop(groups);
}

/// A further group. ESHUTDOWN: the runtime is ending, or has ended.
pub fn add(group: Arc<Group>) -> Result<(), Errno> {
    let mut r = registry();
    if r.default == 0 || r.refusing {
        return Err(Errno::ESHUTDOWN);
    }
    r.groups.insert(group.handle, group);
    Ok(())
}

/// Takes a group out if nothing lives in it and nobody is about to change that: besides the
/// registry, only `holders` hold it. False: not yet. ESRCH: somebody else has done it.
pub fn retire(group: &Arc<Group>, holders: usize) -> Result<bool, Errno> {
    let mut r = registry();
    if !r.groups.contains_key(&group.handle) {
        return Err(Errno::ESRCH);
    }
    // Under the lock nobody begins to hold it, and a coroutine of another group that spawns here
    // holds it until its child is counted.
    let quiet = Arc::strong_count(group) == 1 + holders && group.live() == 0;
    if quiet {
        r.groups.remove(&group.handle);
    }
    Ok(quiet)
}

/// Whether plain threads may spawn. Refusing them, it waits for those that are at it.
pub fn refuse(on: bool) {
    registry().refusing = on;
    // Acquire: pairs with the release in Entering's drop: what they spawned is counted.
    while on && ENTERING.load(Acquire) != 0 {
        std::thread::yield_now();
    }
}

/// Whether plain threads are refused.
pub fn refusing() -> bool {
    registry().refusing
}

/// The default group's handle; 0: nothing runs.
pub fn default() -> u64 {
    registry().default
}

/// All groups, by their handles' order.
pub fn all() -> Vec<Arc<Group>> {
    registry().groups.values().cloned().collect()
}

fn find(r: &Registry, handle: u64) -> Result<Arc<Group>, Errno> {
    let wanted = match (handle, running()) {
        (0, Some((v, _))) => v.group().handle,
        (0, None) => r.default,
        (h, _) => h,
    };
    r.groups.get(&wanted).cloned().ok_or(Errno::ESRCH)
}

/// The group of a handle; 0: the caller's, or the default one. ESRCH: there is none.
pub fn group_of(handle: u64) -> Result<Arc<Group>, Errno> {
    find(&registry(), handle)
}

/// A plain thread that has been let in; see the head.
struct Entering;

impl Drop for Entering {
    fn drop(&mut self) {
        // Release: pairs with the acquire in refuse.
        ENTERING.fetch_sub(1, Release);
    }
}

/// The group to spawn into from outside of it.
fn enter(handle: u64) -> Result<(Arc<Group>, Option<Entering>), Errno> {
    let r = registry();
    let group = find(&r, handle)?;
    if running().is_some() {
        return Ok((group, None));
    }
    if r.refusing {
        return Err(Errno::ESHUTDOWN);
    }
    // Under the lock: refuse, which takes it first, sees this.
    ENTERING.fetch_add(1, Relaxed);
    Ok((group, Some(Entering)))
}

/// Spawns into the group that the attributes name: the caller's by default, or the default group
/// from a plain thread. EINVAL, ESRCH, ESHUTDOWN (plain threads only), ENOMEM.
pub fn spawn(attr: &Attr, run: (Entry, *mut c_void), env: Option<Env>) -> Result<u64, Errno> {
    if let Some((v, _)) = running()
        && (attr.group == 0 || attr.group == v.group().handle)
    {
        if attr.vcpu == 0 || attr.vcpu == v.number.get() {
            return spawn_local(v, attr, run, env);
        }
        return spawn_in(v.group(), attr, run, env);
    }
    let (group, _entering) = enter(attr.group)?;
    spawn_in(&group, attr, run, env)
}
