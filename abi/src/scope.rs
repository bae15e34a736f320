//! Header section `scope`.

use crate::convert::{attr, entry, read_sized, status, write_sized};
use crate::coroutine::{co_attr_t, co_entry_t};
use photonrt_runtime::err::Errno;
use photonrt_runtime::sched::Env;
use photonrt_runtime::scope;
use photonrt_runtime::task::Attr;
use std::ffi::{c_int, c_void};

/// A scope: the lifetime of a set of child coroutines. A number that stays safe to use for ever, as
/// co_t. 0 is none.
pub type co_scope_t = u64;

/// co_scope_attr_t.policy: nothing but a cancel or the deadline stops the children.
pub const CO_SCOPE_ALL: u32 = 0;
/// co_scope_attr_t.policy: the first child that fails cancels the scope.
pub const CO_SCOPE_FAIL_FAST: u32 = 1;
/// co_scope_attr_t.policy: the first child that ends well cancels the scope, which then has ended
/// well, whatever failed before.
pub const CO_SCOPE_FIRST: u32 = 2;

/// co_scope_attr_t.flags: results and numbers of children are not kept. For scopes that get many
/// children in their life: a kept result takes 16 bytes until the scope is closed.
pub const CO_SCOPE_NO_RESULTS: u32 = 1;
/// co_scope_attr_t.flags: cancels and deadlines of the scopes around do not reach it. For work that
/// must be done while everything else is being cancelled.
pub const CO_SCOPE_SHIELDED: u32 = 2;

/// How to open a scope. NULL, or zero-filled but for `size`, gives the defaults.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct co_scope_attr_t {
    /// sizeof(co_scope_attr_t).
    pub size: u32,
    /// CO_SCOPE_ALL, CO_SCOPE_FAIL_FAST or CO_SCOPE_FIRST.
    pub policy: u32,
    /// CO_SCOPE_NO_RESULTS, CO_SCOPE_SHIELDED.
    pub flags: u32,
    /// Zero.
    pub reserved: u32,
    /// Nanoseconds from now after which the scope is cancelled; 0 or CO_FOREVER: none. The deadline
    /// of the scope around holds too.
    pub timeout_ns: i64,
    /// The children's group; 0: that of who spawns them.
    pub group: u64,
    /// Bytes of their stacks, as in co_attr_t; 0: the config's.
    pub stack_size: u64,
}

/// What co_scope_info gives.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct co_scope_info_t {
    /// sizeof(co_scope_info_t) of the caller; that many bytes are written.
    pub size: u32,
    /// 1 once it has been cancelled, else 0.
    pub cancelled: u32,
    /// As opened.
    pub policy: u32,
    /// As opened.
    pub flags: u32,
    /// Children that have not ended.
    pub running: u64,
    /// Children spawned so far.
    pub spawned: u64,
    /// When it is cancelled, by co_now's clock; CO_FOREVER: never.
    pub deadline: i64,
    /// The first error, negative; 0: none.
    pub error: i32,
    /// Number of the child whose error that is; -1: none, or no child's.
    pub failed: i32,
    /// Number of the first child that ended well; -1: none so far. 0 with CO_SCOPE_NO_RESULTS.
    pub succeeded: i32,
    /// Zero.
    pub reserved: u32,
    /// What that one returned.
    pub result: *mut c_void,
}

fn number(r: Result<i32, Errno>) -> c_int {
    r.unwrap_or_else(Errno::code)
}

