//! L4: what belongs to a coroutine's course.

mod local;

pub use local::{arena_alloc, arena_reset, arena_used, local_get, local_set};
