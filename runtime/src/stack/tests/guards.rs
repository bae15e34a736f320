//! Guards: they fault, they name their stack, and their number is known.
#![allow(unsafe_code)]

use super::*;
use crate::err::Errno;
use std::sync::atomic::{AtomicPtr, AtomicUsize};

fn options(guard_mode: GuardMode) -> PoolOptions {
    PoolOptions { guard_mode, ..PoolOptions::default() }
}

static REPORTED_POOL: AtomicPtr<Pool> = AtomicPtr::new(null_mut());
static EXPECTED: AtomicUsize = AtomicUsize::new(0);

/// Ends the process with 42 if the fault was in the guard of the stack that is expected.
extern "C" fn on_fault(_: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid siginfo; the test set the pool, which outlives the child.
    unsafe {
        let found = (*REPORTED_POOL.load(Relaxed)).find_guard((*info).si_addr().addr());
        let named = found.is_some_and(|s| s.addr().get() == EXPECTED.load(Relaxed));
        libc::_exit(if named { 42 } else { 43 });
    }
}

/// How a child ends that writes below `s`, with the handler above.
fn overflow(pool: &Pool, s: NonNull<Stack>, at: usize) -> Option<i32> {
    fork(|| {
        REPORTED_POOL.store(std::ptr::from_ref(pool).cast_mut(), Relaxed);
        EXPECTED.store(s.addr().get(), Relaxed);
        // SAFETY: a zeroed sigaction is valid; the handler has the form that SA_SIGINFO asks for. The
        // write is to a guard, or the test fails.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = on_fault as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO;
            libc::sigaction(libc::SIGSEGV, &raw const action, null_mut());
            libc::sigaction(libc::SIGBUS, &raw const action, null_mut());
            std::ptr::with_exposed_provenance_mut::<u8>(at).write_volatile(1);
        }
        true
    })
}

#[test]
fn an_overflow_faults_and_names_the_stack() {
    for mode in [GuardMode::Auto, GuardMode::ForceMprotect] {
        let pool = pool(options(mode));
        for class in [0, 2, 4, 9] {
            let stacks = take(&pool, class, 20);
            let s = stacks[7];
            s.as_ptr().expose_provenance();
            let guard = stack(&s).guard();
            // The first byte below, the last of the guard, and one between.
            for at in [guard.end - 1, guard.start, guard.start + guard.len() / 2] {
                let status = overflow(&pool, s, at);
                assert_eq!(
                    status,
                    Some(42 << 8),
                    "{mode:?}, class {class}, at {at:#x} of {guard:x?}"
                );
            }
            give(&pool, stacks);
        }
        pool.clear();
        assert_eq!(pool.stats(), PoolStats::default());
    }
}

/// Has the system call fail with EPERM from now on, in this process: as a container may.
#[cfg(target_os = "linux")]
fn forbid(call: libc::c_long) {
    let step = |code: u32, jt, jf, k| libc::sock_filter { code: code as u16, jt, jf, k };
    let filter = [
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, call as u32),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ERRNO | libc::EPERM as u32),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: 4, filter: filter.as_ptr().cast_mut() };
    // SAFETY: the kernel copies the filter.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, 2, &raw const program), 0);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn without_a_call_for_many_each_is_guarded_alone() {
    if emulated("without_a_call_for_many_each_is_guarded_alone") {
        return;
    }
    let status = fork(|| {
        forbid(libc::SYS_process_madvise);
        let pool = Pool::new();
        let stacks = take(&pool, 0, 100);
        let s = stacks[7];
        let all = stacks.iter().all(|s| stack(s).guarded());
        all && pool.stats().guards_none == 0
            && overflow(&pool, s, stack(&s).guard().end - 1) == Some(42 << 8)
    });
    assert_eq!(status, None);
}

#[test]
fn guards_stay_when_pages_go() {
    let pool = pool(PoolOptions { decay_ns: 10, ..PoolOptions::default() });
    // One slab, of which one stack stays in use.
    let mut stacks = take(&pool, 0, 64);
    let keep = stacks.split_off(63);
    let s = stacks[3];
    give(&pool, stacks);
    for time in [0, 5, 10, 15, 20] {
        pool.trim(time);
    }
    let stacks = take(&pool, 0, 63);
    assert!(stacks.contains(&s));
    assert_eq!(overflow(&pool, s, stack(&s).guard().end - 1), Some(42 << 8));
    give(&pool, stacks);
    give(&pool, keep);
    pool.clear();
}

