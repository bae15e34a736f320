//! Header section `group`.

use crate::convert::{called, entry, group_attr, status, value};
use crate::coroutine::{co_entry_t, co_t};
use photonrt_runtime::{rt, wait};
use std::ffi::{c_char, c_int, c_void};

/// A group of vCPUs. A number that stays safe to use for ever, like co_t. 0 stands for the calling
/// coroutine's group, or the default group on a plain thread.
pub type co_group_t = u64;

/// co_group_attr_t.flags: one vCPU without a thread of its own: it runs inside co_group_poll,
/// called from a host's event loop.
pub const CO_GROUP_EXTERNAL: u32 = 1;

/// co_group_attr_t.flags: a thread for each vCPU that is bound to one CPU of those that the process
/// may use, where the system can do that. Nothing moves but by co_migrate: what a coroutine spawns
/// stays on its vCPU, what comes from outside is dealt out by turns.
pub const CO_GROUP_PINNED: u32 = 2;
/// co_group_attr_t.flags: one vCPU without a thread, whose runnable coroutines are handed to
/// `on_ready` as tokens, for the host to run with co_token_run in what order, when, and on what
/// threads it likes.
pub const CO_GROUP_CUSTOM: u32 = 4;

/// A coroutine's turn in a custom group. Good once.
pub type co_token_t = u64;
/// What a custom group calls for each coroutine `co` that has become runnable. It runs inside
/// co_group_poll or co_token_run, on that thread, as on a plain one; it keeps the token for later,
/// must not block, and can't run tokens (-EBUSY).
pub type co_ready_fn_t =
    Option<unsafe extern "C" fn(ctx: *mut c_void, token: co_token_t, co: co_t)>;

/// co_token_run: the coroutine waits for something.
pub const CO_TOKEN_PARKED: u32 = 0;
/// co_token_run: it has yielded; `on_ready` has been called with its new token.
pub const CO_TOKEN_READY: u32 = 1;
/// co_token_run: it has ended, or has moved to another group.
pub const CO_TOKEN_GONE: u32 = 2;

/// How to create a group. Zero-filled but for `size` gives one vCPU with a thread.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct co_group_attr_t {
    /// sizeof(co_group_attr_t).
    pub size: u32,
    /// 0, or one of CO_GROUP_EXTERNAL, CO_GROUP_PINNED, CO_GROUP_CUSTOM.
    pub flags: u32,
    /// vCPUs; 0: one, or in a pinned group one for each CPU that the process may use. With one, the
    /// group's coroutines run one at a time and need no locks among them. At most 256.
    pub vcpus: u32,
    /// Zero.
    pub reserved: u32,
    /// A name for its threads and for reports, copied (11 bytes at most, cut beyond); NULL: none.
    pub name: *const c_char,
    /// Of a custom group; else NULL.
    pub on_ready: co_ready_fn_t,
    /// What on_ready is called with.
    pub ctx: *mut c_void,
}

/// Creates a group of vCPUs in the running runtime. Coroutines enter it by co_attr_t.group or by
/// co_migrate, and stay: vCPUs of one group take no work from another. Any thread; does not block a
/// coroutine for longer than it takes to start threads.
///
/// 0; -EINVAL (`out` NULL, a bad attr, an external or custom group with more than one vCPU, a custom
/// one without on_ready), -E2BIG (an attr
/// from a newer header), -ESRCH (no runtime), -ESHUTDOWN, -EAGAIN (no thread to be had), -EMFILE,
/// -ENOMEM.
///
/// # Safety
/// Pointers are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_group_create(
    out: *mut co_group_t,
    attr: *const co_group_attr_t,
) -> c_int {
    if out.is_null() {
        return -libc::EINVAL;
    }
    // SAFETY: the caller vouches for the pointers.
    let made = unsafe { group_attr(attr) }.and_then(|a| rt::group_create(&a));
    match made {
        Ok(g) => {
            // SAFETY: as above.
            unsafe { out.write(g) };
            0
        }
        Err(e) => e.code(),
    }
}

/// Ends a group: waits until its coroutines have ended, then ends its threads. An external or custom
/// group is not run by this, so destroy it when it is empty, or from another thread than its host's:
/// a poll that waits there comes back, and the next one gives -ESRCH.
///
/// Blocks; a cancellation point. Plain threads too. 0; -ETIMEDOUT (-EAGAIN with CO_NOW: coroutines
/// are left, the group goes on); -ESRCH (stale); -EDEADLK (a coroutine of that group); -EPERM (the
/// default group); -ECANCELED or an interrupt's error; -EINVAL.
#[unsafe(no_mangle)]
pub extern "C" fn co_group_destroy(group: co_group_t, timeout_ns: i64) -> c_int {
    status(rt::group_destroy(group, timeout_ns))
}

