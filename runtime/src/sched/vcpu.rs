//! A vCPU: what one OS thread needs to run coroutines.
//!
//! ```text
//! owner thread only   cur tick | base_sp ready front ...   ring position, budget, counters
//!                     tasks stacks wheel driver offers     caches, timers, engine
//! shared, padded      bracket inbox alarms idle | messages waker
//! ```
//! vCPUs are numbered process wide and never freed: a stale number leads to memory that is still a
//! vCPU. When a group ends, its vCPUs wait in a list to be used again.
#![allow(unsafe_code)]

use super::alarm::Alarm;
use super::bracket::Bracket;
use super::driver::{Driver, Waker};
use super::group::Group;
use super::idle::Idle;
use super::offsets;
use crate::arch;
use crate::err::Errno;
use crate::list::Inbox;
use crate::prim::{HintBool, HintU32, Padded};
use crate::rng::Rng;
use crate::stack;
use crate::task::{Task, TaskRef, table};
use crate::wheel::Wheel;
use crossbeam::{Stealer, Worker};
use std::any::TypeId;
use std::cell::{Cell, UnsafeCell};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering::*};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The deque that surplus is offered through.
mod crossbeam {
    pub use crossbeam_deque::{Steal, Stealer, Worker};
}
pub(super) use crossbeam::Steal;

/// vCPUs that one process can have in all groups.
pub const MAX_VCPUS: usize = 1024;

/// A counter with one writer.
#[derive(Default, Debug)]
pub struct Count(AtomicU64);

impl Count {
    /// Owner only.
    #[inline]
    pub(crate) fn add(&self, n: u64) {
        // Release: pairs with get's acquire: who reads a count sees what was counted.
        self.0.store(self.0.load(Relaxed) + n, Release);
    }
    /// Any thread.
    pub fn get(&self) -> u64 {
        // Acquire: see add.
        self.0.load(Acquire)
    }
}

/// Figures of one vCPU, since it was first used.
#[derive(Default, Debug)]
pub struct Counts {
    /// Spawned here, by a coroutine of its own.
    pub spawned: Count,
    /// Come from elsewhere: spawned by others, moved, stolen.
    pub entered: AtomicU64,
    /// Of those, the ones spawned elsewhere for here.
    pub born: AtomicU64,
    /// Ended here.
    pub ended: Count,
    /// Gone elsewhere: moved, stolen.
    pub left: AtomicU64,
    /// Sent away by co_migrate.
    pub migrated: Count,
    /// Taken from another vCPU.
    pub stolen: Count,
    /// Rounds of looking for I/O, timers and wakes.
    pub polls: Count,
}

/// Work for a vCPU's scheduler context.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    /// Called there with `arg`; must not block.
    pub run: fn(usize),
    /// What it is called with.
    pub arg: usize,
}

/// What a vCPU was posted, while it runs.
#[derive(Default)]
struct Messages {
    open: bool,
    waiting: Vec<Message>,
}

