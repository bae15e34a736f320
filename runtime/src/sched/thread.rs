//! The OS thread of a vCPU, as another thread sees it: whether it runs, how much CPU time it has had,
//! and a signal to it.
#![allow(unsafe_code)]

use super::vcpu::VCpu;
use std::ffi::c_int;
use std::sync::atomic::Ordering::*;

#[cfg(target_os = "linux")]
fn this_thread() -> usize {
    // By number: glibc has a function of that name since 2.30 only.
    // SAFETY: a plain system call.
    unsafe { libc::syscall(libc::SYS_gettid) as usize }
}

#[cfg(not(target_os = "linux"))]
fn this_thread() -> usize {
    // SAFETY: a plain call.
    unsafe { libc::pthread_self() as usize }
}

impl VCpu {
    /// Owner: its thread is the calling one.
    pub(super) fn note_thread(&self) {
        self.thread.store(this_thread(), Relaxed);
    }

    /// CPU time of its thread so far, in nanoseconds; none if it can't be told.
    pub fn cpu_time(&self) -> Option<i64> {
        #[cfg(target_os = "linux")]
        {
            let id = self.thread.load(Relaxed) as i32;
            // How Linux numbers a thread's clock (pthread_getcpuclockid gives the same).
            let clock = (!id << 3) | 6;
            // SAFETY: all zero is valid, and is filled in.
            unsafe {
                let mut t: libc::timespec = std::mem::zeroed();
                let got = id != 0 && libc::clock_gettime(clock, &raw mut t) == 0;
                got.then(|| t.tv_sec * 1_000_000_000 + t.tv_nsec)
            }
        }
        #[cfg(not(target_os = "linux"))]
        None
    }

    /// Whether the system has its thread blocked. False if that can't be told.
    pub fn is_blocked(&self) -> bool {
        if !cfg!(target_os = "linux") {
            return false;
        }
        let path = format!("/proc/self/task/{}/stat", self.thread.load(Relaxed));
        let stat = std::fs::read_to_string(path).unwrap_or_default();
        // After the name, which may hold anything, in brackets.
        let state = stat.rsplit(')').next().unwrap_or_default().trim_start();
        state.starts_with(['S', 'D'])
    }

    /// Sends its thread a signal; a thread that has gone gets none.
    pub fn signal(&self, signo: c_int) {
        let id = self.thread.load(Relaxed);
        #[cfg(target_os = "linux")]
        // SAFETY: plain system calls; a thread of this process or none.
        unsafe {
            libc::syscall(libc::SYS_tgkill, libc::getpid(), id as libc::pid_t, signo);
        }
        #[cfg(not(target_os = "linux"))]
        // SAFETY: vCPUs' threads end after what asks for this has stopped.
        unsafe {
            libc::pthread_kill(id as libc::pthread_t, signo);
        }
    }
}
