//! What the stacks ask of the system: address space, guards, giving pages back. Each function is one system
//! call, or two.
//!
//! Duties: `map` (readable, writable, committed by touch, no huge pages), `unmap`, `guard_light` (a guard
//! without a mapping of its own; where there is none, EINVAL), `guard_protect`, `discard` (pages back,
//! addresses kept, guards kept), `page_bytes`, `mappings_max`; and for many stacks in one call, where the
//! system has such a call, else for none of them: `guard_light_each`, `commit_each`.
#![allow(unsafe_code)]

use crate::err::Errno;
#[cfg(target_os = "linux")]
use std::sync::atomic::AtomicBool;
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

/// Most ranges that [`guard_light_each`] and [`commit_each`] take.
pub const RANGES: usize = 64;

/// A range of memory, as the system wants a number of them.
pub type Range = libc::iovec;

/// Up to [`RANGES`] of them.
pub struct Ranges {
    list: [Range; RANGES],
    len: usize,
}

impl Ranges {
    pub fn new() -> Ranges {
        let none = Range { iov_base: std::ptr::null_mut(), iov_len: 0 };
        Ranges { list: [none; RANGES], len: 0 }
    }

    /// One more.
    pub fn push(&mut self, (at, len): (*mut u8, usize)) {
        self.list[self.len] = Range { iov_base: at.cast(), iov_len: len };
        self.len += 1;
    }

    pub fn list(&self) -> &[Range] {
        &self.list[..self.len]
    }
}

/// MADV_POPULATE_WRITE (Linux 5.14): as if each page of the range had been written to.
#[cfg(target_os = "linux")]
const POPULATE_WRITE: libc::c_int = 23;

/// PIDFD_SELF_THREAD_GROUP (Linux 6.14): this process, without a descriptor for it.
#[cfg(target_os = "linux")]
const THIS_PROCESS: libc::c_int = -10_001;

/// Gives advice about each of the ranges in one system call; how many it was done for, the first ones.
/// process_madvise takes any advice for one's own memory since Linux 6.13. Where there is none it is not
/// tried again.
///
/// # Safety
/// As for the same advice about each.
#[cfg(target_os = "linux")]
unsafe fn advise_each(ranges: &[Range], advice: libc::c_int) -> usize {
    static REFUSED: AtomicBool = AtomicBool::new(false);
    if REFUSED.load(Relaxed) || ranges.is_empty() {
        return 0;
    }
    let (list, count) = (ranges.as_ptr(), ranges.len());
    // SAFETY: the caller's contract; the kernel reads the list.
    let done =
        unsafe { libc::syscall(libc::SYS_process_madvise, THIS_PROCESS, list, count, advice, 0) };
    if done < 0 {
        let for_good = matches!(
            Errno::last(),
            Errno::ENOSYS | Errno::EPERM | Errno::EACCES | Errno::EBADF | Errno::EINVAL
        );
        REFUSED.store(for_good, Relaxed);
        return 0;
    }
    // Bytes, of whole ranges.
    let mut left = done as usize;
    let whole = |r: &&Range| {
        left.checked_sub(r.iov_len).is_some_and(|l| {
            left = l;
            true
        })
    };
    ranges.iter().take_while(whole).count()
}

#[cfg(not(target_os = "linux"))]
unsafe fn advise_each(_ranges: &[Range], _advice: libc::c_int) -> usize {
    0
}

#[cfg(not(target_os = "linux"))]
const GUARD_INSTALL: libc::c_int = 0;
#[cfg(not(target_os = "linux"))]
const POPULATE_WRITE: libc::c_int = 0;

/// [`guard_light`] for several: for the first so many.
///
/// # Safety
/// As [`guard_light`], for each.
pub unsafe fn guard_light_each(ranges: &[Range]) -> usize {
    // SAFETY: the caller's contract.
    unsafe { advise_each(ranges, GUARD_INSTALL) }
}

/// Commits the pages of the ranges, of the first so many.
pub fn commit_each(ranges: &[Range]) -> usize {
    // SAFETY: it changes no content, and what is not mapped or not writable makes it fail.
    unsafe { advise_each(ranges, POPULATE_WRITE) }
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