/// See the module.
#[repr(C)]
pub struct VCpu {
    /// In a coroutine: the running one. In the scheduler context: the next to run. Others read it
    /// for reports.
    pub(crate) cur: AtomicPtr<Task>,
    /// Switches left until the scheduler looks around.
    pub(crate) tick: HintU32,
    /// Whether a coroutine is running, rather than the scheduler context.
    pub(crate) in_task: HintBool,
    /// Where the scheduler context was left.
    pub(crate) base_sp: Cell<*mut u8>,
    /// The context of a coroutine that has no stack yet, and the stack for that; null: all have. See
    /// `start`.
    pub(super) starter_sp: Cell<*mut u8>,
    starter: Cell<Option<NonNull<stack::Stack>>>,
    /// Coroutines in the ring.
    pub(crate) runnable: Cell<u32>,
    /// The guard that it is inside of (`wait::guard`), and its number there; 0: it uses none's bias.
    pub(crate) inside: AtomicUsize,
    pub(crate) bias: Cell<u32>,
    /// How many more may go to the ring's front before `mark` has its turn; see `ring`.
    pub(crate) front_left: Cell<u32>,
    pub(crate) mark: Cell<Option<TaskRef>>,
    /// How many more waits the running coroutine may find over at once before it gives way.
    pub(crate) spend: Cell<u32>,
    /// The last coroutine that the running one spawned, valid while `tick` is still `spawn_tick`.
    pub(crate) last_spawn: Cell<Option<TaskRef>>,
    pub(crate) spawn_tick: Cell<u32>,
    /// vCPU id + 1.
    pub(crate) me: u32,
    /// Number in its group, from 1.
    pub(crate) number: Cell<u32>,
    pub(super) group: Cell<*const Group>,
    /// Its group's handle, for others.
    pub(super) group_handle: AtomicU64,
    pub(crate) tasks: table::Cache,
    pub(crate) stacks: UnsafeCell<stack::Cache>,
    pub(crate) wheel: Wheel,
    pub(crate) counts: Counts,
    /// Handed to the scheduler context by a coroutine that has left its stack: to be moved, to be
    /// ended.
    pub(super) moving: Cell<Option<TaskRef>>,
    pub(super) ending: Cell<Option<TaskRef>>,
    /// Called there when a coroutine has left its stack to go on elsewhere.
    pub(super) parting: Cell<Option<Message>>,
    pub(super) offers: Worker<TaskRef>,
    pub(super) rng: Rng,
    /// Nanoseconds to spin before sleeping: see `run`.
    pub(super) spin: Cell<i64>,
    /// Timers fired since a moment, and how much longer than to the next one it sleeps meanwhile.
    pub(super) fired: Cell<u32>,
    pub(super) crowd_since: Cell<i64>,
    pub(super) crowd_slack: Cell<i64>,
    /// When to look next for stacks to give back; and whether nothing has run since the last look, which
    /// found no more to give.
    pub(super) trim_at: Cell<i64>,
    pub(super) trimmed: Cell<bool>,
    /// Stacks in the cache, as of the last round.
    kept: AtomicU64,
    driver: UnsafeCell<Option<Box<dyn Driver>>>,
    /// The same by its own type: where it is, and which type that is.
    engine: Cell<Option<(NonNull<u8>, TypeId)>>,

    /// Whether its thread is in foreign code, and who has its private state meanwhile.
    pub(super) bracket: Padded<Bracket>,
    inbox: Padded<Inbox<Task>>,
    /// Alarms of this vCPU that others want something of.
    pub(super) alarms: Inbox<Alarm>,
    pub(super) idle: Padded<Idle>,
    pub(super) stealer: Stealer<TaskRef>,
    pub(super) has_messages: AtomicBool,
    messages: Mutex<Messages>,
    waker: Mutex<Option<Arc<dyn Waker>>>,
    /// System calls made to wake it.
    pub(crate) wakeups: AtomicU64,
    /// The monitor has found that a coroutine keeps it.
    stalled: AtomicBool,
    /// It takes part in its group: not a spare that has been stood down.
    active: AtomicBool,
    /// Its thread, as the system numbers it: see `thread`.
    pub(super) thread: AtomicUsize,
    /// Its thread is to end when it has nothing to do.
    pub stop: AtomicBool,
}

// SAFETY: the Cells and UnsafeCells are for the owner thread alone (the one whose thread-local slot
// points here); the rest is atomics, mutexes, and a Stealer made for sharing.
unsafe impl Sync for VCpu {}
// SAFETY: a vCPU that no thread runs may be taken over by another: see `acquire`.
unsafe impl Send for VCpu {}

impl std::fmt::Debug for VCpu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VCpu").field("id", &self.id()).finish_non_exhaustive()
    }
}

static VCPUS: [AtomicPtr<VCpu>; MAX_VCPUS] =
    [const { AtomicPtr::new(std::ptr::null_mut()) }; MAX_VCPUS];
static UNUSED: Mutex<(usize, Vec<&'static VCpu>)> = Mutex::new((0, Vec::new()));

/// The vCPU of a number, if it has ever been used.
#[inline]
pub fn vcpu(id: usize) -> Option<&'static VCpu> {
    // Acquire: pairs with the release in acquire().
    // SAFETY: entries are null or leaked boxes.
    unsafe { VCPUS.get(id)?.load(Acquire).as_ref() }
}

