//! The whole runtime from Rust, on both engines, with one and with two vCPUs. What C programs see
//! of it is tested in `conformance/`.

use super::*;
use crate::task::Entry as TaskEntry;
use crate::wait;
use std::sync::atomic::{AtomicU64, AtomicUsize};

/// One runtime a process: tests take turns.
static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

type Body = fn();

unsafe extern "C" fn call(body: *mut c_void) -> *mut c_void {
    // SAFETY: `on` passes a Body.
    let body: Body = unsafe { std::mem::transmute(body) };
    body();
    std::ptr::null_mut()
}

/// Other modules' tests start the runtime too.
fn when_free<T>(start: impl Fn() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match start() {
            Err(Errno::EBUSY) => std::thread::sleep(std::time::Duration::from_millis(1)),
            done => return done,
        }
    }
}

/// Runs `body` as main with so many vCPUs, on each engine that works here.
fn on(vcpus: &[u32], body: Body) {
    let _turn = turn();
    for engine in [1, 2] {
        for &vcpus in vcpus {
            let config = Config { vcpus, engine, ..Config::default() };
            match when_free(|| run(config, call, body as *mut c_void)) {
                Ok(_) => {}
                Err(e) => assert!(engine == 1 && e == Errno::ENOSYS, "{engine} {vcpus}: {e:?}"),
            }
        }
    }
}

fn go(entry: TaskEntry, arg: usize) -> u64 {
    spawn(&Attr::default(), entry, arg as *mut c_void).expect("spawn")
}

fn go_on(vcpu: u32, flags: u32, entry: TaskEntry, arg: usize) -> u64 {
    let attr = Attr { vcpu, flags, ..Attr::default() };
    spawn(&attr, entry, arg as *mut c_void).expect("spawn")
}

fn join(co: u64) -> usize {
    wait::join(co, -1).expect("join") as usize
}

unsafe extern "C" fn plus_one(arg: *mut c_void) -> *mut c_void {
    (arg as usize + 1) as *mut c_void
}

unsafe extern "C" fn yields(arg: *mut c_void) -> *mut c_void {
    for _ in 0..arg as usize {
        sched::yield_now();
    }
    arg
}

#[test]
fn spawn_and_join() {
    on(&[1, 2], || {
        for i in 0..10_000 {
            assert_eq!(join(go(plus_one, i)), i + 1);
        }
        let all: Vec<u64> = (0..10_000).map(|i| go(plus_one, i)).collect();
        for (i, co) in all.into_iter().enumerate() {
            assert_eq!(join(co), i + 1);
            assert_eq!(wait::join(co, 0), Err(Errno::ESRCH));
        }
    });
}

#[test]
fn children_run_in_the_order_of_their_spawning() {
    static SEEN: Mutex<Vec<usize>> = Mutex::new(Vec::new());
    unsafe extern "C" fn note(arg: *mut c_void) -> *mut c_void {
        SEEN.lock().expect("plain").push(arg as usize);
        arg
    }
    on(&[1], || {
        SEEN.lock().expect("plain").clear();
        let all: Vec<u64> = (0..600).map(|i| go(note, i)).collect();
        all.into_iter().for_each(|co| assert!(wait::join(co, -1).is_ok()));
        let seen = SEEN.lock().expect("plain");
        assert!(seen.iter().copied().eq(0..600), "{:?}", &seen[..20]);
    });
}

/// A chain in which each spawns the next: it must not keep others from running.
#[test]
fn a_chain_of_spawns_starves_nobody() {
    static STOP: AtomicUsize = AtomicUsize::new(0);
    unsafe extern "C" fn link(arg: *mut c_void) -> *mut c_void {
        if STOP.load(Relaxed) == 0 {
            let next = Attr { flags: flags::DETACHED, ..Attr::default() };
            spawn(&next, link, arg).expect("spawn");
        }
        arg
    }
    on(&[1], || {
        STOP.store(0, Relaxed);
        let other = go(yields, 100);
        go(link, 0);
        assert_eq!(join(other), 100);
        STOP.store(1, Relaxed);
    });
}

