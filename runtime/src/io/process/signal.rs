//! Waiting for signals.
//!
//! ```text
//!   handler (any thread)  --bit, byte in a pipe-->  a thread of ours  --under the mutex-->  waiters
//!                                                                     no waiter: KEPT, one bit a number
//! ```
//! A signal's first wait, or a subscription, puts the handler in place, which stays until it is
//! released, whatever runtimes come and go meanwhile. An arrival goes to everybody who waits for it
//! at that moment, as in Go and Tokio, or else is kept for the next who comes: so nothing is missed
//! between two waits, and signals of one number that come together are one, as the system has it.
//!
//! The thread takes the signals that are subscribed to itself, so that they come although all
//! threads of the program block them. It ends with the last subscription.
//!
//! Two locks, taken in this order: [`Setup`]'s, for who subscribes or releases, which takes system
//! calls; and [`Signals`]', for what the thread and the waiters share, under which there are none:
//! who is to be woken is noted there and woken after it.
//!
//! Rejected: waking from the handler (an inbox may be in the middle of a change on the interrupted
//! thread); a pipe that the waiters poll (all of them would read one byte); signalfd (every thread
//! would have to block the signal, and who blocks it before the program's first line?).
#![allow(unsafe_code)]

use crate::err::Errno;
use crate::io::sys::R;
use crate::io::sys::memory;
use crate::io::sys::signal::{self as sys, Former};
use crate::os_thread::{Name, OsThread};
use crate::parker;
use crate::prim::atomic::{AtomicI32, Ordering::*};
use crate::sched::{self, TaskRef};
use crate::wait::{self, Deadline};
use std::ffi::{c_int, c_uint};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Enough for a handler that saves the widest registers.
const STACK: usize = 64 << 10;

struct Setup {
    /// The end of the pipe that the thread reads, once made.
    bell: c_int,
    /// By number less one: what was there before, of those whose handler is ours.
    former: [Option<Former>; 64],
}

static SETUP: Mutex<Setup> = Mutex::new(Setup { bell: -1, former: [const { None }; 64] });

fn setup() -> MutexGuard<'static, Setup> {
    SETUP.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Signals {
    /// There is a thread, or it is being started.
    thread: bool,
    /// Subscribed to, or about to be.
    taken: u64,
    /// Have come while nobody waited.
    kept: u64,
    waiters: Vec<*const Waiter>,
    /// To be woken; with room for all waiters.
    woken: Vec<Who>,
}

// SAFETY: the waiters it points to stay valid while they are in it, and are touched under its mutex,
// or by atomics.
unsafe impl Send for Signals {}

static SIGNALS: Mutex<Signals> = Mutex::new(Signals {
    thread: false,
    taken: 0,
    kept: 0,
    waiters: Vec::new(),
    woken: Vec::new(),
});

fn signals() -> MutexGuard<'static, Signals> {
    SIGNALS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Clone, Copy)]
enum Who {
    Task(TaskRef),
    /// A parker's id.
    Thread(u32),
}

/// One call that waits; on its stack.
struct Waiter {
    wants: u64,
    /// The signal's number; 0: none yet.
    got: AtomicI32,
    who: Who,
}

impl Waiter {
    fn got(&self) -> Option<c_int> {
        // Acquire: pairs with `deliver`: what came before the signal.
        Some(self.got.load(Acquire)).filter(|&signo| signo != 0)
    }

    fn wait(&self, deadline: Deadline) -> Result<(), wait::Stop> {
        let ready = || self.got().is_some();
        match self.who {
            Who::Task(_) => wait::until(deadline, ready),
            Who::Thread(_) => parker::with(|_, p| wait::thread_until(deadline, p, ready)),
        }
    }
}

impl Signals {
    /// Gives what has arrived to those who wait for it; [`wake_all`] comes next, without the lock.
    fn deliver(&mut self) {
        let arrived = sys::arrived() & self.taken;
        for signo in (1..=64).filter(|s| arrived >> (s - 1) & 1 != 0) {
            let bit = 1 << (signo - 1);
            let mut taken = false;
            for &w in &self.waiters {
                // SAFETY: in the list, hence alive.
                let w = unsafe { &*w };
                if w.wants & bit != 0 && w.got.load(Relaxed) == 0 {
                    // Release: pairs with `got`.
                    w.got.store(signo, Release);
                    self.woken.push(w.who);
                    taken = true;
                }
            }
            if !taken {
                self.kept |= bit;
            }
        }
    }

    /// Room for one waiter more. ENOMEM.
    fn reserve(&mut self) -> Result<(), Errno> {
        self.waiters.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        // Each is noted once at most.
        self.woken.try_reserve(self.waiters.len() + 1).map_err(|_| Errno::ENOMEM)
    }

    /// One that the waiter wants and that is kept; otherwise the waiter is in the list. EAGAIN: it
    /// does not wait; ENOMEM.
    fn take_or_list(&mut self, w: &Waiter, deadline: Deadline) -> Result<Option<c_int>, Errno> {
        let kept = self.kept & w.wants;
        if kept != 0 {
            self.kept &= !(kept & kept.wrapping_neg());
            return Ok(Some(kept.trailing_zeros() as c_int + 1));
        }
        if deadline == Deadline::Now {
            return Err(Errno::EAGAIN);
        }
        self.reserve()?;
        self.waiters.push(w);
        Ok(None)
    }

