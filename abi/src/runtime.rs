//! Header section `runtime`.

use crate::convert::{config, entry, status, write_sized};
use crate::coroutine::co_entry_t;
use photonrt_runtime::err::Errno;
use photonrt_runtime::rt;
use std::ffi::{c_char, c_int, c_void};

/// A timeout that never expires.
pub const CO_FOREVER: i64 = -1;
/// A timeout that has expired already: the call tries once and gives -EAGAIN instead of waiting.
pub const CO_NOW: i64 = 0;

/// Engine: chosen at run time (io_uring where a real operation succeeds, else `ready`, else
/// `offload`). The environment variable PHOTONRT_ENGINE (`uring`, `ready` or `offload`; another text:
/// -EINVAL) decides where the program left it open.
pub const CO_ENGINE_AUTO: u32 = 0;
/// Engine: io_uring.
pub const CO_ENGINE_URING: u32 = 1;
/// Engine: readiness (epoll or kqueue), with a thread pool for files.
pub const CO_ENGINE_READY: u32 = 2;
/// Engine: poll(2), with a thread pool for files. Always available, and slow when many coroutines
/// wait. External groups have the poller of `ready`, since their host needs a descriptor.
pub const CO_ENGINE_OFFLOAD: u32 = 3;

/// co_config_t.flags: when the main coroutine of co_run has ended, cancel the others; without it,
/// co_run waits for them.
pub const CO_RUN_CANCEL: u32 = 1;
/// co_config_t.flags: when the system gives no more guard pages, hand out stacks without one
/// (counted in co_stats_t.guards_none). Without it such a spawn fails with -ENOMEM.
pub const CO_UNGUARDED_OK: u32 = 2;
/// co_config_t.flags: leave SIGSEGV and SIGBUS alone. Without it the runtime installs handlers
/// that name the coroutine whose stack overflowed, then pass the signal on to what was there.
pub const CO_NO_SIGNALS: u32 = 4;
/// co_config_t.flags: every coroutine is migratable, as if spawned with CO_MIGRATABLE.
pub const CO_MIGRATE_ALL: u32 = 8;

/// co_config_t.spares: none.
pub const CO_SPARES_NONE: u32 = 0xffff_ffff;

/// A stall: a coroutine that has kept its vCPU for longer than co_config_t.stall_ns, outside of
/// co_blocking_enter and leave: it computes without yielding, or a system call has blocked its thread.
/// Reported once, when found. A thread that merely gets no CPU is none.
///
/// The addresses are collected on the stalled thread, by a SIGURG that the runtime sends to it: system
/// calls are restarted after it, but for those that never are (sleep, poll: EINTR). With CO_NO_SIGNALS,
/// for external groups, and where the program has SIGURG for itself, there are none.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct co_stall_t {
    /// sizeof(co_stall_t) of the library.
    pub size: u32,
    /// Its vCPU, counted from 1.
    pub vcpu: u32,
    /// The coroutine; it may have gone on.
    pub co: u64,
    /// Its group.
    pub group: u64,
    /// Nanoseconds so far.
    pub duration_ns: i64,
    /// 1: blocked in the system; 0: running.
    pub blocked: u32,
    /// How many addresses.
    pub depth: u32,
    /// Where it is: the address of each call, the innermost first. Valid during the call.
    pub addresses: *const *mut c_void,
    /// Its name, ended by a zero byte; empty if it has none.
    pub name: [c_char; 32],
}

