//! Pools with a group of their own: `pool` does the rest.

use super::groups::{GroupAttr, group_create, group_destroy};
use crate::err::Errno;
use crate::pool::{self, PoolAttr};
use crate::wait::Deadline;

/// co_pool_new; `vcpus`: of a group of its own, 0: it uses the one in `attr`.
pub fn pool_new(attr: &PoolAttr, vcpus: u32) -> Result<u64, Errno> {
    if vcpus == 0 {
        return pool::new(attr);
    }
    attr.check()?;
    if attr.group != 0 {
        return Err(Errno::EINVAL);
    }
    let name = if attr.name.is_empty() { b"co-pool" } else { attr.name };
    let group = group_create(&GroupAttr { vcpus, name, ..GroupAttr::default() })?;
    let made = pool::new(&PoolAttr { group, own_group: true, ..*attr });
    if made.is_err() {
        // Nothing is in it, so this waits for nothing but its threads.
        let ended = group_destroy(group, -1);
        debug_assert!(ended.is_ok());
    }
    made
}

/// co_pool_close.
pub fn pool_close(pool: u64, timeout_ns: i64) -> Result<(), Errno> {
    let d = Deadline::new(timeout_ns)?;
    let group = pool::drain(pool, d)?;
    if group != 0 {
        match group_destroy(group, d.left().unwrap_or(-1)) {
            // Another is closing it too, and was quicker.
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(e) => return Err(e),
        }
    }
    pool::end(pool)
}