/// Opens a scope, inside of the innermost one that the caller has open or is a child of. The caller
/// owns it, and closes it before the scopes that it opened earlier; while it is open it has
/// children, and at co_scope_close none is left. From coroutines and plain threads; never blocks.
///
/// Cancelling a scope cancels its children as co_cancel does, and the scopes inside of it, however
/// deep and at once, also where what is in between is busy or shielded. Its owner is not cancelled.
/// A coroutine (or plain thread) that ends with scopes open has them closed first, and if it is a
/// child, counts as failed with -EBUSY.
///
/// 0; -EINVAL (`out` NULL, a bad attr), -E2BIG; -ECANCELED (the scope around has been cancelled,
/// and this one would not be shielded); -ENOMEM; -ESRCH (a deadline, and no runtime); -EAGAIN (a
/// plain thread, and the system has no thread-specific key left).
///
/// # Safety
/// Pointers are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_scope_open(
    out: *mut co_scope_t,
    attr_: *const co_scope_attr_t,
) -> c_int {
    if out.is_null() {
        return -libc::EINVAL;
    }
    // SAFETY: the caller vouches for the pointer.
    let opened = unsafe { read_sized(attr_) }.and_then(|a| {
        let Some(a) = a else { return scope::open(&scope::Attr::default()) };
        if a.reserved != 0 {
            return Err(Errno::EINVAL);
        }
        scope::open(&scope::Attr {
            policy: a.policy,
            flags: a.flags,
            timeout_ns: a.timeout_ns,
            group: a.group,
            stack_size: a.stack_size,
        })
    });
    match opened {
        Ok(s) => {
            // SAFETY: the caller vouches for it.
            unsafe { out.write(s) };
            0
        }
        Err(e) => e.code(),
    }
}

/// Spawns a child that will run `fn(arg)`. Whoever knows the scope may spawn into it: its owner,
/// its children, others. The child sees the values that were bound where the scope was opened. It
/// ends well with whatever it returns, unless it has called co_scope_fail. Never blocks.
///
/// The number of the child, counted from 0 (always 0 with CO_SCOPE_NO_RESULTS); -ECANCELED (the
/// scope has been cancelled, or is being closed); -ESRCH (stale); -EOVERFLOW (2^31 children); else
/// as co_spawn. A failure leaves everything as it was.
///
/// # Safety
/// `fn` may be called with `arg`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_scope_spawn(
    scope_: co_scope_t,
    fn_: co_entry_t,
    arg: *mut c_void,
) -> c_int {
    let Some(f) = entry(fn_) else { return -libc::EINVAL };
    number(scope::spawn(scope_, &Attr::default(), f, arg))
}

/// As co_scope_spawn with attributes, which go before the scope's own. CO_DETACHED is -EINVAL.
///
/// # Safety
/// As co_spawn.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_scope_spawn_with(
    scope_: co_scope_t,
    attr_: *const co_attr_t,
    fn_: co_entry_t,
    arg: *mut c_void,
) -> c_int {
    let Some(f) = entry(fn_) else { return -libc::EINVAL };
    // SAFETY: the caller vouches for the pointers.
    number(unsafe { attr(attr_, false) }.and_then(|a| scope::spawn(scope_, &a, f, arg)))
}

/// As co_scope_spawn_with, but copies `size` bytes at `env`, aligned to `align` (a power of two up
/// to 4096), onto the child's stack and passes the copy's address. The caller's `env` is free again
/// when this returns; the copy goes with the child.
///
/// As co_scope_spawn; also -EINVAL (`env` NULL with a size, a bad align), -E2BIG (over half of the
/// stack).
///
/// # Safety
/// As co_spawn_copy.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_scope_spawn_copy(
    scope_: co_scope_t,
    attr_: *const co_attr_t,
    fn_: co_entry_t,
    env: *const c_void,
    size: usize,
    align: usize,
) -> c_int {
    let Some(f) = entry(fn_) else { return -libc::EINVAL };
    let env = Env { from: env.cast(), size, align };
    // SAFETY: the caller vouches for the pointers.
    number(unsafe { attr(attr_, false) }.and_then(|a| scope::spawn_copy(scope_, &a, f, env)))
}