/// A vCPU that no group has. ENOMEM if all [`MAX_VCPUS`] are in use.
pub fn acquire() -> Result<&'static VCpu, Errno> {
    let mut unused = UNUSED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(v) = unused.1.pop() {
        return Ok(v);
    }
    let id = unused.0;
    let slot = VCPUS.get(id).ok_or(Errno::ENOMEM)?;
    unused.0 += 1;
    drop(unused);
    let v: &'static VCpu = Box::leak(Box::new(VCpu::new(id)));
    // Release: pairs with vcpu()'s acquire.
    slot.store(std::ptr::from_ref(v).cast_mut(), Release);
    Ok(v)
}

/// The vCPU whose coroutine or scheduler context is calling; none on a plain thread.
#[inline]
pub fn current() -> Option<&'static VCpu> {
    // SAFETY: the slot is null or points to a leaked VCpu.
    unsafe { arch::tls::get().cast::<VCpu>().as_ref() }
}

/// The running coroutine and its vCPU; none on a plain thread.
#[inline]
pub fn running() -> Option<(&'static VCpu, TaskRef)> {
    let v = current()?;
    if v.in_task.get() { v.cur().map(|t| (v, t)) } else { None }
}

impl VCpu {
    fn new(id: usize) -> VCpu {
        let offers = Worker::new_fifo();
        VCpu {
            cur: AtomicPtr::default(),
            tick: HintU32::default(),
            in_task: HintBool::default(),
            base_sp: Cell::new(std::ptr::null_mut()),
            starter_sp: Cell::new(std::ptr::null_mut()),
            starter: Cell::new(None),
            runnable: Cell::new(0),
            inside: AtomicUsize::new(0),
            bias: Cell::new(0),
            spend: Cell::new(0),
            front_left: Cell::new(super::FRONT),
            mark: Cell::new(None),
            last_spawn: Cell::new(None),
            spawn_tick: Cell::new(0),
            me: id as u32 + 1,
            number: Cell::new(0),
            group: Cell::new(std::ptr::null()),
            group_handle: AtomicU64::new(0),
            tasks: table::Cache::default(),
            stacks: UnsafeCell::new(stack::Cache::new(0)),
            wheel: Wheel::default(),
            counts: Counts::default(),
            moving: Cell::new(None),
            ending: Cell::new(None),
            parting: Cell::new(None),
            stealer: offers.stealer(),
            offers,
            rng: Rng::new(0),
            spin: Cell::new(0),
            fired: Cell::new(0),
            crowd_since: Cell::new(0),
            crowd_slack: Cell::new(0),
            trim_at: Cell::new(0),
            trimmed: Cell::new(false),
            kept: AtomicU64::new(0),
            driver: UnsafeCell::new(None),
            engine: Cell::new(None),
            bracket: Padded::default(),
            inbox: Padded::default(),
            alarms: Inbox::default(),
            idle: Padded::default(),
            has_messages: AtomicBool::new(false),
            messages: Mutex::default(),
            waker: Mutex::default(),
            wakeups: AtomicU64::new(0),
            stalled: AtomicBool::new(false),
            active: AtomicBool::new(true),
            thread: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
        }
    }

    /// Process-wide number, below [`MAX_VCPUS`].
    #[inline]
    pub fn id(&self) -> usize {
        self.me as usize - 1
    }

    /// A number below `n` (> 0), from its own stream; for its own thread.
    pub fn random(&self, n: usize) -> usize {
        self.rng.below(n)
    }

    /// The coroutine that is running on it; for its own thread.
    pub fn task(&self) -> Option<TaskRef> {
        self.in_task.get().then(|| self.cur()).flatten()
    }

    #[inline]
    pub(crate) fn cur(&self) -> Option<TaskRef> {
        // SAFETY: set_cur stores null or a block, and blocks are never freed.
        unsafe { self.cur.load(Relaxed).as_ref() }
    }

    #[inline]
    pub(crate) fn set_cur(&self, t: Option<TaskRef>) {
        let p = t.map_or(std::ptr::null_mut(), |t| std::ptr::from_ref(t).cast_mut());
        self.cur.store(p, Relaxed);
    }

