//! Header section `chan`.

use crate::convert::{status, value};
use photonrt_runtime::arch::Step;
use photonrt_runtime::err::Errno;
use photonrt_runtime::wait::step;
use photonrt_runtime::{blocking_body, chan};
use std::ffi::{c_int, c_void};

/// A channel. A number that stays safe to use for ever, like co_t; what is stale, forged or 0 gives
/// -EBADF here.
pub type co_chan_t = u64;

/// A future. A number as co_chan_t, and neither of them is ever taken for the other.
pub type co_future_t = u64;

/// co_chan_new: a capacity without a limit but memory.
pub const CO_CHAN_UNBOUNDED: usize = -1isize as usize;
/// Bytes that an element of a channel, or a future's value, may have; what is larger goes by its
/// address.
pub const CO_CHAN_ELEM_MAX: usize = 65536;

const _: () =
    assert!(CO_CHAN_UNBOUNDED == chan::UNBOUNDED && CO_CHAN_ELEM_MAX == chan::MAX_ELEMENT);

/// Writes a new handle to `out`.
fn made(out: *mut u64, new: impl FnOnce() -> Result<u64, Errno>) -> c_int {
    if out.is_null() {
        return -libc::EINVAL;
    }
    status(new().map(|handle| {
        // SAFETY: the caller's: valid.
        unsafe { out.write(handle) };
    }))
}

/// An amount; what is beyond INT64_MAX is that.
fn amount(n: Result<usize, Errno>) -> i64 {
    value(n.map(|n| i64::try_from(n).unwrap_or(i64::MAX)))
}

/// Makes a channel of elements of `elem_size` bytes (0: it passes mere signals).
///
/// `capacity` 0: a rendezvous, in which a send ends when its element has been received; n: up to n
/// elements wait in a buffer, and a send waits only while it is full; CO_CHAN_UNBOUNDED: sends
/// never wait, and take memory.
///
/// Any thread; never blocks. 0; -EINVAL (`out` NULL, elements over CO_CHAN_ELEM_MAX); -ENOMEM.
///
/// # Safety
/// `out` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_chan_new(
    out: *mut co_chan_t,
    elem_size: usize,
    capacity: usize,
) -> c_int {
    made(out, || chan::new(elem_size, capacity))
}

/// Sends the element at `elem`: to the receiver that has waited longest, or into the buffer; waits
/// if neither is to be had. A send that fails has sent nothing, and one that succeeds has sent it
/// once. `elem` may be NULL if elements have no bytes.
///
/// Blocks; a cancellation point; any thread. 0; -ETIMEDOUT (-EAGAIN with CO_NOW); -EPIPE (the
/// channel is closed, or was while this waited); -EBADF (it is freed, or was); -ENOMEM (unbounded
/// ones); -ECANCELED or an interrupt's error; -EINVAL.
///
/// # Safety
/// `elem` is NULL or has the channel's element size of bytes.
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub unsafe extern "C" fn co_chan_send(
    ch: co_chan_t,
    elem: *const c_void,
    timeout_ns: i64,
) -> c_int {
    blocking_body!(begin = begin_send, end = step::resume::<chan::Send>, frame = 4)
}

unsafe extern "C" fn begin_send(
    ch: co_chan_t,
    elem: *const c_void,
    timeout_ns: i64,
    frame: *mut u8,
) -> Step {
    // SAFETY: the caller's; the frame is blocking_body's.
    unsafe { chan::begin_send(ch, elem.cast(), timeout_ns, frame) }
}

/// Receives the oldest element into `elem`; waits while there is none. `elem` NULL: the element is
/// dropped. A receive that fails has taken nothing.
///
/// Blocks; a cancellation point; any thread. 0; -ETIMEDOUT (-EAGAIN with CO_NOW); -EPIPE (the
/// channel is closed and nothing is left in it); -EBADF (it is freed, or was while this waited);
/// -ECANCELED or an interrupt's error; -EINVAL.
///
/// # Safety
/// `elem` is NULL or has room for the channel's element size of bytes.
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub unsafe extern "C" fn co_chan_recv(ch: co_chan_t, elem: *mut c_void, timeout_ns: i64) -> c_int {
    blocking_body!(begin = begin_recv, end = step::resume::<chan::Recv>, frame = 4)
}

