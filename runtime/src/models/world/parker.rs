//! Plain threads as waiters, as the models have them.

use loom::sync::Notify;
use loom::sync::atomic::{AtomicBool, Ordering::*};
use std::cell::Cell;
use std::time::Duration;

/// As `parker::Parker`; and its thread's deadline, which passes when the model says so.
#[derive(Debug)]
pub struct Parker {
    woken: Notify,
    late: AtomicBool,
}

loom::thread_local!(static OWN: Cell<Option<&'static Parker>> = Cell::new(None));

/// One for a thread to come: see [`be`].
pub fn new() -> &'static Parker {
    Box::leak(Box::new(Parker { woken: Notify::new(), late: AtomicBool::new(false) }))
}

/// The calling thread's is that one from now on.
pub fn be(p: &'static Parker) {
    OWN.with(|own| own.set(Some(p)));
}

/// As `parker::with`.
pub fn with<R>(f: impl FnOnce(u32, &'static Parker) -> R) -> R {
    let own = OWN.with(|own| own.get().unwrap_or_else(new));
    be(own);
    f(0, own)
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
