//! Groups: their threads, their handles, the external ones.
#![allow(unsafe_code)]

use super::config::Choice;
use super::external::{External, Host};
use super::{Config, config_flags, drain, seed, state};
use crate::affinity;
use crate::blocking;
use crate::err::Errno;
use crate::io::{self, EngineKind};
use crate::os_thread::{self, Name, OsThread};
use crate::pool;
use crate::sched::{self, Group, VCpu, acquire, foreign, group_of, registry, running};
use crate::stack::AltStack;
use crate::timer;
use crate::wait::Deadline;
use std::sync::Arc;
use std::sync::atomic::Ordering::*;
use std::sync::mpsc;

/// How to create a group; see co_group_attr_t.
#[derive(Clone, Copy, Default, Debug)]
#[allow(missing_docs)]
pub struct GroupAttr<'a> {
    pub vcpus: u32,
    pub kind: GroupKind,
    pub name: &'a [u8],
}

/// Who runs a group's vCPUs.
#[derive(Clone, Copy, Default, Debug)]
pub enum GroupKind {
    /// A thread each, among which fresh coroutines move.
    #[default]
    Parallel,
    /// A thread each, bound to a CPU.
    Pinned,
    /// Whoever polls it.
    External,
    /// A host that is given tokens.
    Custom(Host),
}

impl GroupKind {
    fn host(self) -> Option<Host> {
        if let GroupKind::Custom(h) = self { Some(h) } else { None }
    }

    /// Whether it has no threads.
    fn external(self) -> bool {
        matches!(self, GroupKind::External | GroupKind::Custom(_))
    }
}

/// A vCPU's counts: they go on from group to group, so each group remembers where they stood.
#[derive(Clone, Copy, Default)]
pub(super) struct Figures {
    pub spawned: u64,
    pub stolen: u64,
    pub migrated: u64,
    pub wakeups: u64,
    pub polls: u64,
}

pub(super) fn figures(v: &VCpu) -> Figures {
    Figures {
        spawned: v.counts.spawned.get() + v.counts.born.load(Relaxed),
        stolen: v.counts.stolen.get(),
        migrated: v.counts.migrated.get(),
        wakeups: v.wakeups.load(Relaxed),
        polls: v.counts.polls.get(),
    }
}

/// A group and what runs it.
pub(super) struct Entry {
    pub group: Arc<Group>,
    pub before: Vec<Figures>,
    threads: Vec<OsThread>,
    external: Option<Arc<External>>,
    /// vCPU 0 was started on the thread that is in co_run, and ends there.
    on_caller: bool,
}

/// While threads start and end a coroutine waits for them as foreign code does.
struct Bracket;

impl Bracket {
    fn enter() -> Bracket {
        let _depth = blocking::enter();
        Bracket
    }
}

impl Drop for Bracket {
    fn drop(&mut self) {
        let _depth = blocking::leave();
    }
}

/// Makes a group of `n` vCPUs and starts their threads, all but the first if the calling thread is
/// to be that one, which then has the engine that was tried.
pub(super) fn start(
    config: &Config,
    choice: Choice,
    name: String,
    n: usize,
    on_caller: bool,
) -> Result<Entry, Errno> {
    let mut e = make(config, registry::new_handle(), name, n, GroupKind::Parallel)?;
    e.on_caller = on_caller;
    launch(config, choice, e)
}

/// A group whose vCPUs are attached to it and not started.
fn make(
    config: &Config,
    handle: u64,
    name: String,
    n: usize,
    kind: GroupKind,
) -> Result<Entry, Errno> {
    let mut vcpus = Vec::new();
    for _ in 0..n {
        match acquire() {
            Ok(v) => vcpus.push(v),
            Err(e) => {
                vcpus.into_iter().for_each(VCpu::release);
                return Err(e);
            }
        }
    }
    let before = vcpus.iter().map(|v| figures(v)).collect();
    let mut group = Group::new(handle, name, vcpus, kind.external());
    group.pinned = matches!(kind, GroupKind::Pinned);
    group.stack_class = config.stack_class();
    group.task_flags = config.task_flags();
    if !group.pinned {
        group.allow_spares(config.spare_count(n));
    }
    let group = Arc::new(group);
    let seed = seed(config);
    for (i, v) in group.vcpus.iter().enumerate() {
        // SAFETY: nobody runs it yet; the entry keeps the group until its vCPUs have been released.
        let attached = unsafe {
            let seed = seed.wrapping_add(i as u64);
            v.attach(Arc::as_ptr(&group), i as u32 + 1, config.stack_cache_bytes(), seed)
        };
        if let Err(e) = attached {
            group.vcpus.iter().for_each(|v| v.release());
            return Err(e);
        }
    }
    Ok(Entry { group, before, threads: Vec::new(), external: None, on_caller: false })
}

