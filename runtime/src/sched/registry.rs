//! The groups that run, by handle; and spawning into any of them.
//!
//! `rt` makes groups and ends them; everybody else finds them here. A group is in the registry from
//! the moment that it can be spawned into until nothing lives in it and nobody holds it: whoever
//! spawns into a group from outside holds its `Arc` meanwhile, so `retire` sees them.
//!
//! Before the runtime ends, plain threads are refused; alarms still spawn, since a coroutine that
//! is left may wait for what a timer does. Whoever spawns without being a coroutine is counted
//! meanwhile (`ENTERING`): so when nothing lives and nobody is entering, `close_if_quiet` can take
//! all groups out, and nothing begins any more.

use super::Group;
use super::group::live;
use super::spawn::{Env, spawn_in, spawn_local};
use super::vcpu::{current, running};
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
/// Plain threads and alarms that have been let in to spawn.
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

/// As [`close`], if at most `limit` coroutines live and nobody is about to spawn one. False: not
/// yet.
#[must_use]
pub fn close_if_quiet(limit: u64) -> bool {
    let mut r = registry();
    // Acquire: pairs with the release in Entering's drop: what they spawned is counted. Under the
    // lock nobody enters.
    let quiet =
        ENTERING.load(Acquire) == 0 && live(r.groups.values().flat_map(|g| g.all())) <= limit;
    if quiet {
        r.default = 0;
        let groups = std::mem::take(&mut r.groups);
        drop(r);
        drop(groups);
    }
    quiet
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

/// Whether plain threads may spawn.
pub fn refuse(on: bool) {
    registry().refusing = on;
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

/// Who has been let in; see the head.
#[derive(Debug)]
pub struct Entering;

impl Drop for Entering {
    fn drop(&mut self) {
        // Release: pairs with the acquire in close_if_quiet.
        ENTERING.fetch_sub(1, Release);
    }
}

/// A group to spawn into from outside of it, which can't end while this is held. ESRCH: there is
/// none. ESHUTDOWN: the runtime is ending, and this is a plain thread.
pub fn enter(handle: u64) -> Result<(Arc<Group>, Option<Entering>), Errno> {
    let r = registry();
    let group = find(&r, handle)?;
    if running().is_some() {
        return Ok((group, None));
    }
    if r.refusing && current().is_none() {
        return Err(Errno::ESHUTDOWN);
    }
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
    match current() {
        // An alarm of that group.
        Some(v) if attr.vcpu == 0 && group.handle == v.group().handle => {
            spawn_local(v, attr, run, env)
        }
        _ => spawn_in(&group, attr, run, env),
    }
}
