//! A system call without the C library's wrapper, for the few that every I/O call makes (Linux).
//!
//! ```text
//!              number  arguments               result   destroyed besides
//!   x86_64     rax     rdi rsi rdx r10 r8 r9   rax      rcx r11
//!   aarch64    x8      x0 x1 x2 x3 x4 x5       x0       -
//! ```
//! The result is what the kernel gives: -errno is an error. (Register use: syscall(2).)
//!
//! In a program with threads the C library's recv, send, preadv2 and the like are cancellation points: each
//! has two atomic exchanges around the system call, and comes through the PLT; a failure goes to errno and is
//! read from there. None of that is of any use here: nobody cancels a vCPU's thread. It is about 1 % of the
//! CPU time of an HTTP request under `ready`, which makes two such calls for each, and nothing that could
//! be measured under `uring`, which makes one.
#![allow(unsafe_code)]

use core::arch::asm;
use std::ffi::c_long;

/// System call `number` with six arguments; those that it doesn't have may be anything.
///
/// # Safety
/// As for the call itself. It is not one that returns twice or changes the stack (fork, clone).
#[inline(always)]
pub unsafe fn syscall(number: c_long, args: [usize; 6]) -> i64 {
    let [a, b, c, d, e, f] = args;
    let result: i64;
    // SAFETY: the caller's; what the kernel destroys is declared.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => result,
            in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d, in("r8") e, in("r9") f,
            lateout("rcx") _, lateout("r11") _,
            options(nostack)
        );
    }
    // SAFETY: as above.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        asm!(
            "svc #0",
            in("x8") number,
            inlateout("x0") a as i64 => result,
            in("x1") b, in("x2") c, in("x3") d, in("x4") e, in("x5") f,
            options(nostack)
        );
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_arguments_and_an_error() {
        // mmap takes six, and refuses a length of 0.
        let (prot, flags) = (libc::PROT_READ as usize, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        let map = |len| [0, len, prot, flags as usize, usize::MAX, 0];
        // SAFETY: a mapping of our own, wherever the system puts it.
        unsafe {
            assert_eq!(syscall(libc::SYS_mmap, map(0)), -i64::from(libc::EINVAL));
            let at = syscall(libc::SYS_mmap, map(4096));
            assert!(at > 0);
            assert_eq!((at as *const u64).read(), 0);
            assert_eq!(syscall(libc::SYS_munmap, [at as usize, 4096, 0, 0, 0, 0]), 0);
        }
    }

    #[test]
    fn what_the_kernel_destroys_is_not_kept() {
        // Enough values alive over the call for every register.
        let v: [u64; 16] = std::array::from_fn(|i| std::hint::black_box(i as u64 * 0x0101_0101));
        // SAFETY: touches no memory.
        let pid = unsafe { syscall(libc::SYS_getpid, [0; 6]) };
        assert_eq!(pid, i64::from(std::process::id()));
        let sum = v.iter().fold(0, |s: u64, &x| s.wrapping_mul(31).wrapping_add(x));
        let again =
            (0..16u64).fold(0, |s: u64, i| s.wrapping_mul(31).wrapping_add(i * 0x0101_0101));
        assert_eq!(sum, again);
    }
}