    /// Its group. Owner thread only, while it runs for one.
    #[inline]
    pub fn group(&self) -> &Group {
        debug_assert!(!self.group.get().is_null());
        // SAFETY: set by attach; the group outlives its vCPUs' running.
        unsafe { &*self.group.get() }
    }

    /// Its group's handle, or its last one's; 0: it has had none. Any thread.
    pub fn group_handle(&self) -> u64 {
        self.group_handle.load(Relaxed)
    }

    /// The cache of stacks. Owner thread only.
    #[inline]
    pub(crate) fn stacks(&self) -> &stack::Cache {
        // SAFETY: replaced only by attach, when nobody uses it.
        unsafe { &*self.stacks.get() }
    }

    /// Before its thread runs it: which group it belongs to, and its figures for that. ENOMEM.
    ///
    /// # Safety
    /// No thread is running it; `group` outlives that.
    pub unsafe fn attach(
        &self,
        group: *const Group,
        number: u32,
        stack_cache: usize,
        seed: u64,
    ) -> Result<(), Errno> {
        // SAFETY: the caller's.
        let starter = super::start::starter_stack(unsafe { (*group).stack_class })?;
        self.starter.set(starter);
        self.starter_sp.set(starter.map_or(std::ptr::null_mut(), |s| self.make_starter(s)));
        self.group.set(group);
        // SAFETY: the caller's.
        self.group_handle.store(unsafe { (*group).handle }, Relaxed);
        self.number.set(number);
        // SAFETY: as above.
        self.bias.set(if unsafe { (*group).external } { 0 } else { self.me });
        self.rng.reseed(seed);
        // Release: pairs with the acquire of the thread that reads it (which is started later
        // anyway).
        self.active.store(true, Relaxed);
        self.stop.store(false, Release);
        self.inbox.open();
        self.alarms.open();
        // SAFETY: nobody uses it now; what it holds was flushed by detach.
        unsafe { *self.stacks.get() = stack::Cache::new(stack_cache) };
        self.count_kept();
        Ok(())
    }

    /// Its thread begins: from here on it is the calling thread's vCPU.
    pub fn enter(&self, mut driver: Box<dyn Driver>) {
        let any = driver.as_any();
        let engine_type = (*any).type_id();
        self.engine.set(Some((NonNull::from(any).cast(), engine_type)));
        *self.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(driver.waker());
        self.messages().open = true;
        // SAFETY: owner thread, no coroutine is running.
        unsafe { *self.driver.get() = Some(driver) };
        self.bind();
    }

    /// Makes it the calling thread's vCPU.
    pub fn bind(&self) {
        arch::tls::set(std::ptr::from_ref(self).cast_mut().cast());
    }

    /// The calling thread is a plain one again.
    pub fn unbind(&self) {
        arch::tls::set(std::ptr::null_mut());
    }

    /// Its thread ends: everything it holds goes back. Its coroutines have all ended.
    pub fn leave(&'static self) {
        for t in self.inbox.close() {
            // Coroutines that are gone, and still queued: only their Q bit is left to clear.
            let _ = t.mail.dequeue();
        }
        let last = {
            let mut m = self.messages();
            m.open = false;
            std::mem::take(&mut m.waiting)
        };
        last.into_iter().for_each(|m| (m.run)(m.arg));
        self.close_alarms();
        self.stacks().flush(&super::POOL);
        self.tasks.flush();
        *self.waker.lock().unwrap_or_else(PoisonError::into_inner) = None;
        // SAFETY: owner thread, no coroutine is running.
        unsafe { *self.driver.get() = None };
        self.engine.set(None);
        self.unbind();
    }

    /// It may be used by another group. Its thread has ended.
    pub fn release(&'static self) {
        self.group.set(std::ptr::null());
        self.starter_sp.set(std::ptr::null_mut());
        if let Some(s) = self.starter.take() {
            let mut chain = stack::Chain::default();
            chain.push(s);
            super::POOL.give(chain);
        }
        UNUSED.lock().unwrap_or_else(PoisonError::into_inner).1.push(self);
    }

