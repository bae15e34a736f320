//! L7: builds the runtime out of the lower layers and takes it down again.
//!
//! ```text
//! DOWN --init/run--> UP --shutdown, or main's end--> draining --nothing lives--> DOWN
//!                     ^------------- timeout --------------+
//! ```
//! One runtime a process. Its parts: the default group, further groups (`groups`), the pools of
//! stacks, control blocks and threads, which are process wide and survive. The lock below guards
//! starting, stopping and what runs each group; the groups themselves are found in sched's registry.
#![allow(unsafe_code)]

mod config;
mod drain;
mod external;
mod groups;
mod monitor;
mod overflow;
mod pools;
mod sample;
#[cfg(test)]
mod tests;

pub use crate::sched::{
    cancel, cancel_clear, cancel_pending, foreach, info, interrupt, shield, unpark,
};
pub use crate::time::now;
pub use config::{Config, GROUP_VCPUS, config_flags};
pub use external::Host;
pub use groups::{
    GroupAttr, GroupKind, group_create, group_destroy, group_fd, group_poll, group_self,
    group_vcpus, token_run, vcpu_self,
};
pub use monitor::{Hook as StallHook, Stall};
pub use pools::{pool_close, pool_new};

use crate::asym;
use crate::blocking;
use crate::err::Errno;
use crate::io::EngineKind;
use crate::pool;
use crate::rng;
use crate::sched::{self, Env, Group, POOL, foreign, registry, running};
use crate::task::{Attr, Entry, attention, flags, table};
use crate::timer;
use crate::wait::Deadline;
use groups::Entry as GroupEntry;
use monitor::Monitor;
use std::collections::BTreeMap;
use std::ffi::c_void;
use std::sync::atomic::Ordering::*;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What runs now.
struct Up {
    config: Config,
    engine: EngineKind,
    /// By handle.
    groups: BTreeMap<u64, GroupEntry>,
    by_run: bool,
    monitor: Monitor,
    _handlers: Option<Handlers>,
}

struct State {
    up: Option<Up>,
    /// Somebody is starting or stopping it.
    busy: bool,
}

static STATE: Mutex<State> = Mutex::new(State { up: None, busy: false });

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the runtime's parts; its vCPU 0 is left to the caller if `by_run`.
fn start(config: Config, by_run: bool) -> Result<Arc<Group>, Errno> {
    {
        let mut s = state();
        if s.busy || s.up.is_some() {
            return Err(Errno::EBUSY);
        }
        s.busy = true;
    }
    let made = build(config, by_run);
    let mut s = state();
    s.busy = false;
    let (up, group) = made?;
    s.up = Some(up);
    pool::ending(0, false);
    registry::open(group.clone());
    Ok(group)
}

fn build(config: Config, by_run: bool) -> Result<(Up, Arc<Group>), Errno> {
    let mut choice = config.choose_engine()?;
    if !by_run {
        // All vCPUs have threads of their own.
        choice.tried = None;
    }
    POOL.configure(config.stack_options());
    asym::enable();
    blocking::set_max(config.blocking_max);
    blocking::trace_pinned(config.traces_pinned()?);
    let n = config.vcpu_count();
    let signals = config.flags & config_flags::NO_SIGNALS == 0;
    let stalls = config.stalls()?;
    let handlers = if signals { Some(Handlers::install(stalls.is_some())?) } else { None };
    let monitor = Monitor::start(stalls)?;
    let (entry, engine) = loop {
        let engine = choice.kind;
        match groups::start(&config, choice, "co".into(), n, by_run) {
            Ok(entry) => break (entry, engine),
            Err(e) => choice = config.next_engine(engine, e).ok_or(e)?,
        }
    };
    let group = entry.group.clone();
    let groups = BTreeMap::from([(group.handle, entry)]);
    Ok((Up { config, engine, groups, by_run, monitor, _handlers: handlers }, group))
}

/// The runtime's signal handlers, while it lives.
struct Handlers;

impl Handlers {
    fn install(samples: bool) -> Result<Handlers, Errno> {
        let handlers = Handlers;
        overflow::install()?;
        if samples {
            sample::install()?;
        }
        Ok(handlers)
    }
}

