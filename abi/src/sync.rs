//! Header section `sync`.

use crate::convert::status;
use photonrt_runtime::arch::Step;
use photonrt_runtime::err::Errno;
use photonrt_runtime::wait::step;
use photonrt_runtime::{blocking_body, sync};
use std::ffi::{c_int, c_void};
use std::sync::atomic::AtomicU32;

/// A mutex. Filled with zeros it is free.
#[repr(C)]
pub struct co_mutex_t {
    /// The runtime's.
    pub opaque: [u64; 6],
}

/// A mutex that its holder may lock again. Filled with zeros it is free.
#[repr(C)]
pub struct co_rmutex_t {
    /// The runtime's.
    pub opaque: [u64; 8],
}

/// A lock for many readers or one writer. Filled with zeros it is free.
#[repr(C)]
pub struct co_rwlock_t {
    /// The runtime's.
    pub opaque: [u64; 8],
}

/// A condition variable, to be used with a co_mutex_t. Filled with zeros it is one.
#[repr(C)]
pub struct co_cond_t {
    /// The runtime's.
    pub opaque: [u64; 4],
}

/// A counting semaphore. Filled with zeros it holds 0.
#[repr(C)]
pub struct co_sem_t {
    /// The runtime's.
    pub opaque: [u64; 4],
}

/// An event: set, until it is reset. Filled with zeros it is not set.
#[repr(C)]
pub struct co_event_t {
    /// The runtime's.
    pub opaque: [u64; 4],
}

/// A wait group: a count of what is still to be done. Filled with zeros it counts 0.
#[repr(C)]
pub struct co_wg_t {
    /// The runtime's.
    pub opaque: [u64; 4],
}

/// A barrier, at which a number of parties wait for each other. Filled with zeros it is one.
#[repr(C)]
pub struct co_barrier_t {
    /// The runtime's.
    pub opaque: [u64; 6],
}

/// Something that is to be done one time. Filled with zeros it is still to be done.
#[repr(C)]
pub struct co_once_t {
    /// The runtime's.
    pub opaque: [u64; 6],
}

/// The runtime's object in the caller's memory.
macro_rules! object {
    ($p:expr, $own:ty, $inner:ty) => {{
        const _: () = assert!(
            size_of::<$inner>() <= size_of::<$own>() && align_of::<$inner>() <= align_of::<$own>()
        );
        if $p.is_null() {
            return -libc::EINVAL;
        }
        // SAFETY: the caller's: zero-filled at first, used by these calls only, in place.
        unsafe { &*$p.cast::<$inner>() }
    }};
}

/// 0, 1 or `-errno`.
fn flag(r: Result<bool, Errno>) -> c_int {
    r.map_or_else(Errno::code, c_int::from)
}

/// How many, as far as an int goes.
fn count(n: u32) -> c_int {
    c_int::try_from(n).unwrap_or(c_int::MAX)
}

/// Locks the mutex: waits until the caller is its only holder. One that has waited for a millisecond
/// is handed it; until then it is anybody's who comes when it is free.
///
/// Blocks; a cancellation point; any thread. 0; -ETIMEDOUT (-EAGAIN with CO_NOW: it is held);
/// -EDEADLK (by the caller itself); -ECANCELED or an interrupt's error; -EINVAL.
///
/// # Safety
/// NULL or a mutex.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_mutex_lock(mutex: *mut co_mutex_t, timeout_ns: i64) -> c_int {
    status(object!(mutex, co_mutex_t, sync::Mutex).lock(timeout_ns))
}

/// Unlocks the mutex. The call has let go of it for good when another caller can hold it: whoever
/// locks it last may free its memory.
///
/// Never blocks; from the holder. 0; -EPERM (the caller does not hold it); -EINVAL.
///
/// # Safety
/// As co_mutex_lock.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_mutex_unlock(mutex: *mut co_mutex_t) -> c_int {
    status(object!(mutex, co_mutex_t, sync::Mutex).unlock())
}

/// As co_mutex_lock, but its holder may lock it again, and must unlock it as many times.
///
/// Blocks, unless the caller holds it; a cancellation point; any thread. 0; -ETIMEDOUT (-EAGAIN with
/// CO_NOW); -EOVERFLOW (locked 2^32 times); -ECANCELED or an interrupt's error; -EINVAL.
///
/// # Safety
/// NULL or a recursive mutex.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_rmutex_lock(mutex: *mut co_rmutex_t, timeout_ns: i64) -> c_int {
    status(object!(mutex, co_rmutex_t, sync::RecursiveMutex).lock(timeout_ns))
}

