//! How a coroutine begins that has no stack yet.
//!
//! What a vCPU's own coroutines spawn gets a stack when it runs for the first time, from the cache of
//! the vCPU that it runs on: mostly the one that the coroutine before it has just died on, still warm.
//! Until then it has a promise of one (`stack::promise`), and its saved context is the vCPU's *starter*:
//!
//! ```text
//!   switch, yield, jump: they know nothing of all this
//!      |
//!      v   t.sp
//!   starter's stack, one a vCPU          the coroutine's own, from now on
//!     frame <- sp of all that are new ---- begin: cur, attach ----> top: task_main(t)
//!                                            |
//!                                            no stack to be had: parked for a millisecond, what
//!                                            is next goes on
//! ```
//!
//! So a yield has no branch more, and a coroutine without a stack is in every other respect one that
//! is fresh: in a ring, on offer, asked to move. Only its context belongs to a vCPU, so who puts one
//! into its own ring makes its own starter the context ([`VCpu::receive`]).
//!
//! With a stack from the start: what plain threads spawn (they have no starter, and no cache to
//! return a promise to), what gets an environment copied onto its stack, and everything while the pool
//! gives no promises. In a process either all vCPUs have starters or none has.
//!
//! # Rejected
//!
//! - The scheduler context as the one that attaches: two switches more for each that begins.
//! - A first frame in the control block: a signal that is taken right after the frame has been
//!   popped, where rsp is, would write into the block's neighbour.
//! - The starter's frame below the scheduler context on the thread's own stack: an external group's is
//!   another one at each poll.
#![allow(unsafe_code)]

use super::switch::{depart, task_main};
use super::vcpu::VCpu;
use super::{POOL, TaskRef};
use crate::arch::{self, Begin};
use crate::err::Errno;
use crate::stack::{Chain, Stack};
use crate::task::{Task, attention, flags};
use crate::time;
use std::ptr::NonNull;
use std::sync::atomic::Ordering::Relaxed;

/// After how long a first run is tried again, nanoseconds.
const AGAIN: i64 = 1_000_000;

/// A stack for a vCPU's starter; none where no promises are given. ENOMEM.
pub(super) fn starter_stack(class: u8) -> Result<Option<NonNull<Stack>>, Errno> {
    let mut chain = Chain::default();
    if POOL.promises() {
        POOL.take(class, 1, &mut chain)?;
    }
    Ok(chain.pop())
}

impl VCpu {
    /// The context that [`begin`] is called in, on that stack.
    pub(super) fn make_starter(&self, stack: NonNull<Stack>) -> *mut u8 {
        let me = std::ptr::from_ref(self).cast_mut().cast();
        // SAFETY: the stack is ours, for this. task_main does not return.
        unsafe { arch::starter(stack.as_ref().top(), begin, task_main, me) }
    }

    /// `t` has come to this vCPU, and is about to enter its ring.
    #[inline]
    pub(super) fn receive(&self, t: TaskRef) {
        if t.has(flags::FRESH) && t.stack.get().is_none() {
            t.sp.set(self.starter_sp.get());
        }
    }
}

/// On the starter's stack of the vCPU `v`: its `cur` is to run for the first time.
extern "C" fn begin(v: *mut u8) -> Begin {
    // SAFETY: what make_starter has put there; vCPUs are never freed.
    let v: &'static VCpu = unsafe { &*v.cast::<VCpu>() };
    let Some(t) = v.cur() else { return not_now(v.base_sp.get()) };
    match v.stacks().attach(&POOL, t.stack_class.load(Relaxed)) {
        Ok(stack) => {
            t.stack.set(Some(stack));
            // SAFETY: it is the coroutine's now.
            Begin::on(
                unsafe { stack.as_ref() }.top(),
                std::ptr::from_ref::<Task>(t).cast_mut().cast(),
            )
        }
        Err(_) => postpone(v, t),
    }
}

/// What ends meanwhile leaves a stack, or memory.
#[cold]
fn postpone(v: &VCpu, t: TaskRef) -> Begin {
    not_now(depart(v, t, 0, Some(time::now().saturating_add(AGAIN))))
}