    /// Calls into its engine. Owner thread only, and not from within the engine.
    pub fn with_driver<R>(&self, f: impl FnOnce(&mut dyn Driver) -> R) -> R {
        // SAFETY: one thread, and the engine never switches coroutines, so there is one borrow at a
        // time.
        match unsafe { &mut *self.driver.get() } {
            Some(d) => f(&mut **d),
            None => unreachable!("a running vCPU has an engine"),
        }
    }

    fn messages(&self) -> MutexGuard<'_, Messages> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// [`VCpu::with_driver`] for the layer that knows the engine's type, without a virtual call;
    /// none if it is of another type.
    #[inline]
    pub fn with_engine<T: Driver, R>(&self, f: impl FnOnce(&mut T) -> R) -> Option<R> {
        let (engine, its_type) = self.engine.get()?;
        // SAFETY: enter took both from the driver, which stays in its box until leave; one borrow at a
        // time, as in with_driver.
        (its_type == TypeId::of::<T>()).then(|| f(unsafe { engine.cast::<T>().as_mut() }))
    }

    /// Any thread: has `msg` run in its scheduler context, soon and certainly; wakes it if it
    /// sleeps. False: it is not running, and the message is not taken.
    #[must_use]
    pub fn post(&self, msg: Message) -> bool {
        {
            let mut m = self.messages();
            if !m.open {
                return false;
            }
            m.waiting.push(msg);
        }
        // Release: pairs with run_messages' swap.
        self.has_messages.store(true, Release);
        self.wake();
        true
    }

    pub(super) fn run_messages(&self) {
        // Acquire: pairs with post's store.
        if self.has_messages.load(Relaxed) && self.has_messages.swap(false, Acquire) {
            let batch = std::mem::take(&mut self.messages().waiting);
            batch.into_iter().for_each(|m| (m.run)(m.arg));
        }
    }

    /// The inbox. Push by [`super::remote`] only.
    #[inline]
    pub(super) fn inbox(&self) -> &Inbox<Task> {
        &self.inbox
    }

    /// Any thread, after making its work visible: makes sure that the vCPU looks.
    pub fn wake(&self) {
        if self.idle.wake() {
            self.notify();
        }
    }

    /// Makes its present or next wait return, asleep or not.
    pub fn notify(&self) {
        self.wakeups.fetch_add(1, Relaxed);
        // The lock is not held over the system call.
        let w = self.waker.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(w) = w {
            w.wake();
        }
    }

    /// An external group's vCPU before its first poll: asleep, so that a wake makes its descriptor
    /// readable.
    pub fn prepare_external(&self) {
        self.idle.prepare();
    }

    /// Owner: brings the figure up to date.
    pub(crate) fn count_kept(&self) {
        let starter = u64::from(self.starter.get().is_some());
        self.kept.store(self.stacks().len() as u64 + starter, Relaxed);
    }

    /// Stacks in its cache as of its last round. Any thread.
    pub fn stacks_kept(&self) -> u64 {
        self.kept.load(Relaxed)
    }

    /// Coroutines that belong to it, as a hint.
    pub(crate) fn held(&self) -> u64 {
        let c = &self.counts;
        (c.spawned.get() + c.entered.load(Relaxed))
            .saturating_sub(c.ended.get() + c.left.load(Relaxed))
    }

    /// A spare stands in, or is stood down.
    pub fn set_active(&self, on: bool) {
        self.active.store(on, Relaxed);
        if on {
            self.notify();
        }
    }

    /// The monitor: whether one of its coroutines keeps it from the others.
    pub fn set_stalled(&self, on: bool) {
        if self.is_stalled() != on {
            self.stalled.store(on, Relaxed);
        }
    }

    /// As the monitor has found it at its last look.
    pub fn is_stalled(&self) -> bool {
        self.stalled.load(Relaxed)
    }

    /// Whether it takes what others offer.
    pub fn is_active(&self) -> bool {
        self.active.load(Relaxed)
    }

    /// Whether it sleeps, as a hint.
    pub fn asleep(&self) -> bool {
        self.idle.asleep()
    }
}

const _: () = {
    assert!(offsets::VCPU_CUR == std::mem::offset_of!(VCpu, cur));
};