#[test]
fn stolen_and_moved_coroutines_keep_their_state() {
    unsafe extern "C" fn wander(arg: *mut c_void) -> *mut c_void {
        let mut sum = 0usize;
        for i in 0..200 {
            sum = sum.wrapping_mul(31).wrapping_add(i ^ arg as usize);
            if i % 3 == 0 {
                migrate(current(), 0, 1 + (i / 3) as u32 % 2).expect("migratable");
                assert_eq!(vcpu_self(), 1 + (i / 3) as u32 % 2);
            } else if i % 7 == 0 {
                assert_eq!(wait::sleep(1000), Ok(()));
            } else {
                sched::yield_now();
            }
        }
        sum as *mut c_void
    }
    on(&[2], || {
        let expected = |arg: usize| {
            (0..200usize).fold(0usize, |s, i| s.wrapping_mul(31).wrapping_add(i ^ arg))
        };
        let all: Vec<u64> = (0..200).map(|i| go_on(0, flags::MIGRATABLE, wander, i)).collect();
        for (i, co) in all.into_iter().enumerate() {
            assert_eq!(join(co), expected(i));
        }
        assert!(stats().is_ok_and(|s| s.migrated > 1000 && s.live == 1));
    });
}

/// Joins from every direction while the joined one moves: local joiners become joiners from
/// elsewhere.
#[test]
fn joined_while_it_moves() {
    unsafe extern "C" fn restless(arg: *mut c_void) -> *mut c_void {
        for i in 0..20 {
            if (arg as usize + i).is_multiple_of(2) {
                migrate(current(), 0, 1 + (i % 2) as u32).expect("migratable");
            } else {
                sched::yield_now();
            }
        }
        arg
    }
    unsafe extern "C" fn joiner(arg: *mut c_void) -> *mut c_void {
        for i in 0..50 {
            let co = go_on(0, flags::MIGRATABLE, restless, i);
            // Some give up and come again.
            while let Err(e) = wait::join(co, if i % 3 == 0 { 2_000 } else { -1 }) {
                assert_eq!(e, Errno::ETIMEDOUT);
            }
        }
        arg
    }
    on(&[2], || {
        let all: Vec<u64> =
            (0..20).map(|i| go_on(1 + i % 2, (i % 4 / 2) * flags::MIGRATABLE, joiner, 0)).collect();
        all.into_iter().for_each(|co| assert_eq!(join(co), 0));
    });
}

/// Lost wake-ups: two coroutines on two vCPUs, and a plain thread, hand a token round.
#[test]
fn parks_and_unparks_across_threads() {
    static WHO: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];
    const ROUNDS: usize = 3_000;
    unsafe extern "C" fn player(arg: *mut c_void) -> *mut c_void {
        let me = arg as usize;
        WHO[me].store(current(), Release);
        while WHO[1 - me].load(Acquire) == 0 {
            sched::yield_now();
        }
        for _ in 0..ROUNDS {
            if me == 0 {
                unpark(WHO[1].load(Relaxed)).expect("alive");
            }
            wait::park(-1).expect("unparked");
            if me == 1 {
                unpark(WHO[0].load(Relaxed)).expect("alive");
            }
        }
        arg
    }
    on(&[1, 2], || {
        WHO.iter().for_each(|w| w.store(0, Relaxed));
        let second = 1 + u32::from(group_vcpus(0) == Ok(2));
        let (a, b) = (go_on(1, 0, player, 0), go_on(second, 0, player, 1));
        assert_eq!((join(a), join(b)), (0, 1));
    });
}

