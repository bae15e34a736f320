//! Making a coroutine, and freeing what it held.
//!
//! Where it begins: on the spawner's vCPU, at the front of its ring, since a parent that joins is
//! about to wait for it and its data is in cache. One that is detached is a work of its own (a
//! server's connection): while another vCPU of the group has nothing to do and fewer coroutines
//! than this one, it begins there, for after its first run it stays where it is. (NEAR: a scope's
//! child is detached because the scope waits for it instead, and has a parent all the same.)
#![allow(unsafe_code)]

use super::remote::send;
use super::switch::task_main;
use super::vcpu::VCpu;
use super::{Group, POOL, TaskRef};
use crate::arch;
use crate::err::Errno;
use crate::stack::{self, Chain, Stack};
use crate::task::mail::{Post, bits};
use crate::task::{Attr, Entry, Task, flags, handle, state, table};
use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::atomic::Ordering::*;

/// What co_spawn_copy puts on the new stack.
#[derive(Clone, Copy, Debug)]
pub struct Env {
    /// Where to copy from.
    pub from: *const u8,
    /// Bytes.
    pub size: usize,
    /// A power of two up to 4096.
    pub align: usize,
}

impl Env {
    /// Checks what the caller gave, against the stack that it is for.
    fn check(&self, class: u8) -> Result<(), Errno> {
        if !self.align.is_power_of_two()
            || self.align > 4096
            || (self.size > 0 && self.from.is_null())
        {
            return Err(Errno::EINVAL);
        }
        if self.size > stack::class_bytes(class) / 2 {
            return Err(Errno::E2BIG);
        }
        Ok(())
    }
}

#[inline(always)]
fn class(group: &Group, attr: &Attr) -> Result<u8, Errno> {
    match attr.stack_size {
        0 => Ok(group.stack_class),
        n => stack::class_of(n).ok_or(Errno::EINVAL),
    }
}

/// Fills a free block. Only its owner-to-be knows of it.
#[inline(always)]
fn fill(t: TaskRef, (group, class): (&Group, u8), attr: &Attr, (entry, arg): (Entry, *mut c_void)) {
    let mut f = attr.flags | group.task_flags | flags::FRESH;
    if attr.vcpu != 0 {
        f |= flags::PINNED;
    }
    t.env.store(std::ptr::null_mut(), Relaxed);
    t.flags.store(f, Relaxed);
    t.attention.set(group.birth.load(Relaxed));
    t.errno.set(0);
    t.stack_class.store(class, Relaxed);
    t.entry.set(Some(entry));
    t.arg.set(arg);
    t.joiner.store(0, Relaxed);
    t.group.store(group.handle, Relaxed);
    t.begin_name(attr.name);
}

/// Gives a filled block its stack.
#[inline(always)]
fn put_on(t: TaskRef, s: NonNull<Stack>, env: Option<Env>) {
    // SAFETY: the stack is ours alone.
    let mut top = unsafe { s.as_ref() }.top();
    if let Some(e) = env {
        // SAFETY: check() left room for it in the stack, and `from` is the caller's.
        unsafe {
            top = top.sub(e.size);
            top = top.sub(top as usize % e.align.max(16));
            std::ptr::copy_nonoverlapping(e.from, top, e.size);
        }
        t.set_flag(flags::KEEP_STACK, true);
        t.arg.set(top.cast());
        t.env.store(top, Relaxed);
    }
    t.stack.set(Some(s));
    // SAFETY: `top` is inside the stack, with more than a frame below it.
    t.sp.set(unsafe {
        arch::init(top, task_main, std::ptr::from_ref::<Task>(t).cast_mut().cast())
    });
}

/// Spawns onto the calling coroutine's vCPU. Inlined where it is called: with constant attributes
/// half of it falls away.
#[inline(always)]
pub fn spawn_local(
    v: &'static VCpu,
    attr: &Attr,
    run: (Entry, *mut c_void),
    env: Option<Env>,
) -> Result<u64, Errno> {
    let group = v.group();
    let class = class(group, attr)?;
    if let Some(e) = env {
        e.check(class)?;
    }
    let t = v.tasks.pop()?;
    // See `start`.
    let later = env.is_none() && !v.starter_sp.get().is_null();
    let stack = if later {
        v.stacks().promise(&POOL, class).map(|()| None)
    } else {
        v.stacks().pop(&POOL, class).map(Some)
    };
    let stack = match stack {
        Ok(s) => s,
        Err(e) => {
            v.tasks.push(t);
            return Err(e);
        }
    };
    fill(t, (group, class), attr, run);
    match stack {
        Some(s) => put_on(t, s, env),
        None => t.sp.set(v.starter_sp.get()),
    }
    let detached = attr.flags & flags::DETACHED != 0;
    if group.hungry.load(Relaxed) != 0 {
        if detached
            && attr.flags & flags::NEAR == 0
            && attr.vcpu == 0
            && let Some(to) = group.lighter(v)
        {
            return Ok(start_on(to, t, detached));
        }
        // What is on offer already has not been fetched yet.
        if v.runnable.get() > 1 && v.offers.is_empty() {
            v.offer();
        }
    }
    t.state.store(state::RUNNABLE, Relaxed);
    t.owner.store(v.me, Relaxed);
    let g = t.life.open(detached);
    v.push_spawned(t);
    v.counts.spawned.add(1);
    Ok(handle(g, t.slot.get()))
}

/// Has a filled block started on a vCPU, from anywhere.
fn start_on(to: &VCpu, t: TaskRef, detached: bool) -> u64 {
    t.state.store(state::NONE, Relaxed);
    t.owner.store(to.me, Relaxed);
    to.counts.entered.fetch_add(1, Relaxed);
    to.counts.born.fetch_add(1, Relaxed);
    let g = t.life.open(detached);
    if t.mail.post(g, bits::START) == Post::Enqueue {
        // rt lets no group end while somebody is spawning into it.
        let sent = send(t);
        debug_assert!(sent);
    }
    handle(g, t.slot.get())
}

/// Spawns onto a vCPU of a group, from anywhere.
pub fn spawn_in(
    group: &Group,
    attr: &Attr,
    run: (Entry, *mut c_void),
    env: Option<Env>,
) -> Result<u64, Errno> {
    let v = group.choose(attr.vcpu).ok_or(Errno::ESRCH)?;
    let class = class(group, attr)?;
    if let Some(e) = env {
        e.check(class)?;
    }
    let t = table::take()?;
    let mut chain = Chain::default();
    let s = match POOL.take(class, 1, &mut chain).map(|_| chain.pop()) {
        Ok(Some(s)) => s,
        other => {
            table::give(t);
            return Err(other.err().unwrap_or(Errno::ENOMEM));
        }
    };
    fill(t, (group, class), attr, run);
    put_on(t, s, env);
    Ok(start_on(v, t, attr.flags & flags::DETACHED != 0))
}

/// Frees a block whose end has been claimed, with the stack if it still has it. `v` is the caller's
/// vCPU.
#[inline]
pub fn free(v: Option<&'static VCpu>, t: TaskRef) {
    let stack = t.stack.take();
    let again = t.life.close();
    match v {
        Some(v) => {
            if let Some(s) = stack {
                v.stacks().push(&POOL, s);
            }
            if again {
                v.tasks.push(t);
            }
        }
        None => {
            if let Some(s) = stack {
                let mut chain = Chain::default();
                chain.push(s);
                POOL.give(chain);
            }
            if again {
                table::give(t);
            }
        }
    }
}
