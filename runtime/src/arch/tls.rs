//! The thread's vCPU: one pointer-sized thread-local slot that a few instructions read.
//!
//! ```text
//!   Linux x86_64     mov r, [rip + photonrt_vcpu@GOTTPOFF]   offset from the thread pointer, a constant
//!                    mov r, fs:[r]                            after linking into an executable
//!   Linux aarch64    adrp/ldr :gottprel:, mrs tpidr_el0, ldr
//!   elsewhere        a thread_local! behind a function that is never inlined
//! ```
//!
//! Two things make this a slot of our own rather than a `thread_local!`:
//!
//! - A coroutine that migrates comes back from a switch on another thread. Compilers keep the *address* of
//!   a thread-local in a register across calls, the switch included, and then use the old thread's.
//!   The `asm!` here is not `pure`: each [`get`] reads the slot anew, and no address ever leaves it.
//! - The fast path of a yield is assembly and needs a name to read.
//!
//! Initial-exec means that the slot sits in the block which the loader gives each thread at its start, so
//! nothing is allocated on first use and reading is safe in a signal handler. A shared library that has
//! such a slot can still be opened with dlopen: it takes 8 bytes of the C library's reserve for that.
//!
//! Rejected: `#[thread_local]` (unstable), the local-exec model (not linkable into a shared library),
//! a register reserved for it (the platform ABI has none to spare).
#![allow(unsafe_code)]

#[cfg(target_os = "linux")]
mod imp {
    use core::arch::{asm, global_asm};

    // Hidden: one definition for each final library or program, never shared with another's runtime.
    global_asm!(
        ".pushsection .tbss.photonrt_vcpu, \"awT\", %nobits",
        ".p2align 3",
        ".globl photonrt_vcpu",
        ".hidden photonrt_vcpu",
        ".type photonrt_vcpu, %object",
        ".size photonrt_vcpu, 8",
        "photonrt_vcpu:",
        ".zero 8",
        ".popsection",
    );

    #[inline(always)]
    pub fn get() -> *mut u8 {
        let slot: *mut u8;
        // SAFETY: reads this thread's slot, which exists as long as the thread. Not `pure`, see the head.
        unsafe {
            #[cfg(target_arch = "x86_64")]
            asm!(
                "mov {r}, qword ptr [rip + photonrt_vcpu@GOTTPOFF]",
                "mov {r}, qword ptr fs:[{r}]",
                r = out(reg) slot,
                options(nostack, preserves_flags, readonly),
            );
            #[cfg(target_arch = "aarch64")]
            asm!(
                "adrp {r}, :gottprel:photonrt_vcpu",
                "ldr {r}, [{r}, #:gottprel_lo12:photonrt_vcpu]",
                "mrs {t}, tpidr_el0",
                "ldr {r}, [{t}, {r}]",
                r = out(reg) slot,
                t = out(reg) _,
                options(nostack, preserves_flags, readonly),
            );
        }
        slot
    }

    #[inline(always)]
    pub fn set(vcpu: *mut u8) {
        // SAFETY: writes this thread's slot and nothing else.
        unsafe {
            #[cfg(target_arch = "x86_64")]
            asm!(
                "mov {r}, qword ptr [rip + photonrt_vcpu@GOTTPOFF]",
                "mov qword ptr fs:[{r}], {v}",
                r = out(reg) _,
                v = in(reg) vcpu,
                options(nostack, preserves_flags),
            );
            #[cfg(target_arch = "aarch64")]
            asm!(
                "adrp {r}, :gottprel:photonrt_vcpu",
                "ldr {r}, [{r}, #:gottprel_lo12:photonrt_vcpu]",
                "mrs {t}, tpidr_el0",
                "str {v}, [{t}, {r}]",
                r = out(reg) _,
                t = out(reg) _,
                v = in(reg) vcpu,
                options(nostack, preserves_flags),
            );
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod imp {
    use core::cell::Cell;

    thread_local! {
        static VCPU: Cell<*mut u8> = const { Cell::new(core::ptr::null_mut()) };
    }

    // Never inlined: the address of VCPU stays inside, where no switch can happen.
    #[inline(never)]
    pub fn get() -> *mut u8 {
        VCPU.get()
    }

    #[inline(never)]
    pub fn set(vcpu: *mut u8) {
        VCPU.set(vcpu);
    }

    /// [`get`] as the assembly of the yield calls it.
    #[doc(hidden)]
    pub extern "C" fn get_c() -> *mut u8 {
        get()
    }
}

/// This thread's vCPU; null on a thread that is none. Read anew at each call: never keep the result
/// across a switch of a migratable coroutine. Safe in a signal handler on Linux.
#[inline(always)]
pub fn get() -> *mut u8 {
    imp::get()
}

/// Makes `vcpu` this thread's vCPU, or nothing (null).
#[inline(always)]
pub fn set(vcpu: *mut u8) {
    imp::set(vcpu);
}

#[cfg(not(target_os = "linux"))]
#[doc(hidden)]
pub use imp::get_c;