impl Drop for Handlers {
    fn drop(&mut self) {
        sample::remove();
        overflow::remove();
    }
}

/// Takes everything down; nothing lives any more and no vCPU of the caller's is bound.
fn stop() {
    registry::close();
    let up = state().up.take();
    if let Some(up) = up {
        // Before what it looks at.
        drop(up.monitor);
        for g in up.groups.into_values().rev() {
            groups::stop(g);
        }
        pool::group_ended(0);
        blocking::shutdown();
        POOL.clear();
    }
    state().busy = false;
}

struct Main {
    entry: Entry,
    arg: *mut c_void,
    result: *mut c_void,
    cancel: bool,
}

/// The first coroutine of co_run: main, then waiting for the rest.
unsafe extern "C" fn first(arg: *mut c_void) -> *mut c_void {
    let m = arg.cast::<Main>();
    // SAFETY: `run` waits for us and then reads the result; the caller vouched for the entry.
    let cancel = unsafe {
        (*m).result = ((*m).entry)((*m).arg);
        foreign::end();
        (*m).cancel
    };
    registry::refuse(true);
    pool::ending(0, true);
    if cancel {
        cancel_all();
    }
    // What was asked of main itself does not end this wait.
    let shielded = shield(true);
    debug_assert!(shielded.is_ok());
    while drain::wait(None, 1, Deadline::Never).is_err() || !registry::close_if_quiet(1) {
        sched::yield_now();
    }
    if let Some((v, _)) = running() {
        drain::stop_first(v);
    }
    std::ptr::null_mut()
}

/// co_run.
pub fn run(config: Config, entry: Entry, arg: *mut c_void) -> Result<*mut c_void, Errno> {
    if foreign::inside() {
        return Err(Errno::EBUSY);
    }
    let group = start(config.checked()?, true)?;
    let mut main = Main {
        entry,
        arg,
        result: std::ptr::null_mut(),
        cancel: config.flags & config_flags::RUN_CANCEL != 0,
    };
    let attr = Attr { vcpu: 1, name: b"main", flags: flags::DETACHED, ..Attr::default() };
    let v = group.vcpus[0];
    let spawned = sched::spawn_in(&group, &attr, (first, (&raw mut main).cast()), None);
    if spawned.is_ok() {
        let signals = config.flags & config_flags::NO_SIGNALS == 0;
        let _alt_stack = signals.then(crate::stack::AltStack::new);
        v.bind();
        sched::run(v, drain::idle);
        v.unbind();
    }
    state().busy = true;
    stop();
    spawned.map(|_| main.result)
}

/// co_init.
pub fn init(config: Config) -> Result<(), Errno> {
    if foreign::inside() {
        return Err(Errno::EBUSY);
    }
    start(config.checked()?, false).map(|_| ())
}

/// co_shutdown.
pub fn shutdown(timeout_ns: i64) -> Result<(), Errno> {
    let d = Deadline::new(timeout_ns)?;
    if foreign::inside() {
        return Err(Errno::EDEADLK);
    }
    {
        let mut s = state();
        if s.busy {
            return Err(Errno::EBUSY);
        }
        let up = s.up.as_ref().ok_or(Errno::ESRCH)?;
        if up.by_run {
            return Err(Errno::EINVAL);
        }
        if up.groups.values().any(|g| g.group.external) {
            return Err(Errno::EBUSY);
        }
        s.busy = true;
    }
    registry::refuse(true);
    pool::ending(0, true);
    loop {
        if let Err(e) = drain::wait(None, 0, d) {
            pool::ending(0, false);
            registry::refuse(false);
            state().busy = false;
            return Err(e);
        }
        if registry::close_if_quiet(0) {
            break;
        }
        std::thread::yield_now();
    }
    stop();
    Ok(())
}

/// Cancels every coroutine, and those that are spawned from now on; and every timer.
fn cancel_all() {
    timer::cancel_all();
    for g in registry::all() {
        g.birth.store(attention::CANCEL, Relaxed);
    }
    for (_, co) in table::all() {
        // Some end meanwhile.
        let _ = cancel(co);
    }
}

