//! Context switch: leaving one stack and going on with another.
//!
//! A stack that is not running is one pointer, its saved stack pointer. What lies there is the *saved
//! frame*: the callee-saved registers of the platform's C ABI and the address to go on at, nothing else.
//! Everything that leaves a stack writes the same frame ([`switch`] and the body of
//! [`yield_now_body!`](crate::yield_now_body)) and everything that enters one reads it ([`switch`],
//! [`jump`], the yield), so that each resumes what any other has left. The per-ISA files draw the
//! frame. Addresses grow upwards in all pictures:
//!
//! ```text
//!   fresh (after init)          running                     parked
//!
//!   top  ----------------       top  ----------------       top  ----------------
//!        end of the stack            end of the stack            end of the stack
//!        saved frame with            entry's frames              entry's frames
//!   sp-> entry and arg               ...                         ... caller of switch
//!                               sp-> the function running        saved frame
//!                                                           sp-> (in the control block)
//! ```
//!
//! # Duties of an ISA file
//!
//! - `switch`, `jump`, `init`: as documented where they are re-exported below.
//! - `trampoline`, the first code on a fresh stack: a landing pad for indirect branches (`endbr64`,
//!   `bti c`), `entry(arg)` with the stack aligned as after a call, a trap behind it. Its frame is the
//!   last one of a backtrace, for those that read CFI (return address undefined) and for those that walk
//!   frame pointers (the frame pointer is 0).
//! - `starter`, the same for a coroutine that gets its stack only now: see [`starter`].
//! - CFI that is right at every instruction of `switch`, so that a sample taken there unwinds.
//! - `yield_asm!`: the whole fast path of a yield; `blocking_asm!`, `blocking_with_frame!`: a function
//!   that blocks, see [`blocking_body!`](crate::blocking_body).
//! - `fp_control`, `set_fp_control`, `FP_DEFAULT`, `prefetch`.
//!
//! # What is not saved, and why
//!
//! - Floating-point control state (MXCSR, x87 control word, FPCR). The C ABI calls it callee-saved, but
//!   loading it costs as much as the rest of a switch together and programs do not change it. A coroutine
//!   that wants its own says so, takes the slow path of the yield, and is switched by the scheduler with
//!   [`fp_control`] and [`set_fp_control`] around it.
//! - The signal mask (a system call), thread-locals (a coroutine keeps its thread), the shadow stack: no
//!   object here is marked for one (no SHSTK property note), so the loader never switches it on.
//!
//! # Rejected
//!
//! - An inline switch that declares all registers clobbered: 1.2 ns against 2.2 when inlined, but a library
//!   behind a C ABI has the call anyway, the caller's spills come on top, and every kind of yield
//!   would have a frame of its own.
//! - Passing a value through the switch: one more register to keep, and the control block has it already.
//!
//! Ideas: the frame-as-a-struct and pictures-first habit from wasmtime's fiber crate and corosensei;
//! jumping instead of returning is common knowledge among context switchers and measured in `x86_64.rs`.
#![allow(unsafe_code)]

#[cfg(target_os = "linux")]
pub mod syscall;
pub mod tls;

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "aarch64")]
use aarch64 as isa;
#[cfg(target_arch = "x86_64")]
mod x86_64;
#[cfg(target_arch = "x86_64")]
use x86_64 as isa;

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!(
    "photonrt has no context switch for this processor yet; see arch/mod.rs for what it takes"
);

/// Floating-point control state that a C program starts with; see [`fp_control`].
pub const FP_DEFAULT: u64 = isa::FP_DEFAULT;

/// Leaves the running stack and goes on with another: saves the callee-saved registers on the running
/// stack, stores its stack pointer through `save`, and continues what `to` has saved. Returns when
/// something switches to what was stored. The store precedes every access of the other side.
///
/// No system call; about 2 ns when both stacks are in the cache.
///
/// # Safety
/// `save` is valid for a write and may lie anywhere. `to` came from [`init`] or from a store by
/// `switch` or the yield, has not been continued since, and its stack is mapped and nobody else's. The
/// code that `to` left must be allowed to run on this OS thread.
pub use isa::switch;

/// As [`switch`], but saves nothing: the running stack is dead from here on and may already belong to
/// someone who uses it only after this.
///
/// # Safety
/// As for `to` of [`switch`]; and nothing on the running stack is needed again.
pub use isa::jump;

/// Makes a stack ready to be switched to: writes the first frame right below `top` and returns the stack
/// pointer that [`switch`] and [`jump`] take. Continued, it calls `entry(arg)` with every other
/// callee-saved register zero and floating-point control state as it then is.
///
/// # Safety
/// `top` is a multiple of 16; the [`FIRST_FRAME`] bytes below it are writable and nobody's. `entry` must
/// not return nor unwind (a trap follows it).
pub unsafe fn init(
    top: *mut u8,
    entry: unsafe extern "C" fn(*mut u8) -> !,
    arg: *mut u8,
) -> *mut u8 {
    debug_assert!(top.addr().is_multiple_of(16), "a stack top must be a multiple of 16");
    // SAFETY: the caller's contract covers it: room below an aligned top.
    unsafe {
        let frame = top.sub(FIRST_FRAME).cast::<isa::FirstFrame>();
        frame.write(isa::FirstFrame::new(entry, arg));
        frame.cast()
    }
}

/// What a starter's `begin` gives. In two registers.
#[repr(C)]
#[derive(Debug)]
pub struct Begin {
    at: *mut u8,
    arg: *mut u8,
}

