//! Header section `pool`.

use crate::convert::{called, entry, pool_attr, read_sized, status, write_sized};
use crate::coroutine::co_entry_t;
use crate::group::co_group_t;
use photonrt_runtime::err::Errno;
use photonrt_runtime::pool::{self, ForAttr};
use photonrt_runtime::rt;
use std::ffi::{c_char, c_int, c_void};

/// A pool of coroutines. A number that stays safe to use for ever, like co_t.
pub type co_pool_t = u64;

/// How to make a pool. NULL, or zero-filled but for `size`, gives the defaults.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct co_pool_attr_t {
    /// sizeof(co_pool_attr_t).
    pub size: u32,
    /// Of the workers, as in co_attr_t: CO_MIGRATABLE, CO_SAVE_FP.
    pub flags: u32,
    /// Jobs at work at once, at most; 0: 64.
    pub max: u32,
    /// Submitted jobs that may wait for a worker, so that who submits them need not; 0: none. They
    /// take 32 bytes each, whether there are any or not.
    pub queue: u32,
    /// vCPUs of a group of the pool's own, with threads of their own; 0: it runs in `group`.
    pub vcpus: u32,
    /// Zero.
    pub reserved: u32,
    /// Where jobs run; 0: the caller's group, or the default group from a plain thread.
    pub group: co_group_t,
    /// Bytes of the workers' stacks, as in co_attr_t; 0: the config's.
    pub stack_size: u64,
    /// Nanoseconds that a worker waits for its next job before it ends, up to twice as long; 0: one
    /// second; CO_FOREVER: it stays.
    pub idle_ns: i64,
    /// The workers' name, copied (31 bytes at most, cut beyond); NULL: "pool".
    pub name: *const c_char,
}

/// What co_pool_info gives.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct co_pool_info_t {
    /// sizeof(co_pool_info_t) of the caller; that many bytes are written.
    pub size: u32,
    /// As made.
    pub max: u32,
    /// Coroutines of the pool.
    pub workers: u32,
    /// Those of them that wait for a job.
    pub idle: u32,
    /// Submitted jobs that wait for a worker.
    pub queued: u32,
    /// Calls of co_pool_submit and co_pool_call that wait for a worker.
    pub waiting: u32,
    /// 1 once co_pool_close has been called, else 0.
    pub closing: u32,
    /// Zero.
    pub reserved: u32,
    /// Where its jobs run.
    pub group: co_group_t,
    /// Jobs that have ended.
    pub completed: u64,
}

/// Makes a pool: coroutines that run jobs, each of them many, so that a job costs neither a spawn nor
/// a new stack. Workers are spawned as jobs come, up to `max`. Jobs run in the order in which they
/// came; idle workers move to where there is time, as a coroutine that has not begun does.
///
/// A job finds a coroutine as good as new: co_self is another handle for each, stale when it has
/// ended, so that a cancel or an interrupt never reaches a later one; scopes that it leaves open are
/// closed, its locals destroyed, its arena freed.
///
/// A pool that does nothing keeps nothing running: it ends, and its handle is stale, when its group
/// or the runtime does. Any thread; blocks a coroutine no longer than it takes to start threads.
///
/// 0; -EINVAL (`out` NULL, a bad attr, `group` and `vcpus` both), -E2BIG (an attr from a newer
/// header), -ESRCH (no runtime, no such group), -ESHUTDOWN, -ENOMEM, -EAGAIN and -EMFILE (threads
/// that can't be had).
///
/// # Safety
/// Pointers are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_pool_new(out: *mut co_pool_t, attr: *const co_pool_attr_t) -> c_int {
    if out.is_null() {
        return -libc::EINVAL;
    }
    // SAFETY: the caller vouches for the pointers.
    let made = unsafe { pool_attr(attr) }.and_then(|(a, vcpus)| rt::pool_new(&a, vcpus));
    match made {
        Ok(p) => {
            // SAFETY: as above.
            unsafe { out.write(p) };
            0
        }
        Err(e) => e.code(),
    }
}

