//! Header section `coroutine`.

use crate::convert::{attr, entry, status, value, write_sized};
use photonrt_runtime::{rt, task, wait};
use std::ffi::{c_char, c_int, c_void};

/// A coroutine. A number that stays safe to use for ever: once the coroutine is gone, calls with it
/// give -ESRCH, whatever has been spawned since. 0 is no coroutine.
pub type co_t = u64;
/// What a coroutine runs. Its result goes to who joins it. It must return; it must not leave by
/// longjmp or by an exception (that ends the process).
pub type co_entry_t = Option<unsafe extern "C" fn(arg: *mut c_void) -> *mut c_void>;

/// co_attr_t.flags: nobody will join it; its memory is free as soon as it ends. (Also what a NULL
/// `out` says.)
pub const CO_DETACHED: u32 = 1;
/// co_attr_t.flags: may go on on another OS thread after it has run. For code that keeps no
/// thread-local's address across a blocking call; compilers do keep errno's.
pub const CO_MIGRATABLE: u32 = 2;
/// co_attr_t.flags: floating-point control state (MXCSR and the x87 control word, or FPCR) is the
/// coroutine's own: it begins with the default and is kept across switches. Without it, a change is
/// seen by whatever runs next on the vCPU.
pub const CO_SAVE_FP: u32 = 4;

/// co_attr_t.vcpu: any vCPU of the group.
pub const CO_VCPU_ANY: u32 = 0;

/// How to spawn. NULL, or zero-filled but for `size`, gives the defaults.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct co_attr_t {
    /// sizeof(co_attr_t).
    pub size: u32,
    /// CO_DETACHED, CO_MIGRATABLE, CO_SAVE_FP.
    pub flags: u32,
    /// The group to run in; 0: the spawner's own, or the default group from a plain thread.
    pub group: u64,
    /// The vCPU of that group to stay on, counted from 1; CO_VCPU_ANY (0): the spawner's at first,
    /// and any idle one of the group may take it before its first run.
    pub vcpu: u32,
    /// Zero.
    pub reserved: u32,
    /// Bytes of stack, rounded up to a power of two from 16 KiB to 8 MiB; 0: the config's.
    pub stack_size: u64,
    /// A name for reports, copied (31 bytes at most, cut beyond); NULL: none.
    pub name: *const c_char,
}

/// co_info_t.state: spawned and not yet run.
pub const CO_STATE_FRESH: u32 = 1;
/// co_info_t.state: waiting for its turn on a vCPU.
pub const CO_STATE_READY: u32 = 2;
/// co_info_t.state: running.
pub const CO_STATE_RUNNING: u32 = 3;
/// co_info_t.state: blocked until something wakes it.
pub const CO_STATE_PARKED: u32 = 4;
/// co_info_t.state: ended, to be joined.
pub const CO_STATE_ENDED: u32 = 5;

/// What co_info and co_foreach give. A coroutine of another vCPU goes on meanwhile: each field was
/// true at some moment of the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct co_info_t {
    /// sizeof(co_info_t) of the caller; that many bytes are written.
    pub size: u32,
    /// CO_STATE_*.
    pub state: u32,
    /// The coroutine.
    pub co: co_t,
    /// Its group.
    pub group: u64,
    /// Its vCPU in that group, counted from 1; 0 while it is on offer to all.
    pub vcpu: u32,
    /// As given to co_spawn.
    pub flags: u32,
    /// Bytes of its stack.
    pub stack_size: u64,
    /// Its name, ended by a zero byte; empty if it has none.
    pub name: [c_char; 32],
    /// 1: it has acknowledged a cancel (co_cancel_clear), and no other has come since; else 0. So who
    /// has cancelled a coroutine, and waited for it (co_wait), learns whether it noticed.
    pub acknowledged: u32,
    /// Zero.
    pub reserved: u32,
}

/// Spawns a coroutine that will run `fn(arg)`. `out` receives its handle; NULL spawns it detached.
/// It runs when its turn comes, not before this call returns. From any thread; never blocks.
///
/// 0; -EINVAL (`fn` NULL, a bad attr), -E2BIG (an attr from a newer header), -ESRCH (no runtime, no
/// such group or vCPU), -ESHUTDOWN (co_shutdown has begun; plain threads only), -ENOMEM (no memory,
/// no address space, or no guard page to be had). A failure leaves everything as it was.
///
/// # Safety
/// Pointers are NULL or valid; `fn` may be called with `arg`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_spawn(
    out: *mut co_t,
    attr_: *const co_attr_t,
    fn_: co_entry_t,
    arg: *mut c_void,
) -> c_int {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        let Some(f) = entry(fn_) else { return -libc::EINVAL };
        let spawned = if attr_.is_null() {
            rt::spawn_default(out.is_null(), f, arg)
        } else {
            attr(attr_, out.is_null()).and_then(|a| rt::spawn(&a, f, arg))
        };
        match spawned {
            Ok(co) => {
                if !out.is_null() {
                    out.write(co);
                }
                0
            }
            Err(e) => e.code(),
        }
    }
}

