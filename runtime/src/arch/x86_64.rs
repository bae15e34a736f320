//! x86_64: System V ABI, Linux (ELF) and macOS (Mach-O).
//!
//! The saved frame, seven words; `sp` is what the control block keeps:
//!
//! ```text
//!            parked by switch or yield               fresh, written by init
//!   sp + 72                                          top (multiple of 16)
//!      + 64                                          0   end: a return address that ends
//!      + 56  stack of the caller of switch           0        every walk that ignores CFI
//!      + 48  return address into the caller          trampoline
//!      + 40  rbp                                     0
//!      + 32  rbx                                     entry
//!      + 24  r12                                     arg
//!      + 16  r13                                     0
//!      +  8  r14                                     0
//!   sp +  0  r15                                     0
//! ```
//!
//! Continuing a frame pops the registers and goes on at the address as `ret` would leave it. At the
//! trampoline rsp = sp + 56, a multiple of 16.
//!
//! # Return or jump
//!
//! The processor predicts each `ret` from its own stack of the calls it has seen, the shadow of one call
//! chain. A `ret` that ends a switch is predicted to go back to where this switch was called from, so it
//! is right when the other coroutine stopped at the same place and costs a flush when not. Jumping instead
//! is predicted from history, but leaves the shadow one entry too high: every return that the continued
//! functions then make is mispredicted. So the switch compares: same place, `ret`; another place, jump.
//! Measured on a Xeon with AVX-512 in a VM, ns a switch between two coroutines:
//!
//! ```text
//!                                                         ret   pop+jmp   compare (chosen)
//!   both in one loop, the same call site                  3.7     3.7       3.7
//!   two loops, two call sites                            11.4     2.7       2.5
//!   same site, three functions return after each          4.1    32.3       4.1
//!   different chains of three functions that return      40.6    32.2      32.0
//!   one loop that calls two such functions in turn       17.2    22.6      13.0
//! ```
//!
//! Servers are of the third kind: one wait inside, functions returning around it.
//!
//! So a function that blocks does best to leave from its own frame, with nothing below it that will
//! return: see [`blocking_body!`](crate::blocking_body). Two coroutines that wake each other through
//! semaphores, ns a round trip: leaving from three functions deep 74, from the exported one 39.
//!
//! # What the yield does not do
//!
//! Measured in a model of the yield with rings of its own, ns a yield, tops coloured; in brackets, the ring
//! in shuffled order:
//!
//! ```text
//!   coroutines                                      2       1,000        100,000 of 256 KiB
//!   chosen                                         2.7    5.0 (6.8)      23.7 (70.5)
//!   and a prefetch of the block after the next     3.2    5.3 (7.0)      24.0 (71.5)
//!   registers in the block, not on the stack       2.6    4.1 (6.4)      23.6 (78)
//! ```
//! With two coroutines the number of instructions is the limit, so a prefetch is paid for; with many the
//! processor itself is ten yields ahead, since no block's address depends on what lies on a stack. Even a
//! prefetch of the stack 4 to 64 yields ahead, by a pointer that no real ring has, gains only a sixth at
//! 100,000: lines, their write-backs and page walks are the limit then. Registers in the block would cost
//! every walker of parked stacks (debugger, collector, profiler) its one place to look.
#![allow(unsafe_code)]

use core::arch::{asm, naked_asm};

/// MXCSR 0x1F80 and x87 control word 0x037F, as the System V ABI has them at process start.
pub const FP_DEFAULT: u64 = 0x037F << 32 | 0x1F80;

/// Bytes of the saved frame, its address included.
pub const SAVED_FRAME: usize = 56;

/// What [`super::init`] writes: the saved frame that starts a coroutine, in memory order.
#[repr(C)]
pub struct FirstFrame {
    r15: u64,
    r14: u64,
    r13: u64,
    /// r12 carries `arg` to the trampoline.
    arg: *mut u8,
    /// rbx carries `entry` to the trampoline.
    entry: unsafe extern "C" fn(*mut u8) -> !,
    /// 0: a frame-pointer walk ends here.
    rbp: u64,
    resume: unsafe extern "C" fn() -> !,
    end: [u64; 2],
}

impl FirstFrame {
    pub fn new(entry: unsafe extern "C" fn(*mut u8) -> !, arg: *mut u8) -> FirstFrame {
        FirstFrame { r15: 0, r14: 0, r13: 0, arg, entry, rbp: 0, resume: trampoline, end: [0; 2] }
    }