    fn forget(&mut self, bits: u64) {
        self.taken &= !bits;
        self.kept &= !bits;
    }
}

/// Wakes those whom `deliver` has noted.
fn wake_all() {
    loop {
        let next = signals().woken.pop();
        match next {
            Some(Who::Task(t)) => sched::wake(t),
            Some(Who::Thread(id)) => sched::wake_waiter(id),
            None => return,
        }
    }
}

impl Setup {
    fn subscribe(&mut self, wants: u64) -> Result<(), Errno> {
        let new = wants & !signals().taken;
        if new == 0 {
            return Ok(());
        }
        if self.bell < 0 {
            self.bell = sys::make_bell()?;
        }
        let start = {
            let mut s = signals();
            // From here on the thread does not end.
            s.taken |= new;
            !std::mem::replace(&mut s.thread, true)
        };
        self.begin(new, start).inspect_err(|_| self.release(new))
    }

    fn begin(&mut self, new: u64, start: bool) -> Result<(), Errno> {
        if start {
            let bell = self.bell;
            OsThread::start(Name::new("photonrt-signal"), STACK, move || listen(bell))
                .inspect_err(|_| signals().thread = false)?;
        }
        for signo in (1..=64).filter(|s| new >> (s - 1) & 1 != 0) {
            self.former[signo as usize - 1] = Some(sys::take(signo)?);
        }
        // The thread takes them from now on.
        sys::ring();
        Ok(())
    }

    fn release(&mut self, bits: u64) {
        for signo in (1..=64).filter(|s| bits >> (s - 1) & 1 != 0) {
            if let Some(former) = self.former[signo as usize - 1].take() {
                // What could be put there before can be put there again.
                let _ = sys::give_back(signo, &former);
            }
        }
        signals().forget(bits);
        // The thread looks what is left for it to do.
        sys::ring();
    }
}

/// The thread.
fn listen(bell: c_int) {
    sys::take_only(0);
    loop {
        let taken = {
            let mut s = signals();
            s.deliver();
            if s.taken == 0 {
                s.thread = false;
                return;
            }
            s.taken
        };
        wake_all();
        sys::take_only(taken);
        sys::hear(bell);
    }
}

/// The bits of `n` signals. EINVAL, also for none; EFAULT.
fn bits(numbers: *const c_int, n: c_uint) -> Result<u64, Errno> {
    if n == 0 || n > 64 {
        return Err(Errno::EINVAL);
    }
    let mut bits = 0;
    for i in 0..n as usize {
        // SAFETY: any bytes are an int.
        bits |= sys::bit(unsafe { memory::fetch(numbers.wrapping_add(i))? })?;
    }
    Ok(bits)
}

/// co_signal_subscribe.
pub fn subscribe(numbers: *const c_int, n: c_uint) -> R {
    let wants = bits(numbers, n)?;
    setup().subscribe(wants).map(|()| 0)
}

/// co_signal_release.
pub fn release(signo: c_int) -> R {
    let bit = sys::bit(signo)?;
    // Who comes to wait meanwhile subscribes first, and so comes after this.
    let mut setup = setup();
    let (awaited, taken) = {
        let s = signals();
        // SAFETY: in the list, hence alive.
        let wants = |&w: &*const Waiter| unsafe { (*w).wants & bit != 0 };
        (s.waiters.iter().any(wants), s.taken & bit != 0)
    };
    if awaited {
        return Err(Errno::EBUSY);
    }
    if taken {
        setup.release(bit);
    }
    Ok(0)
}

/// co_signal_wait.
pub fn wait(numbers: *const c_int, n: c_uint, timeout_ns: i64) -> R {
    let deadline = Deadline::new(timeout_ns)?;
    let wants = bits(numbers, n)?;
    wait::check().map_err(|stop| stop.errno(deadline))?;
    let who = match crate::io::engine::coroutine().and_then(|v| v.task()) {
        Some(task) => Who::Task(task),
        None => Who::Thread(parker::with(|id, _| id)),
    };
    let waiter = Waiter { wants, got: AtomicI32::new(0), who };
    let kept = {
        let mut setup = setup();
        setup.subscribe(wants)?;
        let mut s = signals();
        s.deliver();
        s.take_or_list(&waiter, deadline)
    };
    wake_all();
    if let Some(signo) = kept? {
        return Ok(i64::from(signo));
    }
    let stopped = waiter.wait(deadline).err();
    signals().waiters.retain(|&w| !std::ptr::eq(w, &raw const waiter));
    match (waiter.got(), stopped) {
        (Some(signo), stopped) => {
            if let Some(stop) = stopped {
                wait::give_back(stop);
            }
            Ok(i64::from(signo))
        }
        (None, Some(stop)) => Err(stop.errno(deadline)),
        (None, None) => Err(Errno::EINTR),
    }
}