/// As co_spawn, but copies `size` bytes at `env`, aligned to `align` (a power of two up to 4096),
/// onto the new stack and passes the copy's address to `fn`: a closure and room for its results.
/// The caller's `env` is free again when this returns. Of a coroutine that is not detached the copy
/// stays readable (co_env) until the join has returned.
///
/// As co_spawn; also -EINVAL (`env` NULL with a size, a bad align), -E2BIG (over half of the
/// stack).
///
/// # Safety
/// As co_spawn; `env` points to `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_spawn_copy(
    out: *mut co_t,
    attr_: *const co_attr_t,
    fn_: co_entry_t,
    env: *const c_void,
    size: usize,
    align: usize,
) -> c_int {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        let attr = match attr(attr_, out.is_null()) {
            Ok(a) => a,
            Err(e) => return e.code(),
        };
        let Some(f) = entry(fn_) else { return -libc::EINVAL };
        match rt::spawn_copy(&attr, f, env.cast(), size, align) {
            Ok(co) => {
                if !out.is_null() {
                    out.write(co);
                }
                0
            }
            Err(e) => e.code(),
        }
    }
}

/// The address of the copy that co_spawn_copy made for `co`, or NULL if it has none or is gone.
/// Valid until the join of it returns. Any thread; never blocks.
#[unsafe(no_mangle)]
pub extern "C" fn co_env(co: co_t) -> *mut c_void {
    rt::env(co).cast()
}

/// Waits until `co` has ended, gives its result (`result` may be NULL) and frees what it held: the
/// handle is stale from then on. One joiner at a time; with a failure (a timeout, a cancel) the
/// coroutine is as it was and may be joined again.
///
/// Blocks; a cancellation point. Plain threads too. 0; -ETIMEDOUT (-EAGAIN with CO_NOW); -ESRCH
/// (stale, detached, or another is joining it); -EDEADLK (oneself); -ECANCELED or an interrupt's
/// error; -EINVAL (timeout below -1).
///
/// # Safety
/// `result` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_join(co: co_t, result: *mut *mut c_void, timeout_ns: i64) -> c_int {
    match wait::join(co, timeout_ns) {
        Ok(r) => {
            if !result.is_null() {
                // SAFETY: the caller vouches for it.
                unsafe { result.write(r.cast()) }
            }
            0
        }
        Err(e) => e.code(),
    }
}

/// Waits until `co` has ended, as co_join does, and leaves it joinable: its co_env copy can be read
/// meanwhile, and co_join then returns at once. Blocks, errors and threads as co_join.
#[unsafe(no_mangle)]
pub extern "C" fn co_wait(co: co_t, timeout_ns: i64) -> c_int {
    status(wait::ended(co, timeout_ns))
}

/// Says that nobody will join `co`: what it holds is freed when it ends, or now if it has. Any
/// thread; never blocks.
///
/// 0; -ESRCH (stale, detached already, or somebody is joining it).
#[unsafe(no_mangle)]
pub extern "C" fn co_detach(co: co_t) -> c_int {
    status(wait::detach(co))
}

/// The calling coroutine; 0 on a plain thread. Never blocks.
#[unsafe(no_mangle)]
pub extern "C" fn co_self() -> co_t {
    rt::current()
}

/// Lets the other runnable coroutines of this vCPU run before going on. Not a cancellation point.
/// On a plain thread: sched_yield(). A few nanoseconds; no system call, no clock.
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub extern "C" fn co_yield_now() {
    photonrt_runtime::yield_now_body!()
}

/// The same under the name that C++20 reserves for itself: declared for C only.
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub extern "C" fn co_yield() {
    photonrt_runtime::yield_now_body!()
}

/// Sleeps for `ns` nanoseconds at least, by the monotonic clock; never less. 0 yields; CO_FOREVER
/// sleeps until cancelled or interrupted.
///
/// Blocks; a cancellation point. Plain threads too. 0; -ECANCELED or an interrupt's error; -EINVAL
/// (below -1).
#[unsafe(no_mangle)]
pub extern "C" fn co_sleep(ns: i64) -> c_int {
    status(wait::sleep(ns))
}

/// Gives up the vCPU until another calls co_unpark for this coroutine. An unpark that came before
/// makes it return at once; several before one park count as one. What was written before the
/// unpark is visible after the park.
///
/// Blocks; a cancellation point. 0 (unparked, never without a reason); -ETIMEDOUT (-EAGAIN with
/// CO_NOW); -ECANCELED or an interrupt's error; -EINVAL (below -1); -EPERM (a plain thread).
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub extern "C" fn co_park(timeout_ns: i64) -> c_int {
    photonrt_runtime::blocking_body!(begin = wait::begin_park, end = wait::resume_park, frame = 2)
}