/// Waits until no child of the scope is left. More may be spawned then, and waited for again. The
/// owner's to call.
///
/// What is returned is decided by what comes first: a child that fails (its error), a child that
/// ends well where the policy is CO_SCOPE_FIRST (0, even after failures), the deadline or a cancel
/// that finds children alive (-ETIME, -ECANCELED). What children do after the scope has been
/// cancelled changes nothing about it; their results are kept all the same.
///
/// Blocks; a cancellation point. Plain threads too. 0; the first error, as above: -ETIME is the
/// deadline of the scope or of one around it, while -ETIMEDOUT (-EAGAIN with CO_NOW) is this call's
/// own and leaves the children running; -ECANCELED or an interrupt's error, if the caller itself
/// has been cancelled or interrupted (co_cancel_pending tells), with the children running;
/// -ESRCH (stale); -EDEADLK (from inside of the scope); -EPERM (from elsewhere, not the owner);
/// -EINVAL (timeout below -1).
#[unsafe(no_mangle)]
pub extern "C" fn co_scope_wait(scope_: co_scope_t, timeout_ns: i64) -> c_int {
    status(scope::wait(scope_, timeout_ns))
}

/// Cancels the scope: its children and all that is inside of it, as co_scope_open says; the caller
/// too if it is one of them. Nothing can be spawned or opened in it any more. It still has to be
/// closed. Any thread; never blocks. 0, also if it was cancelled before; -ESRCH (stale).
#[unsafe(no_mangle)]
pub extern "C" fn co_scope_cancel(scope_: co_scope_t) -> c_int {
    status(scope::cancel(scope_))
}

/// Closes the scope: cancels it if children are left, waits for them, frees it. The owner's to
/// call, for the innermost scope that it has open.
///
/// Blocks, and can't be called off: no cancellation point. Plain threads too. 0 or the first error,
/// as co_scope_wait (-ECANCELED if it was this that cancelled children); the handle is stale then.
/// With -ESRCH (stale), -EDEADLK (from inside of the scope), -EPERM (not the owner), -EBUSY (the
/// caller has opened another since) nothing has been done.
#[unsafe(no_mangle)]
pub extern "C" fn co_scope_close(scope_: co_scope_t) -> c_int {
    status(scope::close(scope_))
}

/// Says that the calling child has failed: `err` is the negative number of an error, as co_*
/// functions return it; of several calls the last counts, and 0 takes it back. Always NULL, so that
/// `return co_scope_fail(-EIO);` ends it. Anything below -4095 or above 0 counts as -EINVAL.
/// Nothing happens if the caller is not a scope's child. Never blocks.
#[unsafe(no_mangle)]
pub extern "C" fn co_scope_fail(err: c_int) -> *mut c_void {
    scope::fail(if (-4095..=0).contains(&err) { -err } else { libc::EINVAL });
    std::ptr::null_mut()
}

/// What a child returned, once it has ended (`result` may be NULL). Any thread, until the scope is
/// closed; never blocks.
///
/// 0; the error that the child has failed with; -EINPROGRESS (it has not ended); -EINVAL (no such
/// child, or CO_SCOPE_NO_RESULTS); -ESRCH (stale).
///
/// # Safety
/// `result` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_scope_result(
    scope_: co_scope_t,
    child: c_int,
    result: *mut *mut c_void,
) -> c_int {
    match scope::result(scope_, child) {
        Ok((r, how)) => {
            if !result.is_null() {
                // SAFETY: the caller vouches for it.
                unsafe { result.write(r) };
            }
            status(how)
        }
        Err(e) => e.code(),
    }
}

/// Fills `out` (whose `size` the caller has set) with what is known of the scope. Any thread; never
/// blocks. 0; -EINVAL (`out` NULL or its size under 8); -ESRCH (stale).
///
/// # Safety
/// `out` is NULL or points to `out->size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_scope_info(scope_: co_scope_t, out: *mut co_scope_info_t) -> c_int {
    match scope::info(scope_) {
        Ok(i) => {
            let info = co_scope_info_t {
                size: 0,
                cancelled: u32::from(i.cancelled),
                policy: i.policy,
                flags: i.flags,
                running: i.running,
                spawned: i.spawned,
                deadline: i.deadline.unwrap_or(-1),
                error: -i.error,
                failed: i.failed,
                succeeded: i.winner,
                reserved: 0,
                result: i.winner_result,
            };
            // SAFETY: the caller vouches for `out`.
            unsafe { write_sized(out, &info) }
        }
        Err(e) => e.code(),
    }
}

