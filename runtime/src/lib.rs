//! The machinery of photonrt, usable from Rust by itself; the C ABI (`abi/`) is a thin layer over it.
//!
//! A file imports only from its own layer or below (`tests/tidy.rs` holds that):
//! ```text
//! L7  rt                      builds and wires everything
//! L5  io sync chan timer pool operations and engines; sync objects, channels: block only through wait
//! L4  wait scope blocking     the one blocking primitive; scopes; threads for what blocks
//! L3  sched                   vCPUs, run rings, inboxes, stealing; the Driver trait that engines implement
//! L2  task                    control block, life and mail protocols, slots
//! L1  arch stack              context switch per ISA; slabs, guards, pool
//! L0  prim asym err time rng list handles parker affinity wheel
//! ```
//! With `--cfg loom` only the lock-free protocols are built, for their models.

pub mod asym;
pub mod chan;
pub mod err;
pub mod list;
pub mod prim;
pub mod sync;
pub mod task;

#[cfg(not(loom))]
#[macro_use]
pub mod arch;
#[cfg(not(loom))]
pub mod affinity;
#[cfg(not(loom))]
pub mod blocking;
#[cfg(not(loom))]
pub mod handles;
#[cfg(not(loom))]
pub mod io;
#[cfg(not(loom))]
pub mod os_thread;
#[cfg(not(loom))]
pub mod parker;
#[cfg(not(loom))]
pub mod pool;
#[cfg(not(loom))]
pub mod rng;
#[cfg(not(loom))]
pub mod rt;
#[cfg(not(loom))]
pub mod sched;
#[cfg(not(loom))]
pub mod scope;
#[cfg(not(loom))]
pub mod stack;
#[cfg(not(loom))]
pub mod time;
#[cfg(not(loom))]
pub mod timer;
#[cfg(not(loom))]
pub mod wait;
#[cfg(not(loom))]
pub mod wheel;

#[cfg(loom)]
#[path = "blocking/word.rs"]
pub mod blocking_word;
#[cfg(loom)]
#[path = "sched/bracket.rs"]
pub mod bracket;
#[cfg(loom)]
#[path = "wait/claim.rs"]
pub mod claim;
#[cfg(loom)]
#[path = "io/entry.rs"]
pub mod entry;
#[cfg(loom)]
#[path = "models/world/handles.rs"]
pub mod handles;
#[cfg(loom)]
#[path = "sched/idle.rs"]
pub mod idle;
#[cfg(loom)]
#[path = "io/lent.rs"]
pub mod lent;
#[cfg(all(loom, test))]
mod models;
#[cfg(loom)]
#[path = "sched/alarm/orders.rs"]
pub mod orders;
#[cfg(loom)]
#[path = "models/world/parker.rs"]
pub mod parker;
#[cfg(loom)]
#[path = "scope/pins.rs"]
pub mod pins;
#[cfg(loom)]
#[path = "models/world/rng.rs"]
pub mod rng;
#[cfg(loom)]
#[path = "models/world/sched.rs"]
pub mod sched;
#[cfg(loom)]
#[path = "models/world/time.rs"]
pub mod time;
#[cfg(loom)]
#[path = "models/world/wait.rs"]
pub mod wait;