/// Has `fn(arg)` run by a worker; nobody gets its result. Waits while the pool is full: all workers
/// are at work, `max` of them, and as many jobs are queued as may be. CO_NOW refuses instead. A job
/// that has been taken is run, whatever becomes of its submitter.
///
/// Blocks; a cancellation point. Any thread, and the pool's own jobs (which may wait for ever, if all
/// of them do). 0; -ETIMEDOUT (-EAGAIN with CO_NOW: it is full); -EPIPE (it is being closed); -ESRCH
/// (stale); -ESHUTDOWN (co_shutdown has begun; plain threads only, for which a worker would have to
/// be spawned); -ENOMEM; -ECANCELED or an interrupt's error; -EINVAL (`fn` NULL, timeout below -1).
///
/// # Safety
/// `fn` may be called with `arg`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_pool_submit(
    pool_: co_pool_t,
    fn_: co_entry_t,
    arg: *mut c_void,
    timeout_ns: i64,
) -> c_int {
    let Some(f) = entry(fn_) else { return -libc::EINVAL };
    status(pool::submit(pool_, f, arg, timeout_ns))
}

/// Has `fn(arg)` run by a worker, and waits for its result (`result` may be NULL). `arg` may lie on
/// the caller's stack: this returns only when `fn` has, or will never be called.
///
/// Blocks; a cancellation point. Any thread, as co_pool_submit. What stops the caller before `fn` has
/// begun, its timeout, a cancel or an interrupt, withdraws the job. Afterwards it cancels the
/// coroutine that runs it, once, and the caller goes on waiting for its end.
///
/// 0; -ETIMEDOUT, -ECANCELED or an interrupt's error: it was stopped so before `fn` had returned;
/// if `fn` was called nevertheless, `result` has what it returned, and else is as it was. Where `fn`
/// was not called: -EAGAIN (CO_NOW), -EPIPE (the pool is being closed), -ESRCH (stale), -ESHUTDOWN,
/// -ENOMEM, -EINVAL (`fn` NULL, timeout below -1).
///
/// # Safety
/// Pointers are NULL or valid; `fn` may be called with `arg`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_pool_call(
    pool_: co_pool_t,
    fn_: co_entry_t,
    arg: *mut c_void,
    result: *mut *mut c_void,
    timeout_ns: i64,
) -> c_int {
    let Some(f) = entry(fn_) else { return -libc::EINVAL };
    // SAFETY: the caller vouches for it.
    unsafe { called(pool::call(pool_, f, arg, timeout_ns), result) }
}

/// Waits until the pool has nothing to do: no job is at work or waits. What the jobs have done can be
/// seen then.
///
/// Blocks; a cancellation point. Plain threads too. 0; -ETIMEDOUT (-EAGAIN with CO_NOW); -ESRCH
/// (stale); -EDEADLK (from a job of the pool); -ECANCELED or an interrupt's error; -EINVAL (timeout
/// below -1).
#[unsafe(no_mangle)]
pub extern "C" fn co_pool_wait(pool_: co_pool_t, timeout_ns: i64) -> c_int {
    status(pool::wait(pool_, timeout_ns))
}

/// Closes the pool: it takes no more jobs (who waits to bring it one gets -EPIPE), does those that
/// it has taken, ends its workers and, if the group is its own, that group, with what the jobs have
/// spawned in it. When this gives 0 the handle is stale. After -ETIMEDOUT, -EAGAIN, -ECANCELED or an
/// interrupt's error the pool is closing all the same; close it again to wait for the rest.
///
/// Blocks; a cancellation point. Plain threads too. 0; -ETIMEDOUT (-EAGAIN with CO_NOW: jobs are
/// under way, or its group's threads); -ESRCH (stale, or another has closed it meanwhile); -EDEADLK
/// (from a job of the pool, or from inside of its own group); -ECANCELED or an interrupt's error;
/// -EINVAL (timeout below -1).
#[unsafe(no_mangle)]
pub extern "C" fn co_pool_close(pool_: co_pool_t, timeout_ns: i64) -> c_int {
    status(rt::pool_close(pool_, timeout_ns))
}

