//! Memory that a caller names and that may not be there: read and written by the system, so that a
//! bad address is an error and no crash. For what the runtime itself must look at; what only the
//! system looks at, it checks by itself.
#![allow(unsafe_code)]

use crate::err::Errno;
use std::mem::MaybeUninit;

/// What is at an address, aligned or not. EFAULT: nothing that can be read.
///
/// # Safety
/// Any bytes are a valid T.
pub unsafe fn fetch<T: Copy>(from: *const T) -> Result<T, Errno> {
    let mut value = MaybeUninit::<T>::uninit();
    copy(value.as_mut_ptr().cast(), from.cast(), size_of::<T>(), false)?;
    // SAFETY: all its bytes have been copied, and any are valid.
    Ok(unsafe { value.assume_init() })
}

/// Writes a value, or the first `len` bytes of it, to an address, aligned or not. EFAULT: it can't
/// be written, and part of it may have been.
pub fn store<T: Copy>(to: *mut T, value: &T, len: usize) -> Result<(), Errno> {
    copy(to.cast(), std::ptr::from_ref(value).cast(), len.min(size_of::<T>()), true)
}

/// `out`: it is `to` that may not be there, else `from`.
#[cfg(target_os = "linux")]
fn copy(to: *mut u8, from: *const u8, len: usize, out: bool) -> Result<(), Errno> {
    let (theirs, ours) = if out { (to, from.cast_mut()) } else { (from.cast_mut(), to) };
    let [ours, theirs] = [ours, theirs].map(|p| libc::iovec { iov_base: p.cast(), iov_len: len });
    // SAFETY: one iovec each; `ours` is memory of the caller's frame, the system checks the other.
    let r = unsafe {
        let call = if out { libc::process_vm_writev } else { libc::process_vm_readv };
        Errno::check(call(libc::getpid(), &raw const ours, 1, &raw const theirs, 1, 0) as i64)
    };
    match r {
        Ok(n) if n as usize == len => Ok(()),
        Ok(_) | Err(Errno::EFAULT) => Err(Errno::EFAULT),
        // A sandbox forbids it, or an emulator does not know it.
        Err(_) => unchecked(to, from, len),
    }
}

/// `vm_read_overwrite` copies within a task too, and gives an error for either address.
#[cfg(target_vendor = "apple")]
fn copy(to: *mut u8, from: *const u8, len: usize, _out: bool) -> Result<(), Errno> {
    unsafe extern "C" {
        static mach_task_self_: u32;
        fn vm_read_overwrite(t: u32, from: usize, len: usize, to: usize, n: *mut usize) -> i32;
    }
    let mut n = 0;
    // SAFETY: the system checks both addresses; `n` is ours.
    let r = unsafe {
        vm_read_overwrite(mach_task_self_, from.addr(), len, to.expose_provenance(), &raw mut n)
    };
    if r == 0 && n == len { Ok(()) } else { Err(Errno::EFAULT) }
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn copy(to: *mut u8, from: *const u8, len: usize, _out: bool) -> Result<(), Errno> {
    unchecked(to, from, len)
}

#[cfg(not(target_vendor = "apple"))]
fn unchecked(to: *mut u8, from: *const u8, len: usize) -> Result<(), Errno> {
    // No memory is ever mapped there.
    const FIRST: usize = 4096;
    if to.addr() < FIRST || from.addr() < FIRST {
        return Err(Errno::EFAULT);
    }
    // SAFETY: the caller of the API vouches for the memory.
    unsafe { std::ptr::copy_nonoverlapping(from, to, len) };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_and_what_is_not() {
        let nowhere = std::ptr::without_provenance_mut::<u64>(16);
        let mut word = 7u64;
        // SAFETY: any bytes are a u64.
        unsafe {
            assert_eq!(fetch(&raw const word), Ok(7));
            assert_eq!(fetch(nowhere), Err(Errno::EFAULT));
        }
        assert_eq!(store(&raw mut word, &u64::MAX, 4), Ok(()));
        assert_eq!(word.to_ne_bytes(), [255, 255, 255, 255, 0, 0, 0, 0].map(|b: u8| b));
        assert_eq!(store(nowhere, &1, 8), Err(Errno::EFAULT));
        if std::env::var_os("PHOTONRT_EMULATED").is_some() {
            // The emulator lacks the system call: addresses are not checked any further.
            return;
        }
        let constant: &'static u64 = &5;
        assert_eq!(store(std::ptr::from_ref(constant).cast_mut(), &6, 8), Err(Errno::EFAULT));
        assert_eq!(*constant, 5, "memory that can only be read");
    }
}
