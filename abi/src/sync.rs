//! Header section `sync`.

use crate::convert::status;
use photonrt_runtime::arch::Step;
use photonrt_runtime::wait::step;
use photonrt_runtime::{blocking_body, sync};
use std::ffi::c_int;

/// A mutex. Filled with zeros it is free.
#[repr(C)]
pub struct co_mutex_t {
    /// The runtime's.
    pub opaque: [u64; 6],
}

/// A counting semaphore. Filled with zeros it holds 0.
#[repr(C)]
pub struct co_sem_t {
    /// The runtime's.
    pub opaque: [u64; 4],
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