/// Takes back one co_rmutex_lock; the last one unlocks the mutex, as co_mutex_unlock.
///
/// Never blocks; from the holder. 0; -EPERM (the caller does not hold it); -EINVAL.
///
/// # Safety
/// As co_rmutex_lock.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_rmutex_unlock(mutex: *mut co_rmutex_t) -> c_int {
    status(object!(mutex, co_rmutex_t, sync::RecursiveMutex).unlock())
}

/// Locks for reading, together with other readers. Readers and writers take turns: all readers that
/// wait when a writer is done go in together, then the writer that has waited longest. A reader that
/// comes while a writer waits stays outside until that one is done: so nobody waits for ever, and a
/// reader that locks again may wait for itself.
///
/// Blocks; a cancellation point; any thread. 0; -ETIMEDOUT (-EAGAIN with CO_NOW: a writer has it, or
/// waits for it); -EDEADLK (the caller has it for writing); -EOVERFLOW (2^32 - 1 readers);
/// -ECANCELED or an interrupt's error; -EINVAL.
///
/// # Safety
/// NULL or a lock.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_rwlock_rdlock(lock: *mut co_rwlock_t, timeout_ns: i64) -> c_int {
    status(object!(lock, co_rwlock_t, sync::RwLock).read(timeout_ns))
}

/// Locks for writing: waits until the caller is alone. Writers come in their order, with the readers
/// that wait then between two of them. Nobody knows who reads: a reader that locks for writing waits
/// for itself.
///
/// Blocks; a cancellation point; any thread. 0; -ETIMEDOUT (-EAGAIN with CO_NOW: somebody has it);
/// -EDEADLK (the caller has it for writing); -ECANCELED or an interrupt's error; -EINVAL.
///
/// # Safety
/// As co_rwlock_rdlock.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_rwlock_wrlock(lock: *mut co_rwlock_t, timeout_ns: i64) -> c_int {
    status(object!(lock, co_rwlock_t, sync::RwLock).write(timeout_ns))
}

/// Unlocks what the caller has locked, for reading or for writing. The call has let go of it for
/// good when another caller can have it.
///
/// Never blocks; a writer's from itself, a reader's from any thread. 0; -EPERM (nobody reads, and
/// the caller does not write); -EINVAL.
///
/// # Safety
/// As co_rwlock_rdlock.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_rwlock_unlock(lock: *mut co_rwlock_t) -> c_int {
    status(object!(lock, co_rwlock_t, sync::RwLock).unlock())
}

/// Makes the writer a reader, with nobody writing in between; readers that wait come in as well.
///
/// Never blocks; from the writer. 0; -EPERM (the caller does not write); -EINVAL.
///
/// # Safety
/// As co_rwlock_rdlock.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_rwlock_downgrade(lock: *mut co_rwlock_t) -> c_int {
    status(object!(lock, co_rwlock_t, sync::RwLock).downgrade())
}

/// Unlocks the mutex, waits for a signal, and locks the mutex again: it is locked whenever this
/// returns, and the locking is not cut short by time or cancel. No signal that is given by a holder
/// of the mutex after that falls in between. One that has been given to the caller counts, even
/// if it is cancelled or late: it gets 0 then, and an interrupt waits for the next call. Others may have
/// changed things before the mutex was had: look again, in a loop.
///
/// Blocks; a cancellation point; any thread. 0; -ETIMEDOUT (-EAGAIN with CO_NOW, at once);
/// -EPERM (the caller does not hold the mutex); -ECANCELED or an interrupt's error; -EINVAL.
///
/// # Safety
/// NULL or a condition variable; NULL or a mutex.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_cond_wait(
    cond: *mut co_cond_t,
    mutex: *mut co_mutex_t,
    timeout_ns: i64,
) -> c_int {
    let mutex = object!(mutex, co_mutex_t, sync::Mutex);
    status(object!(cond, co_cond_t, sync::Cond).wait(mutex, timeout_ns))
}

/// Wakes the caller that has waited longest, among those that wait now. The condition variable's
/// memory may be freed as soon as nobody waits or will.
///
/// Never blocks; any thread, with the mutex or without. How many it woke: 1 or 0; -EINVAL.
///
/// # Safety
/// NULL or a condition variable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_cond_signal(cond: *mut co_cond_t) -> c_int {
    count(object!(cond, co_cond_t, sync::Cond).signal())
}