    /// The frame of a starter; r13 carries `begin`.
    pub fn starter(
        begin: extern "C" fn(*mut u8) -> super::Begin,
        entry: unsafe extern "C" fn(*mut u8) -> !,
        arg: *mut u8,
    ) -> FirstFrame {
        let r13 = begin as usize as u64;
        FirstFrame { r13, resume: starter, ..FirstFrame::new(entry, arg) }
    }
}

/// Pushes the registers of the saved frame; right after the call that put its address there.
#[doc(hidden)]
#[macro_export]
macro_rules! x86_64_push_saved {
    () => {
        concat!(
            "push rbp\n .cfi_def_cfa_offset 16\n .cfi_offset rbp, -16\n",
            "push rbx\n .cfi_def_cfa_offset 24\n .cfi_offset rbx, -24\n",
            "push r12\n .cfi_def_cfa_offset 32\n .cfi_offset r12, -32\n",
            "push r13\n .cfi_def_cfa_offset 40\n .cfi_offset r13, -40\n",
            "push r14\n .cfi_def_cfa_offset 48\n .cfi_offset r14, -48\n",
            "push r15\n .cfi_def_cfa_offset 56\n .cfi_offset r15, -56",
        )
    };
}

/// Pops the registers of the saved frame at rsp; its address is then what `ret` would take.
#[doc(hidden)]
#[macro_export]
macro_rules! x86_64_pop_saved {
    () => {
        concat!(
            "pop r15\n .cfi_def_cfa_offset 48\n .cfi_restore r15\n",
            "pop r14\n .cfi_def_cfa_offset 40\n .cfi_restore r14\n",
            "pop r13\n .cfi_def_cfa_offset 32\n .cfi_restore r13\n",
            "pop r12\n .cfi_def_cfa_offset 24\n .cfi_restore r12\n",
            "pop rbx\n .cfi_def_cfa_offset 16\n .cfi_restore rbx\n",
            "pop rbp\n .cfi_def_cfa_offset 8\n .cfi_restore rbp",
        )
    };
}

/// Goes on at the address on top of the stack, which rdx holds too; rcx = the return address of the call
/// that brought us here, which is what the processor predicts for a `ret` (see the head).
#[doc(hidden)]
#[macro_export]
macro_rules! x86_64_go_on {
    () => {
        concat!(
            "cmp rcx, rdx\n jne 4f\n ret\n",
            "4: add rsp, 8\n .cfi_def_cfa_offset 0\n .cfi_register rip, rdx\n jmp rdx",
        )
    };
}

