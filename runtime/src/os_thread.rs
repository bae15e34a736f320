//! L0: OS threads of the runtime's own.
//!
//! The standard library's way to start one ends the process where there is no memory for the thread's
//! name or its closure. Here that is an error like any other: all that a start needs is one block from
//! the heap, which the new thread frees, and what pthread_create takes.
//!
//! A thread's name is the system's: 15 bytes, for debuggers, ps and top.
#![allow(unsafe_code)]

use crate::err::Errno;
use std::alloc::{Layout, alloc, dealloc};
use std::ffi::c_void;
use std::mem::MaybeUninit;

/// Bytes of stack for a thread that runs code of the program's.
pub const LARGE: usize = 2 << 20;

/// Bytes of a name, its end included.
const NAME: usize = 16;

/// A name from its parts, cut where there is no more room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name([u8; NAME]);

impl Name {
    /// `text`.
    pub fn new(text: &str) -> Name {
        Name::numbered(text, None)
    }

    /// `text-n`; where that is too long, the number stays and the text is cut.
    pub fn numbered(text: &str, n: Option<usize>) -> Name {
        let mut tail = [0; 1 + 20];
        let mut at = tail.len();
        let mut rest = n;
        while let Some(n) = rest {
            at -= 1;
            tail[at] = b'0' + (n % 10) as u8;
            rest = Some(n / 10).filter(|&n| n > 0);
        }
        if n.is_some() {
            at -= 1;
            tail[at] = b'-';
        }
        let tail = &tail[at..];
        let tail = &tail[tail.len().saturating_sub(NAME - 1)..];
        let head = text.as_bytes().iter().take_while(|&&b| b != 0).take(NAME - 1 - tail.len());
        let mut name = [0; NAME];
        name.iter_mut().zip(head.chain(tail)).for_each(|(to, &b)| *to = b);
        Name(name)
    }

    #[cfg(target_os = "linux")]
    fn apply(&self) {
        // SAFETY: this thread, and a text that ends. It can't be too long.
        unsafe { libc::pthread_setname_np(libc::pthread_self(), self.0.as_ptr().cast()) };
    }

    #[cfg(target_os = "macos")]
    fn apply(&self) {
        // SAFETY: a text that ends.
        unsafe { libc::pthread_setname_np(self.0.as_ptr().cast()) };
    }
}

/// A thread that has been started. It goes on by itself when this is dropped.
#[derive(Debug)]
pub struct OsThread(libc::pthread_t);

/// What a new thread is handed; it owns it.
struct Start<F> {
    name: Name,
    body: F,
}

impl OsThread {
    /// Runs `body` in a new thread with `stack` bytes beyond what the system takes of it. It inherits
    /// the caller's signal mask and CPUs. ENOMEM; EAGAIN: the system gives no thread more.
    pub fn start<F: FnOnce() + Send + 'static>(
        name: Name,
        stack: usize,
        body: F,
    ) -> Result<OsThread, Errno> {
        // SAFETY: not of size 0.
        let start = unsafe { alloc(Layout::new::<Start<F>>()) }.cast::<Start<F>>();
        if start.is_null() {
            return Err(Errno::ENOMEM);
        }
        // SAFETY: fresh memory for one.
        unsafe { start.write(Start { name, body }) };
        // SAFETY: `begin` takes it over.
        unsafe { create(stack, begin::<F>, start.cast()) }.inspect_err(|_| {
            // SAFETY: no thread has it.
            drop(unsafe { take(start) });
        })
    }

    /// Waits until it has ended.
    pub fn join(self) {
        let thread = std::mem::ManuallyDrop::new(self).0;
        // SAFETY: started by this, neither joined nor detached. It can only fail for what is not so.
        unsafe { libc::pthread_join(thread, std::ptr::null_mut()) };
    }
}

impl Drop for OsThread {
    fn drop(&mut self) {
        // SAFETY: as in `join`.
        unsafe { libc::pthread_detach(self.0) };
    }
}

/// # Safety
/// `start` is one that a call of `start` has filled, and nobody else's.
unsafe fn take<F>(start: *mut Start<F>) -> Start<F> {
    // SAFETY: the caller's.
    unsafe {
        let s = start.read();
        dealloc(start.cast(), Layout::new::<Start<F>>());
        s
    }
}

extern "C" fn begin<F: FnOnce()>(start: *mut c_void) -> *mut c_void {
    // SAFETY: `start` has handed it over.
    let Start { name, body } = unsafe { take(start.cast::<Start<F>>()) };
    name.apply();
    body();
    std::ptr::null_mut()
}

type Begin = extern "C" fn(*mut c_void) -> *mut c_void;