/// As co_cond_signal, for all that wait now. How many it woke; -EINVAL.
///
/// # Safety
/// As co_cond_signal.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_cond_broadcast(cond: *mut co_cond_t) -> c_int {
    count(object!(cond, co_cond_t, sync::Cond).broadcast())
}

/// Takes `n` from the semaphore, and waits until it holds as many. Who came first is served first.
///
/// Blocks; a cancellation point; any thread. 0; -ETIMEDOUT (-EAGAIN with CO_NOW); -ECANCELED or an
/// interrupt's error; -EINVAL. What was not waited out has taken nothing.
///
/// # Safety
/// NULL or a semaphore.
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub unsafe extern "C" fn co_sem_wait(sem: *mut co_sem_t, n: u32, timeout_ns: i64) -> c_int {
    blocking_body!(begin = begin_sem_wait, end = step::resume::<sync::Take>, frame = 4)
}

unsafe extern "C" fn begin_sem_wait(
    sem: *mut co_sem_t,
    n: u32,
    timeout_ns: i64,
    frame: *mut u8,
) -> Step {
    if sem.is_null() {
        return Step::done(-libc::EINVAL);
    }
    // SAFETY: the caller's; the frame is blocking_body's.
    unsafe { (*sem.cast::<sync::Semaphore>()).begin_wait(n, timeout_ns, frame) }
}

/// Adds `n` to the semaphore and wakes who can be served with that. The semaphore's memory may be
/// freed as soon as nobody waits for it or will.
///
/// Never blocks; any thread. 0; -EOVERFLOW (it would hold more than UINT32_MAX, and nothing has
/// changed); -EINVAL.
///
/// # Safety
/// As co_sem_wait.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_sem_post(sem: *mut co_sem_t, n: u32) -> c_int {
    status(object!(sem, co_sem_t, sync::Semaphore).post(n))
}

/// Waits until the event is set; returns at once if it is.
///
/// Blocks; a cancellation point; any thread. 0; -ETIMEDOUT (-EAGAIN with CO_NOW); -ECANCELED or an
/// interrupt's error; -EINVAL.
///
/// # Safety
/// NULL or an event.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_event_wait(event: *mut co_event_t, timeout_ns: i64) -> c_int {
    status(object!(event, co_event_t, sync::Event).wait(timeout_ns))
}

/// Sets the event: all that wait go on, even if it is reset at once, and nobody waits from now on.
/// The call has let go of the event for good when one of them goes on: who waited alone may free it.
///
/// Never blocks; any thread. 0, set before or not; -EINVAL.
///
/// # Safety
/// As co_event_wait.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_event_set(event: *mut co_event_t) -> c_int {
    object!(event, co_event_t, sync::Event).set();
    0
}

/// Makes the event unset: who waits from now on waits for the next co_event_set.
///
/// Never blocks; any thread. 0; -EINVAL.
///
/// # Safety
/// As co_event_wait.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_event_reset(event: *mut co_event_t) -> c_int {
    object!(event, co_event_t, sync::Event).reset();
    0
}

/// Whether the event is set: 1 or 0; -EINVAL. Never blocks; any thread.
///
/// # Safety
/// As co_event_wait.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_event_is_set(event: *mut co_event_t) -> c_int {
    c_int::from(object!(event, co_event_t, sync::Event).is_set())
}

/// Adds `n`, which may be negative, to the count. When it becomes 0 all that wait go on. Add before
/// what is counted begins, and before waiting for it; when all have gone on the group can be used
/// again. The call has let go of the group for good when one that waited goes on.
///
/// Never blocks; any thread. 0; -EINVAL (also: the count would be below 0); -EOVERFLOW (above
/// UINT32_MAX).
///
/// # Safety
/// NULL or a wait group.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_wg_add(wg: *mut co_wg_t, n: i32) -> c_int {
    status(object!(wg, co_wg_t, sync::WaitGroup).add(n))
}

/// Takes one from the count: co_wg_add(wg, -1).
///
/// # Safety
/// As co_wg_add.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_wg_done(wg: *mut co_wg_t) -> c_int {
    status(object!(wg, co_wg_t, sync::WaitGroup).add(-1))
}

/// Waits until the count is 0; returns at once if it is.
///
/// Blocks; a cancellation point; any thread. 0; -ETIMEDOUT (-EAGAIN with CO_NOW); -ECANCELED or an
/// interrupt's error; -EINVAL.
///
/// # Safety
/// As co_wg_add.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_wg_wait(wg: *mut co_wg_t, timeout_ns: i64) -> c_int {
    status(object!(wg, co_wg_t, sync::WaitGroup).wait(timeout_ns))
}