impl Begin {
    /// Entry begins on the stack with this top, a multiple of 16, with that argument, which is not null.
    pub fn on(top: *mut u8, arg: *mut u8) -> Begin {
        debug_assert!(top.addr().is_multiple_of(16) && !arg.is_null());
        Begin { at: top, arg }
    }

    /// There is no stack: something else goes on, as by [`jump`].
    ///
    /// # Safety
    /// As for [`jump`].
    pub unsafe fn not_now(to: *mut u8) -> Begin {
        Begin { at: to, arg: std::ptr::null_mut() }
    }
}

/// Makes a *starter*: a context for all coroutines of a vCPU that have no stack yet. Continued, by
/// whatever of the above and any number of times, it calls `begin(arg)` on the starter's stack, and goes
/// on as the [`Begin`] says: mostly with `entry` on another stack. Its frame is not used up by that.
///
/// # Safety
/// `top` is a multiple of 16 and the end of a stack that is nothing else and has room for `begin` (and for
/// a signal handler). `begin` neither switches nor unwinds; `entry` as for [`init`].
pub unsafe fn starter(
    top: *mut u8,
    begin: extern "C" fn(*mut u8) -> Begin,
    entry: unsafe extern "C" fn(*mut u8) -> !,
    arg: *mut u8,
) -> *mut u8 {
    // SAFETY: as in `init`.
    unsafe {
        let frame = top.sub(FIRST_FRAME).cast::<isa::FirstFrame>();
        frame.write(isa::FirstFrame::starter(begin, entry, arg));
        frame.cast()
    }
}

/// Bytes that [`init`] writes below the top of a stack.
pub const FIRST_FRAME: usize = size_of::<isa::FirstFrame>();

// The stack pointer that `init` gives is FIRST_FRAME below a multiple of 16, and the frame says where
// entry's own stack begins; both must leave it aligned.
const _: () = assert!((FIRST_FRAME - isa::SAVED_FRAME).is_multiple_of(16));

/// Floating-point control state of this thread: MXCSR in the low half and the x87 control word in the
/// high half, or FPCR. MXCSR holds the sticky exception flags as well, so two readings around a
/// calculation may differ where nobody changed a mode.
#[inline(always)]
pub fn fp_control() -> u64 {
    isa::fp_control()
}

/// Sets what [`fp_control`] reads.
#[inline(always)]
pub fn set_fp_control(state: u64) {
    isa::set_fp_control(state);
}

/// Asks for the cache line at `p`, to be read soon. `p` may be any address, mapped or not: a hint never
/// faults.
#[inline(always)]
pub fn prefetch(p: *const u8) {
    isa::prefetch(p);
}

/// The body of a naked `extern "C" fn()` that is the whole fast path of a yield: to the next task of this
/// vCPU's ring, without an atomic, a clock or a call. It is a macro so that the exported function is
/// itself the fast path, not a jump to it.
///
/// It goes to `sched::yield_slow` (a tail call) when the thread is no vCPU, when the vCPU's tick has
/// counted down to 0 (the slow path sets it anew), and when the running task has `TASK_SLOW_YIELD` set,
/// one bit. A task alone in its ring returns at once. While the vCPU slot is set, `cur` must point to a
/// task in a ring, be it a ring of one.
#[macro_export]
macro_rules! yield_now_body {
    () => {
        $crate::yield_asm!(
            slow = $crate::sched::yield_slow,
            vcpu_cur = $crate::sched::offsets::VCPU_CUR,
            vcpu_tick = $crate::sched::offsets::VCPU_TICK,
            task_next = $crate::sched::offsets::TASK_NEXT,
            task_sp = $crate::sched::offsets::TASK_SP,
            task_flags = $crate::sched::offsets::TASK_FLAGS,
            slow_flag = $crate::sched::offsets::TASK_SLOW_YIELD,
        )
    };
}

/// The body of a naked `extern "C" fn` that may block, in two halves, so that it leaves and is come
/// back to in its own frame: returns that follow a switch are mispredicted, and this way there are none
/// but its own (see x86_64.rs).
///
/// `begin` gets the function's arguments and, after them, as argument number `frame`, the address of
/// [`BLOCKING_FRAME`] bytes, aligned to 16, that live until the function returns. `end` gets that address
/// when somebody has switched back. Both give a [`Step`]: the result, or where to go.
///
/// ```text
/// #[unsafe(naked)]
/// extern "C" fn wait(object: *const Object, n: u32) -> c_int {
///     blocking_body!(begin = begin_half, end = end_half, frame = 3)
/// }
/// ```
#[macro_export]
macro_rules! blocking_body {
    (begin = $begin:path, end = $end:path, frame = $frame:tt) => {
        $crate::blocking_with_frame!($frame, $begin, $end)
    };
}

/// Bytes of the frame of a [`blocking_body!`](crate::blocking_body).
pub const BLOCKING_FRAME: usize = 128;

/// What a half of a [`blocking_body!`](crate::blocking_body) gives. In two registers.
#[repr(C)]
#[derive(Debug)]
pub struct Step {
    /// The result, or a saved context.
    to: i64,
    /// Null: it is the result.
    save: *mut *mut u8,
}

impl Step {
    /// The function returns this.
    #[inline(always)]
    pub fn done(result: i32) -> Step {
        Step { to: i64::from(result), save: std::ptr::null_mut() }
    }

    /// The function is left as by [`switch`], on the same terms.
    ///
    /// # Safety
    /// As for [`switch`]; nothing may need what is on the stack below the frame.
    #[inline(always)]
    pub unsafe fn switch(save: *mut *mut u8, to: *mut u8) -> Step {
        Step { to: to.addr() as i64, save }
    }
}

#[cfg(test)]
mod tests;