/// The scope that the calling coroutine is a child of; 0: none. Never blocks.
#[unsafe(no_mangle)]
pub extern "C" fn co_scope_self() -> co_scope_t {
    scope::own_scope()
}

/// When the innermost scope that the caller is in, open or as a child, will be cancelled by its
/// deadline, or that of a scope around it, by co_now's clock; CO_FOREVER: never. For what must be
/// told how long it may take. Never blocks.
#[unsafe(no_mangle)]
pub extern "C" fn co_scope_deadline() -> i64 {
    scope::deadline().unwrap_or(-1)
}

/// Runs `fn(arg)` with `value` bound to `key`, and gives what it returns (`result` may be NULL). All
/// that `fn` calls sees the value by co_value_get, and so do the children of scopes that are opened
/// inside, by reference: scopes that `fn` leaves open are closed before this returns. Afterwards
/// the key has the value that it had. Keys are addresses (of a variable that is there for that) or
/// numbers, and belong to those who know them; a binding inside of another hides it.
///
/// From coroutines and plain threads. As `fn` blocks; not a cancellation point. 0; -EBUSY (`fn` has
/// left scopes open, which have been closed, or a co_value_begin without its end); -EINVAL (`key` or
/// `fn` NULL).
///
/// # Safety
/// `fn` may be called with `arg`; `result` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_value_call(
    key: *const c_void,
    value: *mut c_void,
    fn_: co_entry_t,
    arg: *mut c_void,
    result: *mut *mut c_void,
) -> c_int {
    let Some(f) = entry(fn_) else { return -libc::EINVAL };
    // SAFETY: the caller vouches for `fn`.
    match unsafe { scope::value_call(key, value, f, arg) } {
        Ok((r, how)) => {
            if !result.is_null() {
                // SAFETY: the caller vouches for it.
                unsafe { result.write(r) };
            }
            status(how)
        }
        Err(e) => e.code(),
    }
}

/// The value bound to `key` around the caller; NULL if none is. A few nanoseconds for each binding
/// in force; never blocks.
#[unsafe(no_mangle)]
pub extern "C" fn co_value_get(key: *const c_void) -> *mut c_void {
    scope::value_get(key).unwrap_or(std::ptr::null_mut())
}

/// 1 if a value is bound to `key` around the caller (it may be NULL), else 0. Never blocks.
#[unsafe(no_mangle)]
pub extern "C" fn co_value_bound(key: *const c_void) -> c_int {
    c_int::from(scope::value_get(key).is_some())
}

/// Room for a binding that co_value_begin makes: it stays where it is, and is left alone, until
/// co_value_end.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct co_binding_t {
    /// The runtime's.
    pub opaque: [u64; 6],
}

const _: () = assert!(size_of::<co_binding_t>() >= size_of::<scope::Binding>());

/// Binds `value` to `key` until co_value_end, as co_value_call does for a call: for languages to
/// which a block is easier than a callback. `binding` may be uninitialized; it must outlive
/// the binding, so the end must be reached on every way out. Never blocks.
///
/// 0; -EINVAL (`binding` or `key` NULL); -EBUSY (it is in force already); -EAGAIN, -ENOMEM (a plain
/// thread, and the system has no thread-specific key left).
///
/// # Safety
/// As said.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_value_begin(
    binding: *mut co_binding_t,
    key: *const c_void,
    value: *mut c_void,
) -> c_int {
    // SAFETY: the caller's; a binding fits, see above.
    status(unsafe { scope::value_begin(binding.cast(), key, value) })
}

/// Ends the innermost binding that the caller has begun. Scopes that it has opened since are closed:
/// blocks as long as that takes, and can't be called off.
///
/// 0; -EBUSY (there were such scopes; the binding has ended); -EINVAL (it is not the innermost one
/// in force); -EPERM (another coroutine or thread has begun it).
///
/// # Safety
/// `binding` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_value_end(binding: *mut co_binding_t) -> c_int {
    status(scope::value_end(binding.cast()))
}
