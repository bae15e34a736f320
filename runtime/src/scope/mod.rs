//! L4: scopes: the lifetime of a set of child coroutines. And what is bound to a course of calls
//! (`values`), to a coroutine (`local`).
//!
//! ```text
//! Own.scope of the owner         Core, never freed                     children, on their stacks
//!   Frame(Core) -------------->  Frame | guard | State:                Child <-> Child <-> ...
//!     below: Frame(Core)           children ------------------------->   its Own.scope: Frame(Child)
//!       below: Frame(Child)        inner --> Core <-> Core ...              above it those that it opens
//!                                  results by number, first error, first success
//! ```
//! - **Chain.** `Own.scope` is the innermost frame: a scope that the coroutine (or plain thread)
//!   has open, or at the bottom of a child's chain the child's own record. So a scope's outer one
//!   is that of the frame below it, and all scopes make a tree.
//! - **Guard.** What a Core says is read and written under its guard, and no two guards are ever
//!   held together. A child takes it twice, when it begins and when it ends; a spawn takes it once.
//!   All that a scope's life must order (the last child's end and the owner's wait, a cancel and
//!   a child that is just beginning) is one word, so there is no protocol here beyond the guard's
//!   own, but for pins:
//! - **Pins.** A cancel goes down the tree while scopes close. Who walks through a Core holds a pin
//!   on it, taken under the guard of the outer one while it is linked there (or under its own, by
//!   handle, while it is open). A close first makes new pins impossible, then waits for the last to
//!   go: `pins`.
//! - **Children** are detached coroutines: their record lies on their own stack, so a child costs
//!   no allocation. A result costs 16 bytes in the scope until it is closed.
//!
//! What decides: the first failure is the scope's error, the first success its winner; a cancel
//! that finds children alive is an error too, and after a cancel nothing changes that any more.
//!
//! Rejected: joining each child (a list of handles to keep, and the first failure is seen last);
//! cancelling through the coroutines in between (one that is shielded or busy would hold it up);
//! a sleeping coroutine for each deadline (an alarm is 80 bytes).

mod cancel;
mod child;
mod core;
mod link;
mod local;
mod pins;
mod results;
mod values;

pub use self::core::{Attr, Info, close, deadline, flags, info, open, policy, result, wait};
pub use cancel::cancel;
pub use child::{fail, own_scope, spawn, spawn_copy};
pub use local::{arena_alloc, arena_reset, arena_used, local_get, local_set};
pub use values::{Binding, value_begin, value_call, value_end, value_get};