/// Wakes `co` from co_park, or makes its next co_park return at once. Other waits of `co` go on.
/// From any thread; never blocks.
///
/// 0; -ESRCH (stale, or ended).
#[unsafe(no_mangle)]
pub extern "C" fn co_unpark(co: co_t) -> c_int {
    status(rt::unpark(co))
}

/// Makes the blocking call that `co` is in, or else its next one, fail once with `-err`. What that
/// call had done already is not lost: if it completed after all, its result stands and the
/// interrupt stays for the next. Of several before it is delivered the last one counts. Held off by
/// a shield. From any thread; never blocks.
///
/// 0; -EINVAL (`err` not in 1..4095); -ESRCH (stale, or ended).
#[unsafe(no_mangle)]
pub extern "C" fn co_interrupt(co: co_t, err: c_int) -> c_int {
    status(rt::interrupt(co, err))
}

/// Asks `co` to end: from now on each cancellation point in it fails with -ECANCELED, until it
/// calls co_cancel_clear. Nothing is unwound: the code sees the error and returns in its own way.
/// Held off by a shield. From any thread; never blocks.
///
/// 0 (also if it was asked before); -ESRCH (stale, or ended).
#[unsafe(no_mangle)]
pub extern "C" fn co_cancel(co: co_t) -> c_int {
    status(rt::cancel(co))
}

/// Holds cancels and interrupts off the calling coroutine (`on` not 0), or lets them through again:
/// they are kept, not lost. Gives the setting before, 0 or 1, so that calls nest; -EPERM on a plain
/// thread. Never blocks.
#[unsafe(no_mangle)]
pub extern "C" fn co_cancel_shield(on: c_int) -> c_int {
    value(rt::shield(on != 0).map(i64::from)) as c_int
}

/// Acknowledges a cancel: the calling coroutine's blocking calls work again. Gives 1 if there was
/// one, else 0; -EPERM on a plain thread. Never blocks.
#[unsafe(no_mangle)]
pub extern "C" fn co_cancel_clear() -> c_int {
    value(rt::cancel_clear().map(i64::from)) as c_int
}

/// 1 if the calling coroutine has been cancelled and no shield holds it off, else 0, also on a
/// plain thread. Never blocks; cheap enough for a loop.
#[unsafe(no_mangle)]
pub extern "C" fn co_cancel_pending() -> c_int {
    c_int::from(rt::cancel_pending())
}

/// Names `co` for reports: at most 31 bytes are kept; NULL or "" removes the name. Any thread;
/// never blocks.
///
/// 0; -ESRCH (stale).
///
/// # Safety
/// `name` is NULL or ended by a zero byte.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_set_name(co: co_t, name: *const c_char) -> c_int {
    // SAFETY: the caller vouches for the text.
    let name = unsafe { crate::convert::text(name) };
    status(rt::set_name(co, name))
}

/// Fills `out` (whose `size` the caller has set) with what is known of `co`. Any thread; never
/// blocks.
///
/// 0; -EINVAL (`out` NULL or its size under 8); -ESRCH (stale).
///
/// # Safety
/// `out` is NULL or points to `out->size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_info(co: co_t, out: *mut co_info_t) -> c_int {
    match rt::info(co) {
        // SAFETY: the caller vouches for `out`.
        Ok(info) => unsafe { write_sized(out, &convert_info(&info)) },
        Err(e) => e.code(),
    }
}

/// Calls `fn(info, arg)` for every coroutine that lives through the call (others may or may not be
/// seen), until `fn` gives something else than 0. It must not block. Gives what `fn` gave last, 0
/// if there was none; -EINVAL (`fn` NULL). Any thread.
///
/// # Safety
/// `fn` may be called with `arg`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_foreach(
    fn_: Option<unsafe extern "C" fn(info: *const co_info_t, arg: *mut c_void) -> c_int>,
    arg: *mut c_void,
) -> c_int {
    let Some(f) = fn_ else { return -libc::EINVAL };
    rt::foreach(&mut |info| {
        let info = convert_info(info);
        // SAFETY: the caller vouches for `fn` and `arg`.
        unsafe { f(&info, arg) }
    })
}

fn convert_info(i: &task::Info) -> co_info_t {
    co_info_t {
        size: size_of::<co_info_t>() as u32,
        state: i.state as u32,
        co: i.co,
        group: i.group,
        vcpu: i.vcpu,
        flags: i.flags,
        stack_size: i.stack_size,
        name: i.name.map(|b| b as c_char),
        acknowledged: u32::from(i.acknowledged),
        reserved: 0,
    }
}