/// # Safety
/// `begin` may be called with `arg` on another thread.
unsafe fn create(stack: usize, begin: Begin, arg: *mut c_void) -> Result<OsThread, Errno> {
    let mut attr = MaybeUninit::<libc::pthread_attr_t>::uninit();
    let mut thread = MaybeUninit::<libc::pthread_t>::uninit();
    // SAFETY: initialized first, destroyed last; `thread` is written where the call succeeds.
    unsafe {
        Errno::check_number(libc::pthread_attr_init(attr.as_mut_ptr()))?;
        let least = usize::try_from(libc::sysconf(libc::_SC_THREAD_STACK_MIN)).unwrap_or(0);
        let page = usize::try_from(libc::sysconf(libc::_SC_PAGESIZE)).unwrap_or(4096);
        let stack = (stack + least + thread_locals()).next_multiple_of(page);
        let made = Errno::check_number(libc::pthread_attr_setstacksize(attr.as_mut_ptr(), stack))
            .and_then(|()| {
                Errno::check_number(libc::pthread_create(
                    thread.as_mut_ptr(),
                    attr.as_ptr(),
                    begin,
                    arg,
                ))
            });
        libc::pthread_attr_destroy(attr.as_mut_ptr());
        made.map(|()| OsThread(thread.assume_init()))
    }
}

/// Bytes of the program's thread-local variables, which glibc puts into a new thread's stack. A program
/// may have many: Zig's standard library alone has a signal stack of 256 KiB there. Other systems give
/// them memory of their own.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn thread_locals() -> usize {
    /// Adds what one object that is loaded has of them.
    unsafe extern "C" fn add(
        object: *mut libc::dl_phdr_info,
        _size: usize,
        sum: *mut c_void,
    ) -> std::ffi::c_int {
        // SAFETY: what dl_iterate_phdr gives and `sum` below, for as long as the call lasts.
        let (headers, sum) = unsafe {
            let (first, n) = ((*object).dlpi_phdr, (*object).dlpi_phnum);
            (std::slice::from_raw_parts(first, usize::from(n)), &mut *sum.cast::<usize>())
        };
        for h in headers.iter().filter(|h| h.p_type == libc::PT_TLS) {
            *sum += h.p_memsz as usize + h.p_align as usize;
        }
        0
    }
    let mut sum = 0usize;
    // SAFETY: `add` takes what it is given here.
    unsafe { libc::dl_iterate_phdr(Some(add), (&raw mut sum).cast()) };
    sum
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn thread_locals() -> usize {
    0
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::sync::Arc;
    use std::sync::mpsc::channel;

    #[test]
    fn names_keep_their_number() {
        let text = |n: Name| String::from_utf8_lossy(&n.0).trim_end_matches('\0').to_string();
        assert_eq!(text(Name::new("photonrt-watch")), "photonrt-watch");
        assert_eq!(text(Name::new("more than fifteen bytes")), "more than fifte");
        assert_eq!(text(Name::numbered("co", Some(0))), "co-0");
        assert_eq!(text(Name::numbered("a very long group", Some(120))), "a very long-120");
        assert_eq!(text(Name::numbered("x", Some(usize::MAX))).len(), NAME - 1);
        assert_eq!(text(Name::new("a\0b")), "a");
    }

    #[test]
    fn a_body_runs_once_under_its_name_and_is_freed() {
        let (tell, told) = channel();
        let mine = Arc::new(());
        let held = mine.clone();
        let t = OsThread::start(Name::new("co-test"), 64 << 10, move || {
            drop(held);
            let name = std::fs::read_to_string("/proc/thread-self/comm");
            tell.send(name).expect("the test waits");
        });
        t.expect("a thread").join();
        let name = told.recv().expect("it has run");
        if cfg!(target_os = "linux") {
            assert_eq!(name.expect("procfs").trim_end(), "co-test");
        }
        assert_eq!(Arc::strong_count(&mine), 1);
    }

    #[test]
    fn thread_locals_of_the_program_leave_the_stack_whole() {
        const MUCH: usize = 300 << 10;
        thread_local! {
            static MANY: Cell<[u8; MUCH]> = const { Cell::new([0; MUCH]) };
        }
        fn use_stack() -> u8 {
            let mut array = [1u8; 60 << 10];
            std::hint::black_box(&mut array);
            array[4096]
        }
        let (tell, told) = channel();
        let t = OsThread::start(Name::new("x"), 64 << 10, move || {
            let locals = MANY.with(|m| std::hint::black_box(m.as_ptr()).is_null());
            tell.send((locals, use_stack())).expect("the test waits");
        });
        t.expect("a thread").join();
        assert_eq!(told.recv(), Ok((false, 1)));
    }

    #[test]
    fn what_can_not_start_is_given_back() {
        let mine = Arc::new(());
        let held = mine.clone();
        let body = move || drop(held);
        let refused = OsThread::start(Name::new("x"), usize::MAX / 4, body);
        assert!(matches!(refused, Err(Errno::EAGAIN | Errno::ENOMEM | Errno::EINVAL)));
        assert_eq!(Arc::strong_count(&mine), 1);
    }
}
