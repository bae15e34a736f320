//! aarch64: AAPCS64, Linux (ELF) and macOS (Mach-O).
//!
//! The saved frame, twenty words; `sp` is what the control block keeps:
//!
//! ```text
//!            parked by switch or yield               fresh, written by init
//!   sp + 160 stack of the caller of switch           top (multiple of 16)
//!      +  96 .. 152  d8 .. d15 (low halves of v)     0
//!      +  32 ..  88  x21 .. x28                      0
//!      +  24 x20                                     arg
//!      +  16 x19                                     entry
//!      +   8 x30, where to go on                     trampoline
//!   sp +   0 x29                                     0
//! ```
//!
//! Continuing a frame loads all of it, frees it and returns to x30. Always `ret`, where x86_64 sometimes
//! jumps: in a program whose pages enforce branch target identification, a `br` may only reach a landing
//! pad, and the instruction after a call is none.
//!
//! Pointer authentication: the frame holds x30 as the call left it, unsigned, like every leaf function
//! does. Code compiled with return signing keeps signing its own frames with its own stack pointer, which
//! is the same when it goes on. Signing the saved address too would guard the one word that lies in no
//! compiled frame; it would also tie `init` to the keys of the thread and make the frame unreadable for
//! anything that lists parked coroutines.
//!
//! x18 belongs to the platform and is neither saved nor touched.
#![allow(unsafe_code)]

use core::arch::{asm, naked_asm};

/// FPCR at process start: round to nearest, no traps, no flushing.
pub const FP_DEFAULT: u64 = 0;

/// Bytes of the saved frame.
pub const SAVED_FRAME: usize = 160;

/// What [`super::init`] writes: the saved frame that starts a coroutine, in memory order.
#[repr(C)]
pub struct FirstFrame {
    /// 0: a frame-pointer walk ends here.
    x29: u64,
    /// x30.
    resume: unsafe extern "C" fn() -> !,
    /// x19 carries `entry` to the trampoline.
    entry: unsafe extern "C" fn(*mut u8) -> !,
    /// x20 carries `arg` to the trampoline.
    arg: *mut u8,
    x21_to_x28: [u64; 8],
    d8_to_d15: [u64; 8],
}

impl FirstFrame {
    pub fn new(entry: unsafe extern "C" fn(*mut u8) -> !, arg: *mut u8) -> FirstFrame {
        FirstFrame { x29: 0, resume: trampoline, entry, arg, x21_to_x28: [0; 8], d8_to_d15: [0; 8] }
    }

    /// The frame of a starter; x21 carries `begin`.
    pub fn starter(
        begin: extern "C" fn(*mut u8) -> super::Begin,
        entry: unsafe extern "C" fn(*mut u8) -> !,
        arg: *mut u8,
    ) -> FirstFrame {
        let mut frame = FirstFrame { resume: starter, ..FirstFrame::new(entry, arg) };
        frame.x21_to_x28[0] = begin as usize as u64;
        frame
    }
}

/// Makes the saved frame below sp.
#[doc(hidden)]
#[macro_export]
macro_rules! aarch64_push_saved {
    () => {
        concat!(
            "stp x29, x30, [sp, #-160]!\n .cfi_def_cfa_offset 160\n",
            ".cfi_offset x29, -160\n .cfi_offset x30, -152\n",
            "stp x19, x20, [sp, #16]\n .cfi_offset x19, -144\n .cfi_offset x20, -136\n",
            "stp x21, x22, [sp, #32]\n .cfi_offset x21, -128\n .cfi_offset x22, -120\n",
            "stp x23, x24, [sp, #48]\n .cfi_offset x23, -112\n .cfi_offset x24, -104\n",
            "stp x25, x26, [sp, #64]\n .cfi_offset x25, -96\n .cfi_offset x26, -88\n",
            "stp x27, x28, [sp, #80]\n .cfi_offset x27, -80\n .cfi_offset x28, -72\n",
            "stp d8, d9, [sp, #96]\n .cfi_offset d8, -64\n .cfi_offset d9, -56\n",
            "stp d10, d11, [sp, #112]\n .cfi_offset d10, -48\n .cfi_offset d11, -40\n",
            "stp d12, d13, [sp, #128]\n .cfi_offset d12, -32\n .cfi_offset d13, -24\n",
            "stp d14, d15, [sp, #144]\n .cfi_offset d14, -16\n .cfi_offset d15, -8",
        )
    };
}

