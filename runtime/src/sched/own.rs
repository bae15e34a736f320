//! The caller's own words ([`Own`]): those of the running coroutine, also while it is in foreign
//! code, or of the plain thread.
//!
//! A thread's are put in order when it ends, by a destructor of a pthread key: a thread-local's
//! would run at the process's end too, in the main thread, where nothing of ours is to run.
#![allow(unsafe_code)]

use super::vcpu::running;
use super::{TaskRef, foreign};
use crate::err::Errno;
use crate::task::flags;
use crate::task::own::{Ext, Own};
use std::ffi::c_void;
use std::ptr::null;
use std::sync::OnceLock;

/// The caller and its words.
#[derive(Clone, Copy, Debug)]
pub struct Me<'a> {
    /// Its words.
    pub own: &'a Own,
    /// The coroutine; none on a plain thread.
    pub task: Option<TaskRef>,
}

/// Calls `f` with the caller's words.
#[inline]
pub fn with_me<R>(f: impl FnOnce(Me) -> R) -> R {
    match running().map(|(_, t)| t).or_else(foreign::task) {
        Some(t) => f(Me { own: &t.own, task: Some(t) }),
        // SAFETY: the thread's, which is calling.
        None => f(Me { own: unsafe { &*of_thread() }, task: None }),
    }
}

#[inline(never)]
fn of_thread() -> *const Own {
    thread_local!(static OWN: Own = const { Own::new() });
    OWN.with(std::ptr::from_ref)
}

impl Me<'_> {
    /// To be called before something is put there that must be left at the end. EAGAIN, ENOMEM: a
    /// plain thread that can't be watched.
    pub fn mark(&self) -> Result<(), Errno> {
        match self.task {
            Some(t) if t.has(flags::OWNS) => {}
            // It may be in foreign code, while its vCPU notes that it is to move.
            Some(t) => t.raise_flag(flags::OWNS),
            None => watch(self.own)?,
        }
        Ok(())
    }

    /// Its locals and arena, made if need be.
    #[inline]
    pub fn ext(&self) -> Result<&Ext, Errno> {
        match self.own.ext() {
            Some(e) => Ok(e),
            None => self.new_ext(),
        }
    }

    #[cold]
    fn new_ext(&self) -> Result<&Ext, Errno> {
        self.mark()?;
        self.own.ext_or_new()
    }
}

unsafe extern "C" fn thread_ends(own: *mut c_void) {
    // SAFETY: set by `watch` to this thread's words.
    unsafe { &*own.cast::<Own>() }.leave(null(), null());
}

/// Has the calling thread's words left when it ends.
fn watch(own: &Own) -> Result<(), Errno> {
    static KEY: OnceLock<Result<libc::pthread_key_t, Errno>> = OnceLock::new();
    let key = (*KEY.get_or_init(|| {
        let mut key = 0;
        // SAFETY: a valid pointer and function.
        match unsafe { libc::pthread_key_create(&raw mut key, Some(thread_ends)) } {
            0 => Ok(key),
            e => Err(Errno(e)),
        }
    }))?;
    // SAFETY: a key of ours.
    match unsafe { libc::pthread_setspecific(key, std::ptr::from_ref(own).cast()) } {
        0 => Ok(()),
        e => Err(Errno(e)),
    }
}
