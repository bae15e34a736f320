//! The scheduler that the models have: none. There are no coroutines, every caller is a plain thread.

use loom::sync::atomic::AtomicU32;
use std::convert::Infallible;

/// There is none.
#[derive(Debug)]
pub struct Task {
    pub(crate) owner: AtomicU32,
    none: Infallible,
}

/// As `task::TaskRef`.
pub type TaskRef = &'static Task;

/// There is none.
#[derive(Debug)]
pub struct VCpu {
    pub(crate) me: u32,
    none: Infallible,
}

impl VCpu {
    /// As there.
    pub fn random(&self, _: usize) -> usize {
        self.none()
    }

    fn none(&self) -> ! {
        match self.none {}
    }
}

impl Task {
    /// As of a control block.
    pub fn handle(&self) -> u64 {
        match self.none {}
    }
}

/// As `sched::running`.
pub fn running() -> Option<(&'static VCpu, TaskRef)> {
    None
}

/// As `sched::wake_waiting`.
pub fn wake_waiting(v: Option<&'static VCpu>, t: TaskRef) {
    match v {
        Some(v) => v.none(),
        None => match t.none {},
    }
}