#[test]
fn stops_reach_a_coroutine_wherever_it_is() {
    static INTERRUPTS: AtomicUsize = AtomicUsize::new(0);
    unsafe extern "C" fn victim(_: *mut c_void) -> *mut c_void {
        loop {
            match wait::park(-1) {
                Err(Errno::EINTR) => INTERRUPTS.fetch_add(1, Relaxed),
                Err(Errno::ECANCELED) => return std::ptr::null_mut(),
                other => panic!("{other:?}"),
            };
        }
    }
    unsafe extern "C" fn busy(_: *mut c_void) -> *mut c_void {
        while !cancel_pending() {
            sched::yield_now();
        }
        assert_eq!(wait::sleep(-1), Err(Errno::ECANCELED));
        assert_eq!(cancel_clear(), Ok(true));
        assert_eq!(wait::sleep(1), Ok(()));
        std::ptr::null_mut()
    }
    on(&[1, 2], || {
        INTERRUPTS.store(0, Relaxed);
        let last = group_vcpus(0).expect("up") as u32;
        for vcpu in 1..=last {
            let (v, b) = (go_on(vcpu, 0, victim, 0), go_on(vcpu, 0, busy, 0));
            interrupt(v, libc::EINTR).expect("alive");
            while INTERRUPTS.load(Relaxed) != vcpu as usize {
                sched::yield_now();
            }
            cancel(v).expect("alive");
            cancel(b).expect("alive");
            assert_eq!((join(v), join(b)), (0, 0));
            assert_eq!(cancel(v), Err(Errno::ESRCH));
        }
    });
}

#[test]
fn nothing_wakes_early() {
    unsafe extern "C" fn sleeper(arg: *mut c_void) -> *mut c_void {
        let ns = arg as i64;
        let at = now() + ns;
        wait::sleep(ns).expect("slept");
        assert!(now() >= at, "early by {}", at - now());
        arg
    }
    on(&[1, 2], || {
        let rng = rng::Rng::new(1);
        let all: Vec<u64> =
            (0..2000).map(|_| go(sleeper, 1 + (rng.next() % 30_000_000) as usize)).collect();
        all.into_iter().for_each(|co| assert!(wait::join(co, -1).is_ok()));
    });
}

