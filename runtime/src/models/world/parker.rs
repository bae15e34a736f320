//! Plain threads as waiters, as the models have them.

use loom::sync::Notify;
use loom::sync::atomic::{AtomicBool, Ordering::*};
use std::time::Duration;

/// As `parker::Parker`; and its thread's deadline, which passes when the model says so.
#[derive(Debug)]
pub struct Parker {
    woken: Notify,
    late: AtomicBool,
}

loom::thread_local!(static OWN: &'static Parker = {
    Box::leak(Box::new(Parker { woken: Notify::new(), late: AtomicBool::new(false) }))
});

/// As `parker::with`.
pub fn with<R>(f: impl FnOnce(u32, &'static Parker) -> R) -> R {
    f(0, OWN.with(|p| *p))
}

impl Parker {
    /// Waits for an unpark; wakes without a reason too.
    pub fn park(&self, timeout: Option<Duration>) {
        assert!(timeout.is_none());
        self.woken.wait();
    }

    /// Ends the present or the next park.
    pub fn unpark(&self) {
        self.woken.notify();
    }

    /// The time of the thread's waits is up.
    pub fn expire(&self) {
        self.late.store(true, Relaxed);
        self.unpark();
    }

    /// Whether it is.
    pub fn late(&self) -> bool {
        self.late.load(Relaxed)
    }
}