fn launch(config: &Config, choice: Choice, mut e: Entry) -> Result<Entry, Errno> {
    let Choice { kind: engine, tried } = choice;
    let mut tried = tried.filter(|_| e.on_caller);
    let (tell, told) = mpsc::channel();
    let signals = config.flags & config_flags::NO_SIGNALS == 0;
    let cpus = if e.group.pinned { affinity::cpus() } else { Vec::new() };
    let mut failed = None;
    let mut expected = 0;
    for (i, v) in e.group.vcpus.iter().copied().enumerate() {
        if e.on_caller && i == 0 {
            match tried.take().map_or_else(|| io::driver(engine, false), Ok) {
                Ok(d) => {
                    v.enter(d);
                    v.unbind();
                }
                Err(err) => failed = Some(err),
            }
            continue;
        }
        let tell = tell.clone();
        let cpu = cpus.get(i % cpus.len().max(1)).copied();
        let body = move || {
            match cpu {
                // Where the system does not bind threads, it runs unbound.
                Some(cpu) => drop(affinity::bind(cpu)),
                None => affinity::unbound(),
            }
            vcpu_thread(v, engine, signals, &tell);
        };
        let name = Name::numbered(&e.group.name, Some(i + 1));
        match OsThread::start(name, os_thread::LARGE, body) {
            Ok(t) => {
                e.threads.push(t);
                expected += 1;
            }
            Err(err) => failed = Some(err),
        }
    }
    let _bracket = Bracket::enter();
    for _ in 0..expected {
        if let Ok(Err(err)) = told.recv() {
            failed = Some(err);
        }
    }
    match failed {
        None => Ok(e),
        Some(err) => {
            stop(e);
            Err(err)
        }
    }
}

fn vcpu_thread(
    v: &'static VCpu,
    engine: EngineKind,
    signals: bool,
    tell: &mpsc::Sender<Result<(), Errno>>,
) {
    let _alt_stack = signals.then(AltStack::new);
    match io::driver(engine, false) {
        Ok(d) => {
            v.enter(d);
            let _ = tell.send(Ok(()));
            sched::run(v, drain::idle);
            v.leave();
        }
        Err(e) => {
            let _ = tell.send(Err(e));
        }
    }
}

/// Gives a group one more spare, which stands in at once. For the monitor, which keeps the group.
/// EAGAIN, EMFILE and the like; ESRCH: it is ending.
pub(super) fn start_spare(group: &Arc<Group>) -> Result<(), Errno> {
    let (config, engine) = {
        let s = state();
        let up = s.up.as_ref().ok_or(Errno::ESRCH)?;
        (up.config, up.engine)
    };
    let v = acquire()?;
    let before = figures(v);
    let number = group.all().count() as u32 + 1;
    // SAFETY: nobody runs it yet; the group stays until its vCPUs have been released.
    let attached = unsafe {
        let seed = seed(&config).wrapping_add(u64::from(number));
        v.attach(Arc::as_ptr(group), number, config.stack_cache_bytes(), seed)
    };
    if let Err(e) = attached {
        v.release();
        return Err(e);
    }
    // Until it is one of the group's, whose coroutines are counted.
    v.set_active(false);
    let (tell, told) = mpsc::channel();
    let signals = config.flags & config_flags::NO_SIGNALS == 0;
    let name = Name::numbered(&group.name, Some(number as usize));
    let body = move || vcpu_thread(v, engine, signals, &tell);
    let thread = OsThread::start(name, os_thread::LARGE, body).inspect_err(|_| v.release())?;
    let ready = told.recv().unwrap_or(Err(Errno::EAGAIN));
    let mut s = state();
    let entry = s.up.as_mut().and_then(|up| up.groups.get_mut(&group.handle));
    match (ready, entry) {
        (Ok(()), Some(e)) => {
            e.before.push(before);
            e.threads.push(thread);
            group.add_spare(v);
            v.set_active(true);
            Ok(())
        }
        (ready, _) => {
            drop(s);
            // Release: as in stop.
            v.stop.store(true, Release);
            v.notify();
            thread.join();
            v.release();
            ready.and(Err(Errno::ESRCH))
        }
    }
}

/// Ends a group in which nothing lives.
pub(super) fn stop(e: Entry) {
    for v in e.group.all() {
        // Release: pairs with the acquire in sched's run.
        v.stop.store(true, Release);
        v.notify();
    }
    let bracket = Bracket::enter();
    for t in e.threads {
        t.join();
    }
    drop(bracket);
    if e.on_caller || e.group.external {
        let (v, caller) = (e.group.vcpus[0], sched::current());
        v.bind();
        v.leave();
        // A coroutine may destroy an external group.
        if let Some(c) = caller {
            c.bind();
        }
    }
    for v in e.group.all() {
        v.release();
    }
    timer::group_ended(e.group.handle);
    pool::group_ended(e.group.handle);
}