/// Continues the saved frame at sp. The CFI keeps the rules of the frame until it is freed: what has been
/// loaded is still there.
#[doc(hidden)]
#[macro_export]
macro_rules! aarch64_pop_saved_and_go {
    () => {
        concat!(
            "ldp d14, d15, [sp, #144]\n",
            "ldp d12, d13, [sp, #128]\n",
            "ldp d10, d11, [sp, #112]\n",
            "ldp d8, d9, [sp, #96]\n",
            "ldp x27, x28, [sp, #80]\n",
            "ldp x25, x26, [sp, #64]\n",
            "ldp x23, x24, [sp, #48]\n",
            "ldp x21, x22, [sp, #32]\n",
            "ldp x19, x20, [sp, #16]\n",
            "ldp x29, x30, [sp], #160\n .cfi_def_cfa_offset 0\n",
            ".cfi_restore x19\n .cfi_restore x20\n .cfi_restore x21\n .cfi_restore x22\n",
            ".cfi_restore x23\n .cfi_restore x24\n .cfi_restore x25\n .cfi_restore x26\n",
            ".cfi_restore x27\n .cfi_restore x28\n .cfi_restore x29\n .cfi_restore x30\n",
            ".cfi_restore d8\n .cfi_restore d9\n .cfi_restore d10\n .cfi_restore d11\n",
            ".cfi_restore d12\n .cfi_restore d13\n .cfi_restore d14\n .cfi_restore d15\n",
            "ret",
        )
    };
}

/// The naked body behind [`yield_now_body!`](crate::yield_now_body), over names for what it touches, so
/// that tests run it on structures of their own. The first list leaves this thread's vCPU in x9.
#[cfg(target_os = "linux")]
#[doc(hidden)]
#[macro_export]
macro_rules! yield_asm {
    ($($operand:tt)*) => {
        $crate::aarch64_yield_asm!(
            [
                "adrp x9, :gottprel:photonrt_vcpu",
                "ldr x9, [x9, #:gottprel_lo12:photonrt_vcpu]",
                "mrs x10, tpidr_el0",
                "ldr x9, [x10, x9]"
            ]
            []
            $($operand)*
        )
    };
}

/// See the one for Linux.
#[cfg(not(target_os = "linux"))]
#[doc(hidden)]
#[macro_export]
macro_rules! yield_asm {
    ($($operand:tt)*) => {
        $crate::aarch64_yield_asm!(
            [
                "stp x29, x30, [sp, #-16]!\n .cfi_def_cfa_offset 16\n .cfi_offset x30, -8",
                "bl {slot}",
                "mov x9, x0",
                "ldp x29, x30, [sp], #16\n .cfi_def_cfa_offset 0\n .cfi_restore x30"
            ]
            [slot = sym $crate::arch::tls::get_c,]
            $($operand)*
        )
    };
}

/// See [`yield_asm!`](crate::yield_asm). x9 = vCPU, x10 = its current task, x11 = the next one.
#[doc(hidden)]
#[macro_export]
macro_rules! aarch64_yield_asm {
    (
        [$($load_vcpu:literal),*] [$($more:tt)*]
        slow = $slow:path, vcpu_cur = $vcpu_cur:expr, vcpu_tick = $vcpu_tick:expr,
        task_next = $task_next:expr, task_sp = $task_sp:expr, task_flags = $task_flags:expr,
        slow_flag = $slow_flag:expr $(,)?
    ) => {
        ::core::arch::naked_asm!(
            ".cfi_startproc",
            "hint #34", // bti c
            $($load_vcpu,)*
            "cbz x9, 3f",
            "ldr w12, [x9, #{vcpu_tick}]",
            "subs w12, w12, #1",
            "str w12, [x9, #{vcpu_tick}]",
            "b.eq 3f",
            "ldr x10, [x9, #{vcpu_cur}]",
            "ldr x11, [x10, #{task_next}]",
            "cmp x11, x10",
            "b.eq 2f",
            "ldr w12, [x10, #{task_flags}]",
            "tst w12, #{slow_flag}",
            "b.ne 3f",
            ".cfi_remember_state",
            $crate::aarch64_push_saved!(),
            "mov x12, sp",
            "str x12, [x10, #{task_sp}]",
            "str x11, [x9, #{vcpu_cur}]",
            "ldr x12, [x11, #{task_sp}]",
            "mov sp, x12",
            $crate::aarch64_pop_saved_and_go!(),
            ".cfi_restore_state",
            "2: ret",
            "3: b {slow}",
            ".cfi_endproc",
            $($more)*
            slow = sym $slow,
            vcpu_cur = const $vcpu_cur,
            vcpu_tick = const $vcpu_tick,
            task_next = const $task_next,
            task_sp = const $task_sp,
            task_flags = const $task_flags,
            slow_flag = const $slow_flag,
        )
    };
}