#[test]
fn what_is_no_guard_names_no_stack() {
    let pool = Pool::new();
    assert!(pool.find_guard(0x1000).is_none());
    let stacks = take(&pool, 3, 3);
    for s in &stacks {
        let s = stack(s);
        assert_eq!(
            pool.find_guard(s.guard().start).map(|f| f.as_ptr().cast_const()),
            Some(&raw const *s)
        );
        assert!(pool.find_guard(s.low().addr()).is_none());
        assert!(pool.find_guard(s.top().addr() - 1).is_none());
    }
    let first = stacks.iter().map(|s| stack(s).guard().start).min().unwrap();
    give(&pool, stacks);
    pool.clear();
    assert!(pool.find_guard(first).is_none(), "unmapped");
}

#[test]
fn mprotect_guards_end_at_their_budget() {
    let pool = pool(options(GuardMode::MprotectUpTo(10)));
    let stacks = take(&pool, 0, 10);
    let before = pool.stats();
    assert_eq!((before.guards_light, before.guards_mprotect, before.guards_none), (0, 10, 0));
    let mut chain = Chain::new();
    assert_eq!(pool.take(0, 5, &mut chain), Err(Errno::ENOMEM));
    assert_eq!(pool.take(3, 5, &mut chain), Err(Errno::ENOMEM), "one budget for all classes");
    assert!(chain.is_empty());
    assert_eq!(pool.stats().guards_mprotect, 10);
    assert_eq!(pool.stats().used_stacks, 10, "an error changes nothing");
    give(&pool, stacks);
    assert_eq!(take(&pool, 0, 10).len(), 10, "those that have a guard are still there");
}

#[test]
fn some_is_better_than_none() {
    let pool = pool(options(GuardMode::MprotectUpTo(10)));
    let mut chain = Chain::new();
    assert_eq!(pool.take(0, 25, &mut chain), Ok(10), "as many as there are guards for");
    pool.give(chain);
    pool.clear();
    assert_eq!(pool.stats(), PoolStats::default());
    let mut chain = Chain::new();
    assert_eq!(pool.take(1, 25, &mut chain), Ok(10), "unmapping gives the budget back");
    pool.give(chain);
    pool.clear();
}

#[test]
fn going_without_is_allowed_by_option_and_counted() {
    let pool = pool(PoolOptions { allow_unguarded: true, ..options(GuardMode::MprotectUpTo(10)) });
    let stacks = take(&pool, 0, 25);
    let stats = pool.stats();
    assert_eq!((stats.guards_mprotect, stats.guards_none), (10, 15));
    assert_eq!(stacks.iter().filter(|s| stack(s).guarded()).count(), 10);
    give(&pool, stacks);
    pool.clear();
    assert_eq!(pool.stats(), PoolStats::default());
}

#[test]
#[cfg(target_os = "linux")]
fn mprotect_guards_leave_half_of_the_mappings_to_the_program() {
    let pool = pool(options(GuardMode::ForceMprotect));
    let budget = crate::stack::os::mappings_max() / 4;
    if budget > 300_000 {
        let name = "mprotect_guards_leave_half_of_the_mappings_to_the_program";
        return println!("SKIPPED: {name}: {budget} guards are too many to try");
    }
    let mut chain = Chain::new();
    loop {
        match pool.take(0, 1024, &mut chain) {
            Ok(_) => {}
            Err(e) => break assert_eq!(e, Errno::ENOMEM),
        }
    }
    assert_eq!(chain.len(), budget);
    assert_eq!(pool.stats().guards_mprotect, budget);
    pool.give(chain);
    pool.clear();
    assert_eq!(pool.stats(), PoolStats::default());
}

#[test]
fn fifty_thousand_guarded_stacks() {
    const N: usize = 50_000;
    let pool = Pool::new();
    let light = crate::stack::os::light_guards_work();
    // Without light guards the budget is smaller than that.
    let n = if light { N } else { 5_000 };
    let stacks = take(&pool, 2, n);
    let stats = pool.stats();
    assert_eq!(stats.used_stacks, n);
    assert_eq!(if light { stats.guards_light } else { stats.guards_mprotect }, n);
    for s in stacks.iter().step_by(97) {
        let s = stack(s);
        let guard = s.guard();
        for at in [guard.start, guard.end - 1] {
            assert_eq!(pool.find_guard(at).map(|f| f.as_ptr().cast_const()), Some(&raw const *s));
        }
    }
    let s = stacks[n / 2];
    assert_eq!(overflow(&pool, s, stack(&s).guard().end - 1), Some(42 << 8));
    give(&pool, stacks);
    pool.clear();
    assert_eq!(pool.stats(), PoolStats::default());
}
