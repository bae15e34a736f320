//! Alarms on running vCPUs: from their home, from another vCPU and from plain threads.

use super::*;
use crate::rt::{self, Config};
use crate::task::Attr;
use crate::wait;
use std::ffi::c_void;
use std::sync::atomic::{AtomicI64, AtomicU64};

const MS: i64 = 1_000_000;

static FIRED: AtomicU64 = AtomicU64::new(0);
static LAST: AtomicI64 = AtomicI64::new(0);
/// The tests of this file use the above by turns.
static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());

fn note(n: u64) {
    LAST.store(time::now(), Relaxed);
    FIRED.fetch_add(n, Relaxed);
}

fn fired() -> u64 {
    FIRED.load(Relaxed)
}

unsafe extern "C" fn call(body: *mut c_void) -> *mut c_void {
    // SAFETY: `on` and `on_vcpu` pass a fn().
    let body: fn() = unsafe { std::mem::transmute(body) };
    body();
    std::ptr::null_mut()
}

fn on(vcpus: u32, body: fn()) {
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    FIRED.store(0, Relaxed);
    let config = Config { vcpus, ..Config::default() };
    while let Err(e) = rt::run(config, call, body as *mut c_void) {
        // A test of another layer has the runtime.
        assert_eq!(e, Errno::EBUSY);
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

/// Runs `body` on a vCPU of the default group.
fn on_vcpu(vcpu: u32, body: fn()) {
    let attr = Attr { vcpu, ..Attr::default() };
    let co = rt::spawn(&attr, call, body as *mut c_void).unwrap();
    wait::join(co, -1).unwrap();
}

fn until(n: u64) {
    while fired() != n {
        wait::sleep(MS / 4).unwrap();
    }
}

#[test]
fn fires_once_never_early_and_again_when_set_again() {
    on(1, || {
        let a = Alarm::new(near().unwrap(), note, 1).unwrap();
        for i in 1..=3 {
            let at = time::now() + MS;
            a.set(at);
            until(i);
            assert!(LAST.load(Relaxed) >= at);
            assert!(!a.is_set() && !a.clear());
        }
        a.free();
        wait::sleep(3 * MS).unwrap();
        assert_eq!(fired(), 3);
    });
}

#[test]
fn the_last_time_counts() {
    on(1, || {
        let a = Alarm::new(near().unwrap(), note, 1).unwrap();
        let far = time::now() + 3_600_000 * MS;
        a.set(far);
        let at = time::now() + MS;
        a.set(at);
        until(1);
        // Put off: it comes up, finds that, and waits on.
        let at = time::now() + 8 * MS;
        a.set(at - 6 * MS);
        a.set(at);
        until(2);
        assert!(LAST.load(Relaxed) >= at);
        a.set(time::now() + MS);
        assert!(a.clear() && !a.clear());
        a.set(far);
        a.free();
        wait::sleep(3 * MS).unwrap();
        assert_eq!(fired(), 2);
    });
}

static HOME: AtomicPtr<VCpu> = AtomicPtr::new(std::ptr::null_mut());

fn home() -> &'static VCpu {
    // SAFETY: the test stored one, and vCPUs are never freed.
    unsafe { &*HOME.load(Relaxed) }
}

#[test]
fn from_another_vcpu_and_from_a_thread() {
    fn elsewhere() {
        let a = Alarm::new(home(), note, 1).unwrap();
        let before = fired();
        for i in 1..=20 {
            a.set(time::now() + 3_600_000 * MS);
            a.set(time::now() + MS / 4);
            while fired() != before + i {
                std::thread::yield_now();
            }
        }
        a.set(time::now() + MS);
        assert!(a.clear());
        a.set(time::now() + MS);
        a.free();
    }
    on(2, || {
        HOME.store(std::ptr::from_ref(near().unwrap()).cast_mut(), Relaxed);
        let other = 3 - rt::vcpu_self();
        on_vcpu(other, elsewhere);
        let t = std::thread::spawn(elsewhere);
        while !t.is_finished() {
            wait::sleep(MS / 4).unwrap();
        }
        t.join().unwrap();
        wait::sleep(3 * MS).unwrap();
        assert_eq!(fired(), 40);
    });
}

/// Freed from everywhere while they fire: each block is somebody's or free, never both, or the
/// count would be wrong.
#[test]
fn set_and_freed_in_a_crowd() {
    fn many() {
        for round in 0..200 {
            let all: Vec<_> = (0..20).map(|_| Alarm::new(home(), note, 0).unwrap()).collect();
            let now = time::now();
            all.iter().enumerate().for_each(|(i, a)| a.set(now + i as i64 * 20_000));
            if round % 3 == 0 {
                wait::sleep(100_000).unwrap();
            }
            for (i, a) in all.into_iter().enumerate() {
                if i % 2 == 0 {
                    a.clear();
                }
                a.free();
            }
        }
        let a = Alarm::new(home(), note, 1).unwrap();
        a.set(time::now() + MS);
        wait::sleep(20 * MS).unwrap();
        a.free();
    }
    on(2, || {
        HOME.store(std::ptr::from_ref(near().unwrap()).cast_mut(), Relaxed);
        let attr = |vcpu| Attr { vcpu, ..Attr::default() };
        let run = |v| rt::spawn(&attr(v), call, many as fn() as *mut c_void).unwrap();
        let all = [run(1), run(2)];
        all.into_iter().for_each(|co| assert!(wait::join(co, -1).is_ok()));
        assert_eq!(fired(), 2);
    });
}

/// What is set when the runtime ends does not fire, and can be freed after it.
#[test]
fn its_home_may_end_first() {
    static LEFT: std::sync::Mutex<Vec<&'static Alarm>> = std::sync::Mutex::new(Vec::new());
    static LATE: AtomicU64 = AtomicU64::new(0);
    on(2, || {
        let fire = |n| assert_eq!(LATE.fetch_add(n, Relaxed), 0);
        let a = Alarm::new(near().unwrap(), fire, 1).unwrap();
        a.set(time::now() + 2 * MS);
        LEFT.lock().unwrap().push(a);
    });
    std::thread::sleep(std::time::Duration::from_millis(4));
    let a = LEFT.lock().unwrap().pop().unwrap();
    assert_eq!(LATE.load(Relaxed), 0);
    a.set(time::now() + 3_600_000 * MS);
    a.free();
    assert_eq!(LATE.load(Relaxed), 0);
}

#[test]
fn freed_while_it_is_set_it_is_in_no_wheel() {
    on(1, || {
        let v = near().unwrap();
        let before = v.wheel.len();
        for _ in 0..3 {
            let a = Alarm::new(v, note, 1).unwrap();
            a.set(time::now() + 3_600_000 * MS);
            assert_eq!(v.wheel.len(), before + 1);
            a.free();
            assert_eq!(v.wheel.len(), before);
        }
        assert_eq!(fired(), 0);
    });
}
