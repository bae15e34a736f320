//! L5: channels, futures, and waiting for several objects at once.
//!
//! A channel is a core in a table of slots that are never freed ([`crate::handles`]), and what it
//! buffers:
//! ```text
//! handle -> Core   word | handle closed len | senders ----> Node <-> Node ...
//!                                           | receivers --> Node ...
//!                  ring: in the core itself, or on the heap
//!                  unbounded: block -> block -> block, on the heap
//! Node: on its waiter's stack, with the address of an element
//! ```
//! Whoever comes looks the slot up, holds its guard, and asks there whether the core is still that
//! handle's: so a handle that has been freed, even just now, is refused, and there is no count of
//! users to keep.
//!
//! **Handing over.** One that comes takes the first of the other side out of its queue, lets the
//! guard go, copies from stack to stack, and grants ([`crate::wait::queue`]): the waiter can't leave
//! before. So an element is copied once, and never under the guard but into and out of a buffer.
//! Who waits has waited in vain only if its node is still in the queue when it looks after its
//! deadline, under the guard; else it has been served.
//!
//! What holds under the guard: receivers wait only where nothing is buffered; senders only where
//! the buffer is full; both at once only as nodes of one and the same select.
//!
//! **Memory** is asked for and freed without the guard. A sender that needs a new block for an
//! unbounded channel lets go, asks, and looks again.
//!
//! Rejected: a lock-free ring (two atomics each, more than the guard costs, and waiters and select
//! need the guard as well); elements in the waiters' queue nodes (a copy more); a channel that
//! lives in the user's memory (a channel's end is shared: nobody knows when the last one has gone).

mod apart;
mod core;
mod future;
#[cfg(not(loom))]
mod halves;
mod select;
mod store;
mod transfer;

#[cfg(all(test, not(loom)))]
mod tests;

pub use core::{MAX_ELEMENT, UNBOUNDED, capacity, close, free, len, new};
pub use future::{
    complete as future_complete, free as future_free, new as future_new, wait as future_wait,
};
#[cfg(not(loom))]
pub use halves::{begin_recv, begin_send};
pub use select::{Case, kind, select};
pub use transfer::{Recv, Send, recv, send};