unsafe extern "C" fn begin_recv(
    ch: co_chan_t,
    elem: *mut c_void,
    timeout_ns: i64,
    frame: *mut u8,
) -> Step {
    // SAFETY: the caller's; the frame is blocking_body's.
    unsafe { chan::begin_recv(ch, elem.cast(), timeout_ns, frame) }
}

/// Closes the channel for senders: sends fail with -EPIPE, those that are waiting too, and their
/// elements are not taken. Receivers get what is in the buffer, and then -EPIPE.
///
/// Any thread; never blocks. 0; -EPIPE (it is closed already); -EBADF.
#[unsafe(no_mangle)]
pub extern "C" fn co_chan_close(ch: co_chan_t) -> c_int {
    status(chan::close(ch))
}

/// Ends the channel, closed or not: every call on it that waits or is to come fails with -EBADF.
/// Elements in the buffer are dropped.
///
/// Any thread; never blocks. 0; -EBADF.
#[unsafe(no_mangle)]
pub extern "C" fn co_chan_free(ch: co_chan_t) -> c_int {
    status(chan::free(ch))
}

/// Elements in the buffer at this moment. Any thread; never blocks. >= 0; -EBADF.
#[unsafe(no_mangle)]
pub extern "C" fn co_chan_len(ch: co_chan_t) -> i64 {
    amount(chan::len(ch))
}

/// The capacity that the channel was made with; INT64_MAX if it is unbounded. Any thread; never
/// blocks. >= 0; -EBADF.
#[unsafe(no_mangle)]
pub extern "C" fn co_chan_cap(ch: co_chan_t) -> i64 {
    amount(chan::capacity(ch))
}

/// Makes a future: a value of `size` bytes (0: a mere signal) that is to come.
///
/// Any thread; never blocks. 0; -EINVAL (`out` NULL, a size over CO_CHAN_ELEM_MAX); -ENOMEM.
///
/// # Safety
/// `out` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_future_new(out: *mut co_future_t, size: usize) -> c_int {
    made(out, || chan::future_new(size))
}

/// Gives the future its value, once: who waits for it goes on, and who comes later finds it.
/// From any thread, from a callback of foreign code; not from a signal handler.
///
/// Never blocks. 0; -EALREADY (it has its value or its error, and keeps it); -EBADF (it has been
/// freed: nobody wants the value); -EINVAL (`value` NULL where it has bytes).
///
/// # Safety
/// `value` is NULL or has the future's size of bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_future_complete(f: co_future_t, value: *const c_void) -> c_int {
    // SAFETY: the caller's.
    status(unsafe { chan::future_complete(f, Ok(value.cast())) })
}

/// Gives the future an error in place of its value: co_future_wait fails with -err. As
/// co_future_complete otherwise.
///
/// Any thread; never blocks. 0; -EALREADY; -EBADF; -EINVAL (`err` not in 1..4095).
#[unsafe(no_mangle)]
pub extern "C" fn co_future_fail(f: co_future_t, err: c_int) -> c_int {
    if !(1..=4095).contains(&err) {
        return -libc::EINVAL;
    }
    // SAFETY: no value.
    status(unsafe { chan::future_complete(f, Err(Errno(err))) })
}

/// Waits until the future has its value and copies it to `out` (NULL: not), as often as one likes,
/// by any number of callers.
///
/// Blocks; a cancellation point; any thread. 0; -err (given by co_future_fail); -ETIMEDOUT (-EAGAIN
/// with CO_NOW); -EBADF (it is freed, or was while this waited); -ECANCELED or an interrupt's
/// error; -EINVAL.
///
/// # Safety
/// `out` is NULL or has room for the future's size of bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_future_wait(
    f: co_future_t,
    out: *mut c_void,
    timeout_ns: i64,
) -> c_int {
    // SAFETY: the caller's.
    status(unsafe { chan::future_wait(f, out.cast(), timeout_ns) })
}