/// co_spawn without attributes: the usual case, made for speed.
#[inline]
pub fn spawn_default(detached: bool, entry: Entry, arg: *mut c_void) -> Result<u64, Errno> {
    let flags = if detached { flags::DETACHED } else { 0 };
    let attr = Attr { flags, ..Attr::default() };
    match running() {
        Some((v, _)) => sched::spawn_local(v, &attr, (entry, arg), None),
        None => sched::spawn(&attr, (entry, arg), None),
    }
}

/// co_spawn.
pub fn spawn(attr: &Attr, entry: Entry, arg: *mut c_void) -> Result<u64, Errno> {
    sched::spawn(attr, (entry, arg), None)
}

/// co_spawn_copy. `from` points to `size` bytes, or is not looked at if there are none.
pub fn spawn_copy(
    attr: &Attr,
    entry: Entry,
    from: *const u8,
    size: usize,
    align: usize,
) -> Result<u64, Errno> {
    sched::spawn(attr, (entry, std::ptr::null_mut()), Some(Env { from, size, align }))
}

/// co_env.
pub fn env(co: u64) -> *mut u8 {
    table::find(co).map_or(std::ptr::null_mut(), |(t, _)| t.env.load(Relaxed))
}

/// co_self.
#[inline]
pub fn current() -> u64 {
    match running() {
        Some((_, t)) => t.handle(),
        None => foreign::task().map_or(0, |t| t.handle()),
    }
}

/// co_set_name.
pub fn set_name(co: u64, name: &[u8]) -> Result<(), Errno> {
    table::find(co).map(|(t, _)| t.set_name(name))
}

/// co_migrate.
pub fn migrate(co: u64, group: u64, vcpu: u32) -> Result<(), Errno> {
    let group = sched::group_of(group)?;
    sched::migrate(co, &group, vcpu)
}

/// See co_stats_t.
#[derive(Clone, Copy, Default, Debug)]
#[allow(missing_docs)]
pub struct Stats {
    pub engine: u32,
    pub vcpus: u32,
    pub groups: u32,
    pub live: u64,
    pub spawned: u64,
    pub stolen: u64,
    pub migrated: u64,
    pub wakeups: u64,
    pub polls: u64,
    pub stacks_used: u64,
    pub stacks_cached: u64,
    pub stack_reserved: u64,
    pub guards_light: u64,
    pub guards_mprotect: u64,
    pub guards_none: u64,
    pub stalls: u64,
    pub spares: u32,
    pub spares_active: u32,
}

/// co_stats.
pub fn stats() -> Result<Stats, Errno> {
    let s = state();
    let up = s.up.as_ref().ok_or(Errno::ESRCH)?;
    let mut out = Stats { engine: up.engine as u32, ..Stats::default() };
    for g in up.groups.values() {
        out.groups += 1;
        out.live += g.group.live();
        out.vcpus += g.group.vcpus.len() as u32;
        out.spares += g.group.spares().count() as u32;
        out.spares_active += g.group.spares().filter(|v| v.is_active()).count() as u32;
        for (v, before) in g.group.all().zip(&g.before) {
            let now = groups::figures(v);
            out.stolen += now.stolen - before.stolen;
            out.migrated += now.migrated - before.migrated;
            out.wakeups += now.wakeups - before.wakeups;
            out.polls += now.polls - before.polls;
            out.spawned += now.spawned - before.spawned;
        }
    }
    if let Some(v) = sched::current() {
        v.count_kept();
    }
    let p = POOL.stats();
    let kept: u64 = up.groups.values().flat_map(|g| g.group.all()).map(|v| v.stacks_kept()).sum();
    out.stacks_used = (p.used_stacks as u64).saturating_sub(kept);
    out.stacks_cached = p.cached_stacks as u64 + kept;
    out.stack_reserved = p.reserved_bytes as u64;
    out.guards_light = p.guards_light as u64;
    out.guards_mprotect = p.guards_mprotect as u64;
    out.guards_none = p.guards_none as u64;
    out.stalls = monitor::found();
    Ok(out)
}

fn seed(config: &Config) -> u64 {
    if config.seed == 0 { rng::system_seed() } else { config.seed }
}
