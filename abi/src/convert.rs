//! What the sections share: from C's arguments to the runtime's types and back to a status.

use crate::coroutine::{CO_DETACHED, CO_MIGRATABLE, CO_SAVE_FP, co_attr_t, co_entry_t};
use crate::group::{CO_GROUP_CUSTOM, CO_GROUP_EXTERNAL, CO_GROUP_PINNED, co_group_attr_t};
use crate::pool::co_pool_attr_t;
use crate::runtime::{CO_ENGINE_OFFLOAD, co_config_t, co_stall_t};
use crate::time::co_timer_attr_t;
use photonrt_runtime::err::Errno;
use photonrt_runtime::pool::PoolAttr;
use photonrt_runtime::rt::{Config, GroupAttr, GroupKind, Host, Stall, StallHook};
use photonrt_runtime::task::{Attr, Entry};
use photonrt_runtime::timer::TimerAttr;
use photonrt_runtime::wait::Called;
use std::ffi::{CStr, c_char, c_int, c_void};

/// 0 or `-errno`.
pub fn status(r: Result<(), Errno>) -> c_int {
    r.map_or_else(|e| e.code(), |()| 0)
}

/// A value `>= 0` or `-errno`.
pub fn value(r: Result<i64, Errno>) -> i64 {
    r.unwrap_or_else(|e| i64::from(e.code()))
}

/// An entry function as the runtime calls it.
pub fn entry(f: co_entry_t) -> Option<Entry> {
    f
}

/// What a function that was called elsewhere has returned goes to `result`, unless that is NULL. Gives the
/// call's status.
///
/// # Safety
/// `result` is NULL or may be written.
pub unsafe fn called(r: Result<Called, Errno>, result: *mut *mut c_void) -> c_int {
    match r {
        Ok(called) => {
            if !result.is_null() {
                // SAFETY: the caller's.
                unsafe { result.write(called.result) };
            }
            status(called.status)
        }
        Err(e) => e.code(),
    }
}

/// The bytes of a C string; empty for NULL.
///
/// # Safety
/// `s` is NULL or ended by a zero byte that outlives the result.
pub unsafe fn text<'a>(s: *const c_char) -> &'a [u8] {
    // SAFETY: the caller's.
    unsafe { optional_text(s) }.unwrap_or_default()
}

/// The bytes of a C string.
///
/// # Safety
/// As [`text`].
pub unsafe fn optional_text<'a>(s: *const c_char) -> Option<&'a [u8]> {
    // SAFETY: the caller's.
    (!s.is_null()).then(|| unsafe { CStr::from_ptr(s) }.to_bytes())
}

/// Reads an option struct that begins with its size: a shorter one is completed with zeros, a
/// longer one is taken if what this library does not know of is zero.
///
/// # Safety
/// `p` is NULL or points to as many bytes as its first field says; `T` is plain integers and
/// pointers, first a u32.
pub unsafe fn read_sized<T: Copy>(p: *const T) -> Result<Option<T>, Errno> {
    if p.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's; all-zero is a valid T.
    unsafe {
        let size = p.cast::<u32>().read() as usize;
        if size < 8 {
            return Err(Errno::EINVAL);
        }
        let known = size_of::<T>();
        let tail = p.cast::<u8>();
        if (known..size).any(|i| tail.add(i).read() != 0) {
            return Err(Errno::E2BIG);
        }
        let mut out = std::mem::zeroed::<T>();
        std::ptr::copy_nonoverlapping(tail, (&raw mut out).cast::<u8>(), size.min(known));
        Ok(Some(out))
    }
}

/// Writes `from` to a struct of the caller's size, which stays in its first field.
///
/// # Safety
/// `out` is NULL or points to as many bytes as its first field says.
pub unsafe fn write_sized<T: Copy>(out: *mut T, from: &T) -> c_int {
    if out.is_null() {
        return -libc::EINVAL;
    }
    // SAFETY: the caller's; what is beyond our own size is left as it is.
    unsafe {
        let size = out.cast::<u32>().read();
        if size < 8 {
            return -libc::EINVAL;
        }
        let n = (size as usize).min(size_of::<T>());
        std::ptr::copy_nonoverlapping((&raw const *from).cast::<u8>(), out.cast::<u8>(), n);
        out.cast::<u32>().write(size);
    }
    0
}

/// # Safety
/// `p` is NULL or valid.
pub unsafe fn config(p: *const co_config_t) -> Result<Config, Errno> {
    // SAFETY: the caller's.
    let Some(c) = (unsafe { read_sized(p) })? else { return Ok(Config::default()) };
    if c.reserved | c.reserved2 != 0
        || c.engine > CO_ENGINE_OFFLOAD
        || c.flags & !15 != 0
        || c.stack_decay < 0
    {
        return Err(Errno::EINVAL);
    }
    Config {
        vcpus: c.vcpus,
        engine: c.engine,
        flags: c.flags,
        stack_size: c.stack_size,
        stack_cache: c.stack_cache,
        stack_decay: c.stack_decay,
        blocking_max: c.blocking_max,
        seed: c.seed,
        stall_ns: c.stall_ns,
        on_stall: stall_hook(&c),
        spares: c.spares,
    }
    .checked()
}

