//! L3: the scheduler.
//!
//! **Ownership.** Each coroutine belongs to one vCPU, which alone touches its state: runs it, links
//! it into its ring, its timer wheel, its engine. There is no lock and no atomic state word to
//! fight for. Whoever wants something of a coroutine elsewhere sets a bit in its mail and puts it
//! into its owner's inbox (`task::mail`, `remote`). A coroutine changes owners only while it is
//! runnable and not running, and only if it is fresh or migratable: its context has been saved
//! then, by the very thread that gives it away. So the classic race (a thief resumes a coroutine
//! whose registers are still being saved) cannot be written down here.
//!
//! **One round of a vCPU** (`run`):
//! ```text
//! scheduler context (the thread's own stack)             coroutines (their stacks)
//!   inbox, messages, timers, engine: what woke up  -----> run ring: switch from one to the next,
//!   offer what can be spared / take what is offered        up to BUDGET switches, or until the ring is empty
//!   nothing to run: spin a little, sleep           <----- back
//! ```
//! Coroutines switch to each other directly; the scheduler context is no member of the ring and
//! costs nothing until the budget is used up or the ring is empty.
//!
//! **Sharing** (`steal`). Rings are private. While some vCPU of the group has nothing to do, those
//! that have more than one runnable coroutine move fresh or migratable ones to a deque
//! (crossbeam's), where thieves find them.
//!
//! **Fairness.** With N runnable coroutines on a vCPU, none of which runs longer than T between
//! calls of the runtime, one that is woken runs within (N + 1) * FRONT * T, and I/O, timers and
//! wakes from elsewhere are looked for within BUDGET * T.
//!
//! Rejected: a global queue (a lock or an atomic for each switch); work always in a stealable deque
//! (a fence for each take: 6 ns, more than a whole switch); an idler as a coroutine (two switches
//! more for everybody).

pub mod alarm;
pub mod bracket;
pub mod driver;
pub mod foreign;
pub mod group;
pub mod idle;
mod own;
pub mod registry;
mod remote;
pub mod renew;
mod report;
mod ring;
mod run;
mod signal;
mod spawn;
mod start;
mod steal;
mod switch;
mod thread;
pub mod token;
pub mod vcpu;
pub mod watch;

pub use crate::task::TaskRef;
pub use alarm::Alarm;
pub use driver::{Driver, Waker};
pub use group::Group;
pub use own::{Me, with_me};
pub use registry::{group_of, spawn};
pub use remote::{ready, wake, wake_waiter, wake_waiting};
pub use report::{foreach, info};
pub(crate) use ring::fetch_ahead;
pub use run::{External, run};
pub use signal::{
    absorb, cancel, cancel_clear, cancel_pending, interrupt, migrate, shield, take_stop, unpark,
};
pub use spawn::{Env, free, spawn_in, spawn_local};
pub use switch::{park, park_by_step, yield_now, yield_slow};
pub use token::Ran;
pub use vcpu::{Counts, MAX_VCPUS, Message, VCpu, acquire, current, running, vcpu};

/// Switches between two looks at I/O, timers and wakes.
pub const BUDGET: u32 = 64;
/// Places at the ring's front that are given in a row.
pub const FRONT: u32 = 255;

/// All stacks that no vCPU has in its cache.
pub static POOL: crate::stack::Pool = crate::stack::Pool::new();

/// Where `arch`'s yield finds its fields.
pub mod offsets {
    use super::VCpu;
    use crate::task::{Task, flags};
    use std::mem::offset_of;

    /// `VCpu::cur`.
    pub const VCPU_CUR: usize = offset_of!(VCpu, cur);
    /// `VCpu::tick`.
    pub const VCPU_TICK: usize = offset_of!(VCpu, tick);
    /// `Task::next`.
    pub const TASK_NEXT: usize = offset_of!(Task, next);
    /// `Task::sp`.
    pub const TASK_SP: usize = offset_of!(Task, sp);
    /// `Task::flags`.
    pub const TASK_FLAGS: usize = offset_of!(Task, flags);
    /// Flags for which a yield takes the long way.
    pub const TASK_SLOW_YIELD: u32 = flags::SAVE_FP;
}