/// The naked body behind [`yield_now_body!`](crate::yield_now_body), over names for what it touches, so
/// that tests run it on structures of their own. The first list leaves this thread's vCPU in rax.
#[cfg(target_os = "linux")]
#[doc(hidden)]
#[macro_export]
macro_rules! yield_asm {
    ($($operand:tt)*) => {
        $crate::x86_64_yield_asm!(
            ["mov rax, qword ptr [rip + photonrt_vcpu@GOTTPOFF]", "mov rax, qword ptr fs:[rax]"]
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
        $crate::x86_64_yield_asm!(
            ["sub rsp, 8\n .cfi_def_cfa_offset 16", "call {slot}", "add rsp, 8\n .cfi_def_cfa_offset 8"]
            [slot = sym $crate::arch::tls::get_c,]
            $($operand)*
        )
    };
}

/// See [`yield_asm!`](crate::yield_asm). rax = vCPU, rdx = its current task, rsi = the next one.
#[doc(hidden)]
#[macro_export]
macro_rules! x86_64_yield_asm {
    (
        [$($load_vcpu:literal),*] [$($more:tt)*]
        slow = $slow:path, vcpu_cur = $vcpu_cur:expr, vcpu_tick = $vcpu_tick:expr,
        task_next = $task_next:expr, task_sp = $task_sp:expr, task_flags = $task_flags:expr,
        slow_flag = $slow_flag:expr $(,)?
    ) => {
        ::core::arch::naked_asm!(
            ".cfi_startproc",
            "endbr64",
            $($load_vcpu,)*
            "test rax, rax",
            "je 3f",
            "sub dword ptr [rax + {vcpu_tick}], 1",
            "je 3f",
            "mov rdx, qword ptr [rax + {vcpu_cur}]",
            "mov rsi, qword ptr [rdx + {task_next}]",
            "cmp rsi, rdx",
            "je 2f",
            "test dword ptr [rdx + {task_flags}], {slow_flag}",
            "jne 3f",
            ".cfi_remember_state",
            "mov rcx, qword ptr [rsp]",
            $crate::x86_64_push_saved!(),
            "mov qword ptr [rdx + {task_sp}], rsp",
            "mov qword ptr [rax + {vcpu_cur}], rsi",
            "mov rsp, qword ptr [rsi + {task_sp}]",
            "mov rdx, qword ptr [rsp + 48]",
            $crate::x86_64_pop_saved!(),
            $crate::x86_64_go_on!(),
            ".cfi_restore_state",
            "2: ret",
            "3: jmp {slow}",
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

/// See [`blocking_body!`](crate::blocking_body).
///
/// ```text
///   rsp + 136   return address into the caller
///       + 128   what the processor predicts a `ret` to go to: at first our caller; after a
///               switch, what the one that switched to us left in rcx
///   rsp +   0   the frame of 128 bytes that both halves get
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! blocking_asm {
    ($frame:literal, $begin:path, $end:path) => {
        ::core::arch::naked_asm!(
            ".cfi_startproc",
            "endbr64",
            "sub rsp, 136\n .cfi_def_cfa_offset 144",
            concat!("mov ", $frame, ", rsp"),
            "call {begin}",
            "test rdx, rdx",
            "jne 2f",
            ".cfi_remember_state",
            "add rsp, 136\n .cfi_def_cfa_offset 8",
            "ret",
            ".cfi_restore_state",
            "2: mov rcx, qword ptr [rsp + 136]",
            "3: lea r8, [rip + 5f]",
            "push r8\n .cfi_def_cfa_offset 152",
            "push rbp\n .cfi_def_cfa_offset 160\n .cfi_offset rbp, -160",
            "push rbx\n .cfi_def_cfa_offset 168\n .cfi_offset rbx, -168",
            "push r12\n .cfi_def_cfa_offset 176\n .cfi_offset r12, -176",
            "push r13\n .cfi_def_cfa_offset 184\n .cfi_offset r13, -184",
            "push r14\n .cfi_def_cfa_offset 192\n .cfi_offset r14, -192",
            "push r15\n .cfi_def_cfa_offset 200\n .cfi_offset r15, -200",
            "mov qword ptr [rdx], rsp",
            "mov rdx, qword ptr [rax + 48]",
            "mov rsp, rax",
            // From here on it is the other stack, whose saved frame has the form of switch's.
            ".cfi_def_cfa rsp, 56\n .cfi_offset rbp, -16\n .cfi_offset rbx, -24",
            ".cfi_offset r12, -32\n .cfi_offset r13, -40\n .cfi_offset r14, -48\n .cfi_offset r15, -56",
            $crate::x86_64_pop_saved!(),
            $crate::x86_64_go_on!(),
            // Somebody has switched back: our own stack, the registers restored.
            "5:",
            ".cfi_def_cfa rsp, 144\n .cfi_offset rip, -8",
            "mov qword ptr [rsp + 128], rcx",
            "mov rdi, rsp",
            "call {end}",
            "mov rcx, qword ptr [rsp + 128]",
            "test rdx, rdx",
            "jne 3b",
            "add rsp, 136\n .cfi_def_cfa_offset 8",
            "mov rdx, qword ptr [rsp]",
            $crate::x86_64_go_on!(),
            ".cfi_endproc",
            begin = sym $begin,
            end = sym $end,
        )
    };
}

/// The register of an argument, which the frame's address goes into.
#[doc(hidden)]
#[macro_export]
macro_rules! blocking_with_frame {
    (2, $begin:path, $end:path) => {
        $crate::blocking_asm!("rsi", $begin, $end)
    };
    (3, $begin:path, $end:path) => {
        $crate::blocking_asm!("rdx", $begin, $end)
    };
    (4, $begin:path, $end:path) => {
        $crate::blocking_asm!("rcx", $begin, $end)
    };
}

/// First code on a fresh stack; rbx = entry, r12 = arg, rbp = 0, rsp a multiple of 16. The entry is jumped
/// to with a return address put there by hand: a call would leave an entry that no return ever takes in
/// the processor's shadow of calls, and mislead the returns of whoever runs after this coroutine has ended.
#[unsafe(naked)]
unsafe extern "C" fn trampoline() -> ! {
    naked_asm!(
        ".cfi_startproc",
        ".cfi_undefined rip",
        "endbr64",
        "mov rdi, r12",
        "lea rax, [rip + 5f]",
        "push rax",
        "jmp rbx",
        "5: ud2",
        ".cfi_endproc",
    )
}

/// First code of a coroutine that has no stack yet, on the starter's: see `arch::starter`. r13 = begin,
/// rbx = entry, r12 = begin's argument, rsp right above the frame, which is to stay as it is: it lies in
/// the red zone until rsp is below it. Entry is jumped to, as by the trampoline, on the stack given.
#[unsafe(naked)]
unsafe extern "C" fn starter() -> ! {
    naked_asm!(
        ".cfi_startproc",
        ".cfi_undefined rip",
        "endbr64",
        "sub rsp, 192",
        "mov rdi, r12",
        "call r13",
        "test rdx, rdx",
        "je 6f",
        "mov rsp, rax",
        "mov rdi, rdx",
        "lea rcx, [rip + 5f]",
        "push 0",
        "push 0",
        "push rcx",
        "jmp rbx",
        "5: ud2",
        "6: mov rdi, rax",
        "jmp {leave}",
        ".cfi_endproc",
        leave = sym leave,
    )
}

/// As documented at `arch::switch`.
///
/// # Safety
/// As there.
#[unsafe(naked)]
pub unsafe extern "C" fn switch(save: *mut *mut u8, to: *mut u8) {
    // rdi = save, rsi = to. The CFI speaks of the running stack; after `mov rsp` it is the other one, whose
    // frame has the same form, so the same rules hold.
    naked_asm!(
        ".cfi_startproc",
        "endbr64",
        "mov rcx, qword ptr [rsp]",
        crate::x86_64_push_saved!(),
        "mov qword ptr [rdi], rsp",
        "mov rdx, qword ptr [rsi + 48]",
        "mov rsp, rsi",
        crate::x86_64_pop_saved!(),
        crate::x86_64_go_on!(),
        ".cfi_endproc",
    )
}

/// As documented at `arch::jump`. Reached by a jump and left by `ret`, unless a fresh coroutine is next:
/// from the switch that began the first of a row of coroutines to the one that ends the last, calls and
/// returns balance, so the processor predicts this `ret` and those of the functions that waited.
///
/// # Safety
/// As there.
#[inline(always)]
pub unsafe fn jump(to: *mut u8) -> ! {
    // SAFETY: the caller's.
    unsafe { asm!("jmp {}", sym leave, in("rdi") to, options(noreturn)) }
}

#[unsafe(naked)]
unsafe extern "C" fn leave(to: *mut u8) -> ! {
    // The running stack is not looked at again, so the CFI describes `to` from the start.
    naked_asm!(
        ".cfi_startproc",
        "endbr64",
        "mov rsp, rdi",
        ".cfi_def_cfa rsp, 56\n .cfi_offset rbp, -16\n .cfi_offset rbx, -24\n .cfi_offset r12, -32",
        ".cfi_offset r13, -40\n .cfi_offset r14, -48\n .cfi_offset r15, -56",
        crate::x86_64_pop_saved!(),
        "mov rdx, qword ptr [rsp]",
        "lea rcx, [rip + {starter}]",
        "cmp rdx, rcx",
        "je 4f",
        "lea rcx, [rip + {trampoline}]",
        "cmp rdx, rcx",
        "je 4f",
        "ret",
        "4: add rsp, 8\n .cfi_def_cfa_offset 0\n .cfi_register rip, rdx",
        "jmp rdx",
        ".cfi_endproc",
        starter = sym starter,
        trampoline = sym trampoline,
    )
}

#[inline(always)]
pub fn fp_control() -> u64 {
    let mut mxcsr = 0u32;
    let mut cw = 0u16;
    // SAFETY: both store to the local given, 4 and 2 bytes.
    unsafe {
        asm!(
            "stmxcsr dword ptr [{m}]",
            "fnstcw word ptr [{c}]",
            m = in(reg) &raw mut mxcsr,
            c = in(reg) &raw mut cw,
            options(nostack, preserves_flags),
        );
    }
    u64::from(cw) << 32 | u64::from(mxcsr)
}

#[inline(always)]
pub fn set_fp_control(state: u64) {
    let mxcsr = state as u32 & 0xFFFF;
    let cw = (state >> 32) as u16;
    // SAFETY: the mask keeps MXCSR's reserved bits 0, so ldmxcsr cannot fault; any control word is valid.
    unsafe {
        asm!(
            "ldmxcsr dword ptr [{m}]",
            "fldcw word ptr [{c}]",
            m = in(reg) &raw const mxcsr,
            c = in(reg) &raw const cw,
            options(nostack, preserves_flags, readonly),
        );
    }
}

#[inline(always)]
pub fn prefetch(p: *const u8) {
    // SAFETY: prefetcht0 never faults and changes no state of the program.
    unsafe {
        asm!("prefetcht0 byte ptr [{}]", in(reg) p, options(nostack, preserves_flags, readonly))
    }
}