/// Waits until `parties` callers have come to the barrier, the caller among them; then all go on,
/// and the next round begins. A caller that gives up leaves the round as if it had not come: the
/// others wait on.
///
/// Blocks; a cancellation point; any thread. 1 for the last to come, 0 for the others; -ETIMEDOUT
/// (-EAGAIN with CO_NOW: the caller is not the last); -ECANCELED or an interrupt's error; -EINVAL
/// (also: no parties, or not as many as those that wait have said).
///
/// # Safety
/// NULL or a barrier.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_barrier_wait(
    barrier: *mut co_barrier_t,
    parties: u32,
    timeout_ns: i64,
) -> c_int {
    flag(object!(barrier, co_barrier_t, sync::Barrier).wait(parties, timeout_ns))
}

/// Calls `fn(arg)` if nobody has yet; otherwise waits until that call is over. If `fn` gives a
/// negative number it has not been done: the caller gets that number, and the next caller, or the
/// one that has waited longest, tries again. The timeout is for the waiting.
///
/// Blocks; a cancellation point; any thread; `fn` runs on the caller's stack and may block. 0 once it
/// is done, and what was done can be seen; -ETIMEDOUT (-EAGAIN with CO_NOW: somebody is at it);
/// -EDEADLK (from within `fn`); -ECANCELED or an interrupt's error; -EINVAL.
///
/// # Safety
/// NULL or a once; `fn` may be called with `arg`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_once(
    once: *mut co_once_t,
    fn_: Option<unsafe extern "C" fn(arg: *mut c_void) -> c_int>,
    arg: *mut c_void,
    timeout_ns: i64,
) -> c_int {
    let Some(f) = fn_ else { return -libc::EINVAL };
    let mut given = 0;
    let run = || {
        // SAFETY: the caller vouches for `fn` and `arg`.
        given = unsafe { f(arg) };
        if given < 0 { Err(Errno::EAGAIN) } else { Ok(()) }
    };
    let r = status(object!(once, co_once_t, sync::Once).call(timeout_ns, run));
    if given < 0 { given } else { r }
}

/// co_once in two halves, for languages that can't pass a function: 1: the caller is to do it, and
/// to call co_once_end after that; 0: it is done. Otherwise as co_once.
///
/// # Safety
/// As co_once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_once_begin(once: *mut co_once_t, timeout_ns: i64) -> c_int {
    flag(object!(once, co_once_t, sync::Once).begin(timeout_ns))
}

/// The other half: it is done (`done` not 0), or somebody else is to try. The call has let go of the
/// object for good when another caller is told that it is done.
///
/// Never blocks; from who was told to do it. 0; -EPERM (the caller was not); -EINVAL.
///
/// # Safety
/// As co_once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_once_end(once: *mut co_once_t, done: c_int) -> c_int {
    status(object!(once, co_once_t, sync::Once).end(done != 0))
}

/// Waits for a co_futex_wake of this address, if the word there is `expected` (it is read
/// atomically). Change the word before waking: whoever has read the old value is then woken or gets
/// -EAGAIN. Wakes without a reason do not happen, but a wake may be meant for another use of the same
/// memory: look again, in a loop.
///
/// Blocks; a cancellation point; any thread. 0; -EAGAIN (the word differs, or CO_NOW); -ETIMEDOUT;
/// -ECANCELED or an interrupt's error; -EINVAL (also: NULL, or not a multiple of 4). One that was
/// woken gets 0, even if it is cancelled or late.
///
/// # Safety
/// NULL, not aligned, or a word.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_futex_wait(addr: *const u32, expected: u32, timeout_ns: i64) -> c_int {
    // SAFETY: the caller's.
    status(unsafe { sync::futex::wait(addr.cast::<AtomicU32>(), expected, timeout_ns) })
}

/// Wakes up to `n` callers of co_futex_wait with this address, those first that have waited longest.
/// The word is not touched: its memory may be gone.
///
/// Never blocks; any thread of this process. How many it woke; -EINVAL (NULL, or not a multiple of
/// 4).
#[unsafe(no_mangle)]
pub extern "C" fn co_futex_wake(addr: *const u32, n: u32) -> c_int {
    sync::futex::wake(addr.cast::<AtomicU32>(), n).map_or_else(Errno::code, count)
}
