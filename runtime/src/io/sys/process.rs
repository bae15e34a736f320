//! Children: what ended, without waiting for it.
#![allow(unsafe_code)]

use crate::err::Errno;
use std::ffi::c_int;
use std::mem::zeroed;

/// What wait4(2) tells of a child.
pub struct Child {
    /// Its number.
    pub pid: c_int,
    /// As the macros of `<sys/wait.h>` want it.
    pub status: c_int,
    /// What it has used.
    pub usage: libc::rusage,
}

impl std::fmt::Debug for Child {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut f = f.debug_struct("Child");
        f.field("pid", &self.pid).field("status", &self.status).finish_non_exhaustive()
    }
}

/// wait4(2) without waiting; `pid` and `options` as there. None: there are such children, and
/// nothing has happened to any. ECHILD: there is none.
pub fn try_wait(pid: c_int, options: c_int) -> Result<Option<Child>, Errno> {
    // SAFETY: all-zero is a valid rusage; both results are ours.
    unsafe {
        let (mut status, mut usage) = (0, zeroed());
        let options = options | libc::WNOHANG;
        let pid = libc::wait4(pid, &raw mut status, options, &raw mut usage);
        let pid = Errno::check(i64::from(pid))? as c_int;
        Ok((pid != 0).then_some(Child { pid, status, usage }))
    }
}

/// A descriptor that becomes readable when the process has ended, whatever becomes of its number
/// later. ENOSYS, EPERM (a sandbox), EMFILE, ...
#[cfg(target_os = "linux")]
pub fn open(pid: c_int) -> Result<c_int, Errno> {
    // SAFETY: touches no memory of ours.
    let fd = Errno::check(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })? as c_int;
    Ok(fd)
}

/// Nothing of the kind here.
#[cfg(not(target_os = "linux"))]
pub fn open(_pid: c_int) -> Result<c_int, Errno> {
    Err(Errno::ENOSYS)
}

/// [`try_wait`] for the end of the process behind a descriptor, which its number alone would not be
/// once another has reaped it.
#[cfg(target_os = "linux")]
pub fn try_wait_open(fd: c_int) -> Result<Option<Child>, Errno> {
    // SAFETY: all-zero is valid for both, and both are ours. The system call has one argument more
    // than libc's function.
    unsafe {
        let (mut info, mut usage) = (zeroed::<libc::siginfo_t>(), zeroed::<libc::rusage>());
        let options = libc::WEXITED | libc::WNOHANG;
        let usage_at = &raw mut usage;
        let call = libc::SYS_waitid;
        let r = libc::syscall(call, libc::P_PIDFD, fd, &raw mut info, options, usage_at);
        Errno::check(r)?;
        let (pid, code) = (info.si_pid(), info.si_status());
        let status = match info.si_code {
            libc::CLD_EXITED => (code & 0xff) << 8,
            libc::CLD_DUMPED => code | 0x80,
            _ => code,
        };
        Ok((pid != 0).then_some(Child { pid, status, usage }))
    }
}

/// Nothing of the kind here.
#[cfg(not(target_os = "linux"))]
pub fn try_wait_open(_fd: c_int) -> Result<Option<Child>, Errno> {
    Err(Errno::ENOSYS)
}
