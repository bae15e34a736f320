//! What a vCPU needs of whatever completes I/O: the engines of `io` implement it, `rt` plugs them
//! in.

use std::any::Any;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::Duration;

/// An engine, as the scheduler sees it. Called on the vCPU's own thread, in its scheduler context:
/// never while a coroutine is inside the engine.
pub trait Driver: Any {
    /// Submits what is queued and completes what is ready, without blocking. Nearly free when
    /// nothing is in flight: it is called every [`super::BUDGET`] switches.
    fn poll(&mut self);
    /// The same, but blocks until something completes, [`Waker::wake`] is called (before or
    /// meanwhile), or the timeout is over.
    fn wait(&mut self, timeout: Option<Duration>);
    /// What ends a wait from another thread.
    fn waker(&self) -> Arc<dyn Waker>;
    /// Readable while `wait` would return at once for I/O or a wake. For external groups.
    fn fd(&self) -> RawFd;
    /// For the I/O layer, which knows what it has plugged in.
    fn as_any(&mut self) -> &mut dyn Any;
    /// Operations not yet completed.
    fn io_in_flight(&self) -> usize;
}

/// Ends a [`Driver::wait`].
pub trait Waker: Send + Sync {
    /// Makes the present wait, or else the next, return. Any thread; one system call; does not
    /// block.
    fn wake(&self);
}