/// Ends the future, complete or not: calls on it that wait or are to come fail with -EBADF, that of
/// a late completer too, who need not know.
///
/// Any thread; never blocks. 0; -EBADF.
#[unsafe(no_mangle)]
pub extern "C" fn co_future_free(f: co_future_t) -> c_int {
    status(chan::future_free(f))
}

/// co_select_t.kind: to send the element at `elem` into the channel `handle`.
pub const CO_SELECT_SEND: u32 = 1;
/// To receive into `elem` from the channel `handle`.
pub const CO_SELECT_RECV: u32 = 2;
/// For the future `handle`; its value goes to `elem`.
pub const CO_SELECT_FUTURE: u32 = 3;
/// For the co_event_t at `elem` to be set.
pub const CO_SELECT_EVENT: u32 = 4;
/// For `timeout_ns` to pass, with nothing else done before.
pub const CO_SELECT_TIMEOUT: u32 = 5;

/// One of the things that co_select waits for.
#[repr(C)]
pub struct co_select_t {
    /// CO_SELECT_SEND and so on.
    pub kind: u32,
    /// Written in the case that was done: 0, or what its own call would have failed with, -EPIPE,
    /// -EBADF, a future's error.
    pub result: i32,
    /// A channel or a future. 0: this case is never done.
    pub handle: u64,
    /// The element, the place for one (NULL: drop it), or the event (NULL: this case is never done).
    pub elem: *mut c_void,
    /// CO_SELECT_TIMEOUT: nanoseconds, or CO_FOREVER.
    pub timeout_ns: i64,
}

const _: () = {
    use std::mem::offset_of;
    assert!(size_of::<co_select_t>() == size_of::<chan::Case>());
    assert!(offset_of!(co_select_t, kind) == offset_of!(chan::Case, kind));
    assert!(offset_of!(co_select_t, result) == offset_of!(chan::Case, result));
    assert!(offset_of!(co_select_t, handle) == offset_of!(chan::Case, handle));
    assert!(offset_of!(co_select_t, elem) == offset_of!(chan::Case, elem));
    assert!(offset_of!(co_select_t, timeout_ns) == offset_of!(chan::Case, timeout_ns));
    assert!(CO_SELECT_SEND == chan::kind::SEND && CO_SELECT_RECV == chan::kind::RECV);
    assert!(CO_SELECT_FUTURE == chan::kind::FUTURE && CO_SELECT_EVENT == chan::kind::EVENT);
    assert!(CO_SELECT_TIMEOUT == chan::kind::TIMEOUT);
};

/// Waits until one of `n` cases can go on and does that one alone: gives its number in `cases` and
/// writes its result there. Of several that can, one is chosen by chance. A case on what is closed,
/// freed or failed can go on: its result says so. With CO_NOW, or a timeout case of 0, a case that
/// can go on is done rather than none. The same object may stand in several cases; a select never
/// sends to itself.
///
///     co_select_t c[2] = {{.kind = CO_SELECT_RECV, .handle = jobs, .elem = &job},
///                         {.kind = CO_SELECT_EVENT, .elem = &quit}};
///     int i = co_select(c, 2, CO_FOREVER);
///
/// Blocks; a cancellation point; any thread. The case's number >= 0, whatever its result;
/// -ETIMEDOUT (-EAGAIN with CO_NOW); -ECANCELED or an interrupt's error; -EINVAL (`cases` NULL, an
/// unknown kind, a bad timeout, more than INT_MAX cases); -ENOMEM (more than 16 cases). With an
/// error none has been done. `n` 0: only waits.
///
/// # Safety
/// `cases` is NULL or has `n` cases; elements are as co_chan_send, co_chan_recv and co_future_wait
/// have them; events are valid as long as the call runs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_select(cases: *mut co_select_t, n: usize, timeout_ns: i64) -> c_int {
    if cases.is_null() && n != 0 || n > c_int::MAX as usize {
        return -libc::EINVAL;
    }
    let cases = if n == 0 {
        &mut []
    } else {
        // SAFETY: the caller's; both types are the same, see above.
        unsafe { std::slice::from_raw_parts_mut(cases.cast::<chan::Case>(), n) }
    };
    // SAFETY: the caller's.
    unsafe { chan::select(cases, timeout_ns) }.map_or_else(Errno::code, |i| i as c_int)
}