/// Fills `out` (whose `size` the caller has set) with what the pool is doing. Any thread; never
/// blocks. 0; -EINVAL (`out` NULL or its size under 8); -ESRCH (stale).
///
/// # Safety
/// `out` is NULL or points to `out->size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_pool_info(pool_: co_pool_t, out: *mut co_pool_info_t) -> c_int {
    match pool::info(pool_) {
        Ok(i) => {
            let info = co_pool_info_t {
                size: 0,
                max: i.max,
                workers: i.workers,
                idle: i.idle,
                queued: i.stored,
                waiting: i.waiting,
                closing: u32::from(i.closing),
                reserved: 0,
                group: i.group,
                completed: i.completed,
            };
            // SAFETY: the caller vouches for `out`.
            unsafe { write_sized(out, &info) }
        }
        Err(e) => e.code(),
    }
}

/// What co_parallel_for calls, for the indices from `begin` up to, not including, `end`. Below 0: the
/// loop is to end with that.
pub type co_for_fn_t =
    Option<unsafe extern "C" fn(arg: *mut c_void, begin: u64, end: u64) -> c_int>;

/// How to run a loop in parts. NULL, or zero-filled but for `size`, gives the defaults.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct co_for_attr_t {
    /// sizeof(co_for_attr_t).
    pub size: u32,
    /// Coroutines at most that run parts at once, the caller among them; 0: as many as the group has
    /// vCPUs. More may serve parts that wait for something. At most 65536.
    pub workers: u32,
    /// Where parts run; 0: the caller's group, or the default group from a plain thread.
    pub group: co_group_t,
    /// Bytes of the helpers' stacks, as in co_attr_t; 0: the config's.
    pub stack_size: u64,
}

/// Runs `fn` for the indices from `begin` up to, not including, `end`, in parts and on all vCPUs of
/// a group at once. A part has `grain` indices or more, but for the last one; the first parts are the
/// largest. `grain` 0 leaves that to the runtime, which then makes parts for some hundred thousand
/// short turns as well as for a hundred long ones.
///
/// The caller runs parts itself, in its own coroutine, if it is one of that group. Those of others run
/// in coroutines of the group that see the values bound around the caller. Between two parts all give
/// way to others. In what order parts begin is not said, nor whether any two run at once. Loops in
/// loops are welcome.
///
/// The first part that gives a number below 0 ends the loop: no more begin, those that run are waited
/// for, and that number is returned. So does what stops the caller, its timeout, a cancel or an
/// interrupt, unless all parts have begun by then.
///
/// Blocks; a cancellation point. Plain threads too, which run no part. 0, at once if there are no
/// indices; what a part gave; -ETIMEDOUT; -EAGAIN (CO_NOW, with anything to do); -EINVAL (`fn` NULL,
/// `begin` beyond `end`, a bad attr, timeout below -1), -E2BIG (an attr from a newer header); -ESRCH
/// (no runtime, no such group); -ESHUTDOWN (co_shutdown has begun; plain threads only); -ENOMEM;
/// -ECANCELED or an interrupt's error.
///
/// # Safety
/// Pointers are NULL or valid; `fn` may be called with `arg`, on several threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_parallel_for(
    begin: u64,
    end: u64,
    grain: u64,
    fn_: co_for_fn_t,
    arg: *mut c_void,
    attr: *const co_for_attr_t,
    timeout_ns: i64,
) -> c_int {
    let Some(f) = fn_ else { return -libc::EINVAL };
    // SAFETY: the caller vouches for the pointer.
    unsafe { read_sized(attr) }
        .map(|a| {
            a.map_or_else(ForAttr::default, |a| ForAttr {
                workers: a.workers,
                group: a.group,
                stack_size: a.stack_size,
            })
        })
        .and_then(|a| pool::parallel_for((begin, end, grain), (f, arg), &a, timeout_ns))
        .unwrap_or_else(Errno::code)
}