/// Runs an external group on the calling thread: what is runnable, what I/O and timers make
/// runnable, and so on until nothing is runnable, waiting up to `timeout_ns` for the first. Gives
/// how many times a coroutine was resumed, 0 if none within the timeout. One thread at a time; the
/// same one each time while coroutines that are not migratable live in it.
///
/// Of a custom group it runs nothing: it looks after I/O, timers and wakes, calls on_ready for each
/// coroutine that has become runnable, waiting up to `timeout_ns` for the first, and gives how many
/// these were. While it waits, tokens may be run.
///
/// Blocks the calling thread; not from a coroutine (-EDEADLK). >= 0; -EINVAL (not an external
/// group, a timeout below -1); -ESRCH (stale); -EBUSY (another thread is polling it).
#[unsafe(no_mangle)]
pub extern "C" fn co_group_poll(group: co_group_t, timeout_ns: i64) -> i64 {
    value(rt::group_poll(group, timeout_ns))
}

/// A file descriptor that is readable when co_group_poll of this external or custom group has something
/// to do: a wake, I/O, or a timer. It belongs to the group; only wait for it. Any thread; never
/// blocks.
///
/// >= 0; -EINVAL (not an external group); -ESRCH (stale).
#[unsafe(no_mangle)]
pub extern "C" fn co_group_fd(group: co_group_t) -> c_int {
    value(rt::group_fd(group).map(i64::from)) as c_int
}

/// Runs the coroutine of a token on the calling thread until it waits, yields or ends, and calls
/// on_ready for what has become runnable meanwhile. Of one group only one token at a time is run, so
/// its coroutines need no locks among them. Which thread runs one may change each time: as in a
/// migratable coroutine, what is in a thread's own variables (errno among them) is gone after a call
/// that may block. A thread that has run tokens should live as long as the group: the system
/// calls off what I/O it began when it ends (-ECANCELED).
///
/// Holds up the calling thread for as long as the coroutine runs; not from a coroutine (-EDEADLK).
/// CO_TOKEN_PARKED, CO_TOKEN_READY or CO_TOKEN_GONE; -ESRCH (a token that is stale or was never
/// given); -EBUSY (the group is being polled, or another of its tokens is run: the token stays good).
#[unsafe(no_mangle)]
pub extern "C" fn co_token_run(token: co_token_t) -> c_int {
    value(rt::token_run(token)) as c_int
}

/// Sends work to another group, and waits for it: a coroutine in `group` runs `fn(arg)`, and `result`
/// (it may be NULL) receives what that returned. `arg` may lie on the caller's stack: this returns
/// only when `fn` has. Into the caller's own group too; the callee then takes its turn.
///
/// Blocks; a cancellation point. Plain threads too (but not the one that an external group is polled
/// by, into that group: nobody would run it). Whatever stops the caller meanwhile, its timeout, a
/// cancel or an interrupt, cancels the coroutine in `group` once, and the caller goes on waiting for
/// its end.
///
/// 0; -ETIMEDOUT, -ECANCELED or an interrupt's error: it was stopped so before `fn` had returned, and
/// `result` has what `fn` returned then. Where `fn` was not called and `result` is as it was:
/// -EAGAIN (CO_NOW), -ECANCELED or an interrupt's error (pending before), -EINVAL (`fn` NULL, timeout
/// below -1), -ESRCH (no such group), -ESHUTDOWN (co_shutdown has begun; plain threads only),
/// -ENOMEM.
///
/// # Safety
/// Pointers are NULL or valid; `fn` may be called with `arg`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_group_call(
    group: co_group_t,
    fn_: co_entry_t,
    arg: *mut c_void,
    result: *mut *mut c_void,
    timeout_ns: i64,
) -> c_int {
    let Some(f) = entry(fn_) else { return -libc::EINVAL };
    // SAFETY: the caller vouches for it.
    unsafe { called(wait::call(group, f, arg, timeout_ns), result) }
}

/// How many vCPUs the group has. Any thread; never blocks. >= 1; -ESRCH (stale, or no runtime).
#[unsafe(no_mangle)]
pub extern "C" fn co_group_vcpu_count(group: co_group_t) -> c_int {
    value(rt::group_vcpus(group).map(i64::from)) as c_int
}

/// The group that the calling coroutine is in; 0 on a plain thread.
#[unsafe(no_mangle)]
pub extern "C" fn co_group_self() -> co_group_t {
    rt::group_self()
}

/// The vCPU in its group, counted from 1, that the calling coroutine is on; 0 on a plain thread.
#[unsafe(no_mangle)]
pub extern "C" fn co_vcpu_self() -> u32 {
    rt::vcpu_self()
}

/// Moves `co` to vCPU `vcpu` (counted from 1; CO_VCPU_ANY lets the runtime choose) of `group`,
/// where it then stays. It must be fresh or migratable. The caller itself has moved when the call
/// returns; another coroutine moves before it next runs. From any thread; lets other coroutines run
/// if it moves the caller; not a cancellation point.
///
/// 0; -ESRCH (stale, or no such group or vCPU); -EPERM (neither fresh nor migratable); -EBUSY (the
/// caller itself, and it is pinned). Another one that is pinned, or in foreign code, moves when it no
/// longer is.
#[unsafe(no_mangle)]
pub extern "C" fn co_migrate(co: co_t, group: co_group_t, vcpu: u32) -> c_int {
    status(rt::migrate(co, group, vcpu))
}
