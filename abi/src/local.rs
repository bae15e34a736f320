//! Header section `local`.

use crate::convert::status;
use photonrt_runtime::{scope, task};
use std::ffi::{c_int, c_void};

/// A key, under which each coroutine and plain thread has a value of its own. 0 is none.
pub type co_key_t = u64;
/// Called with a value whose coroutine or thread ends.
pub type co_destructor_t = Option<unsafe extern "C" fn(value: *mut c_void)>;

/// Makes a key. Its value is NULL in every coroutine and thread until set there; children inherit
/// nothing. `destructor` may be NULL.
///
/// When a coroutine ends, after its entry has returned, it calls the destructor of each value that
/// is not NULL, on its own stack: the value that was first set last comes first. The value is NULL
/// by then; other values can still be read. A destructor may block, as far as the coroutine has
/// not been cancelled, and may set values: then this is done again, four times in all, after which
/// what is left is forgotten. Who joins the coroutine, and its scope, wait for all this. A plain
/// thread does the same when it ends, but not when the process does.
///
/// Any thread; never blocks. 0; -EINVAL (`out` NULL); -EAGAIN (4096 keys are in use).
///
/// # Safety
/// `out` is NULL or valid; the destructor may be called with the values that are set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_key_new(out: *mut co_key_t, destructor: co_destructor_t) -> c_int {
    if out.is_null() {
        return -libc::EINVAL;
    }
    match task::local::key_new(destructor) {
        Ok(key) => {
            // SAFETY: the caller vouches for it.
            unsafe { out.write(key) };
            0
        }
        Err(e) => e.code(),
    }
}

/// Frees a key. Values that are still set under it can't be reached any more and get no destructor
/// (but for one that is running now). Any thread; never blocks. 0; -ESRCH (stale).
#[unsafe(no_mangle)]
pub extern "C" fn co_key_free(key: co_key_t) -> c_int {
    status(task::local::key_free(key))
}

/// Sets the calling coroutine's value, or the calling plain thread's; NULL takes it back. The value
/// before is forgotten, without its destructor. Never blocks.
///
/// 0; -ESRCH (a stale key); -ENOMEM; -EAGAIN (the system has no thread-specific key left for the
/// calling plain thread).
#[unsafe(no_mangle)]
pub extern "C" fn co_local_set(key: co_key_t, value: *mut c_void) -> c_int {
    status(scope::local_set(key, value))
}

/// The calling coroutine's value, or the calling plain thread's; NULL if none is set or the key is
/// stale. A few nanoseconds; never blocks.
#[unsafe(no_mangle)]
pub extern "C" fn co_local_get(key: co_key_t) -> *mut c_void {
    scope::local_get(key)
}

/// `size` bytes of the calling coroutine's arena (or the calling plain thread's), aligned to
/// `align`, a power of two; they are not zeroed. All of the arena is freed when the coroutine has
/// ended, after the destructors of its locals; nothing of it can be freed before, but by
/// co_arena_reset. Other coroutines may use the memory meanwhile. Never blocks; mostly a few
/// instructions.
///
/// NULL: no memory, or a bad `align`. A size of 0 gives an address that is not NULL.
#[unsafe(no_mangle)]
pub extern "C" fn co_arena_alloc(size: usize, align: usize) -> *mut c_void {
    scope::arena_alloc(size, align).map_or(std::ptr::null_mut(), |p| p.as_ptr().cast())
}

/// Bytes that the calling coroutine (or thread) has taken from its arena since it was empty. Never
/// blocks.
#[unsafe(no_mangle)]
pub extern "C" fn co_arena_used() -> usize {
    scope::arena_used()
}

/// Empties the calling coroutine's arena (or thread's): nothing that came from it may be used any
/// more. For loops whose every turn begins anew. Never blocks.
#[unsafe(no_mangle)]
pub extern "C" fn co_arena_reset() {
    scope::arena_reset();
}