fn not_now(to: *mut u8) -> Begin {
    // SAFETY: a ring member's context, or the scheduler's, both of this thread; the starter's stack is
    // needed no more.
    unsafe { Begin::not_now(to) }
}

/// On its own stack: its time has not come as it means it, whatever it took to begin.
#[inline]
pub(super) fn begun(t: TaskRef) {
    t.set_flag(flags::FRESH, false);
    t.attention.set(t.attention.get() & !attention::TIMEOUT);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rt::{self, Config};
    use crate::task::{Attr, Doing};
    use crate::{sched, wait};
    use std::ffi::c_void;
    use std::sync::atomic::AtomicU64;
    use std::time::Duration;

    const MS: i64 = 1_000_000;

    static BEGUN: AtomicU64 = AtomicU64::new(0);
    /// The tests of this file use it by turns.
    static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());

    unsafe extern "C" fn call(body: *mut c_void) -> *mut c_void {
        // SAFETY: `on` passes a fn().
        let body: fn() = unsafe { std::mem::transmute(body) };
        body();
        std::ptr::null_mut()
    }

    fn on(vcpus: u32, body: fn()) {
        let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        BEGUN.store(0, Relaxed);
        let config = Config { vcpus, ..Config::default() };
        while let Err(e) = rt::run(config, call, body as *mut c_void) {
            // A test of another layer has the runtime.
            assert_eq!(e, Errno::EBUSY);
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Its first wait ends by the unpark, and not by anything that its beginning left behind.
    unsafe extern "C" fn parks(arg: *mut c_void) -> *mut c_void {
        BEGUN.fetch_add(1, Relaxed);
        assert_eq!(wait::park(-1), Ok(()));
        arg
    }

    fn spawn(n: usize) -> Vec<u64> {
        let attr = Attr::default();
        (0..n).map(|_| rt::spawn(&attr, parks, std::ptr::null_mut()).unwrap()).collect()
    }

    fn end(all: &[u64]) {
        for co in all {
            assert_eq!(sched::unpark(*co), Ok(()));
        }
        for co in all {
            assert!(wait::join(*co, -1).is_ok());
        }
    }

    #[test]
    fn without_a_guard_a_first_run_waits_and_is_not_lost() {
        for vcpus in [1, 2] {
            on(vcpus, || {
                // On the systems where guards cost mappings all have their stacks from the start.
                if !POOL.promises() {
                    return;
                }
                POOL.refuse_guards(true);
                let all = spawn(200);
                for _ in 0..20 {
                    wait::sleep(MS).unwrap();
                }
                let begun = BEGUN.load(Relaxed) as usize;
                assert!(begun < 200, "all have begun, without guards");
                let fresh = |co: &&u64| sched::info(**co).is_ok_and(|i| i.state == Doing::Fresh);
                assert_eq!(all.iter().filter(fresh).count(), 200 - begun);
                assert!(sched::info(all[199]).is_ok_and(|i| i.stack_size >= 16 << 10));
                // What it is asked meanwhile, it finds when it begins.
                assert_eq!(sched::unpark(all[199]), Ok(()));
                POOL.refuse_guards(false);
                while BEGUN.load(Relaxed) < 200 {
                    wait::sleep(MS).unwrap();
                }
                end(&all[..199]);
                assert!(wait::join(all[199], -1).is_ok());
            });
        }
    }

    #[test]
    fn one_after_the_other_they_share_one_stack() {
        on(1, || {
            if !POOL.promises() {
                return;
            }
            unsafe extern "C" fn tiny(arg: *mut c_void) -> *mut c_void {
                BEGUN.fetch_add(1, Relaxed);
                arg
            }
            let before = rt::stats().unwrap();
            let attr = Attr::default();
            let all: Vec<_> = (0..10_000)
                .map(|_| rt::spawn(&attr, tiny, std::ptr::null_mut()).unwrap())
                .collect();
            for co in all {
                assert!(wait::join(co, -1).is_ok());
            }
            let after = rt::stats().unwrap();
            assert!(after.guards_light - before.guards_light < 100);
            assert_eq!(after.stacks_used, before.stacks_used);
        });
    }
}