/// co_group_create.
pub fn group_create(attr: &GroupAttr) -> Result<u64, Errno> {
    let n = match (attr.vcpus, attr.kind) {
        (0, GroupKind::Pinned) => affinity::cpus().len().clamp(1, super::GROUP_VCPUS as usize),
        (n, _) => n.max(1) as usize,
    };
    if n > super::GROUP_VCPUS as usize || (attr.kind.external() && n > 1) {
        return Err(Errno::EINVAL);
    }
    let name = &attr.name[..attr.name.len().min(11)];
    let name =
        if name.is_empty() { "co-group".into() } else { String::from_utf8_lossy(name).into() };
    let (config, engine) = {
        let s = state();
        let up = s.up.as_ref().ok_or(Errno::ESRCH)?;
        if s.busy || registry::refusing() {
            return Err(Errno::ESHUTDOWN);
        }
        (up.config, up.engine)
    };
    let mut e = make(&config, registry::new_handle(), name, n, attr.kind)?;
    if attr.kind.external() {
        let v = e.group.vcpus[0];
        let host = attr.kind.host();
        let made =
            io::driver(engine, true).and_then(|d| External::new(d.fd(), host).map(|x| (d, x)));
        match made {
            Ok((d, x)) => {
                let caller = sched::current();
                v.enter(d);
                v.unbind();
                if let Some(c) = caller {
                    c.bind();
                }
                // It sleeps until it is polled: who wakes it makes its descriptor readable.
                v.prepare_external();
                e.external = Some(Arc::new(x));
            }
            Err(err) => {
                v.release();
                return Err(err);
            }
        }
    } else {
        e = launch(&config, Choice { kind: engine, tried: None }, e)?;
    }
    publish(e)
}

fn publish(e: Entry) -> Result<u64, Errno> {
    let handle = e.group.handle;
    let mut s = state();
    match &mut s.up {
        Some(up) if registry::add(e.group.clone()).is_ok() => {
            up.groups.insert(handle, e);
            Ok(handle)
        }
        // The runtime went down meanwhile.
        _ => {
            drop(s);
            stop(e);
            Err(Errno::ESHUTDOWN)
        }
    }
}

/// co_group_destroy.
pub fn group_destroy(handle: u64, timeout_ns: i64) -> Result<(), Errno> {
    let d = Deadline::new(timeout_ns)?;
    let mut group = group_of(handle)?;
    let handle = group.handle;
    if registry::default() == group.handle {
        return Err(Errno::EPERM);
    }
    if foreign::group().is_some_and(|g| g == group.handle) {
        return Err(Errno::EDEADLK);
    }
    pool::ending(handle, true);
    loop {
        if let Err(e) = drain::wait(Some(group.clone()), 0, d) {
            pool::ending(handle, false);
            return Err(e);
        }
        // Ours and the entry's.
        let retired = registry::retire(&group, 2);
        // One who polls it holds it, and may be waiting for something to do.
        let polled = group.external && retired == Ok(false);
        group.ending.store(polled, Relaxed);
        if polled {
            group.vcpus[0].notify();
        }
        if retired? {
            drop(group);
            let e = state().up.as_mut().and_then(|up| up.groups.remove(&handle));
            if let Some(e) = e {
                stop(e);
            }
            return Ok(());
        }
        // Another that ends it holds it as well. Each lets go, so that one of them succeeds.
        drop(group);
        sched::yield_now();
        group = group_of(handle)?;
    }
}

fn external(handle: u64) -> Result<(Arc<Group>, Arc<External>), Errno> {
    let group = group_of(handle)?;
    let s = state();
    let up = s.up.as_ref().ok_or(Errno::ESRCH)?;
    let e = up.groups.get(&group.handle).ok_or(Errno::ESRCH)?;
    let x = e.external.clone().ok_or(Errno::EINVAL)?;
    Ok((group, x))
}

/// co_group_poll.
pub fn group_poll(handle: u64, timeout_ns: i64) -> Result<i64, Errno> {
    if timeout_ns < -1 {
        return Err(Errno::EINVAL);
    }
    if sched::current().is_some() {
        return Err(Errno::EDEADLK);
    }
    let (group, x) = external(handle)?;
    let timeout = (timeout_ns >= 0).then_some(timeout_ns);
    x.poll(group.vcpus[0], timeout)
}

/// co_token_run. The number of how it went, see [`sched::Ran`].
pub fn token_run(token: u64) -> Result<i64, Errno> {
    if sched::current().is_some() {
        return Err(Errno::EDEADLK);
    }
    let v = sched::token::home(token).ok_or(Errno::ESRCH)?;
    // Whoever owns the vCPU now: 0 stands for the default group only where users say it.
    let handle = v.group_handle();
    if handle == 0 {
        return Err(Errno::ESRCH);
    }
    let (group, x) = external(handle).map_err(|_| Errno::ESRCH)?;
    x.run_token(group.vcpus[0], token).map(|ran| ran as i64)
}

/// co_group_fd.
pub fn group_fd(handle: u64) -> Result<i32, Errno> {
    external(handle).map(|(_, x)| x.fd())
}

/// co_group_vcpu_count.
pub fn group_vcpus(handle: u64) -> Result<i32, Errno> {
    group_of(handle).map(|g| g.vcpus.len() as i32)
}

/// co_group_self.
pub fn group_self() -> u64 {
    running().map_or(0, |(v, _)| v.group().handle)
}

/// co_vcpu_self.
pub fn vcpu_self() -> u32 {
    running().map_or(0, |(v, _)| v.number.get())
}