/// The program's function for stalls.
fn stall_hook(c: &co_config_t) -> Option<StallHook> {
    let f = c.on_stall?;
    Some(StallHook { call: call_on_stall, data: [f as *mut c_void, c.on_stall_arg] })
}

fn call_on_stall(s: &Stall, [f, arg]: [*mut c_void; 2]) {
    let addresses = s.backtrace.frames();
    let info = co_stall_t {
        size: size_of::<co_stall_t>() as u32,
        vcpu: s.vcpu,
        co: s.co,
        group: s.group,
        duration_ns: s.duration,
        blocked: u32::from(s.blocked),
        depth: addresses.len() as u32,
        addresses: addresses.as_ptr().cast(),
        name: s.name.map(|b| b as c_char),
    };
    // SAFETY: `stall_hook` made it of such a function, which the config's giver vouches for.
    unsafe {
        let f: unsafe extern "C" fn(*const co_stall_t, *mut c_void) = std::mem::transmute(f);
        f(&info, arg);
    }
}

/// # Safety
/// `p` is NULL or valid.
pub unsafe fn attr<'a>(p: *const co_attr_t, detached: bool) -> Result<Attr<'a>, Errno> {
    let mut out = Attr::default();
    // SAFETY: the caller's.
    if let Some(a) = unsafe { read_sized(p) }? {
        if a.reserved != 0 || a.flags & !(CO_DETACHED | CO_MIGRATABLE | CO_SAVE_FP) != 0 {
            return Err(Errno::EINVAL);
        }
        out.flags = a.flags;
        out.group = a.group;
        out.vcpu = a.vcpu;
        out.stack_size = a.stack_size;
        // SAFETY: the caller's.
        out.name = unsafe { text(a.name) };
    }
    if detached {
        out.flags |= CO_DETACHED;
    }
    Ok(out)
}

/// # Safety
/// `p` is NULL or valid.
pub unsafe fn group_attr<'a>(p: *const co_group_attr_t) -> Result<GroupAttr<'a>, Errno> {
    // SAFETY: the caller's.
    let Some(a) = (unsafe { read_sized(p) })? else { return Ok(GroupAttr::default()) };
    if a.reserved != 0 {
        return Err(Errno::EINVAL);
    }
    let kind = match (a.flags, a.on_ready) {
        (0, None) => GroupKind::Parallel,
        (CO_GROUP_PINNED, None) => GroupKind::Pinned,
        (CO_GROUP_EXTERNAL, None) => GroupKind::External,
        (CO_GROUP_CUSTOM, Some(on_ready)) => {
            GroupKind::Custom(Host { on_ready, ctx: a.ctx as usize })
        }
        _ => return Err(Errno::EINVAL),
    };
    // SAFETY: the caller's.
    let name = unsafe { text(a.name) };
    Ok(GroupAttr { vcpus: a.vcpus, kind, name })
}

/// # Safety
/// `p` is NULL or valid.
pub unsafe fn timer_attr(p: *const co_timer_attr_t) -> Result<TimerAttr, Errno> {
    // SAFETY: the caller's.
    let Some(a) = (unsafe { read_sized(p) })? else { return Ok(TimerAttr::default()) };
    if a.reserved != 0 {
        return Err(Errno::EINVAL);
    }
    Ok(TimerAttr {
        delay: a.delay_ns,
        period: a.period_ns,
        group: a.group,
        stack_size: a.stack_size,
    })
}

/// A pool's attributes, and how many vCPUs of its own it is to have.
///
/// # Safety
/// `p` is NULL or valid.
pub unsafe fn pool_attr<'a>(p: *const co_pool_attr_t) -> Result<(PoolAttr<'a>, u32), Errno> {
    // SAFETY: the caller's.
    let Some(a) = (unsafe { read_sized(p) })? else { return Ok((PoolAttr::default(), 0)) };
    if a.reserved != 0 || a.flags & !(CO_MIGRATABLE | CO_SAVE_FP) != 0 {
        return Err(Errno::EINVAL);
    }
    let attr = PoolAttr {
        flags: a.flags,
        max: a.max,
        queue: a.queue,
        group: a.group,
        own_group: false,
        stack_size: a.stack_size,
        idle_ns: a.idle_ns,
        // SAFETY: the caller's.
        name: unsafe { text(a.name) },
    };
    Ok((attr, a.vcpus))
}