#[test]
fn plain_threads_spawn_join_and_shut_down() {
    static STOP: AtomicUsize = AtomicUsize::new(0);
    unsafe extern "C" fn spin(_: *mut c_void) -> *mut c_void {
        while STOP.load(Relaxed) == 0 {
            sched::yield_now();
        }
        std::ptr::null_mut()
    }
    unsafe extern "C" fn for_ever(_: *mut c_void) -> *mut c_void {
        assert_eq!(wait::sleep(-1), Err(Errno::ECANCELED));
        std::ptr::null_mut()
    }
    let _turn = turn();
    for _ in 0..5 {
        when_free(|| init(Config { vcpus: 2, ..Config::default() })).expect("init");
        assert_eq!(init(Config::default()), Err(Errno::EBUSY));
        let threads: Vec<_> = (0..3)
            .map(|_| {
                std::thread::spawn(|| {
                    for i in 0..2000 {
                        assert_eq!(join(go(plus_one, i)), i + 1);
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|t| t.join().expect("no panic"));
        STOP.store(0, Relaxed);
        let (spinner, sleeper) = (go(spin, 0), go(for_ever, 0));
        assert_eq!(shutdown(1_000_000), Err(Errno::ETIMEDOUT));
        assert_eq!(shutdown(0), Err(Errno::EAGAIN));
        cancel(sleeper).expect("alive");
        assert_eq!(join(sleeper), 0);
        assert_eq!(wait::join(spinner, 0), Err(Errno::EAGAIN));
        STOP.store(1, Relaxed);
        shutdown(-1).expect("drained");
        assert_eq!(stats().map(|s| s.live), Err(Errno::ESRCH));
        assert_eq!(shutdown(-1), Err(Errno::ESRCH));
    }
}

/// The exported functions that leave in two halves, in miniature: the ABI's are these.
mod halves {
    use super::*;
    use crate::arch::Step;
    use crate::sync::{Semaphore, Take};
    use crate::wait::step;
    use std::ffi::c_int;

    #[unsafe(naked)]
    extern "C" fn park_by_halves(timeout_ns: i64) -> c_int {
        crate::blocking_body!(begin = wait::begin_park, end = wait::resume_park, frame = 2)
    }

    #[unsafe(naked)]
    extern "C" fn take_by_halves(s: *const Semaphore, n: u32, timeout_ns: i64) -> c_int {
        crate::blocking_body!(begin = begin_take, end = step::resume::<Take>, frame = 4)
    }

    unsafe extern "C" fn begin_take(
        s: *const Semaphore,
        n: u32,
        timeout_ns: i64,
        frame: *mut u8,
    ) -> Step {
        // SAFETY: the tests' semaphores are static.
        unsafe { (*s).begin_wait(n, timeout_ns, frame) }
    }

    #[test]
    fn two_pass_a_token_through_semaphores() {
        static SEMS: [Semaphore; 2] = [Semaphore::new(), Semaphore::new()];
        const ROUNDS: usize = 3_000;
        unsafe extern "C" fn player(arg: *mut c_void) -> *mut c_void {
            let me = arg as usize;
            let mut sum = 0.5;
            for i in 0..ROUNDS {
                assert_eq!(take_by_halves(&SEMS[me], 1, if i % 2 == 0 { -1 } else { 1 << 40 }), 0);
                // Callee-saved registers, floating-point ones too, survive.
                sum += i as f64;
                SEMS[1 - me].post(1).expect("few");
            }
            sum as usize as *mut c_void
        }
        on(&[1, 2], || {
            let second = 1 + u32::from(group_vcpus(0) == Ok(2));
            let (a, b) = (go_on(1, 0, player, 0), go_on(second, 0, player, 1));
            SEMS[0].post(1).expect("few");
            let sum = ROUNDS * (ROUNDS - 1) / 2;
            assert_eq!((join(a), join(b)), (sum, sum));
            assert_eq!(take_by_halves(&SEMS[0], 1, 0), 0);
            assert_eq!(take_by_halves(&SEMS[0], 1, 0), -libc::EAGAIN);
        });
    }

    #[test]
    fn stops_and_deadlines_come_through() {
        static SEM: Semaphore = Semaphore::new();
        static STEP: AtomicUsize = AtomicUsize::new(0);
        unsafe extern "C" fn victim(arg: *mut c_void) -> *mut c_void {
            let wait = |t: i64| match arg as usize {
                0 => park_by_halves(t),
                _ => take_by_halves(&SEM, 2, t),
            };
            assert_eq!(wait(0), -libc::EAGAIN);
            assert_eq!(wait(-7), -libc::EINVAL);
            assert_eq!(wait(1_000), -libc::ETIMEDOUT);
            STEP.store(1, Release);
            assert_eq!(wait(-1), -libc::EINTR);
            STEP.store(2, Release);
            assert_eq!(wait(1 << 40), -libc::ECANCELED);
            assert_eq!(wait(-1), -libc::ECANCELED);
            std::ptr::null_mut()
        }
        on(&[1, 2], || {
            for (flags, kind) in [(0, 0), (0, 1), (flags::SAVE_FP, 0), (flags::SAVE_FP, 1)] {
                let last = group_vcpus(0).expect("up") as u32;
                let co = go_on(last, flags, victim, kind);
                for step in [1, 2] {
                    // Waits with a deadline as well, here.
                    while STEP.load(Acquire) != step {
                        assert_eq!(take_by_halves(&SEM, 1, 500_000), -libc::ETIMEDOUT);
                    }
                    let asked = if step == 1 { interrupt(co, libc::EINTR) } else { cancel(co) };
                    asked.expect("alive");
                }
                join(co);
            }
            assert_eq!(park_by_halves(0), -libc::EAGAIN);
        });
        assert_eq!(park_by_halves(0), -libc::EPERM, "a plain thread");
        assert_eq!(take_by_halves(&SEM, 1, 1_000), -libc::ETIMEDOUT);
        SEM.post(1).expect("few");
        assert_eq!(take_by_halves(&SEM, 1, -1), 0);
    }
}