/// What co_run and co_init take. Zero-filled but for `size` gives the defaults.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct co_config_t {
    /// sizeof(co_config_t).
    pub size: u32,
    /// OS threads that run coroutines; 0: as many as CPUs this process may use. At most 256.
    pub vcpus: u32,
    /// CO_ENGINE_*. A forced engine that does not work here fails the call with -ENOSYS.
    pub engine: u32,
    /// CO_RUN_CANCEL, CO_UNGUARDED_OK, CO_NO_SIGNALS, CO_MIGRATE_ALL.
    pub flags: u32,
    /// Bytes of stack for a coroutine that asks for none, rounded up to a power of two from 16 KiB
    /// to 8 MiB; 0: 256 KiB. This is address space: memory is committed as it is touched.
    pub stack_size: u64,
    /// Bytes of dead coroutines' stacks that one vCPU keeps for reuse at once (a stack counts its
    /// size); 0: 64 MiB.
    pub stack_cache: u64,
    /// Nanoseconds after which unused stacks go back to the system; 0: one second.
    pub stack_decay: i64,
    /// OS threads at most that do what would block (file I/O under `ready` and `offload`); 0: 64.
    /// As many more do what is given to co_blocking, and half as many look up names.
    pub blocking_max: u32,
    /// Zero.
    pub reserved: u32,
    /// Seed of the scheduler's own random choices; 0: taken from the system.
    pub seed: u64,
    /// Nanoseconds for which a coroutine may keep its vCPU before that is reported as a stall; 0: 10
    /// ms, or what the environment variable PHOTONRT_STALL_MS says, in milliseconds (0: off; no
    /// number: -EINVAL); CO_FOREVER: off. See co_stall_t.
    pub stall_ns: i64,
    /// Called for each stall in place of a report on standard error; NULL: the report. On a thread of
    /// the runtime's own, a plain one: it may call what any thread may, and holds up the look-out.
    pub on_stall: Option<unsafe extern "C" fn(stall: *const co_stall_t, arg: *mut c_void)>,
    /// For on_stall.
    pub on_stall_arg: *mut c_void,
    /// Spare vCPUs that each group of several vCPUs may have at most; 0: as many as it has vCPUs;
    /// CO_SPARES_NONE: none. A spare stands in while all vCPUs of the group are held up (in code
    /// between co_blocking_enter and leave, or stalled) and something that may move waits. When one of
    /// them is free again it takes nothing more, and sleeps once its own coroutines have ended or
    /// wait. A group of one vCPU has none: its coroutines run one at a time. On a spare co_vcpu_self
    /// gives a number above co_group_vcpu_count.
    pub spares: u32,
    /// Zero.
    pub reserved2: u32,
}

/// What co_stats gives: one moment's figures, each exact but not all from the same instant.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct co_stats_t {
    /// sizeof(co_stats_t) of the caller; that many bytes are written.
    pub size: u32,
    /// The engine in use: CO_ENGINE_URING, CO_ENGINE_READY or CO_ENGINE_OFFLOAD.
    pub engine: u32,
    /// vCPUs in all groups.
    pub vcpus: u32,
    /// Groups.
    pub groups: u32,
    /// Coroutines alive now; one that another vCPU is just taking over may count twice for that
    /// moment.
    pub live: u64,
    /// Coroutines spawned since the runtime began.
    pub spawned: u64,
    /// Coroutines that one vCPU took from another.
    pub stolen: u64,
    /// Coroutines moved by co_migrate.
    pub migrated: u64,
    /// System calls made to wake a sleeping vCPU.
    pub wakeups: u64,
    /// Times that a vCPU looked for I/O, timers and wakes.
    pub polls: u64,
    /// Stacks in use by a coroutine.
    pub stacks_used: u64,
    /// Stacks kept for reuse.
    pub stacks_cached: u64,
    /// Bytes of address space reserved for stacks.
    pub stack_reserved: u64,
    /// Stacks guarded without a mapping of their own (MADV_GUARD_INSTALL).
    pub guards_light: u64,
    /// Stacks guarded by mprotect.
    pub guards_mprotect: u64,
    /// Stacks without a guard (only with CO_UNGUARDED_OK).
    pub guards_none: u64,
    /// Stalls found.
    pub stalls: u64,
    /// Spare vCPUs started, for all groups: see co_config_t.spares.
    pub spares: u32,
    /// Those of them that stand in at the moment.
    pub spares_active: u32,
}

