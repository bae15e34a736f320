//! What the stacks ask of the system: address space, guards, giving pages back. Each function is one system
//! call, or two.
//!
//! Duties: `map` (readable, writable, committed by touch, no huge pages), `unmap`, `guard_light` (a guard
//! without a mapping of its own; where there is none, EINVAL), `guard_protect`, `discard` (pages back,
//! addresses kept, guards kept), `page_bytes`, `mappings_max`.
#![allow(unsafe_code)]

use crate::err::Errno;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Bytes of a page.
pub fn page_bytes() -> usize {
    static PAGE: AtomicUsize = AtomicUsize::new(0);
    match PAGE.load(Relaxed) {
        0 => {
            // SAFETY: sysconf has no preconditions.
            let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) }.max(4096) as usize;
            PAGE.store(page, Relaxed);
            page
        }
        page => page,
    }
}

/// Reserves `len` bytes, a multiple of the page. ENOMEM when there is no address space left.
pub fn map(len: usize) -> Result<*mut u8, Errno> {
    #[cfg(target_os = "linux")]
    let extra = libc::MAP_STACK | libc::MAP_NORESERVE;
    #[cfg(not(target_os = "linux"))]
    let extra = libc::MAP_NORESERVE;
    // SAFETY: a new private mapping where the kernel likes; nothing existing is touched.
    let at = unsafe {
        let prot = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANON | extra;
        libc::mmap(std::ptr::null_mut(), len, prot, flags, -1, 0)
    };
    if at == libc::MAP_FAILED {
        return Err(Errno::last());
    }
    #[cfg(target_os = "linux")]
    // SAFETY: our own mapping. It fails only where the kernel has no huge pages to refuse.
    unsafe {
        libc::madvise(at, len, libc::MADV_NOHUGEPAGE);
    }
    Ok(at.cast())
}

/// Undoes [`map`]. ENOMEM when that would split a mapping and the process has too many; it is all
/// still there then.
///
/// # Safety
/// The range came from [`map`] and nobody uses it any more.
pub unsafe fn unmap(at: *mut u8, len: usize) -> Result<(), Errno> {
    // SAFETY: the caller's contract.
    if unsafe { libc::munmap(at.cast(), len) } == 0 { Ok(()) } else { Err(Errno::last()) }
}

/// MADV_GUARD_INSTALL (Linux 6.13): page-table markers, no mapping of their own.
#[cfg(target_os = "linux")]
const GUARD_INSTALL: libc::c_int = 102;

/// Makes every access of the range fault, without splitting the mapping. EINVAL where the kernel cannot.
///
/// # Safety
/// The range is part of a [`map`] and nobody uses it.
#[cfg(target_os = "linux")]
pub unsafe fn guard_light(at: *mut u8, len: usize) -> Result<(), Errno> {
    // The kernel gives up with EAGAIN or EINTR when faults or signals keep it from finishing.
    for _ in 0..100 {
        // SAFETY: the caller's contract.
        if unsafe { libc::madvise(at.cast(), len, GUARD_INSTALL) } == 0 {
            return Ok(());
        }
        match Errno::last() {
            Errno::EAGAIN | Errno::EINTR => {}
            e => return Err(e),
        }
    }
    Err(Errno::ENOMEM)
}

/// No such thing here.
///
/// # Safety
/// None needed.
#[cfg(not(target_os = "linux"))]
pub unsafe fn guard_light(_at: *mut u8, _len: usize) -> Result<(), Errno> {
    Err(Errno::EINVAL)
}

/// Whether [`guard_light`] does what it says, tried on a page of its own. Emulators accept any advice and
/// ignore it, so the page is then offered to a system call, which must find it unusable.
pub fn light_guards_work() -> bool {
    #[cfg(target_os = "linux")]
    {
        let len = page_bytes();
        let Ok(page) = map(len) else { return false };
        // SAFETY: our own page, used by nobody else; the system call writes a timespec to it or fails.
        unsafe {
            let works = guard_light(page, len).is_ok()
                && libc::syscall(libc::SYS_clock_gettime, libc::CLOCK_MONOTONIC, page) == -1
                && Errno::last() == Errno::EFAULT;
            // Should this fail, one page of address space is lost.
            let _ = unmap(page, len);
            works
        }
    }
    #[cfg(not(target_os = "linux"))]
    false
}

/// Makes every access of the range fault by taking its permissions away. Splits the mapping: ENOMEM when
/// the process has too many.
///
/// # Safety
/// The range is part of a [`map`] and nobody uses it.
pub unsafe fn guard_protect(at: *mut u8, len: usize) -> Result<(), Errno> {
    // SAFETY: the caller's contract.
    if unsafe { libc::mprotect(at.cast(), len, libc::PROT_NONE) } == 0 {
        Ok(())
    } else {
        Err(Errno::last())
    }
}

/// Gives the pages of the range back; it reads as zero afterwards, or (not on Linux) as before until the
/// system wants the pages. A failure leaves them as they were, which only costs memory.
///
/// # Safety
/// The range is part of a [`map`] and its content is nobody's.
pub unsafe fn discard(at: *mut u8, len: usize) {
    #[cfg(target_os = "linux")]
    let advice = libc::MADV_DONTNEED;
    #[cfg(not(target_os = "linux"))]
    let advice = libc::MADV_FREE;
    // SAFETY: the caller's contract.
    unsafe { libc::madvise(at.cast(), len, advice) };
}

/// How many mappings the process may have; a very large number where there is no such limit.
pub fn mappings_max() -> usize {
    if !cfg!(target_os = "linux") {
        return usize::MAX;
    }
    let text = std::fs::read_to_string("/proc/sys/vm/max_map_count").unwrap_or_default();
    text.trim().parse().unwrap_or(65_530)
}
