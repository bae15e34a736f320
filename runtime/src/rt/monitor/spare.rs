//! Spares: vCPUs that stand in while all of a group's are held up.
//!
//! ```text
//! all held up, and something that may move waits: one more stands in   (at each look, up to the cap)
//! a vCPU is free again:                            all are stood down
//! ```
//! See `sched::group` for what a spare is and what becomes of it.

use crate::rt::groups;
use crate::sched::{Group, VCpu};
use std::sync::Arc;

/// Decides for a group, whose vCPUs are held up as `held_up` says.
pub fn look(group: &Arc<Group>, held_up: impl Fn(&VCpu) -> bool) {
    if !group.vcpus.iter().all(|v| held_up(v)) {
        group.spares().filter(|v| v.is_active()).for_each(|v| v.set_active(false));
    } else if group.has_offers() && group.spares().filter(|v| v.is_active()).all(held_up) {
        match group.spares().find(|v| !v.is_active()) {
            Some(v) => v.set_active(true),
            // Without a thread or an engine to be had it is tried again at the next look.
            None if group.wants_spare() => drop(groups::start_spare(group)),
            None => {}
        }
    }
}
