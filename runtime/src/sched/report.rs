//! Looking at coroutines from anywhere. Their owners go on meanwhile; each field is true at some
//! moment of the call.

use super::TaskRef;
use super::vcpu::vcpu;
use crate::err::Errno;
use crate::stack;
use crate::task::life::State;
use crate::task::{Doing, Info, flags, state, table};
use std::sync::atomic::Ordering::*;

fn doing(t: TaskRef, g: u32) -> Option<Doing> {
    match t.life.state(g) {
        State::Gone | State::Taken => return None,
        State::Ended => return Some(Doing::Ended),
        State::Live => {}
    }
    let cur = vcpu((t.owner.load(Relaxed) as usize).wrapping_sub(1)).and_then(super::VCpu::cur);
    Some(if t.has(flags::FRESH) {
        Doing::Fresh
    } else if t.parked() {
        Doing::Parked
    } else if t.state.load(Relaxed) == state::AWAY || cur.is_some_and(|c| std::ptr::eq(c, t)) {
        Doing::Running
    } else {
        Doing::Ready
    })
}

/// co_info.
pub fn info(co: u64) -> Result<Info, Errno> {
    let (t, g) = table::find(co)?;
    let state = doing(t, g).ok_or(Errno::ESRCH)?;
    let info = Info {
        state,
        co,
        group: t.group.load(Relaxed),
        vcpu: vcpu((t.owner.load(Relaxed) as usize).wrapping_sub(1)).map_or(0, |v| v.number.get()),
        flags: t.flags.load(Relaxed) & flags::PUBLIC,
        stack_size: stack::class_bytes(t.stack_class.load(Relaxed)) as u64,
        name: t.name(),
        acknowledged: t.has(flags::ACKNOWLEDGED),
    };
    // Its fields are its own only if it is still there.
    if matches!(t.life.state(g), State::Gone | State::Taken) { Err(Errno::ESRCH) } else { Ok(info) }
}

/// co_foreach.
pub fn foreach(f: &mut dyn FnMut(&Info) -> i32) -> i32 {
    for (_, co) in table::all() {
        if let Ok(i) = info(co) {
            let r = f(&i);
            if r != 0 {
                return r;
            }
        }
    }
    0
}