/// See [`blocking_body!`](crate::blocking_body). The frame of 128 bytes lies at sp, ours above it. The
/// switch is called here: a return is predicted by the link register's value as often as not.
#[doc(hidden)]
#[macro_export]
macro_rules! blocking_asm {
    ($frame:literal, $begin:path, $end:path) => {
        ::core::arch::naked_asm!(
            ".cfi_startproc",
            "hint #34", // bti c
            "sub sp, sp, #144\n .cfi_def_cfa_offset 144",
            "stp x29, x30, [sp, #128]\n .cfi_offset x29, -16\n .cfi_offset x30, -8",
            "add x29, sp, #128",
            concat!("mov ", $frame, ", sp"),
            "bl {begin}",
            "2: cbz x1, 3f",
            "mov x2, x0",
            "mov x0, x1",
            "mov x1, x2",
            "bl {switch}",
            "mov x0, sp",
            "bl {end}",
            "b 2b",
            "3: ldp x29, x30, [sp, #128]\n .cfi_restore x29\n .cfi_restore x30",
            "add sp, sp, #144\n .cfi_def_cfa_offset 0",
            "ret",
            ".cfi_endproc",
            begin = sym $begin,
            end = sym $end,
            switch = sym $crate::arch::switch,
        )
    };
}

/// The register of an argument, which the frame's address goes into.
#[doc(hidden)]
#[macro_export]
macro_rules! blocking_with_frame {
    (2, $begin:path, $end:path) => {
        $crate::blocking_asm!("x1", $begin, $end)
    };
    (3, $begin:path, $end:path) => {
        $crate::blocking_asm!("x2", $begin, $end)
    };
    (4, $begin:path, $end:path) => {
        $crate::blocking_asm!("x3", $begin, $end)
    };
}

/// First code on a fresh stack; x19 = entry, x20 = arg, x29 = 0, sp a multiple of 16. Reached by `ret`,
/// which needs no landing pad; the one here serves debuggers and whoever else jumps.
#[unsafe(naked)]
unsafe extern "C" fn trampoline() -> ! {
    naked_asm!(
        ".cfi_startproc",
        ".cfi_undefined x30",
        "hint #34", // bti c
        "mov x0, x20",
        "blr x19",
        "brk #1",
        ".cfi_endproc",
    )
}

/// First code of a coroutine that has no stack yet, on the starter's: see `arch::starter`. x21 = begin,
/// x19 = entry, x20 = begin's argument, sp right above the frame. There is no red zone everywhere, so a
/// signal may have written over the frame meanwhile: what matters of it is written anew.
#[unsafe(naked)]
unsafe extern "C" fn starter() -> ! {
    naked_asm!(
        "2:",
        ".cfi_startproc",
        ".cfi_undefined x30",
        "hint #34", // bti c
        "sub sp, sp, #192",
        "adr x9, 2b",
        "stp xzr, x9, [sp, #32]",
        "stp x19, x20, [sp, #48]",
        "str x21, [sp, #64]",
        "mov x0, x20",
        "blr x21",
        "cbz x1, 6f",
        "mov sp, x0",
        "mov x29, #0",
        "mov x0, x1",
        "blr x19",
        "brk #1",
        "6: b {jump}",
        ".cfi_endproc",
        jump = sym jump,
    )
}

/// As documented at `arch::switch`.
///
/// # Safety
/// As there.
#[unsafe(naked)]
pub unsafe extern "C" fn switch(save: *mut *mut u8, to: *mut u8) {
    // x0 = save, x1 = to. The CFI speaks of the running stack; after `mov sp` it is the other one, whose
    // frame has the same form, so the same rules hold.
    naked_asm!(
        ".cfi_startproc",
        "hint #34", // bti c
        crate::aarch64_push_saved!(),
        "mov x9, sp",
        "str x9, [x0]",
        "mov sp, x1",
        crate::aarch64_pop_saved_and_go!(),
        ".cfi_endproc",
    )
}

/// As documented at `arch::jump`.
///
/// # Safety
/// As there.
#[unsafe(naked)]
pub unsafe extern "C" fn jump(to: *mut u8) -> ! {
    naked_asm!(
        ".cfi_startproc",
        "hint #34", // bti c
        "mov sp, x0",
        ".cfi_def_cfa sp, 160\n .cfi_offset x29, -160\n .cfi_offset x30, -152",
        crate::aarch64_pop_saved_and_go!(),
        ".cfi_endproc",
    )
}

#[inline(always)]
pub fn fp_control() -> u64 {
    let fpcr: u64;
    // SAFETY: reads a register that user code may read.
    unsafe { asm!("mrs {}, fpcr", out(reg) fpcr, options(nomem, nostack, preserves_flags)) }
    fpcr
}

#[inline(always)]
pub fn set_fp_control(state: u64) {
    // SAFETY: FPCR is user-writable and ignores bits that the processor lacks.
    unsafe { asm!("msr fpcr, {}", in(reg) state, options(nostack, preserves_flags)) }
}

#[inline(always)]
pub fn prefetch(p: *const u8) {
    // SAFETY: prfm never faults and changes no state of the program.
    unsafe { asm!("prfm pldl1keep, [{}]", in(reg) p, options(nostack, preserves_flags, readonly)) }
}