/// Starts the runtime, runs `main_fn(arg)` as its first coroutine on the calling thread (which is
/// vCPU 0 meanwhile), and returns when that coroutine has ended and the others have ended too, or
/// have been cancelled and have ended if the config says CO_RUN_CANCEL. Then everything that the runtime
/// started is gone again. `cfg` may be NULL; `result`, if not NULL, receives what `main_fn` returned.
///
/// Blocks the calling thread; not from a coroutine. 0; -EINVAL (a bad config), -E2BIG (a config
/// from a newer header), -EBUSY (the runtime is running), -ENOSYS (a forced engine that does not work
/// here), -ENOMEM, -EMFILE, -EAGAIN (no thread to be had).
///
/// # Safety
/// `cfg` and `result` are NULL or valid; `main_fn` is a C function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_run(
    cfg: *const co_config_t,
    main_fn: co_entry_t,
    arg: *mut c_void,
    result: *mut *mut c_void,
) -> c_int {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        let ran = config(cfg)
            .and_then(|c| entry(main_fn).map(|f| (c, f)).ok_or(Errno::EINVAL))
            .and_then(|(c, f)| rt::run(c, f, arg));
        match ran {
            Ok(value) => {
                if !result.is_null() {
                    result.write(value);
                }
                0
            }
            Err(e) => e.code(),
        }
    }
}

/// Starts the runtime with all its vCPUs on threads of their own and returns. From then on any
/// thread may spawn, join, unpark, cancel. `cfg` may be NULL. Any thread but a coroutine's.
///
/// Errors as co_run.
///
/// # Safety
/// `cfg` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_init(cfg: *const co_config_t) -> c_int {
    // SAFETY: the caller vouches for the pointer.
    match unsafe { config(cfg) } {
        Ok(cfg) => status(rt::init(cfg)),
        Err(e) => e.code(),
    }
}

/// Stops what co_init started: refuses new coroutines from plain threads, waits until all have ended, then
/// ends the vCPU threads and gives their memory back. With -ETIMEDOUT the runtime goes on: co_foreach
/// and co_stats say what is left, co_cancel can hurry it, and co_shutdown may be called again.
///
/// Blocks the calling thread; not from a coroutine (-EDEADLK). 0; -ETIMEDOUT (-EAGAIN with CO_NOW);
/// -EINVAL (a runtime that co_run started, or a timeout below -1); -ESRCH (no runtime is running);
/// -EBUSY (another thread is shutting it down; an external group still exists).
#[unsafe(no_mangle)]
pub extern "C" fn co_shutdown(timeout_ns: i64) -> c_int {
    status(rt::shutdown(timeout_ns))
}

/// Fills `out` (whose `size` the caller has set) with the runtime's figures. Any thread; never blocks.
///
/// 0; -EINVAL (`out` NULL or its size under 8); -ESRCH (no runtime is running).
///
/// # Safety
/// `out` is NULL or points to `out->size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_stats(out: *mut co_stats_t) -> c_int {
    let stats = match rt::stats() {
        Ok(s) => s,
        Err(e) => return e.code(),
    };
    let filled = co_stats_t {
        size: 0,
        engine: stats.engine,
        vcpus: stats.vcpus,
        groups: stats.groups,
        live: stats.live,
        spawned: stats.spawned,
        stolen: stats.stolen,
        migrated: stats.migrated,
        wakeups: stats.wakeups,
        polls: stats.polls,
        stacks_used: stats.stacks_used,
        stacks_cached: stats.stacks_cached,
        stack_reserved: stats.stack_reserved,
        guards_light: stats.guards_light,
        guards_mprotect: stats.guards_mprotect,
        guards_none: stats.guards_none,
        stalls: stats.stalls,
        spares: stats.spares,
        spares_active: stats.spares_active,
    };
    // SAFETY: the caller vouches for `out`.
    unsafe { write_sized(out, &filled) }
}
