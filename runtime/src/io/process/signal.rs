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
//! Rejected: waking from the handler (an inbox may be in the middle of a change on the interrupted
//! thread); a pipe that the waiters poll (all of them would read one byte); signalfd (every thread
//! would have to block the signal, and who blocks it before the program's first line?).
#![allow(unsafe_code)]

use crate::err::Errno;
use crate::io::sys::R;
use crate::io::sys::memory;
use crate::io::sys::signal::{self as sys, Former};
use crate::parker;
use crate::prim::atomic::{AtomicI32, Ordering::*};
use crate::sched::{self, TaskRef};
use crate::wait::{self, Deadline};
use std::ffi::{c_int, c_uint};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Enough for a handler that saves the widest registers.
const STACK: usize = 64 << 10;

struct Signals {
    /// The end of the pipe that the thread reads, once made.
    bell: c_int,
    thread: bool,
    /// By number less one: what was there before, of those whose handler is ours.
    former: [Option<Former>; 64],
    taken: u64,
    /// Have come while nobody waited.
    kept: u64,
    waiters: Vec<*const Waiter>,
}

// SAFETY: the waiters it points to stay valid while they are in it, and are touched under its mutex,
// or by atomics.
unsafe impl Send for Signals {}

static SIGNALS: Mutex<Signals> = Mutex::new(Signals {
    bell: -1,
    thread: false,
    former: [const { None }; 64],
    taken: 0,
    kept: 0,
    waiters: Vec::new(),
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
    /// Gives what has arrived to those who wait for it.
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
                    match w.who {
                        Who::Task(t) => sched::wake(t),
                        Who::Thread(id) => sched::wake_waiter(id),
                    }
                    taken = true;
                }
            }
            if !taken {
                self.kept |= bit;
            }
        }
    }

    fn subscribe(&mut self, wants: u64) -> Result<(), Errno> {
        let new = wants & !self.taken;
        if new == 0 {
            return Ok(());
        }
        if self.bell < 0 {
            self.bell = sys::make_bell()?;
        }
        if !self.thread {
            let bell = self.bell;
            let builder = std::thread::Builder::new().name("photonrt-signal".into());
            builder
                .stack_size(STACK)
                .spawn(move || listen(bell))
                .map_err(|e| Errno::from_io(&e))?;
            self.thread = true;
        }
        let mut done = 0;
        for signo in (1..=64).filter(|s| new >> (s - 1) & 1 != 0) {
            match sys::take(signo) {
                Ok(former) => self.former[signo as usize - 1] = Some(former),
                Err(e) => {
                    self.release(done);
                    return Err(e);
                }
            }
            done |= 1 << (signo - 1);
            self.taken |= 1 << (signo - 1);
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
        self.taken &= !bits;
        self.kept &= !bits;
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
    signals().subscribe(wants).map(|()| 0)
}

/// co_signal_release.
pub fn release(signo: c_int) -> R {
    let bit = sys::bit(signo)?;
    let mut s = signals();
    // SAFETY: in the list, hence alive.
    if s.waiters.iter().any(|&w| unsafe { (*w).wants & bit != 0 }) {
        return Err(Errno::EBUSY);
    }
    if s.taken & bit != 0 {
        s.release(bit);
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
    {
        let mut s = signals();
        s.subscribe(wants)?;
        s.deliver();
        let kept = s.kept & wants;
        if kept != 0 {
            s.kept &= !(kept & kept.wrapping_neg());
            return Ok(i64::from(kept.trailing_zeros()) + 1);
        }
        if deadline == Deadline::Now {
            return Err(Errno::EAGAIN);
        }
        s.waiters.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        s.waiters.push(&raw const waiter);
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
