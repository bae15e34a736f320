//! L0: which CPUs a thread runs on.
//!
//! A pinned group binds each of its threads to one CPU of those that the process may use. A new
//! thread inherits its maker's binding, so every thread of the runtime that is not to be bound says
//! so when it begins ([`unbound`]); that costs nothing until the first thread has been bound.
//!
//! The process's CPUs are its main thread's. Where the system has no such binding (macOS), or more
//! CPUs than a mask of the C library holds, threads stay free.
#![allow(unsafe_code)]

#[cfg(target_os = "linux")]
mod sys {
    use std::sync::atomic::{AtomicBool, Ordering::*};

    /// Whether any thread has been bound.
    static BOUND: AtomicBool = AtomicBool::new(false);

    fn main_threads() -> Option<libc::cpu_set_t> {
        // SAFETY: a zeroed mask is an empty one; the call fills it.
        unsafe {
            let mut set: libc::cpu_set_t = std::mem::zeroed();
            let r = libc::sched_getaffinity(libc::getpid(), size_of_val(&set), &raw mut set);
            (r == 0).then_some(set)
        }
    }

    fn apply(set: &libc::cpu_set_t) -> bool {
        // SAFETY: a valid mask; 0 is the calling thread.
        unsafe { libc::sched_setaffinity(0, size_of_val(set), set) == 0 }
    }

    /// The numbers of the CPUs that the process may use.
    pub fn cpus() -> Vec<usize> {
        let Some(set) = main_threads() else { return Vec::new() };
        // SAFETY: every number is below the mask's size.
        (0..libc::CPU_SETSIZE as usize).filter(|&c| unsafe { libc::CPU_ISSET(c, &set) }).collect()
    }

    /// Whether the calling thread is bound to one CPU.
    pub fn single() -> bool {
        // SAFETY: a zeroed mask is an empty one; the call fills it, and 0 is the calling thread.
        unsafe {
            let mut set: libc::cpu_set_t = std::mem::zeroed();
            let r = libc::sched_getaffinity(0, size_of_val(&set), &raw mut set);
            r == 0 && libc::CPU_COUNT(&set) == 1
        }
    }

    /// Binds the calling thread to a CPU. False: it is not bound.
    pub fn bind(cpu: usize) -> bool {
        BOUND.store(true, Relaxed);
        // SAFETY: as above; CPU_SET ignores numbers beyond the mask's size.
        unsafe {
            let mut set: libc::cpu_set_t = std::mem::zeroed();
            libc::CPU_SET(cpu, &mut set);
            apply(&set)
        }
    }

    /// The calling thread, which has just begun, runs wherever the process may.
    pub fn unbound() {
        if BOUND.load(Relaxed)
            && let Some(set) = main_threads()
        {
            // Otherwise it stays where its maker is.
            let _ = apply(&set);
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod sys {
    /// The numbers of the CPUs that the process may use.
    pub fn cpus() -> Vec<usize> {
        (0..std::thread::available_parallelism().map_or(1, usize::from)).collect()
    }

    /// Whether the calling thread is bound to one CPU.
    pub fn single() -> bool {
        false
    }

    /// Binds the calling thread to a CPU. False: it is not bound.
    pub fn bind(_: usize) -> bool {
        false
    }

    /// The calling thread, which has just begun, runs wherever the process may.
    pub fn unbound() {}
}

pub use sys::{bind, cpus, single, unbound};

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_bound_threads_children_can_be_free() {
        let all = cpus();
        assert!(!all.is_empty());
        let last = all[all.len() - 1];
        let mine = || {
            // SAFETY: an empty mask, filled by the call for the calling thread.
            unsafe {
                let mut set: libc::cpu_set_t = std::mem::zeroed();
                libc::sched_getaffinity(0, size_of_val(&set), &raw mut set);
                libc::CPU_COUNT(&set) as usize
            }
        };
        let t = std::thread::spawn(move || {
            assert_eq!(single(), mine() == 1);
            assert!(bind(last) && single());
            assert_eq!(mine(), 1);
            let child = std::thread::spawn(move || {
                assert_eq!(mine(), 1);
                unbound();
                mine()
            });
            child.join().unwrap()
        });
        assert_eq!(t.join().unwrap(), all.len());
    }
}
