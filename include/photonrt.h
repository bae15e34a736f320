/* photonrt.h - green threads for any language that can call C.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 * Declarations and comments are generated from abi/src; see docs/ARCHITECTURE.md to change them.
 *
 * A coroutine is a function with a stack of its own that the runtime schedules: it looks like a
 * thread and costs a few kilobytes and nanoseconds. A vCPU is an OS thread that runs coroutines.
 * I/O and waiting block the coroutine that does it, never its vCPU.
 *
 *     #include <photonrt.h>
 *     #include <stdio.h>
 *
 *     static void *tick(void *name) {
 *         for (int i = 0; i < 3; i++) {
 *             printf("%s %d\n", (const char *)name, i);
 *             co_sleep(100000000);
 *         }
 *         return NULL;
 *     }
 *
 *     static void *start(void *arg) {
 *         co_t a, b;
 *         if (co_spawn(&a, NULL, tick, "a") < 0 || co_spawn(&b, NULL, tick, "b") < 0) return NULL;
 *         co_join(a, NULL, CO_FOREVER);
 *         co_join(b, NULL, CO_FOREVER);
 *         return arg;
 *     }
 *
 *     int main(void) { return co_run(NULL, start, NULL, NULL) == 0 ? 0 : 1; }
 *
 *     cc prog.c libphotonrt.a          or          cc prog.c $(pkg-config --cflags --libs photonrt)
 *
 * ---- The contract, which holds for every function here --------------------------------------
 *
 * RETURNS    Functions that can fail give a value >= 0, or the negative number of an error from
 *            <errno.h>: -EINVAL, -ETIMEDOUT, ... errno itself is neither read nor set for you
 *            to see. An error that a comment lists has changed nothing unless the comment says
 *            so. A bad argument gives -EINVAL; what has run out gives -ENOMEM, -EMFILE and so
 *            on, never an abort. The process is ended, with a message that names the coroutine,
 *            in three cases: memory of the runtime has been overwritten, a C++ exception leaves
 *            an entry function, a stack overflows.
 *
 * HANDLES    co_t and its like are numbers. A stale or forged one, or 0, gives -ESRCH: a handle
 *            is never an address and never comes to mean something else.
 *
 * TIMEOUTS   int64_t nanoseconds from now. CO_FOREVER (-1) never expires; CO_NOW (0) tries once
 *            and gives -EAGAIN instead of waiting; otherwise expiry gives -ETIMEDOUT. Any other
 *            negative number is -EINVAL. A wait never ends early; one too long for the clock is
 *            for ever.
 *
 * BLOCKING   A function whose comment says "Blocks" gives up the vCPU to other coroutines until
 *            it is done. On a plain thread, one that is not running a coroutine, it blocks that
 *            thread instead, unless its comment says otherwise. Every other function returns
 *            without waiting.
 *
 * CANCELLING A blocking function that is "a cancellation point" fails with -ECANCELED once the
 *            calling coroutine has been cancelled, and with -err when it is interrupted with
 *            err. Nothing is unwound: the code sees the error and cleans up in its own way.
 *            When an I/O call returns, for whatever reason, the system has let go of its
 *            buffer.
 *
 * STRUCTS    Structs of options or results begin with a size that the caller sets to sizeof.
 *            Filled with zeros but for that, options give the defaults, and so does NULL.
 *            Structs only grow: a program built against an older header works with a newer
 *            library; one built against a newer header gets -E2BIG from an older library if it
 *            asks for what that does not know.
 *
 * THREADS    "Any thread" means any OS thread and any coroutine. A coroutine stays on its OS
 *            thread from its first run on unless it is migratable, so thread-local variables,
 *            errno among them, are those of that thread and shared with its other coroutines:
 *            what a coroutine has put there may differ after a blocking call. Do not hold an OS
 *            mutex across a blocking call: another coroutine of the same vCPU may want it.
 *
 * Symbols and structs only grow within one major version. */
#ifndef PHOTONRT_H
#define PHOTONRT_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>

struct addrinfo; /* <netdb.h> has it */

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Handles and entry functions --------------------------------------------------------- */

/** A channel. A number that stays safe to use for ever, like co_t; what is stale, forged or 0
 *  gives -EBADF here. */
typedef uint64_t co_chan_t;

/** A future. A number as co_chan_t, and neither of them is ever taken for the other. */
typedef uint64_t co_future_t;

/** A coroutine. A number that stays safe to use for ever: once the coroutine is gone, calls with
 *  it give -ESRCH, whatever has been spawned since. 0 is no coroutine. */
typedef uint64_t co_t;

/** What a coroutine runs. Its result goes to who joins it. It must return; it must not leave by
 *  longjmp or by an exception (that ends the process). */
typedef void *(*co_entry_t)(void *arg);

/** A group of vCPUs. A number that stays safe to use for ever, like co_t. 0 stands for the
 *  calling coroutine's group, or the default group on a plain thread. */
typedef uint64_t co_group_t;

/** A coroutine's turn in a custom group. Good once. */
typedef uint64_t co_token_t;

/** What a custom group calls for each coroutine `co` that has become runnable. It runs inside
 *  co_group_poll or co_token_run, on that thread, as on a plain one; it keeps the token for
 *  later, must not block, and can't run tokens (-EBUSY). */
typedef void (*co_ready_fn_t)(void *ctx, co_token_t token, co_t co);

/** A key, under which each coroutine and plain thread has a value of its own. 0 is none. */
typedef uint64_t co_key_t;

/** Called with a value whose coroutine or thread ends. */
typedef void (*co_destructor_t)(void *value);

/** A pool of coroutines. A number that stays safe to use for ever, like co_t. */
typedef uint64_t co_pool_t;

/** What co_parallel_for calls, for the indices from `begin` up to, not including, `end`. Below 0:
 *  the loop is to end with that. */
typedef int (*co_for_fn_t)(void *arg, uint64_t begin, uint64_t end);

/** A scope: the lifetime of a set of child coroutines. A number that stays safe to use for ever,
 *  as co_t. 0 is none. */
typedef uint64_t co_scope_t;

/** A timer. A number that stays safe to use for ever, like co_t. */
typedef uint64_t co_timer_t;

/** What a timer calls, in a coroutine of its group. `expiries` is how many expiries this call
 *  stands for: 1, or more if the callback before was still running, or no vCPU had the time. It
 *  may block and call whatever a coroutine may. */
typedef void (*co_timer_fn_t)(co_timer_t timer, uint64_t expiries, void *arg);

/* ---- Version and error texts ------------------------------------------------------------- */

#define CO_VERSION_MAJOR     0    /**< Version of this header: major. A change of it may break a
                                       caller. */
#define CO_VERSION_MINOR     1    /**< Version of this header: minor. A change of it only adds. */
#define CO_VERSION_PATCH     0    /**< Version of this header: patch. */

/** The version of the library that is linked, as `major << 16 | minor << 8 | patch`. A program
 *  compares it with the CO_VERSION_* constants it was compiled with. Any thread; never blocks. */
uint32_t co_abi_version(void);

/** The version of the library as text, for instance "0.1.0". Static memory. Any thread. */
const char *co_version_string(void);

/** A short English text for an error: takes what a co_* call returned (-ETIMEDOUT) or a plain
 *  errno (ETIMEDOUT). Static memory, "unknown error" for a number that is none. Any thread; never
 *  blocks. */
const char *co_strerror(int err);

/* ---- Runtime: start, stop, settings ---------------------------------------------------------
 *
 * co_run is for a program whose main function is to be a coroutine; co_init and co_shutdown are
 * for a library or a host that keeps its own main thread. One runtime at a time lives in a
 * process; it can be started again when it has ended. */

#define CO_FOREVER           (-1) /**< A timeout that never expires. */
#define CO_NOW               0    /**< A timeout that has expired already: the call tries once
                                       and gives -EAGAIN instead of waiting. */
#define CO_ENGINE_AUTO       0    /**< Engine: chosen at run time (io_uring where a real
                                       operation succeeds, else `ready`, else `offload`). The
                                       environment variable PHOTONRT_ENGINE (`uring`, `ready` or
                                       `offload`; another text: -EINVAL) decides where the
                                       program left it open. */
#define CO_ENGINE_URING      1    /**< Engine: io_uring. */
#define CO_ENGINE_READY      2    /**< Engine: readiness (epoll or kqueue), with a thread pool
                                       for files. */
#define CO_ENGINE_OFFLOAD    3    /**< Engine: poll(2), with a thread pool for files. Always
                                       available, and slow when many coroutines wait. External
                                       groups have the poller of `ready`, since their host needs
                                       a descriptor. */
#define CO_RUN_CANCEL        1    /**< co_config_t.flags: when the main coroutine of co_run has
                                       ended, cancel the others; without it, co_run waits for
                                       them. */
#define CO_UNGUARDED_OK      2    /**< co_config_t.flags: when the system gives no more guard
                                       pages, hand out stacks without one (counted in
                                       co_stats_t.guards_none). Without it such a spawn fails
                                       with -ENOMEM. */
#define CO_NO_SIGNALS        4    /**< co_config_t.flags: leave SIGSEGV and SIGBUS alone. Without
                                       it the runtime installs handlers that name the coroutine
                                       whose stack overflowed, then pass the signal on to what
                                       was there. */
#define CO_MIGRATE_ALL       8    /**< co_config_t.flags: every coroutine is migratable, as if
                                       spawned with CO_MIGRATABLE. */
#define CO_SPARES_NONE       4294967295 /**< co_config_t.spares: none. */

/** A stall: a coroutine that has kept its vCPU for longer than co_config_t.stall_ns, outside of
 *  co_blocking_enter and leave: it computes without yielding, or a system call has blocked its
 *  thread. Reported once, when found. A thread that merely gets no CPU is none.
 *
 *  The addresses are collected on the stalled thread, by a SIGURG that the runtime sends to it:
 *  system calls are restarted after it, but for those that never are (sleep, poll: EINTR). With
 *  CO_NO_SIGNALS, for external groups, and where the program has SIGURG for itself, there are
 *  none. */
typedef struct co_stall_t {
    uint32_t size;              /**< sizeof(co_stall_t) of the library. */
    uint32_t vcpu;              /**< Its vCPU, counted from 1. */
    uint64_t co;                /**< The coroutine; it may have gone on. */
    uint64_t group;             /**< Its group. */
    int64_t duration_ns;        /**< Nanoseconds so far. */
    uint32_t blocked;           /**< 1: blocked in the system; 0: running. */
    uint32_t depth;             /**< How many addresses. */
    void *const *addresses;     /**< Where it is: the address of each call, the innermost first.
                                     Valid during the call. */
    char name[32];              /**< Its name, ended by a zero byte; empty if it has none. */
} co_stall_t;

/** What co_run and co_init take. Zero-filled but for `size` gives the defaults. */
typedef struct co_config_t {
    uint32_t size;              /**< sizeof(co_config_t). */
    uint32_t vcpus;             /**< OS threads that run coroutines; 0: as many as CPUs this
                                     process may use. At most 256. */
    uint32_t engine;            /**< CO_ENGINE_*. A forced engine that does not work here fails
                                     the call with -ENOSYS. */
    uint32_t flags;             /**< CO_RUN_CANCEL, CO_UNGUARDED_OK, CO_NO_SIGNALS,
                                     CO_MIGRATE_ALL. */
    uint64_t stack_size;        /**< Bytes of stack for a coroutine that asks for none, rounded
                                     up to a power of two from 16 KiB to 8 MiB; 0: 256 KiB. This
                                     is address space: memory is committed as it is touched. */
    uint64_t stack_cache;       /**< Bytes of dead coroutines' stacks that one vCPU keeps for
                                     reuse at once (a stack counts its size); 0: 64 MiB. */
    int64_t stack_decay;        /**< Nanoseconds after which unused stacks go back to the system;
                                     0: one second. */
    uint32_t blocking_max;      /**< OS threads at most that do what would block (file I/O under
                                     `ready` and `offload`); 0: 64. As many more do what is given
                                     to co_blocking, and half as many look up names. */
    uint32_t reserved;          /**< Zero. */
    uint64_t seed;              /**< Seed of the scheduler's own random choices; 0: taken from
                                     the system. */
    int64_t stall_ns;           /**< Nanoseconds for which a coroutine may keep its vCPU before
                                     that is reported as a stall; 0: 10 ms, or what the
                                     environment variable PHOTONRT_STALL_MS says, in milliseconds
                                     (0: off; no number: -EINVAL); CO_FOREVER: off. See
                                     co_stall_t. */
    void (*on_stall)(const co_stall_t *stall, void *arg); /**< Called for each stall in place of
                                                               a report on standard error; NULL:
                                                               the report. On a thread of the
                                                               runtime's own, a plain one: it may
                                                               call what any thread may, and
                                                               holds up the look-out. */
    void *on_stall_arg;         /**< For on_stall. */
    uint32_t spares;            /**< Spare vCPUs that each group of several vCPUs may have at
                                     most; 0: as many as it has vCPUs; CO_SPARES_NONE: none. A
                                     spare stands in while all vCPUs of the group are held up (in
                                     code between co_blocking_enter and leave, or stalled) and
                                     something that may move waits. When one of them is free
                                     again it takes nothing more, and sleeps once its own
                                     coroutines have ended or wait. A group of one vCPU has none:
                                     its coroutines run one at a time. On a spare co_vcpu_self
                                     gives a number above co_group_vcpu_count. */
    uint32_t reserved2;         /**< Zero. */
} co_config_t;

/** What co_stats gives: one moment's figures, each exact but not all from the same instant. */
typedef struct co_stats_t {
    uint32_t size;              /**< sizeof(co_stats_t) of the caller; that many bytes are
                                     written. */
    uint32_t engine;            /**< The engine in use: CO_ENGINE_URING, CO_ENGINE_READY or
                                     CO_ENGINE_OFFLOAD. */
    uint32_t vcpus;             /**< vCPUs in all groups. */
    uint32_t groups;            /**< Groups. */
    uint64_t live;              /**< Coroutines alive now; one that another vCPU is just taking
                                     over may count twice for that moment. */
    uint64_t spawned;           /**< Coroutines spawned since the runtime began. */
    uint64_t stolen;            /**< Coroutines that one vCPU took from another. */
    uint64_t migrated;          /**< Coroutines moved by co_migrate. */
    uint64_t wakeups;           /**< System calls made to wake a sleeping vCPU. */
    uint64_t polls;             /**< Times that a vCPU looked for I/O, timers and wakes. */
    uint64_t stacks_used;       /**< Stacks in use by a coroutine. */
    uint64_t stacks_cached;     /**< Stacks kept for reuse. */
    uint64_t stack_reserved;    /**< Bytes of address space reserved for stacks. */
    uint64_t guards_light;      /**< Stacks guarded without a mapping of their own
                                     (MADV_GUARD_INSTALL). */
    uint64_t guards_mprotect;   /**< Stacks guarded by mprotect. */
    uint64_t guards_none;       /**< Stacks without a guard (only with CO_UNGUARDED_OK). */
    uint64_t stalls;            /**< Stalls found. */
    uint32_t spares;            /**< Spare vCPUs started, for all groups: see co_config_t.spares. */
    uint32_t spares_active;     /**< Those of them that stand in at the moment. */
} co_stats_t;

/** Starts the runtime, runs `main_fn(arg)` as its first coroutine on the calling thread (which is
 *  vCPU 0 meanwhile), and returns when that coroutine has ended and the others have ended too, or
 *  have been cancelled and have ended if the config says CO_RUN_CANCEL. Then everything that the
 *  runtime started is gone again. `cfg` may be NULL; `result`, if not NULL, receives what
 *  `main_fn` returned.
 *
 *  Blocks the calling thread; not from a coroutine. 0; -EINVAL (a bad config), -E2BIG (a config
 *  from a newer header), -EBUSY (the runtime is running), -ENOSYS (a forced engine that does not
 *  work here), -ENOMEM, -EMFILE, -EAGAIN (no thread to be had). */
int co_run(const co_config_t *cfg, co_entry_t main_fn, void *arg, void **result);

/** Starts the runtime with all its vCPUs on threads of their own and returns. From then on any
 *  thread may spawn, join, unpark, cancel. `cfg` may be NULL. Any thread but a coroutine's.
 *
 *  Errors as co_run. */
int co_init(const co_config_t *cfg);

/** Stops what co_init started: refuses new coroutines from plain threads, waits until all have
 *  ended, then ends the vCPU threads and gives their memory back. With -ETIMEDOUT the runtime
 *  goes on: co_foreach and co_stats say what is left, co_cancel can hurry it, and co_shutdown may
 *  be called again.
 *
 *  Blocks the calling thread; not from a coroutine (-EDEADLK). 0; -ETIMEDOUT (-EAGAIN with
 *  CO_NOW); -EINVAL (a runtime that co_run started, or a timeout below -1); -ESRCH (no runtime is
 *  running); -EBUSY (another thread is shutting it down; an external group still exists). */
int co_shutdown(int64_t timeout_ns);

/** Fills `out` (whose `size` the caller has set) with the runtime's figures. Any thread; never
 *  blocks.
 *
 *  0; -EINVAL (`out` NULL or its size under 8); -ESRCH (no runtime is running). */
int co_stats(co_stats_t *out);

/* ---- Coroutines -------------------------------------------------------------------------- */

#define CO_DETACHED          1    /**< co_attr_t.flags: nobody will join it; its memory is free
                                       as soon as it ends. (Also what a NULL `out` says.) */
#define CO_MIGRATABLE        2    /**< co_attr_t.flags: may go on on another OS thread after it
                                       has run. For code that keeps no thread-local's address
                                       across a blocking call; compilers do keep errno's. */
#define CO_SAVE_FP           4    /**< co_attr_t.flags: floating-point control state (MXCSR and
                                       the x87 control word, or FPCR) is the coroutine's own: it
                                       begins with the default and is kept across switches.
                                       Without it, a change is seen by whatever runs next on the
                                       vCPU. */
#define CO_VCPU_ANY          0    /**< co_attr_t.vcpu: any vCPU of the group. */
#define CO_STATE_FRESH       1    /**< co_info_t.state: spawned and not yet run. */
#define CO_STATE_READY       2    /**< co_info_t.state: waiting for its turn on a vCPU. */
#define CO_STATE_RUNNING     3    /**< co_info_t.state: running. */
#define CO_STATE_PARKED      4    /**< co_info_t.state: blocked until something wakes it. */
#define CO_STATE_ENDED       5    /**< co_info_t.state: ended, to be joined. */

/** How to spawn. NULL, or zero-filled but for `size`, gives the defaults. */
typedef struct co_attr_t {
    uint32_t size;              /**< sizeof(co_attr_t). */
    uint32_t flags;             /**< CO_DETACHED, CO_MIGRATABLE, CO_SAVE_FP. */
    uint64_t group;             /**< The group to run in; 0: the spawner's own, or the default
                                     group from a plain thread. */
    uint32_t vcpu;              /**< The vCPU of that group to stay on, counted from 1;
                                     CO_VCPU_ANY (0): the spawner's at first, and any idle one of
                                     the group may take it before its first run. */
    uint32_t reserved;          /**< Zero. */
    uint64_t stack_size;        /**< Bytes of stack, rounded up to a power of two from 16 KiB to
                                     8 MiB; 0: the config's. */
    const char *name;           /**< A name for reports, copied (31 bytes at most, cut beyond);
                                     NULL: none. */
} co_attr_t;

/** What co_info and co_foreach give. A coroutine of another vCPU goes on meanwhile: each field
 *  was true at some moment of the call. */
typedef struct co_info_t {
    uint32_t size;              /**< sizeof(co_info_t) of the caller; that many bytes are
                                     written. */
    uint32_t state;             /**< CO_STATE_*. */
    co_t co;                    /**< The coroutine. */
    uint64_t group;             /**< Its group. */
    uint32_t vcpu;              /**< Its vCPU in that group, counted from 1; 0 while it is on
                                     offer to all. */
    uint32_t flags;             /**< As given to co_spawn. */
    uint64_t stack_size;        /**< Bytes of its stack. */
    char name[32];              /**< Its name, ended by a zero byte; empty if it has none. */
    uint32_t acknowledged;      /**< 1: it has acknowledged a cancel (co_cancel_clear), and no
                                     other has come since; else 0. So who has cancelled a
                                     coroutine, and waited for it (co_wait), learns whether it
                                     noticed. */
    uint32_t reserved;          /**< Zero. */
} co_info_t;

/** Spawns a coroutine that will run `fn(arg)`. `out` receives its handle; NULL spawns it
 *  detached. It runs when its turn comes, not before this call returns. From any thread; never
 *  blocks.
 *
 *  0; -EINVAL (`fn` NULL, a bad attr), -E2BIG (an attr from a newer header), -ESRCH (no runtime,
 *  no such group or vCPU), -ESHUTDOWN (co_shutdown has begun; plain threads only), -ENOMEM (no
 *  memory, no address space, or no guard page to be had). A failure leaves everything as it was. */
int co_spawn(co_t *out, const co_attr_t *attr, co_entry_t fn, void *arg);

/** As co_spawn, but copies `size` bytes at `env`, aligned to `align` (a power of two up to 4096),
 *  onto the new stack and passes the copy's address to `fn`: a closure and room for its results.
 *  The caller's `env` is free again when this returns. Of a coroutine that is not detached the
 *  copy stays readable (co_env) until the join has returned.
 *
 *  As co_spawn; also -EINVAL (`env` NULL with a size, a bad align), -E2BIG (over half of the
 *  stack). */
int co_spawn_copy(co_t *out, const co_attr_t *attr, co_entry_t fn, const void *env, size_t size,
                  size_t align);

/** The address of the copy that co_spawn_copy made for `co`, or NULL if it has none or is gone.
 *  Valid until the join of it returns. Any thread; never blocks. */
void *co_env(co_t co);

/** Waits until `co` has ended, gives its result (`result` may be NULL) and frees what it held:
 *  the handle is stale from then on. One joiner at a time; with a failure (a timeout, a cancel)
 *  the coroutine is as it was and may be joined again.
 *
 *  Blocks; a cancellation point. Plain threads too. 0; -ETIMEDOUT (-EAGAIN with CO_NOW); -ESRCH
 *  (stale, detached, or another is joining it); -EDEADLK (oneself); -ECANCELED or an interrupt's
 *  error; -EINVAL (timeout below -1). */
int co_join(co_t co, void **result, int64_t timeout_ns);

/** Waits until `co` has ended, as co_join does, and leaves it joinable: its co_env copy can be
 *  read meanwhile, and co_join then returns at once. Blocks, errors and threads as co_join. */
int co_wait(co_t co, int64_t timeout_ns);

/** Says that nobody will join `co`: what it holds is freed when it ends, or now if it has. Any
 *  thread; never blocks.
 *
 *  0; -ESRCH (stale, detached already, or somebody is joining it). */
int co_detach(co_t co);

/** The calling coroutine; 0 on a plain thread. Never blocks. */
co_t co_self(void);

/** Lets the other runnable coroutines of this vCPU run before going on. Not a cancellation point.
 *  On a plain thread: sched_yield(). A few nanoseconds; no system call, no clock. */
void co_yield_now(void);

#ifndef __cplusplus
/** The same under the name that C++20 reserves for itself: declared for C only. */
void co_yield(void);
#endif

/** Sleeps for `ns` nanoseconds at least, by the monotonic clock; never less. 0 yields; CO_FOREVER
 *  sleeps until cancelled or interrupted.
 *
 *  Blocks; a cancellation point. Plain threads too. 0; -ECANCELED or an interrupt's error;
 *  -EINVAL (below -1). */
int co_sleep(int64_t ns);

/** Gives up the vCPU until another calls co_unpark for this coroutine. An unpark that came before
 *  makes it return at once; several before one park count as one. What was written before the
 *  unpark is visible after the park.
 *
 *  Blocks; a cancellation point. 0 (unparked, never without a reason); -ETIMEDOUT (-EAGAIN with
 *  CO_NOW); -ECANCELED or an interrupt's error; -EINVAL (below -1); -EPERM (a plain thread). */
int co_park(int64_t timeout_ns);

/** Wakes `co` from co_park, or makes its next co_park return at once. Other waits of `co` go on.
 *  From any thread; never blocks.
 *
 *  0; -ESRCH (stale, or ended). */
int co_unpark(co_t co);

/** Makes the blocking call that `co` is in, or else its next one, fail once with `-err`. What
 *  that call had done already is not lost: if it completed after all, its result stands and the
 *  interrupt stays for the next. Of several before it is delivered the last one counts. Held off
 *  by a shield. From any thread; never blocks.
 *
 *  0; -EINVAL (`err` not in 1..4095); -ESRCH (stale, or ended). */
int co_interrupt(co_t co, int err);

/** Asks `co` to end: from now on each cancellation point in it fails with -ECANCELED, until it
 *  calls co_cancel_clear. Nothing is unwound: the code sees the error and returns in its own way.
 *  Held off by a shield. From any thread; never blocks.
 *
 *  0 (also if it was asked before); -ESRCH (stale, or ended). */
int co_cancel(co_t co);

/** Holds cancels and interrupts off the calling coroutine (`on` not 0), or lets them through
 *  again: they are kept, not lost. Gives the setting before, 0 or 1, so that calls nest; -EPERM
 *  on a plain thread. Never blocks. */
int co_cancel_shield(int on);

/** Acknowledges a cancel: the calling coroutine's blocking calls work again. Gives 1 if there was
 *  one, else 0; -EPERM on a plain thread. Never blocks. */
int co_cancel_clear(void);

/** 1 if the calling coroutine has been cancelled and no shield holds it off, else 0, also on a
 *  plain thread. Never blocks; cheap enough for a loop. */
int co_cancel_pending(void);

/** Names `co` for reports: at most 31 bytes are kept; NULL or "" removes the name. Any thread;
 *  never blocks.
 *
 *  0; -ESRCH (stale). */
int co_set_name(co_t co, const char *name);

/** Fills `out` (whose `size` the caller has set) with what is known of `co`. Any thread; never
 *  blocks.
 *
 *  0; -EINVAL (`out` NULL or its size under 8); -ESRCH (stale). */
int co_info(co_t co, co_info_t *out);

/** Calls `fn(info, arg)` for every coroutine that lives through the call (others may or may not
 *  be seen), until `fn` gives something else than 0. It must not block. Gives what `fn` gave
 *  last, 0 if there was none; -EINVAL (`fn` NULL). Any thread. */
int co_foreach(int (*fn)(const co_info_t *info, void *arg), void *arg);

/* ---- Groups of vCPUs ------------------------------------------------------------------------
 *
 * All vCPUs that co_run or co_init start make up the default group. Further groups keep some
 * work apart, each with a policy of its own:
 *
 *   one vCPU   its coroutines run strictly one at a time and need no locks among them
 *   several    a thread each; what has not run yet goes to whichever is idle
 *   pinned     a thread each, bound to a CPU; nothing moves by itself
 *   external   one vCPU, run inside a host's own event loop (co_group_poll, co_group_fd)
 *   custom     one vCPU; the host is handed each runnable coroutine and says when and where
 *              it runs (co_token_run)
 *
 * co_group_call sends work to another group and waits for it. */

#define CO_GROUP_EXTERNAL    1    /**< co_group_attr_t.flags: one vCPU without a thread of its
                                       own: it runs inside co_group_poll, called from a host's
                                       event loop. */
#define CO_GROUP_PINNED      2    /**< co_group_attr_t.flags: a thread for each vCPU that is
                                       bound to one CPU of those that the process may use, where
                                       the system can do that. Nothing moves but by co_migrate:
                                       what a coroutine spawns stays on its vCPU, what comes from
                                       outside is dealt out by turns. */
#define CO_GROUP_CUSTOM      4    /**< co_group_attr_t.flags: one vCPU without a thread, whose
                                       runnable coroutines are handed to `on_ready` as tokens,
                                       for the host to run with co_token_run in what order, when,
                                       and on what threads it likes. */
#define CO_TOKEN_PARKED      0    /**< co_token_run: the coroutine waits for something. */
#define CO_TOKEN_READY       1    /**< co_token_run: it has yielded; `on_ready` has been called
                                       with its new token. */
#define CO_TOKEN_GONE        2    /**< co_token_run: it has ended, or has moved to another group. */

/** How to create a group. Zero-filled but for `size` gives one vCPU with a thread. */
typedef struct co_group_attr_t {
    uint32_t size;              /**< sizeof(co_group_attr_t). */
    uint32_t flags;             /**< 0, or one of CO_GROUP_EXTERNAL, CO_GROUP_PINNED,
                                     CO_GROUP_CUSTOM. */
    uint32_t vcpus;             /**< vCPUs; 0: one, or in a pinned group one for each CPU that
                                     the process may use. With one, the group's coroutines run
                                     one at a time and need no locks among them. At most 256. */
    uint32_t reserved;          /**< Zero. */
    const char *name;           /**< A name for its threads and for reports, copied (11 bytes at
                                     most, cut beyond); NULL: none. */
    co_ready_fn_t on_ready;     /**< Of a custom group; else NULL. */
    void *ctx;                  /**< What on_ready is called with. */
} co_group_attr_t;

/** Creates a group of vCPUs in the running runtime. Coroutines enter it by co_attr_t.group or by
 *  co_migrate, and stay: vCPUs of one group take no work from another. Any thread; does not block
 *  a coroutine for longer than it takes to start threads.
 *
 *  0; -EINVAL (`out` NULL, a bad attr, an external or custom group with more than one vCPU, a
 *  custom one without on_ready), -E2BIG (an attr from a newer header), -ESRCH (no runtime),
 *  -ESHUTDOWN, -EAGAIN (no thread to be had), -EMFILE, -ENOMEM. */
int co_group_create(co_group_t *out, const co_group_attr_t *attr);

/** Ends a group: waits until its coroutines have ended, then ends its threads. An external or
 *  custom group is not run by this, so destroy it when it is empty, or from another thread than
 *  its host's: a poll that waits there comes back, and the next one gives -ESRCH.
 *
 *  Blocks; a cancellation point. Plain threads too. 0; -ETIMEDOUT (-EAGAIN with CO_NOW:
 *  coroutines are left, the group goes on); -ESRCH (stale); -EDEADLK (a coroutine of that group);
 *  -EPERM (the default group); -ECANCELED or an interrupt's error; -EINVAL. */
int co_group_destroy(co_group_t group, int64_t timeout_ns);

/** Runs an external group on the calling thread: what is runnable, what I/O and timers make
 *  runnable, and so on until nothing is runnable, waiting up to `timeout_ns` for the first. Gives
 *  how many times a coroutine was resumed, 0 if none within the timeout. One thread at a time;
 *  the same one each time while coroutines that are not migratable live in it.
 *
 *  Of a custom group it runs nothing: it looks after I/O, timers and wakes, calls on_ready for
 *  each coroutine that has become runnable, waiting up to `timeout_ns` for the first, and gives
 *  how many these were. While it waits, tokens may be run.
 *
 *  Blocks the calling thread; not from a coroutine (-EDEADLK). >= 0; -EINVAL (not an external
 *  group, a timeout below -1); -ESRCH (stale); -EBUSY (another thread is polling it). */
int64_t co_group_poll(co_group_t group, int64_t timeout_ns);

/** A file descriptor that is readable when co_group_poll of this external or custom group has
 *  something to do: a wake, I/O, or a timer. It belongs to the group; only wait for it. Any
 *  thread; never blocks.
 *
 *  >= 0; -EINVAL (not an external group); -ESRCH (stale). */
int co_group_fd(co_group_t group);

/** Runs the coroutine of a token on the calling thread until it waits, yields or ends, and calls
 *  on_ready for what has become runnable meanwhile. Of one group only one token at a time is run,
 *  so its coroutines need no locks among them. Which thread runs one may change each time: as in
 *  a migratable coroutine, what is in a thread's own variables (errno among them) is gone after a
 *  call that may block. A thread that has run tokens should live as long as the group: the system
 *  calls off what I/O it began when it ends (-ECANCELED).
 *
 *  Holds up the calling thread for as long as the coroutine runs; not from a coroutine
 *  (-EDEADLK). CO_TOKEN_PARKED, CO_TOKEN_READY or CO_TOKEN_GONE; -ESRCH (a token that is stale or
 *  was never given); -EBUSY (the group is being polled, or another of its tokens is run: the
 *  token stays good). */
int co_token_run(co_token_t token);

/** Sends work to another group, and waits for it: a coroutine in `group` runs `fn(arg)`, and
 *  `result` (it may be NULL) receives what that returned. `arg` may lie on the caller's stack:
 *  this returns only when `fn` has. Into the caller's own group too; the callee then takes its
 *  turn.
 *
 *  Blocks; a cancellation point. Plain threads too (but not the one that an external group is
 *  polled by, into that group: nobody would run it). Whatever stops the caller meanwhile, its
 *  timeout, a cancel or an interrupt, cancels the coroutine in `group` once, and the caller goes
 *  on waiting for its end.
 *
 *  0; -ETIMEDOUT, -ECANCELED or an interrupt's error: it was stopped so before `fn` had returned,
 *  and `result` has what `fn` returned then. Where `fn` was not called and `result` is as it was:
 *  -EAGAIN (CO_NOW), -ECANCELED or an interrupt's error (pending before), -EINVAL (`fn` NULL,
 *  timeout below -1), -ESRCH (no such group), -ESHUTDOWN (co_shutdown has begun; plain threads
 *  only), -ENOMEM. */
int co_group_call(co_group_t group, co_entry_t fn, void *arg, void **result, int64_t timeout_ns);

/** How many vCPUs the group has. Any thread; never blocks. >= 1; -ESRCH (stale, or no runtime). */
int co_group_vcpu_count(co_group_t group);

/** The group that the calling coroutine is in; 0 on a plain thread. */
co_group_t co_group_self(void);

/** The vCPU in its group, counted from 1, that the calling coroutine is on; 0 on a plain thread. */
uint32_t co_vcpu_self(void);

/** Moves `co` to vCPU `vcpu` (counted from 1; CO_VCPU_ANY lets the runtime choose) of `group`,
 *  where it then stays. It must be fresh or migratable. The caller itself has moved when the call
 *  returns; another coroutine moves before it next runs. From any thread; lets other coroutines
 *  run if it moves the caller; not a cancellation point.
 *
 *  0; -ESRCH (stale, or no such group or vCPU); -EPERM (neither fresh nor migratable); -EBUSY
 *  (the caller itself, and it is pinned). Another one that is pinned, or in foreign code, moves
 *  when it no longer is. */
int co_migrate(co_t co, co_group_t group, uint32_t vcpu);

/* ---- Input and output -----------------------------------------------------------------------
 *
 * The calls of the system under their own names, with a timeout. Descriptors are the system's:
 * any may be used, in blocking mode or not, and stays in the mode it is in. Close with
 * co_io_close what other coroutines may be using. co_io_read states what holds for all of them. */

/** Opens a file, as open(2) does, always close-on-exec. `mode` counts with O_CREAT only.
 *
 *  Blocks the coroutine; a cancellation point. Plain threads too. The descriptor; or what open(2)
 *  gives, -ETIMEDOUT (-EAGAIN with CO_NOW where it can't be had at once), -ECANCELED or an
 *  interrupt's error, -EINVAL (timeout below -1). */
int co_io_open(const char *path, int flags, uint32_t mode, int64_t timeout_ns);

/** Reads up to `len` bytes at the file's position: a file, socket, pipe, terminal, eventfd..., in
 *  blocking mode or not. 0 is the end.
 *
 *  All co_io_* calls: block the coroutine and never the vCPU; are cancellation points; work on
 *  plain threads too, which they block. Whatever they return, the system no longer holds the
 *  buffer. They give what the system call gives (>= 0, or its error), or -ETIMEDOUT (-EAGAIN with
 *  CO_NOW), -ECANCELED or an interrupt's error if nothing was transferred before, -EBADF when
 *  co_io_close closes the descriptor meanwhile, -EINVAL for a timeout below -1. A length over
 *  INT_MAX is treated as INT_MAX rounded down to a page. */
int64_t co_io_read(int fd, void *buf, size_t len, int64_t timeout_ns);

/** Writes up to `len` bytes at the file's position and gives how many it wrote. As co_io_read; a
 *  pipe or socket without a reader gives -EPIPE (and for a pipe the system's SIGPIPE, unless it
 *  is ignored). */
int64_t co_io_write(int fd, const void *buf, size_t len, int64_t timeout_ns);

/** Reads up to `len` bytes at `offset` (>= 0), the file's position unmoved. As co_io_read;
 *  -ESPIPE where the descriptor has no positions. */
int64_t co_io_pread(int fd, void *buf, size_t len, int64_t offset, int64_t timeout_ns);

/** Writes up to `len` bytes at `offset` (>= 0), the file's position unmoved. As co_io_read;
 *  -ESPIPE where the descriptor has no positions. */
int64_t co_io_pwrite(int fd, const void *buf, size_t len, int64_t offset, int64_t timeout_ns);

/** Reads at the file's position into `count` buffers, one after the other, as readv(2). As
 *  co_io_read; -EINVAL also for a `count` below 0 or above 1024. */
int64_t co_io_readv(int fd, const struct iovec *iov, int count, int64_t timeout_ns);

/** Writes `count` buffers, one after the other, at the file's position, as writev(2). As
 *  co_io_write; -EINVAL also for a `count` below 0 or above 1024. */
int64_t co_io_writev(int fd, const struct iovec *iov, int count, int64_t timeout_ns);

/** Reads into `count` buffers from `offset` (>= 0) on, the file's position unmoved. As
 *  co_io_pread and co_io_readv. */
int64_t co_io_preadv(int fd, const struct iovec *iov, int count, int64_t offset,
                     int64_t timeout_ns);

/** Writes `count` buffers from `offset` (>= 0) on, the file's position unmoved. As co_io_pwrite
 *  and co_io_writev. */
int64_t co_io_pwritev(int fd, const struct iovec *iov, int count, int64_t offset,
                      int64_t timeout_ns);

/** Waits until what was written to the file is on its device. 0, or as co_io_read. A timeout or
 *  cancel stops the waiting for it, where the system lets it. */
int co_io_fsync(int fd, int64_t timeout_ns);

/** Ends every co_io_* call that is under way on `fd` in any coroutine (each gives -EBADF, or its
 *  result if it was done), waits until they have, then closes `fd`. The number may be reused only
 *  after that, so no call can hit a successor.
 *
 *  Blocks the coroutine, not cancellable: after it the descriptor is closed. Plain threads too.
 *  0; -EBADF (not open); what close(2) gives (-EINTR and -EIO: closed nevertheless). */
int co_io_close(int fd);

/** Waits until `fd` has one of `events` (POLLIN, POLLOUT, POLLPRI, POLLRDHUP) and gives those it
 *  has, with POLLERR, POLLHUP where they hold, as poll(2) does. As co_io_read. */
int co_io_poll(int fd, short events, int64_t timeout_ns);

/** poll(2) on several descriptors: waits until one of the `n` in `fds` has an event, writes what
 *  each has to its revents and gives the number of those that have something. POLLERR, POLLHUP
 *  and POLLNVAL (not open) need not be asked for; a negative fd is left out; one may be there
 *  more than once. A descriptor that co_io_close closes meanwhile has POLLNVAL. With `n` 0 it is
 *  a sleep.
 *
 *  Blocks; a cancellation point. Plain threads too. >= 1; -ETIMEDOUT (-EAGAIN with CO_NOW), with
 *  every revents 0; -ECANCELED or an interrupt's error; -EINVAL (a timeout below -1, more than
 *  RLIMIT_NOFILE entries); -EFAULT; -ENOMEM. */
int co_io_poll_many(struct pollfd *fds, unsigned int n, int64_t timeout_ns);

/* ---- Files, directories, pipes --------------------------------------------------------------
 *
 * What is about files and their names, and transfers between descriptors inside the system.
 * co_io_openat states what holds for all of them. */

/** What is known of a file. Times are of the system's real-time clock. */
typedef struct co_stat_t {
    uint32_t size;              /**< Set to sizeof(co_stat_t). */
    uint32_t mode;              /**< Kind (S_IFMT) and permissions. */
    uint64_t ino;               /**< Number of the file on its device. */
    uint64_t dev;               /**< The device that it is on, as st_dev of stat(2). */
    uint64_t rdev;              /**< The device that it is, if it is one. */
    uint64_t nlink;             /**< Names that it has. */
    uint32_t uid;               /**< Its owner. */
    uint32_t gid;               /**< Its group. */
    int64_t length;             /**< Its length in bytes. */
    int64_t blocks;             /**< Room that it takes, in units of 512 bytes. */
    uint32_t blksize;           /**< Bytes that a transfer should have. */
    uint32_t atime_ns;          /**< Nanoseconds of `atime`; so the next three. */
    uint32_t mtime_ns;          /**< Of `mtime`. */
    uint32_t ctime_ns;          /**< Of `ctime`. */
    uint32_t btime_ns;          /**< Of `btime`. */
    uint32_t reserved;          /**< 0. */
    int64_t atime;              /**< When it was read last: seconds since 1970. */
    int64_t mtime;              /**< When it was written last. */
    int64_t ctime;              /**< When anything about it changed last. */
    int64_t btime;              /**< When it was created; 0 where the file system does not keep
                                     that. */
} co_stat_t;

/** What stands before an entry's name. The name follows right after it, at `(const char *)(entry
 *  + 1)`, ended by a zero byte. */
typedef struct co_dirent_t {
    uint32_t size;              /**< Bytes from here to the next entry. */
    uint16_t type;              /**< DT_REG, DT_DIR, DT_LNK... of <dirent.h>; DT_UNKNOWN where
                                     co_io_statx must be asked. */
    uint16_t name_length;       /**< Length of the name, without the zero byte. */
    uint64_t ino;               /**< Number of the file on its device. */
    int64_t next;               /**< Where lseek(2) of the directory goes on after this entry. */
} co_dirent_t;

/** Opens a file as co_io_open does, with a relative `path` from the directory `dirfd` (AT_FDCWD:
 *  the working directory).
 *
 *  All calls of this section: block the coroutine and never the vCPU; are cancellation points;
 *  work on plain threads too, which they block. They give what the system call of their name
 *  gives (>= 0, or its error), or -ETIMEDOUT, -ECANCELED or an interrupt's error. Those report
 *  that nothing has happened: what the system has begun is waited for where it can't be called
 *  off, and what has happened is reported. With CO_NOW they give -EAGAIN, since nothing tells
 *  beforehand whether a disk must be waited for (unless a comment says more; this one tries, as
 *  co_io_open). -EINVAL for a timeout below -1; -EFAULT for a pointer to nothing; -EBADF when
 *  co_io_close closes a descriptor of the call meanwhile, a `dirfd` too. */
int co_io_openat(int dirfd, const char *path, int flags, uint32_t mode, int64_t timeout_ns);

/** Waits as co_io_fsync does, but only for what it takes to read the data again: not for the
 *  file's times, for instance. */
int co_io_fdatasync(int fd, int64_t timeout_ns);

/** Makes room on the device for `len` bytes from `offset` on (`mode` 0: and makes the file as
 *  long as that), or what else fallocate(2) does with FALLOC_FL_* in `mode`. 0. Elsewhere than on
 *  Linux `mode` must be 0 (-EOPNOTSUPP) and the file is only made longer. */
int co_io_fallocate(int fd, int mode, int64_t offset, int64_t len, int64_t timeout_ns);

/** Makes the file `length` bytes long, by cutting it or by zeros. 0. */
int co_io_ftruncate(int fd, int64_t length, int64_t timeout_ns);

/** Fills `out` with what is known of a file. `flags`: AT_SYMLINK_NOFOLLOW and what else statx(2)
 *  takes; with AT_EMPTY_PATH (0x1000) and a `path` that is empty or NULL, it is the file that
 *  `dirfd` is. 0. */
int co_io_statx(int dirfd, const char *path, int flags, co_stat_t *out, int64_t timeout_ns);

/** Takes a file's name away; the file goes with its last name and its last descriptor. 0. */
int co_io_unlink(const char *path, int64_t timeout_ns);

/** The same from the directory `dirfd`; with AT_REMOVEDIR in `flags` it is an empty directory
 *  that goes. 0. */
int co_io_unlinkat(int dirfd, const char *path, int flags, int64_t timeout_ns);

/** Removes an empty directory. 0. */
int co_io_rmdir(const char *path, int64_t timeout_ns);

/** Gives a file or directory another name, in the place of what had that before. 0. */
int co_io_rename(const char *from, const char *to, int64_t timeout_ns);

/** The same from directories. `flags` as renameat2(2): RENAME_NOREPLACE, RENAME_EXCHANGE...;
 *  elsewhere than on Linux 0 (-EINVAL). 0. */
int co_io_renameat(int from_dirfd, const char *from, int to_dirfd, const char *to, uint32_t flags,
                   int64_t timeout_ns);

/** Makes a directory. `mode`: its permissions, less the process's umask. 0. */
int co_io_mkdir(const char *path, uint32_t mode, int64_t timeout_ns);

/** The same from the directory `dirfd`. 0. */
int co_io_mkdirat(int dirfd, const char *path, uint32_t mode, int64_t timeout_ns);

/** Gives the file `from` the further name `to`. 0. */
int co_io_link(const char *from, const char *to, int64_t timeout_ns);

/** The same from directories. `flags`: AT_SYMLINK_FOLLOW, and what else linkat(2) takes. 0. */
int co_io_linkat(int from_dirfd, const char *from, int to_dirfd, const char *to, int flags,
                 int64_t timeout_ns);

/** Makes a symbolic link `path` that says `target`. 0. */
int co_io_symlink(const char *target, const char *path, int64_t timeout_ns);

/** The same with `path` from the directory `dirfd`. 0. */
int co_io_symlinkat(const char *target, int dirfd, const char *path, int64_t timeout_ns);

/** Reads what a symbolic link says into `buf`, as much as fits into `len` bytes and without a
 *  zero byte at the end. The number of bytes. */
int64_t co_io_readlink(const char *path, void *buf, size_t len, int64_t timeout_ns);

/** The same from the directory `dirfd`. */
int64_t co_io_readlinkat(int dirfd, const char *path, void *buf, size_t len, int64_t timeout_ns);

/** Reads entries of a directory, from where it is (lseek to 0: from the first one again), as many
 *  as fit into `len` bytes (at least 512; -EINVAL if the next one does not fit): co_dirent_t
 *  after co_dirent_t, `size` bytes apart. "." and ".." are among them where the file system has
 *  them. The bytes filled; 0: there are no more. */
int64_t co_io_readdir(int fd, void *buf, size_t len, int64_t timeout_ns);

/** Makes a pipe, close-on-exec: `fds[0]` to read from, `fds[1]` to write to. `flags`: O_NONBLOCK,
 *  and what else pipe2(2) takes. Never blocks. 0; -EMFILE and the like, -EFAULT, -EINVAL. */
int co_io_pipe(int *fds, int flags);

/** Moves up to `len` bytes from one descriptor to another, one of which is a pipe, without a
 *  copy, as splice(2) does: it waits until there is something and room for it, and moves what
 *  there is. `off_in`, `off_out`: NULL, or where a file is read or written, and moved; its
 *  position then stays. `flags`: SPLICE_F_MOVE, SPLICE_F_MORE, and SPLICE_F_NONBLOCK, which is
 *  CO_NOW. Linux only: elsewhere -ENOSYS.
 *
 *  The bytes moved; 0 is the end of what is read. -EPIPE without SIGPIPE for a socket, perhaps
 *  with it for a pipe. With CO_NOW files and sockets to write to always give -EAGAIN. */
int64_t co_io_splice(int fd_in, int64_t *off_in, int fd_out, int64_t *off_out, size_t len,
                     unsigned int flags, int64_t timeout_ns);

/** Sends `len` bytes of the file `in_fd` to `out_fd`, which may be anything, in either mode: from
 *  `*offset` on, which is moved, or (NULL) from the file's position, which is.
 *
 *  The bytes sent: fewer than `len` if the file ends, or if a timeout, a cancel, an interrupt, a
 *  close or an error of `out_fd` came after some; what the next call would find again is then
 *  told by that. -EINVAL: `in_fd` is no file. A socket without a reader gives -EPIPE and no
 *  signal. With CO_NOW what can be had and sent at once, else -EAGAIN. */
int64_t co_io_sendfile(int out_fd, int in_fd, int64_t *offset, size_t len, int64_t timeout_ns);

/** Copies up to `len` bytes from file to file inside the system, as copy_file_range(2) does; at
 *  most 64 MiB a call, so that it can be stopped in between. Offsets as co_io_splice; `flags` is
 *  0.
 *
 *  The bytes copied; 0 is the end of the file. -EINVAL: one is no file, or the ranges overlap in
 *  the same file. Files on different file systems are copied by reading and writing. */
int64_t co_io_copy_file_range(int fd_in, int64_t *off_in, int fd_out, int64_t *off_out, size_t len,
                              unsigned int flags, int64_t timeout_ns);

/* ---- Sockets ----------------------------------------------------------------------------- */

/** Creates a socket, as socket(2) does, close-on-exec and ready for the co_io_* calls. Never
 *  blocks. The descriptor, or what socket(2) gives. */
int co_io_socket(int domain, int type, int protocol);

/** Creates two connected sockets, as socketpair(2) does, close-on-exec, and writes them to `fds`.
 *  Never blocks. 0, or what socketpair(2) gives, -EFAULT for one. */
int co_io_socketpair(int domain, int type, int protocol, int *fds);

/** bind(2): gives a socket its own address. Never blocks. 0, or what bind(2) gives, -EADDRINUSE
 *  for one. */
int co_io_bind(int fd, const struct sockaddr *addr, socklen_t len);

/** listen(2): makes a socket one that co_io_accept accepts from. Never blocks. 0, or what
 *  listen(2) gives. (A listener in O_NONBLOCK mode spares each accept a look beforehand;
 *  co_tcp_listen's are.) */
int co_io_listen(int fd, int backlog);

/** Accepts a connection. `addr` and `len` may be NULL; otherwise they receive the peer's address
 *  as accept(2) gives it. `flags`: SOCK_NONBLOCK, SOCK_CLOEXEC (which is set anyway),
 *  CO_IO_AHEAD. The descriptor, or as co_io_read.
 *
 *  With CO_IO_AHEAD (see co_io_recv_buf) connections may have been accepted before the call, with
 *  the flags of the first such call; the address of a peer that has gone meanwhile is then empty
 *  (`*len` 0), and closing the listener closes those that nobody has taken. */
int co_io_accept(int fd, struct sockaddr *addr, socklen_t *len, int flags, int64_t timeout_ns);

/** Connects a socket. 0, or as co_io_read. After a timeout or a cancel the connection may be
 *  under way: close the socket. */
int co_io_connect(int fd, const struct sockaddr *addr, socklen_t len, int64_t timeout_ns);

/** Receives up to `len` bytes from a socket; `flags` as recv(2). 0 is the end of a stream. As
 *  co_io_read. */
int64_t co_io_recv(int fd, void *buf, size_t len, int flags, int64_t timeout_ns);

/** Sends up to `len` bytes on a socket and gives how many it took; `flags` as send(2), to which
 *  MSG_NOSIGNAL is added: a peer that is gone gives -EPIPE and no signal. As co_io_read.
 *
 *  MSG_ZEROCOPY asks not to copy where that pays (64 KiB or more to a TCP connection by io_uring;
 *  not once the system has copied nevertheless); elsewhere it is as if it were not there. The
 *  buffer is the caller's when this returns, as ever, so the call lasts until the peer has
 *  acknowledged the data, beyond its timeout and in spite of a cancel: not for peers that may
 *  stop reading. co_io_close ends it and resets the connection. */
int64_t co_io_send(int fd, const void *buf, size_t len, int flags, int64_t timeout_ns);

/** Receives as co_io_recv does, and the sender's address: `addr` and `addr_len` may be NULL, or
 *  as recvfrom(2) wants them; an address that is longer than its room is cut, and `*addr_len` is
 *  its full length. */
int64_t co_io_recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *addr,
                       socklen_t *addr_len, int64_t timeout_ns);

/** Sends as co_io_send does, to `addr` unless that is NULL. */
int64_t co_io_sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *addr,
                     socklen_t addr_len, int64_t timeout_ns);

/** Receives a message as recvmsg(2) does, into several buffers, with the sender's address and
 *  control messages; msg_flags tells what was cut (MSG_TRUNC, MSG_CTRUNC). Descriptors that come
 *  with it (SCM_RIGHTS) are new ones of the caller's, close-on-exec. With MSG_ERRQUEUE it waits
 *  for an error in the queue; with MSG_WAITALL, on a stream, until the buffers are full or
 *  control messages have come. As co_io_read. */
int64_t co_io_recvmsg(int fd, struct msghdr *msg, int flags, int64_t timeout_ns);

/** Sends a message as sendmsg(2) does, from several buffers, with an address and control messages
 *  (SCM_RIGHTS passes descriptors, which stay open here), and gives how many bytes it took; to
 *  `flags` MSG_NOSIGNAL is added, and MSG_ZEROCOPY is as with co_io_send. As co_io_read. */
int64_t co_io_sendmsg(int fd, const struct msghdr *msg, int flags, int64_t timeout_ns);

/** Shuts down one or both directions of a socket, as shutdown(2) does: `how` is SHUT_RD, SHUT_WR
 *  or SHUT_RDWR. Never blocks. 0, or what shutdown(2) gives. */
int co_io_shutdown(int fd, int how);

/** getsockname(2): the socket's own address. Never blocks. 0, or what getsockname(2) gives. */
int co_io_getsockname(int fd, struct sockaddr *addr, socklen_t *len);

/** getpeername(2): the peer's address. Never blocks. 0, or what getpeername(2) gives, -ENOTCONN
 *  for one. */
int co_io_getpeername(int fd, struct sockaddr *addr, socklen_t *len);

/** getsockopt(2): the value of a socket's option. Never blocks. 0, or what getsockopt(2) gives.
 *  (This and the next set no errno, which is all that they add.) */
int co_io_getsockopt(int fd, int level, int name, void *option, socklen_t *len);

/** setsockopt(2): sets a socket's option. Never blocks. 0, or what setsockopt(2) gives. A receive
 *  or send timeout (SO_RCVTIMEO, SO_SNDTIMEO) has no effect on the co_io_* calls: they have their
 *  own. */
int co_io_setsockopt(int fd, int level, int name, const void *option, socklen_t len);

/* ---- Buffers that the runtime owns ----------------------------------------------------------- */

#define CO_IO_AHEAD          (1 << 30) /**< For co_io_recv_buf and co_io_accept: the runtime may
                                            take what comes before it is asked for. */

/** A buffer of the runtime's, lent to the caller until co_buf_release. */
typedef struct co_buf_t {
    void *data;                 /**< The bytes; the caller may write to them too. */
    size_t len;                 /**< How many. */
    uint64_t id;                /**< For co_buf_release. */
} co_buf_t;

/** Receives from a socket into a buffer of the runtime's, 16 KiB at most (what is beyond that of
 *  a datagram is lost), and lends it: `*buf` is filled in, and is to be given to co_buf_release.
 *  Who waits holds no buffer, so an idle connection costs none. `flags`: 0 or CO_IO_AHEAD.
 *
 *  With CO_IO_AHEAD the runtime may receive before it is asked, so that many receives cost one
 *  operation of the system; engines that can, do. Whoever sets it says this about the descriptor,
 *  until it is closed or a call without the flag has given -EAGAIN: nothing is received
 *  (accepted) on it in another way (other co_io_* calls that would, and plain threads, get
 *  -EBUSY), and it is closed with co_io_close, since after a plain close(2) it would stay open.
 *  What nobody has taken by then is lost.
 *
 *  The number of bytes; 0 is the end of a stream or an empty datagram (and `*buf` empty). As
 *  co_io_read; -ENOBUFS: 16,384 buffers of this vCPU (of all plain threads) are held; -EINVAL
 *  (flags); -EBUSY (see CO_IO_AHEAD). */
int64_t co_io_recv_buf(int fd, co_buf_t *buf, int flags, int64_t timeout_ns);

/** Gives a buffer back and empties `*buf`; an empty one is left alone. Any thread, any coroutine;
 *  does not block. 0; -EINVAL (it is not lent: given back already, or never lent). */
int co_buf_release(co_buf_t *buf);

/* ---- Streams: exactly so many bytes, lines, copies --------------------------------------------
 *
 * What takes several calls on a descriptor, under one timeout. These report both what was moved,
 * in *done, and the error that ended it: nothing is lost, neither a byte nor a reason.
 *
 *     co_reader_t in = {.size = sizeof in};
 *     char buf[8192], *line;
 *     co_reader_init(&in, fd, buf, sizeof buf);
 *     while (co_reader_line(&in, &line, NULL, CO_FOREVER) > 0) puts(line); */

/** A buffered reader of lines and pieces, in memory of the caller's: it allocates nothing and
 *  needs no destroying. One call at a time; a second one gets -EBUSY. What it has read stays
 *  buffered whatever ends a call, so after a timeout the same call may be made again. Read from
 *  its descriptor by the reader only. */
typedef struct co_reader_t {
    uint32_t size;              /**< sizeof(co_reader_t). */
    uint32_t state32;           /**< The reader's own. */
    uint64_t state[7];          /**< The reader's own. */
} co_reader_t;

/** Reads until `len` bytes have come, or the end: as many co_io_read calls under one timeout.
 *
 *  `len`; less if the end came before (0: at once). An error is that of co_io_read, -EINVAL also
 *  for a `len` over INT64_MAX; `*done` (unless NULL) then says how many bytes had come: they are
 *  in `buf`, and to go on is a call for the rest. In every case `*done` is the number of bytes. */
int64_t co_io_read_full(int fd, void *buf, size_t len, size_t *done, int64_t timeout_ns);

/** The same from `offset` on, the file's position unmoved, by co_io_pread. */
int64_t co_io_pread_full(int fd, void *buf, size_t len, int64_t offset, size_t *done,
                         int64_t timeout_ns);

/** Writes all of `len` bytes: as many co_io_write calls under one timeout.
 *
 *  `len`, or an error of co_io_write (-EIO if a write takes nothing), with `*done` (unless NULL)
 *  as for co_io_read_full: so many bytes were written, to go on is a call for the rest. */
int64_t co_io_write_all(int fd, const void *buf, size_t len, size_t *done, int64_t timeout_ns);

/** The same from `offset` on, the file's position unmoved, by co_io_pwrite. */
int64_t co_io_pwrite_all(int fd, const void *buf, size_t len, int64_t offset, size_t *done,
                         int64_t timeout_ns);

/** Copies `count` bytes, or with -1 everything up to the end, from one descriptor to another:
 *  files (at their positions), pipes, stream sockets, devices. As many calls as it takes under
 *  one timeout.
 *
 *  Blocks; a cancellation point; plain threads too. How many bytes: `count`, or less if the end
 *  came before. An error is that of co_io_read or co_io_write, -EINVAL (`count` below -1, a
 *  socket that is no stream), -ENOMEM; in every case `*done` (unless NULL) says how many bytes
 *  went through. Nothing is lost between the two: what was not written is still to be read from
 *  `from`, so a second call goes on (but for what a terminal or device had given and `to`, though
 *  ready, did not take). Nobody else may read from `from` meanwhile. */
int64_t co_io_copy(int from, int to, int64_t count, int64_t *done, int64_t timeout_ns);

/** Makes `r` a reader of `fd`, with `capacity` bytes at `buf` for what is read ahead: the longest
 *  line, with its newline, must fit. Both are in use until the last call. Any thread; does not
 *  block. To be done with a reader is to call it no more; what it has buffered is then lost.
 *
 *  0; -EINVAL (`r` or `buf` NULL, r->size, no capacity), -EBADF. */
int co_reader_init(co_reader_t *r, int fd, void *buf, size_t capacity);

/** Gives the next line: `*line` points to it in the reader's buffer, ended by a zero byte in
 *  place of "\n" or "\r\n", `*len` (unless NULL) is its length without that. It is there until
 *  the next call on `r`.
 *
 *  Blocks; a cancellation point; plain threads too. 1; 2 for the last bytes of a stream that
 *  ended without a newline; 0 at the end. -EMSGSIZE: the buffer is full and no newline in it;
 *  nothing is lost (take the bytes with another call, or see co_reader_rebuffer). -EBUSY; -EINVAL
 *  (not initialised, `line` NULL), or as co_io_read. */
int co_reader_line(co_reader_t *r, char **line, size_t *len, int64_t timeout_ns);

/** Gives up to `len` bytes: what is buffered if anything is, else one read's. 0 is the end.
 *
 *  Blocks; a cancellation point; plain threads too. -EBUSY, -EINVAL (not initialised), -EFAULT
 *  (`buf` NULL), or as co_io_read. */
int64_t co_reader_read(co_reader_t *r, void *buf, size_t len, int64_t timeout_ns);

/** Gives exactly `len` bytes, or less at the end, as co_io_read_full does. What is larger than
 *  the buffer goes around it. */
int64_t co_reader_read_full(co_reader_t *r, void *buf, size_t len, size_t *done,
                            int64_t timeout_ns);

/** Waits until at least `need` bytes are buffered and points `*data` to them, where they stay:
 *  co_reader_consume takes them off. Gives how many are buffered; less than `need` at the end.
 *  With a `need` of 0 it does not read. The bytes are there until the next call on `r` that is
 *  not co_reader_consume.
 *
 *  Blocks; a cancellation point; plain threads too. -EMSGSIZE (`need` is more than the capacity);
 *  -EBUSY; -EINVAL (not initialised, `data` NULL), or as co_io_read. */
int64_t co_reader_peek(co_reader_t *r, char **data, size_t need, int64_t timeout_ns);

/** Takes the first `n` buffered bytes off. Never blocks. 0; -EINVAL (not initialised, fewer are
 *  buffered); -EBUSY. */
int co_reader_consume(co_reader_t *r, size_t n);

/** Moves what is buffered to `capacity` bytes at `buf`, larger or smaller; the former buffer is
 *  the caller's again. Never blocks. 0; -EMSGSIZE (it does not fit: nothing has changed); -EINVAL
 *  (not initialised, `buf` NULL, no capacity); -EBUSY. */
int co_reader_rebuffer(co_reader_t *r, void *buf, size_t capacity);

/* ---- Networking: names, addresses, connections ----------------------------------------------- */

/** Makes a TCP socket that listens on `host` (an IPv4 or IPv6 address as text, or a name, of
 *  whose addresses the first that can be had is taken; NULL: every address, IPv6 and IPv4 where
 *  the system has both) and `port` (0: one that the system picks; getsockname tells). It has
 *  SO_REUSEADDR, is in O_NONBLOCK mode, and has TCP_NODELAY, as then have the sockets that it
 *  accepts. `backlog` <= 0: the system's greatest. Blocks, for as long as it takes, only to look
 *  up a name; then a cancellation point; plain threads too.
 *
 *  The descriptor; -EINVAL (`host` can be neither address nor name), errors of co_getaddrinfo, or
 *  what socket(2), bind(2), listen(2) give, -EADDRINUSE for instance. */
int co_tcp_listen(const char *host, uint16_t port, int backlog);

/** The same on a service: a port's number as text, or its name ("http"). Blocks for a lookup at
 *  most as long as the timeout. -EPROTONOSUPPORT: no such service; -EINVAL also for a `service`
 *  of NULL. */
int co_tcp_listen_on(const char *host, const char *service, int backlog, int64_t timeout_ns);

/** Connects to a port of `host`, an address as text or a name. A name's addresses are tried in
 *  getaddrinfo's order with IPv6 and IPv4 in turn, each 250 ms after the one before it or at once
 *  when that has failed; the first to be connected is taken, the others are closed ("Happy
 *  Eyeballs", RFC 8305). One timeout for the lookup and all attempts. The socket has TCP_NODELAY
 *  and is in blocking mode.
 *
 *  Blocks; a cancellation point; plain threads too. The descriptor; -EINVAL (`host` NULL, or it
 *  can be neither address nor name), errors of co_getaddrinfo; if no address could be connected,
 *  the last one's error; -ETIMEDOUT (-EAGAIN with CO_NOW), -ECANCELED or an interrupt's error:
 *  then nothing is left open. */
int co_tcp_connect(const char *host, uint16_t port, int64_t timeout_ns);

/** The same to a service: a port's number as text, or its name ("http"). -EPROTONOSUPPORT: no
 *  such service. */
int co_tcp_connect_to(const char *host, const char *service, int64_t timeout_ns);

/** Makes a UDP socket with an address of its own: `host` and `port` as for co_tcp_listen. It is
 *  in blocking mode. Blocks only to look up a name. As co_tcp_listen. */
int co_udp_bind(const char *host, uint16_t port);

/** Makes a UDP socket for the exchange with one peer: co_io_send reaches it, and co_io_recv takes
 *  nothing from others. The first address of `host` that the system knows a way to is taken.
 *  Blocks only to look up a name. As co_tcp_connect. */
int co_udp_connect(const char *host, uint16_t port, int64_t timeout_ns);

/** Makes a local stream socket that listens on `path`, or with a leading '@' on a name of Linux's
 *  abstract namespace, in O_NONBLOCK mode; `backlog` as for co_tcp_listen. A socket file that is
 *  there already and that nobody listens on is replaced; one that somebody listens on, and any
 *  other file, gives -EADDRINUSE. The file stays when the socket is closed: unlink it. Does not
 *  wait for anything but the file system.
 *
 *  The descriptor; -EINVAL (NULL, empty), -ENAMETOOLONG (over 107 bytes on Linux), or what
 *  socket(2), bind(2), listen(2) give. */
int co_unix_listen(const char *path, int backlog);

/** Connects to a local stream socket, `path` as for co_unix_listen, and waits while the
 *  listener's queue is full. The socket is in blocking mode. Blocks; a cancellation point; plain
 *  threads too. The descriptor; -EINVAL, -ENAMETOOLONG, or as co_io_connect: -ENOENT (no such
 *  file), -ECONNREFUSED (nobody listens). */
int co_unix_connect(const char *path, int64_t timeout_ns);

/** getaddrinfo(3) without blocking the vCPU. `*res` is the system's list, for freeaddrinfo(3);
 *  `hints` counts with its first four members, NULL as there.
 *
 *  Blocks; a cancellation point; plain threads too. An address and a port as text are answered at
 *  once. Anything else is looked up by a thread (config: half of blocking_max); the lookup itself
 *  cannot be stopped, so after a timeout or a cancel that thread finishes it for nobody. 0, or in
 *  place of EAI_*: -ENOENT (no such name, or no address of that family), -EPROTONOSUPPORT (no
 *  such service), -EHOSTUNREACH (no name server answered: may be tried again), -EIO (one did, to
 *  no use), -EAFNOSUPPORT, -ESOCKTNOSUPPORT, -EINVAL (flags; `res`, or `node` and `service`
 *  NULL), -ENOMEM; or -ETIMEDOUT, -EAGAIN (CO_NOW; no thread to be had), -ECANCELED or an
 *  interrupt's error. */
int co_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                   struct addrinfo **res, int64_t timeout_ns);

/** getnameinfo(3) without blocking the vCPU: the names of an address, into `host` and `service`
 *  where those are not NULL (NI_MAXHOST and NI_MAXSERV bytes are enough). With NI_NUMERICHOST and
 *  NI_NUMERICSERV it is answered at once. As co_getaddrinfo; -EOVERFLOW (a text does not fit:
 *  neither is written), -EFAULT (`addr` NULL), -EINVAL (a length that is no address's; both texts
 *  NULL). */
int co_getnameinfo(const struct sockaddr *addr, socklen_t len, char *host, socklen_t hostlen,
                   char *service, socklen_t servicelen, int flags, int64_t timeout_ns);

/** Reads an address from text: `192.0.2.1:80`, `[2001:db8::1]:80`, `[fe80::1%eth0]:80` (or the
 *  interface's number); without a port it is 0, and IPv6 may then be without brackets;
 *  `unix:/path`, `unix:@name` (Linux's abstract namespace). No names of hosts: those are looked
 *  up. Any thread; never blocks.
 *
 *  0, with `*len` set to the address's length; -EINVAL (not an address, or a pointer is NULL),
 *  -ENODEV (no such interface), -ENAMETOOLONG. */
int co_addr_parse(const char *text, struct sockaddr_storage *out, socklen_t *len);

/** Writes an address as text that co_addr_parse takes, with its port, at most `size` bytes with
 *  the zero byte at its end; `buf` may be NULL if `size` is 0. An unnamed local socket is
 *  "unix:", a zero byte in an abstract name is shown as '@', IPv6's flow label is left out. Any
 *  thread; never blocks.
 *
 *  The text's length, without the zero byte, even if it was cut: as snprintf. -EFAULT (`addr`
 *  NULL, or `buf` with a `size`), -EINVAL (too short for its family), -EAFNOSUPPORT. */
int co_addr_format(const struct sockaddr *addr, socklen_t len, char *buf, size_t size);

/* ---- Batches ---------------------------------------------------------------------------------
 *
 * Several operations of one coroutine at once, each with its own result; and chains of them, where
 * the next begins when the one before it has succeeded: a write and then its fsync, a request and
 * then its answer. */

#define CO_OP_READ           1    /**< co_io_op_t.opcode: co_io_read: `fd`, `buf`, `len`. */
#define CO_OP_WRITE          2    /**< co_io_write: `fd`, `buf`, `len`. */
#define CO_OP_PREAD          3    /**< co_io_pread: `fd`, `buf`, `len`, `offset`. */
#define CO_OP_PWRITE         4    /**< co_io_pwrite: `fd`, `buf`, `len`, `offset`. */
#define CO_OP_FSYNC          5    /**< co_io_fsync: `fd`. */
#define CO_OP_OPEN           6    /**< co_io_open: `buf` (the path), `op_flags`, `mode`. */
#define CO_OP_POLL           7    /**< co_io_poll: `fd`, `op_flags` (the events). */
#define CO_OP_TIMER          8    /**< A timer: ends with 0 after `offset` nanoseconds (>= 0). */
#define CO_OP_ACCEPT         9    /**< co_io_accept: `fd`, `addr`, `addr_len`, `op_flags`. */
#define CO_OP_CONNECT        10   /**< co_io_connect: `fd`, `addr`, `addr_size`. */
#define CO_OP_RECV           11   /**< co_io_recv: `fd`, `buf`, `len`, `op_flags`. */
#define CO_OP_SEND           12   /**< co_io_send: `fd`, `buf`, `len`, `op_flags`. */
#define CO_OP_READV          13   /**< co_io_readv: `fd`, `buf` (the array of iovecs), `len`
                                       (their number). */
#define CO_OP_WRITEV         14   /**< co_io_writev: `fd`, `buf` (the array of iovecs), `len`
                                       (their number). */
#define CO_OP_PREADV         15   /**< co_io_preadv: as CO_OP_READV, and `offset`. */
#define CO_OP_PWRITEV        16   /**< co_io_pwritev: as CO_OP_WRITEV, and `offset`. */
#define CO_OP_RECVFROM       17   /**< co_io_recvfrom: `fd`, `buf`, `len`, `op_flags`, `addr`,
                                       `addr_len`. */
#define CO_OP_SENDTO         18   /**< co_io_sendto: `fd`, `buf`, `len`, `op_flags`, `addr`,
                                       `addr_size`. */
#define CO_OP_RECVMSG        19   /**< co_io_recvmsg: `fd`, `buf` (the msghdr), `op_flags`. */
#define CO_OP_SENDMSG        20   /**< co_io_sendmsg: `fd`, `buf` (the msghdr), `op_flags`. */
#define CO_OP_FDATASYNC      21   /**< co_io_fdatasync: `fd`. */
#define CO_OP_FALLOCATE      22   /**< co_io_fallocate: `fd`, `op_flags` (the mode), `offset`,
                                       `len`. */
#define CO_OP_FTRUNCATE      23   /**< co_io_ftruncate: `fd`, `offset` (the length). */
#define CO_OP_OPENAT         24   /**< co_io_openat: `fd` (the directory), `buf` (the path),
                                       `op_flags`, `mode`. */
#define CO_OP_UNLINKAT       25   /**< co_io_unlinkat: `fd` (the directory), `buf` (the path),
                                       `op_flags`. */
#define CO_OP_MKDIRAT        26   /**< co_io_mkdirat: `fd` (the directory), `buf` (the path),
                                       `mode`. */
#define CO_OP_LINK           1    /**< co_io_op_t.flags: the next operation begins only when this
                                       one has succeeded wholly: with all the bytes that it was
                                       to transfer. Otherwise the next, and what is linked to
                                       that in turn, is not carried out: -ECANCELED. */
#define CO_BATCH_ANY         1    /**< co_io_batch: return when one of the operations has ended,
                                       or of those that are linked a whole chain. */

/** One operation of a batch. Each opcode names the fields that it reads, which mean what they
 *  mean to that function; the others are ignored. */
typedef struct co_io_op_t {
    uint32_t size;              /**< sizeof(co_io_op_t), in each element of the array. */
    uint32_t opcode;            /**< CO_OP_READ... */
    uint32_t flags;             /**< CO_OP_LINK. */
    int fd;                     /**< The descriptor. */
    uint32_t op_flags;          /**< The call's own flags. */
    uint32_t mode;              /**< The mode of a new file. */
    uint32_t addr_size;         /**< The size of an address that is read. */
    uint32_t reserved;          /**< Zero. */
    void *buf;                  /**< The buffer. */
    size_t len;                 /**< Its length. */
    int64_t offset;             /**< A position, or a time. */
    struct sockaddr *addr;      /**< An address. */
    socklen_t *addr_len;        /**< The size of an address that is written. */
    int64_t result;             /**< Written by co_io_batch: what the function would have
                                     returned. */
} co_io_op_t;

/** Carries out `n` operations at once, in one submission where the engine has such a thing, and
 *  waits for all of them. Those that are not linked begin in the array's order, and may take
 *  effect and end in any: operations that may be under way together must not share a buffer,
 *  unless they only read it.
 *
 *  Blocks; a cancellation point. On plain threads too: there what must wait for a file's device
 *  is done call by call, and the timeout does not end it.
 *
 *  The number of operations that were carried out, well or not: `n` unless something was called
 *  off. Each has its result: the number >= 0 or negative error of the function itself; -ECANCELED
 *  if it was called off (for CO_BATCH_ANY, a broken link, a cancel or an interrupt) or -ETIMEDOUT
 *  (by the timeout; -EAGAIN with CO_NOW). On return the system has let go of all buffers; what
 *  completed although it was called off has its own result and is counted. co_io_close of a
 *  descriptor ends the operations on it, with -EBADF, and no others.
 *
 *  If none was carried out: -ETIMEDOUT, -EAGAIN, -ECANCELED or an interrupt's error, and results
 *  as above. -EINVAL (a size, opcode, flag or timeout that is none), -EFAULT (`ops` NULL and `n`
 *  not 0), -E2BIG (an element from a newer header), -ENOMEM: nothing has begun and no result is
 *  written. 0 if `n` is 0. */
int co_io_batch(co_io_op_t *ops, uint32_t n, uint32_t flags, int64_t timeout_ns);

/* ---- Processes and signals -------------------------------------------------------------------
 *
 * A child is made as ever (posix_spawn, or fork and exec at once); its pipes are descriptors as any
 * other. */

/** Waits for a child of this process, as wait4(2) does, and reaps it. `pid`: the child, or -1, 0
 *  or a process group as there; `options`: 0 or WUNTRACED, WCONTINUED, WNOHANG (the same as
 *  CO_NOW). `status` and `usage` receive what wait4(2) writes there; both may be NULL. Of several
 *  who wait for one child one gets it, the others -ECHILD. The end of one child is told at once
 *  where the system has pidfds (Linux 5.4); everything else within 10 ms.
 *
 *  Blocks; a cancellation point. Plain threads too. The child's number; -ECHILD (there is none to
 *  wait for); -ETIMEDOUT (-EAGAIN with CO_NOW); -ECANCELED or an interrupt's error; -EINVAL;
 *  -EFAULT (no child has been reaped). */
int co_process_wait(int pid, int *status, int options, struct rusage *usage, int64_t timeout_ns);

/** Waits for one of the `n` (1 to 64) signals in `signals` and gives its number. The first wait
 *  for a signal subscribes to it, see co_signal_subscribe. A signal goes to all who wait for it
 *  when it comes; if nobody does, it is kept for the next wait, once for each number.
 *
 *  Blocks; a cancellation point. Plain threads too. A signal's number; -ETIMEDOUT (-EAGAIN with
 *  CO_NOW); -ECANCELED or an interrupt's error; -EINVAL (also SIGKILL, SIGSTOP, and the faults
 *  SIGSEGV, SIGBUS, SIGFPE, SIGILL), -EFAULT; -EMFILE, -EAGAIN or -ENOMEM for the subscription. */
int co_signal_wait(const int *signals, unsigned int n, int64_t timeout_ns);

/** From now on the library takes these signals, for co_signal_wait, instead of what the process
 *  would do about them: whatever runtimes come and go, until co_signal_release. They are taken
 *  even if every thread of the program blocks them. Signals that are subscribed to already are
 *  left as they are.
 *
 *  Any thread; does not block. 0; -EINVAL, -EFAULT, -EMFILE, -EAGAIN, -ENOMEM as co_signal_wait,
 *  and nothing has changed. */
int co_signal_subscribe(const int *signals, unsigned int n);

/** Ends the subscription to a signal: what the process did about it before holds again, unless
 *  somebody has changed that since. An arrival that was kept is forgotten.
 *
 *  Any thread; does not block. 0, also if there was no subscription; -EBUSY (somebody waits for
 *  it); -EINVAL. */
int co_signal_release(int signo);

/* ---- Code that blocks --------------------------------------------------------------------------
 *
 * A library that waits by itself (a database client, a compressor, a foreign runtime) holds up its
 * vCPU and all that are on it. Send it away with co_blocking, or bracket it. */

/** Runs `fn(arg)` on an OS thread made for what blocks, while the caller's vCPU runs other
 *  coroutines, and gives its result (`result` may be NULL). To the runtime that thread is a plain
 *  one: co_* calls in `fn` block it, co_self gives 0, thread-locals are that thread's. It has 8
 *  MiB of stack and gets no signals but those of its own faults.
 *
 *  Threads start when all are busy, up to co_config_t.blocking_max of them, and end after ten
 *  idle seconds. Beyond that calls wait in order; the timeout, a cancel or an interrupt ends
 *  that, and `fn` is not run. With CO_NOW it is run only if a thread can have it at once. Once
 *  `fn` has begun it is waited for, however long it takes, so `arg` may lie on the caller's
 *  stack; a cancel or an interrupt that comes meanwhile stays for the next call.
 *
 *  Blocks; a cancellation point until `fn` has begun. On a plain thread, where nothing else is
 *  held up, `fn` is run right there, with or without a runtime. 0; -ETIMEDOUT (-EAGAIN with
 *  CO_NOW); -EINVAL (`fn` NULL, a timeout below -1); -EAGAIN (no thread to be had); -ECANCELED or
 *  an interrupt's error. */
int co_blocking(co_entry_t fn, void *arg, void **result, int64_t timeout_ns);

/** Begins a bracket around foreign code that may block: a call into a library that does its own
 *  waiting, or long computing. Until the matching co_blocking_leave the caller counts as a plain
 *  thread: co_* calls block the thread and hear of no cancel or interrupt, co_vcpu_self,
 *  co_group_self give 0; but co_self still gives the coroutine, and its locals, arena, scopes and
 *  bound values are still its own. Brackets nest. A coroutine that ends within one is taken out
 *  of it.
 *
 *  What becomes of the others on the caller's vCPU:
 *  - The caller is migratable and not pinned: it goes on on another OS thread (one of those of
 *    co_blocking) and comes back with the leave. Nobody is held up. If all those threads are
 *    busy:
 *  - Otherwise it keeps its thread, as is promised, and the others of that thread wait, with
 *    their I/O. But those that may move (not run yet, or migratable) go to other vCPUs of the
 *    group, and those that wait for a time or to be woken do too when that comes, a few
 *    milliseconds late at worst. Entering and leaving takes some ten nanoseconds then: cheap
 *    enough for each call.
 *
 *  With the environment variable PHOTONRT_TRACE_PINNED=1 a bracket that keeps the thread while
 *  others wait for it is reported on standard error, with the reason and where the caller is.
 *
 *  Not a cancellation point. Lets others run if the caller changes threads; never waits
 *  otherwise. Gives how many brackets the caller is in now: >= 1, or 0 on a plain thread, which
 *  has none; -EOVERFLOW (2^32 of them). */
int co_blocking_enter(void);

/** Ends a bracket. With the outermost one the caller is a coroutine of its vCPU again, from its
 *  turn on if it had changed threads. Cancels and interrupts that came meanwhile are found by its
 *  next cancellation point; this is none.
 *
 *  Gives how many brackets the caller is in still: 0 on a plain thread; -EPERM (a coroutine that
 *  is in none). */
int co_blocking_leave(void);

/** Keeps the calling coroutine on its vCPU and OS thread until as many co_unpin calls, migratable
 *  or not: no other vCPU takes it, a co_migrate of it waits for the last co_unpin (-EBUSY for its
 *  own), and a co_blocking_enter keeps the thread. For code that leaves something in
 *  thread-locals, or holds an OS mutex, across a blocking call. Never blocks.
 *
 *  Gives how many times it is pinned now; -EPERM (a plain thread, or in a bracket); -EOVERFLOW
 *  (65535 times). */
int co_pin(void);

/** Undoes one co_pin. Lets others run if the last one lets the caller move; not a cancellation
 *  point.
 *
 *  Gives how many are left; -EINVAL (not pinned); -EPERM (a plain thread, or in a bracket). */
int co_unpin(void);

/* ---- Time -------------------------------------------------------------------------------- */

/** How to start a timer. NULL, or zero-filled but for `size`: it expires once, at once. */
typedef struct co_timer_attr_t {
    uint32_t size;              /**< sizeof(co_timer_attr_t). */
    uint32_t reserved;          /**< Zero. */
    int64_t delay_ns;           /**< Nanoseconds until the first expiry; CO_FOREVER: not before
                                     co_timer_reset says when. */
    int64_t period_ns;          /**< Nanoseconds from each expiry to the next, whenever the
                                     callback was run; 0: there is one. */
    co_group_t group;           /**< The group that the callback runs in; 0: the caller's, or the
                                     default group from a plain thread. */
    uint64_t stack_size;        /**< Bytes of stack for the callback, as in co_attr_t; 0: the
                                     config's. */
} co_timer_attr_t;

/** Now, in nanoseconds of the runtime's monotonic clock (CLOCK_MONOTONIC). Any thread; never
 *  blocks. */
int64_t co_now(void);

/** Sleeps until co_now() is at least `at_ns`; returns at once if it is. Otherwise as co_sleep: a
 *  loop that adds a period to its deadline does not drift.
 *
 *  Blocks; a cancellation point. Plain threads too. 0; -ECANCELED or an interrupt's error. */
int co_sleep_until(int64_t at_ns);

/** Starts a timer. When it expires, and each time that it does if it has a period, a coroutine in
 *  its group runs `fn(timer, expiries, arg)`: never early, by the clock of co_now, and late by 16
 *  microseconds at the most besides what its vCPU is doing. Callbacks of one timer never overlap:
 *  what expires while one runs is counted and follows in one call.
 *
 *  `out` receives its handle; it is to be given to co_timer_stop at last. With `out` NULL the
 *  timer goes by itself when nothing more is to come of it. An armed timer keeps nothing running:
 *  it ends, and its handle is stale, when its group or the runtime does. With CO_RUN_CANCEL all
 *  timers are cancelled when main has ended; otherwise they go on until the last coroutine has
 *  ended.
 *
 *  Until it expires a timer costs some 200 bytes and no stack. If no coroutine can be had for an
 *  expiry, it is tried again each millisecond. Any thread; never blocks.
 *
 *  0; -EINVAL (`fn` NULL, a negative time, `out` NULL with a delay of CO_FOREVER, a bad attr),
 *  -E2BIG (an attr from a newer header), -ESRCH (no runtime, no such group), -ESHUTDOWN
 *  (co_shutdown has begun; plain threads only), -ENOMEM. */
int co_timer_start(co_timer_t *out, const co_timer_attr_t *attr, co_timer_fn_t fn, void *arg);

/** Disarms a timer: no expiry that its callback has not been called for happens. The timer stays,
 *  and co_timer_reset arms it again. Any thread, the callback too; never blocks.
 *
 *  1: its callback is running, 0: it is not; -ESRCH (stale). */
int co_timer_cancel(co_timer_t timer);

/** Arms a timer anew: whatever was to come of it is cancelled, and it expires in `delay_ns`
 *  nanoseconds, and if it has a period, each period after that. For a timeout that is put off
 *  with each message this is cheap. Any thread, the callback too; never blocks.
 *
 *  1: it was armed, 0: it was not; -EINVAL (a negative delay); -ESRCH (stale). */
int co_timer_reset(co_timer_t timer, int64_t delay_ns);

/** Cancels a timer, waits until its callback has returned if it is running, and frees it: when
 *  this gives 0, `arg` is no longer used and the handle is stale. After a failure but -ESRCH the
 *  timer is cancelled only; stop it again.
 *
 *  Blocks only while the callback runs, and is a cancellation point then. Plain threads too. 0;
 *  -ETIMEDOUT (-EAGAIN with CO_NOW: the callback is running); -ESRCH (stale, or another has
 *  stopped it meanwhile); -EDEADLK (its own callback, which may cancel it); -ECANCELED or an
 *  interrupt's error; -EINVAL (timeout below -1). */
int co_timer_stop(co_timer_t timer, int64_t timeout_ns);

/* ---- Mutexes, semaphores and the like --------------------------------------------------------
 *
 * Objects in the caller's memory, between coroutines, plain threads, and both, with a runtime or
 * without. Filled with zeros they are ready; they need no end, and must not be copied or moved
 * while they are used. An object's memory must last until every call that waits on it has
 * returned. A call that lets others go on (unlock, post, set, done, signal) has touched it for the
 * last time before any of them goes on: the one that is done with it last may free it at once.
 *
 * Who waits does so in the order of coming, unless a comment says otherwise. A wait that ends with
 * an error has taken nothing; one that was served at the same moment counts as served. What is
 * held belongs to the coroutine, or to the plain thread, that took it: it may wait, sleep and do
 * I/O meanwhile, and must give it back before it ends.
 *
 *     static co_mutex_t lock;
 *     static co_cond_t changed;
 *
 *     co_mutex_lock(&lock, CO_FOREVER);
 *     while (!ready && (r = co_cond_wait(&changed, &lock, 50000000)) == 0) {}
 *     co_mutex_unlock(&lock); */

/** A mutex. Filled with zeros it is free. */
typedef struct co_mutex_t {
    uint64_t opaque[6];         /**< The runtime's. */
} co_mutex_t;

/** A mutex that its holder may lock again. Filled with zeros it is free. */
typedef struct co_rmutex_t {
    uint64_t opaque[8];         /**< The runtime's. */
} co_rmutex_t;

/** A lock for many readers or one writer. Filled with zeros it is free. */
typedef struct co_rwlock_t {
    uint64_t opaque[8];         /**< The runtime's. */
} co_rwlock_t;

/** A condition variable, to be used with a co_mutex_t. Filled with zeros it is one. */
typedef struct co_cond_t {
    uint64_t opaque[4];         /**< The runtime's. */
} co_cond_t;

/** A counting semaphore. Filled with zeros it holds 0. */
typedef struct co_sem_t {
    uint64_t opaque[4];         /**< The runtime's. */
} co_sem_t;

/** An event: set, until it is reset. Filled with zeros it is not set. */
typedef struct co_event_t {
    uint64_t opaque[4];         /**< The runtime's. */
} co_event_t;

/** A wait group: a count of what is still to be done. Filled with zeros it counts 0. */
typedef struct co_wg_t {
    uint64_t opaque[4];         /**< The runtime's. */
} co_wg_t;

/** A barrier, at which a number of parties wait for each other. Filled with zeros it is one. */
typedef struct co_barrier_t {
    uint64_t opaque[6];         /**< The runtime's. */
} co_barrier_t;

/** Something that is to be done one time. Filled with zeros it is still to be done. */
typedef struct co_once_t {
    uint64_t opaque[6];         /**< The runtime's. */
} co_once_t;

/** Locks the mutex: waits until the caller is its only holder. One that has waited for a
 *  millisecond is handed it; until then it is anybody's who comes when it is free.
 *
 *  Blocks; a cancellation point; any thread. 0; -ETIMEDOUT (-EAGAIN with CO_NOW: it is held);
 *  -EDEADLK (by the caller itself); -ECANCELED or an interrupt's error; -EINVAL. */
int co_mutex_lock(co_mutex_t *mutex, int64_t timeout_ns);

/** Unlocks the mutex. The call has let go of it for good when another caller can hold it: whoever
 *  locks it last may free its memory.
 *
 *  Never blocks; from the holder. 0; -EPERM (the caller does not hold it); -EINVAL. */
int co_mutex_unlock(co_mutex_t *mutex);

/** As co_mutex_lock, but its holder may lock it again, and must unlock it as many times.
 *
 *  Blocks, unless the caller holds it; a cancellation point; any thread. 0; -ETIMEDOUT (-EAGAIN
 *  with CO_NOW); -EOVERFLOW (locked 2^32 times); -ECANCELED or an interrupt's error; -EINVAL. */
int co_rmutex_lock(co_rmutex_t *mutex, int64_t timeout_ns);

/** Takes back one co_rmutex_lock; the last one unlocks the mutex, as co_mutex_unlock.
 *
 *  Never blocks; from the holder. 0; -EPERM (the caller does not hold it); -EINVAL. */
int co_rmutex_unlock(co_rmutex_t *mutex);

/** Locks for reading, together with other readers. Readers and writers take turns: all readers
 *  that wait when a writer is done go in together, then the writer that has waited longest. A
 *  reader that comes while a writer waits stays outside until that one is done: so nobody waits
 *  for ever, and a reader that locks again may wait for itself.
 *
 *  Blocks; a cancellation point; any thread. 0; -ETIMEDOUT (-EAGAIN with CO_NOW: a writer has it,
 *  or waits for it); -EDEADLK (the caller has it for writing); -EOVERFLOW (2^32 - 1 readers);
 *  -ECANCELED or an interrupt's error; -EINVAL. */
int co_rwlock_rdlock(co_rwlock_t *lock, int64_t timeout_ns);

/** Locks for writing: waits until the caller is alone. Writers come in their order, with the
 *  readers that wait then between two of them. Nobody knows who reads: a reader that locks for
 *  writing waits for itself.
 *
 *  Blocks; a cancellation point; any thread. 0; -ETIMEDOUT (-EAGAIN with CO_NOW: somebody has
 *  it); -EDEADLK (the caller has it for writing); -ECANCELED or an interrupt's error; -EINVAL. */
int co_rwlock_wrlock(co_rwlock_t *lock, int64_t timeout_ns);

/** Unlocks what the caller has locked, for reading or for writing. The call has let go of it for
 *  good when another caller can have it.
 *
 *  Never blocks; a writer's from itself, a reader's from any thread. 0; -EPERM (nobody reads, and
 *  the caller does not write); -EINVAL. */
int co_rwlock_unlock(co_rwlock_t *lock);

/** Makes the writer a reader, with nobody writing in between; readers that wait come in as well.
 *
 *  Never blocks; from the writer. 0; -EPERM (the caller does not write); -EINVAL. */
int co_rwlock_downgrade(co_rwlock_t *lock);

/** Unlocks the mutex, waits for a signal, and locks the mutex again: it is locked whenever this
 *  returns, and the locking is not cut short by time or cancel. No signal that is given by a
 *  holder of the mutex after that falls in between. One that has been given to the caller counts,
 *  even if it is cancelled or late: it gets 0 then, and an interrupt waits for the next call.
 *  Others may have changed things before the mutex was had: look again, in a loop.
 *
 *  Blocks; a cancellation point; any thread. 0; -ETIMEDOUT (-EAGAIN with CO_NOW, at once); -EPERM
 *  (the caller does not hold the mutex); -ECANCELED or an interrupt's error; -EINVAL. */
int co_cond_wait(co_cond_t *cond, co_mutex_t *mutex, int64_t timeout_ns);

/** Wakes the caller that has waited longest, among those that wait now. The condition variable's
 *  memory may be freed as soon as nobody waits or will.
 *
 *  Never blocks; any thread, with the mutex or without. How many it woke: 1 or 0; -EINVAL. */
int co_cond_signal(co_cond_t *cond);

/** As co_cond_signal, for all that wait now. How many it woke; -EINVAL. */
int co_cond_broadcast(co_cond_t *cond);

/** Takes `n` from the semaphore, and waits until it holds as many. Who came first is served
 *  first.
 *
 *  Blocks; a cancellation point; any thread. 0; -ETIMEDOUT (-EAGAIN with CO_NOW); -ECANCELED or
 *  an interrupt's error; -EINVAL. What was not waited out has taken nothing. */
int co_sem_wait(co_sem_t *sem, uint32_t n, int64_t timeout_ns);

/** Adds `n` to the semaphore and wakes who can be served with that. The semaphore's memory may be
 *  freed as soon as nobody waits for it or will.
 *
 *  Never blocks; any thread. 0; -EOVERFLOW (it would hold more than UINT32_MAX, and nothing has
 *  changed); -EINVAL. */
int co_sem_post(co_sem_t *sem, uint32_t n);

/** Waits until the event is set; returns at once if it is.
 *
 *  Blocks; a cancellation point; any thread. 0; -ETIMEDOUT (-EAGAIN with CO_NOW); -ECANCELED or
 *  an interrupt's error; -EINVAL. */
int co_event_wait(co_event_t *event, int64_t timeout_ns);

/** Sets the event: all that wait go on, even if it is reset at once, and nobody waits from now
 *  on. The call has let go of the event for good when one of them goes on: who waited alone may
 *  free it.
 *
 *  Never blocks; any thread. 0, set before or not; -EINVAL. */
int co_event_set(co_event_t *event);

/** Makes the event unset: who waits from now on waits for the next co_event_set.
 *
 *  Never blocks; any thread. 0; -EINVAL. */
int co_event_reset(co_event_t *event);

/** Whether the event is set: 1 or 0; -EINVAL. Never blocks; any thread. */
int co_event_is_set(co_event_t *event);

/** Adds `n`, which may be negative, to the count. When it becomes 0 all that wait go on. Add
 *  before what is counted begins, and before waiting for it; when all have gone on the group can
 *  be used again. The call has let go of the group for good when one that waited goes on.
 *
 *  Never blocks; any thread. 0; -EINVAL (also: the count would be below 0); -EOVERFLOW (above
 *  UINT32_MAX). */
int co_wg_add(co_wg_t *wg, int32_t n);

/** Takes one from the count: co_wg_add(wg, -1). */
int co_wg_done(co_wg_t *wg);

/** Waits until the count is 0; returns at once if it is.
 *
 *  Blocks; a cancellation point; any thread. 0; -ETIMEDOUT (-EAGAIN with CO_NOW); -ECANCELED or
 *  an interrupt's error; -EINVAL. */
int co_wg_wait(co_wg_t *wg, int64_t timeout_ns);

/** Waits until `parties` callers have come to the barrier, the caller among them; then all go on,
 *  and the next round begins. A caller that gives up leaves the round as if it had not come: the
 *  others wait on.
 *
 *  Blocks; a cancellation point; any thread. 1 for the last to come, 0 for the others; -ETIMEDOUT
 *  (-EAGAIN with CO_NOW: the caller is not the last); -ECANCELED or an interrupt's error; -EINVAL
 *  (also: no parties, or not as many as those that wait have said). */
int co_barrier_wait(co_barrier_t *barrier, uint32_t parties, int64_t timeout_ns);

/** Calls `fn(arg)` if nobody has yet; otherwise waits until that call is over. If `fn` gives a
 *  negative number it has not been done: the caller gets that number, and the next caller, or the
 *  one that has waited longest, tries again. The timeout is for the waiting.
 *
 *  Blocks; a cancellation point; any thread; `fn` runs on the caller's stack and may block. 0
 *  once it is done, and what was done can be seen; -ETIMEDOUT (-EAGAIN with CO_NOW: somebody is
 *  at it); -EDEADLK (from within `fn`); -ECANCELED or an interrupt's error; -EINVAL. */
int co_once(co_once_t *once, int (*fn)(void *arg), void *arg, int64_t timeout_ns);

/** co_once in two halves, for languages that can't pass a function: 1: the caller is to do it,
 *  and to call co_once_end after that; 0: it is done. Otherwise as co_once. */
int co_once_begin(co_once_t *once, int64_t timeout_ns);

/** The other half: it is done (`done` not 0), or somebody else is to try. The call has let go of
 *  the object for good when another caller is told that it is done.
 *
 *  Never blocks; from who was told to do it. 0; -EPERM (the caller was not); -EINVAL. */
int co_once_end(co_once_t *once, int done);

/** Waits for a co_futex_wake of this address, if the word there is `expected` (it is read
 *  atomically). Change the word before waking: whoever has read the old value is then woken or
 *  gets -EAGAIN. Wakes without a reason do not happen, but a wake may be meant for another use of
 *  the same memory: look again, in a loop.
 *
 *  Blocks; a cancellation point; any thread. 0; -EAGAIN (the word differs, or CO_NOW);
 *  -ETIMEDOUT; -ECANCELED or an interrupt's error; -EINVAL (also: NULL, or not a multiple of 4).
 *  One that was woken gets 0, even if it is cancelled or late. */
int co_futex_wait(const uint32_t *addr, uint32_t expected, int64_t timeout_ns);

/** Wakes up to `n` callers of co_futex_wait with this address, those first that have waited
 *  longest. The word is not touched: its memory may be gone.
 *
 *  Never blocks; any thread of this process. How many it woke; -EINVAL (NULL, or not a multiple
 *  of 4). */
int co_futex_wake(const uint32_t *addr, uint32_t n);

/* ---- Channels and futures --------------------------------------------------------------------
 *
 * A channel passes elements of one size from senders to receivers, copied, first in, first out; so
 * do those who wait, first come, first served. Any coroutine and any thread that knows its number
 * may use it. A future is one value that arrives once.
 *
 *     co_chan_t ch;
 *     int n = 7;
 *     co_chan_new(&ch, sizeof n, 16);
 *     co_chan_send(ch, &n, CO_FOREVER);       ... in another coroutine: co_chan_recv(ch, &n, ...)
 *     co_chan_close(ch);                      no more: receivers get what is left, then -EPIPE
 *     co_chan_free(ch); */

#define CO_CHAN_UNBOUNDED    (size_t)-1 /**< co_chan_new: a capacity without a limit but memory. */
#define CO_CHAN_ELEM_MAX     65536 /**< Bytes that an element of a channel, or a future's value,
                                        may have; what is larger goes by its address. */
#define CO_SELECT_SEND       1    /**< co_select_t.kind: to send the element at `elem` into the
                                       channel `handle`. */
#define CO_SELECT_RECV       2    /**< To receive into `elem` from the channel `handle`. */
#define CO_SELECT_FUTURE     3    /**< For the future `handle`; its value goes to `elem`. */
#define CO_SELECT_EVENT      4    /**< For the co_event_t at `elem` to be set. */
#define CO_SELECT_TIMEOUT    5    /**< For `timeout_ns` to pass, with nothing else done before. */

/** One of the things that co_select waits for. */
typedef struct co_select_t {
    uint32_t kind;              /**< CO_SELECT_SEND and so on. */
    int32_t result;             /**< Written in the case that was done: 0, or what its own call
                                     would have failed with, -EPIPE, -EBADF, a future's error. */
    uint64_t handle;            /**< A channel or a future. 0: this case is never done. */
    void *elem;                 /**< The element, the place for one (NULL: drop it), or the event
                                     (NULL: this case is never done). */
    int64_t timeout_ns;         /**< CO_SELECT_TIMEOUT: nanoseconds, or CO_FOREVER. */
} co_select_t;

/** Makes a channel of elements of `elem_size` bytes (0: it passes mere signals).
 *
 *  `capacity` 0: a rendezvous, in which a send ends when its element has been received; n: up to
 *  n elements wait in a buffer, and a send waits only while it is full; CO_CHAN_UNBOUNDED: sends
 *  never wait, and take memory.
 *
 *  Any thread; never blocks. 0; -EINVAL (`out` NULL, elements over CO_CHAN_ELEM_MAX); -ENOMEM. */
int co_chan_new(co_chan_t *out, size_t elem_size, size_t capacity);

/** Sends the element at `elem`: to the receiver that has waited longest, or into the buffer;
 *  waits if neither is to be had. A send that fails has sent nothing, and one that succeeds has
 *  sent it once. `elem` may be NULL if elements have no bytes.
 *
 *  Blocks; a cancellation point; any thread. 0; -ETIMEDOUT (-EAGAIN with CO_NOW); -EPIPE (the
 *  channel is closed, or was while this waited); -EBADF (it is freed, or was); -ENOMEM (unbounded
 *  ones); -ECANCELED or an interrupt's error; -EINVAL. */
int co_chan_send(co_chan_t ch, const void *elem, int64_t timeout_ns);

/** Receives the oldest element into `elem`; waits while there is none. `elem` NULL: the element
 *  is dropped. A receive that fails has taken nothing.
 *
 *  Blocks; a cancellation point; any thread. 0; -ETIMEDOUT (-EAGAIN with CO_NOW); -EPIPE (the
 *  channel is closed and nothing is left in it); -EBADF (it is freed, or was while this waited);
 *  -ECANCELED or an interrupt's error; -EINVAL. */
int co_chan_recv(co_chan_t ch, void *elem, int64_t timeout_ns);

/** Closes the channel for senders: sends fail with -EPIPE, those that are waiting too, and their
 *  elements are not taken. Receivers get what is in the buffer, and then -EPIPE.
 *
 *  Any thread; never blocks. 0; -EPIPE (it is closed already); -EBADF. */
int co_chan_close(co_chan_t ch);

/** Ends the channel, closed or not: every call on it that waits or is to come fails with -EBADF.
 *  Elements in the buffer are dropped.
 *
 *  Any thread; never blocks. 0; -EBADF. */
int co_chan_free(co_chan_t ch);

/** Elements in the buffer at this moment. Any thread; never blocks. >= 0; -EBADF. */
int64_t co_chan_len(co_chan_t ch);

/** The capacity that the channel was made with; INT64_MAX if it is unbounded. Any thread; never
 *  blocks. >= 0; -EBADF. */
int64_t co_chan_cap(co_chan_t ch);

/** Makes a future: a value of `size` bytes (0: a mere signal) that is to come.
 *
 *  Any thread; never blocks. 0; -EINVAL (`out` NULL, a size over CO_CHAN_ELEM_MAX); -ENOMEM. */
int co_future_new(co_future_t *out, size_t size);

/** Gives the future its value, once: who waits for it goes on, and who comes later finds it. From
 *  any thread, from a callback of foreign code; not from a signal handler.
 *
 *  Never blocks. 0; -EALREADY (it has its value or its error, and keeps it); -EBADF (it has been
 *  freed: nobody wants the value); -EINVAL (`value` NULL where it has bytes). */
int co_future_complete(co_future_t f, const void *value);

/** Gives the future an error in place of its value: co_future_wait fails with -err. As
 *  co_future_complete otherwise.
 *
 *  Any thread; never blocks. 0; -EALREADY; -EBADF; -EINVAL (`err` not in 1..4095). */
int co_future_fail(co_future_t f, int err);

/** Waits until the future has its value and copies it to `out` (NULL: not), as often as one
 *  likes, by any number of callers.
 *
 *  Blocks; a cancellation point; any thread. 0; -err (given by co_future_fail); -ETIMEDOUT
 *  (-EAGAIN with CO_NOW); -EBADF (it is freed, or was while this waited); -ECANCELED or an
 *  interrupt's error; -EINVAL. */
int co_future_wait(co_future_t f, void *out, int64_t timeout_ns);

/** Ends the future, complete or not: calls on it that wait or are to come fail with -EBADF, that
 *  of a late completer too, who need not know.
 *
 *  Any thread; never blocks. 0; -EBADF. */
int co_future_free(co_future_t f);

/** Waits until one of `n` cases can go on and does that one alone: gives its number in `cases`
 *  and writes its result there. Of several that can, one is chosen by chance. A case on what is
 *  closed, freed or failed can go on: its result says so. With CO_NOW, or a timeout case of 0, a
 *  case that can go on is done rather than none. The same object may stand in several cases; a
 *  select never sends to itself.
 *
 *      co_select_t c[2] = {{.kind = CO_SELECT_RECV, .handle = jobs, .elem = &job},
 *                          {.kind = CO_SELECT_EVENT, .elem = &quit}};
 *      int i = co_select(c, 2, CO_FOREVER);
 *
 *  Blocks; a cancellation point; any thread. The case's number >= 0, whatever its result;
 *  -ETIMEDOUT (-EAGAIN with CO_NOW); -ECANCELED or an interrupt's error; -EINVAL (`cases` NULL,
 *  an unknown kind, a bad timeout, more than INT_MAX cases); -ENOMEM (more than 16 cases). With
 *  an error none has been done. `n` 0: only waits. */
int co_select(co_select_t *cases, size_t n, int64_t timeout_ns);

/* ---- Scopes and scoped values -----------------------------------------------------------------
 *
 * Structured concurrency: coroutines that are spawned in a scope have ended when it is closed, on
 * whatever way the code leaves it.
 *
 *     static void *both(void *arg) {
 *         co_scope_t s;
 *         co_scope_attr_t attr = {.size = sizeof attr, .policy = CO_SCOPE_FAIL_FAST,
 *                                 .timeout_ns = 2000000000};
 *         int err = co_scope_open(&s, &attr);
 *         if (err < 0) return co_scope_fail(err);
 *         co_scope_spawn(s, fetch_user, arg);
 *         co_scope_spawn(s, fetch_orders, arg);
 *         err = co_scope_wait(s, CO_FOREVER);
 *         co_scope_close(s);
 *         return err < 0 ? co_scope_fail(err) : arg;
 *     }
 *
 * Scoped values are what is passed down without being passed along: a request's identity, a
 * transaction, a user. */

#define CO_SCOPE_ALL         0    /**< co_scope_attr_t.policy: nothing but a cancel or the
                                       deadline stops the children. */
#define CO_SCOPE_FAIL_FAST   1    /**< co_scope_attr_t.policy: the first child that fails cancels
                                       the scope. */
#define CO_SCOPE_FIRST       2    /**< co_scope_attr_t.policy: the first child that ends well
                                       cancels the scope, which then has ended well, whatever
                                       failed before. */
#define CO_SCOPE_NO_RESULTS  1    /**< co_scope_attr_t.flags: results and numbers of children are
                                       not kept. For scopes that get many children in their life:
                                       a kept result takes 16 bytes until the scope is closed. */
#define CO_SCOPE_SHIELDED    2    /**< co_scope_attr_t.flags: cancels and deadlines of the scopes
                                       around do not reach it. For work that must be done while
                                       everything else is being cancelled. */

/** How to open a scope. NULL, or zero-filled but for `size`, gives the defaults. */
typedef struct co_scope_attr_t {
    uint32_t size;              /**< sizeof(co_scope_attr_t). */
    uint32_t policy;            /**< CO_SCOPE_ALL, CO_SCOPE_FAIL_FAST or CO_SCOPE_FIRST. */
    uint32_t flags;             /**< CO_SCOPE_NO_RESULTS, CO_SCOPE_SHIELDED. */
    uint32_t reserved;          /**< Zero. */
    int64_t timeout_ns;         /**< Nanoseconds from now after which the scope is cancelled; 0
                                     or CO_FOREVER: none. The deadline of the scope around holds
                                     too. */
    uint64_t group;             /**< The children's group; 0: that of who spawns them. */
    uint64_t stack_size;        /**< Bytes of their stacks, as in co_attr_t; 0: the config's. */
} co_scope_attr_t;

/** What co_scope_info gives. */
typedef struct co_scope_info_t {
    uint32_t size;              /**< sizeof(co_scope_info_t) of the caller; that many bytes are
                                     written. */
    uint32_t cancelled;         /**< 1 once it has been cancelled, else 0. */
    uint32_t policy;            /**< As opened. */
    uint32_t flags;             /**< As opened. */
    uint64_t running;           /**< Children that have not ended. */
    uint64_t spawned;           /**< Children spawned so far. */
    int64_t deadline;           /**< When it is cancelled, by co_now's clock; CO_FOREVER: never. */
    int32_t error;              /**< The first error, negative; 0: none. */
    int32_t failed;             /**< Number of the child whose error that is; -1: none, or no
                                     child's. */
    int32_t succeeded;          /**< Number of the first child that ended well; -1: none so far.
                                     0 with CO_SCOPE_NO_RESULTS. */
    uint32_t reserved;          /**< Zero. */
    void *result;               /**< What that one returned. */
} co_scope_info_t;

/** Room for a binding that co_value_begin makes: it stays where it is, and is left alone, until
 *  co_value_end. */
typedef struct co_binding_t {
    uint64_t opaque[6];         /**< The runtime's. */
} co_binding_t;

/** Opens a scope, inside of the innermost one that the caller has open or is a child of. The
 *  caller owns it, and closes it before the scopes that it opened earlier; while it is open it
 *  has children, and at co_scope_close none is left. From coroutines and plain threads; never
 *  blocks.
 *
 *  Cancelling a scope cancels its children as co_cancel does, and the scopes inside of it,
 *  however deep and at once, also where what is in between is busy or shielded. Its owner is not
 *  cancelled. A coroutine (or plain thread) that ends with scopes open has them closed first, and
 *  if it is a child, counts as failed with -EBUSY.
 *
 *  0; -EINVAL (`out` NULL, a bad attr), -E2BIG; -ECANCELED (the scope around has been cancelled,
 *  and this one would not be shielded); -ENOMEM; -ESRCH (a deadline, and no runtime); -EAGAIN (a
 *  plain thread, and the system has no thread-specific key left). */
int co_scope_open(co_scope_t *out, const co_scope_attr_t *attr);

/** Spawns a child that will run `fn(arg)`. Whoever knows the scope may spawn into it: its owner,
 *  its children, others. The child sees the values that were bound where the scope was opened. It
 *  ends well with whatever it returns, unless it has called co_scope_fail. Never blocks.
 *
 *  The number of the child, counted from 0 (always 0 with CO_SCOPE_NO_RESULTS); -ECANCELED (the
 *  scope has been cancelled, or is being closed); -ESRCH (stale); -EOVERFLOW (2^31 children);
 *  else as co_spawn. A failure leaves everything as it was. */
int co_scope_spawn(co_scope_t scope, co_entry_t fn, void *arg);

/** As co_scope_spawn with attributes, which go before the scope's own. CO_DETACHED is -EINVAL. */
int co_scope_spawn_with(co_scope_t scope, const co_attr_t *attr, co_entry_t fn, void *arg);

/** As co_scope_spawn_with, but copies `size` bytes at `env`, aligned to `align` (a power of two
 *  up to 4096), onto the child's stack and passes the copy's address. The caller's `env` is free
 *  again when this returns; the copy goes with the child.
 *
 *  As co_scope_spawn; also -EINVAL (`env` NULL with a size, a bad align), -E2BIG (over half of
 *  the stack). */
int co_scope_spawn_copy(co_scope_t scope, const co_attr_t *attr, co_entry_t fn, const void *env,
                        size_t size, size_t align);

/** Waits until no child of the scope is left. More may be spawned then, and waited for again. The
 *  owner's to call.
 *
 *  What is returned is decided by what comes first: a child that fails (its error), a child that
 *  ends well where the policy is CO_SCOPE_FIRST (0, even after failures), the deadline or a
 *  cancel that finds children alive (-ETIME, -ECANCELED). What children do after the scope has
 *  been cancelled changes nothing about it; their results are kept all the same.
 *
 *  Blocks; a cancellation point. Plain threads too. 0; the first error, as above: -ETIME is the
 *  deadline of the scope or of one around it, while -ETIMEDOUT (-EAGAIN with CO_NOW) is this
 *  call's own and leaves the children running; -ECANCELED or an interrupt's error, if the caller
 *  itself has been cancelled or interrupted (co_cancel_pending tells), with the children running;
 *  -ESRCH (stale); -EDEADLK (from inside of the scope); -EPERM (from elsewhere, not the owner);
 *  -EINVAL (timeout below -1). */
int co_scope_wait(co_scope_t scope, int64_t timeout_ns);

/** Cancels the scope: its children and all that is inside of it, as co_scope_open says; the
 *  caller too if it is one of them. Nothing can be spawned or opened in it any more. It still has
 *  to be closed. Any thread; never blocks. 0, also if it was cancelled before; -ESRCH (stale). */
int co_scope_cancel(co_scope_t scope);

/** Closes the scope: cancels it if children are left, waits for them, frees it. The owner's to
 *  call, for the innermost scope that it has open.
 *
 *  Blocks, and can't be called off: no cancellation point. Plain threads too. 0 or the first
 *  error, as co_scope_wait (-ECANCELED if it was this that cancelled children); the handle is
 *  stale then. With -ESRCH (stale), -EDEADLK (from inside of the scope), -EPERM (not the owner),
 *  -EBUSY (the caller has opened another since) nothing has been done. */
int co_scope_close(co_scope_t scope);

/** Says that the calling child has failed: `err` is the negative number of an error, as co_*
 *  functions return it; of several calls the last counts, and 0 takes it back. Always NULL, so
 *  that `return co_scope_fail(-EIO);` ends it. Anything below -4095 or above 0 counts as -EINVAL.
 *  Nothing happens if the caller is not a scope's child. Never blocks. */
void *co_scope_fail(int err);

/** What a child returned, once it has ended (`result` may be NULL). Any thread, until the scope
 *  is closed; never blocks.
 *
 *  0; the error that the child has failed with; -EINPROGRESS (it has not ended); -EINVAL (no such
 *  child, or CO_SCOPE_NO_RESULTS); -ESRCH (stale). */
int co_scope_result(co_scope_t scope, int child, void **result);

/** Fills `out` (whose `size` the caller has set) with what is known of the scope. Any thread;
 *  never blocks. 0; -EINVAL (`out` NULL or its size under 8); -ESRCH (stale). */
int co_scope_info(co_scope_t scope, co_scope_info_t *out);

/** The scope that the calling coroutine is a child of; 0: none. Never blocks. */
co_scope_t co_scope_self(void);

/** When the innermost scope that the caller is in, open or as a child, will be cancelled by its
 *  deadline, or that of a scope around it, by co_now's clock; CO_FOREVER: never. For what must be
 *  told how long it may take. Never blocks. */
int64_t co_scope_deadline(void);

/** Runs `fn(arg)` with `value` bound to `key`, and gives what it returns (`result` may be NULL).
 *  All that `fn` calls sees the value by co_value_get, and so do the children of scopes that are
 *  opened inside, by reference: scopes that `fn` leaves open are closed before this returns.
 *  Afterwards the key has the value that it had. Keys are addresses (of a variable that is there
 *  for that) or numbers, and belong to those who know them; a binding inside of another hides it.
 *
 *  From coroutines and plain threads. As `fn` blocks; not a cancellation point. 0; -EBUSY (`fn`
 *  has left scopes open, which have been closed, or a co_value_begin without its end); -EINVAL
 *  (`key` or `fn` NULL). */
int co_value_call(const void *key, void *value, co_entry_t fn, void *arg, void **result);

/** The value bound to `key` around the caller; NULL if none is. A few nanoseconds for each
 *  binding in force; never blocks. */
void *co_value_get(const void *key);

/** 1 if a value is bound to `key` around the caller (it may be NULL), else 0. Never blocks. */
int co_value_bound(const void *key);

/** Binds `value` to `key` until co_value_end, as co_value_call does for a call: for languages to
 *  which a block is easier than a callback. `binding` may be uninitialized; it must outlive the
 *  binding, so the end must be reached on every way out. Never blocks.
 *
 *  0; -EINVAL (`binding` or `key` NULL); -EBUSY (it is in force already); -EAGAIN, -ENOMEM (a
 *  plain thread, and the system has no thread-specific key left). */
int co_value_begin(co_binding_t *binding, const void *key, void *value);

/** Ends the innermost binding that the caller has begun. Scopes that it has opened since are
 *  closed: blocks as long as that takes, and can't be called off.
 *
 *  0; -EBUSY (there were such scopes; the binding has ended); -EINVAL (it is not the innermost
 *  one in force); -EPERM (another coroutine or thread has begun it). */
int co_value_end(co_binding_t *binding);

/* ---- Pools of coroutines, loops in parts ------------------------------------------------------
 *
 * For many short jobs, for a bound on how many run at once, and for work on threads of its own:
 *
 *     co_pool_t pool;
 *     co_pool_attr_t attr = {.size = sizeof attr, .max = 8, .queue = 100};
 *     co_pool_new(&pool, &attr);
 *     for (int i = 0; i < n; i++) co_pool_submit(pool, resize, images[i], CO_FOREVER);
 *     co_pool_wait(pool, CO_FOREVER);
 *     co_pool_close(pool, CO_FOREVER); */

/** How to make a pool. NULL, or zero-filled but for `size`, gives the defaults. */
typedef struct co_pool_attr_t {
    uint32_t size;              /**< sizeof(co_pool_attr_t). */
    uint32_t flags;             /**< Of the workers, as in co_attr_t: CO_MIGRATABLE, CO_SAVE_FP. */
    uint32_t max;               /**< Jobs at work at once, at most; 0: 64. */
    uint32_t queue;             /**< Submitted jobs that may wait for a worker, so that who
                                     submits them need not; 0: none. They take 32 bytes each,
                                     whether there are any or not. */
    uint32_t vcpus;             /**< vCPUs of a group of the pool's own, with threads of their
                                     own; 0: it runs in `group`. */
    uint32_t reserved;          /**< Zero. */
    co_group_t group;           /**< Where jobs run; 0: the caller's group, or the default group
                                     from a plain thread. */
    uint64_t stack_size;        /**< Bytes of the workers' stacks, as in co_attr_t; 0: the
                                     config's. */
    int64_t idle_ns;            /**< Nanoseconds that a worker waits for its next job before it
                                     ends, up to twice as long; 0: one second; CO_FOREVER: it
                                     stays. */
    const char *name;           /**< The workers' name, copied (31 bytes at most, cut beyond);
                                     NULL: "pool". */
} co_pool_attr_t;

/** What co_pool_info gives. */
typedef struct co_pool_info_t {
    uint32_t size;              /**< sizeof(co_pool_info_t) of the caller; that many bytes are
                                     written. */
    uint32_t max;               /**< As made. */
    uint32_t workers;           /**< Coroutines of the pool. */
    uint32_t idle;              /**< Those of them that wait for a job. */
    uint32_t queued;            /**< Submitted jobs that wait for a worker. */
    uint32_t waiting;           /**< Calls of co_pool_submit and co_pool_call that wait for a
                                     worker. */
    uint32_t closing;           /**< 1 once co_pool_close has been called, else 0. */
    uint32_t reserved;          /**< Zero. */
    co_group_t group;           /**< Where its jobs run. */
    uint64_t completed;         /**< Jobs that have ended. */
} co_pool_info_t;

/** How to run a loop in parts. NULL, or zero-filled but for `size`, gives the defaults. */
typedef struct co_for_attr_t {
    uint32_t size;              /**< sizeof(co_for_attr_t). */
    uint32_t workers;           /**< Coroutines at most that run parts at once, the caller among
                                     them; 0: as many as the group has vCPUs. More may serve
                                     parts that wait for something. At most 65536. */
    co_group_t group;           /**< Where parts run; 0: the caller's group, or the default group
                                     from a plain thread. */
    uint64_t stack_size;        /**< Bytes of the helpers' stacks, as in co_attr_t; 0: the
                                     config's. */
} co_for_attr_t;

/** Makes a pool: coroutines that run jobs, each of them many, so that a job costs neither a spawn
 *  nor a new stack. Workers are spawned as jobs come, up to `max`. Jobs run in the order in which
 *  they came; idle workers move to where there is time, as a coroutine that has not begun does.
 *
 *  A job finds a coroutine as good as new: co_self is another handle for each, stale when it has
 *  ended, so that a cancel or an interrupt never reaches a later one; scopes that it leaves open
 *  are closed, its locals destroyed, its arena freed.
 *
 *  A pool that does nothing keeps nothing running: it ends, and its handle is stale, when its
 *  group or the runtime does. Any thread; blocks a coroutine no longer than it takes to start
 *  threads.
 *
 *  0; -EINVAL (`out` NULL, a bad attr, `group` and `vcpus` both), -E2BIG (an attr from a newer
 *  header), -ESRCH (no runtime, no such group), -ESHUTDOWN, -ENOMEM, -EAGAIN and -EMFILE (threads
 *  that can't be had). */
int co_pool_new(co_pool_t *out, const co_pool_attr_t *attr);

/** Has `fn(arg)` run by a worker; nobody gets its result. Waits while the pool is full: all
 *  workers are at work, `max` of them, and as many jobs are queued as may be. CO_NOW refuses
 *  instead. A job that has been taken is run, whatever becomes of its submitter.
 *
 *  Blocks; a cancellation point. Any thread, and the pool's own jobs (which may wait for ever, if
 *  all of them do). 0; -ETIMEDOUT (-EAGAIN with CO_NOW: it is full); -EPIPE (it is being closed);
 *  -ESRCH (stale); -ESHUTDOWN (co_shutdown has begun; plain threads only, for which a worker
 *  would have to be spawned); -ENOMEM; -ECANCELED or an interrupt's error; -EINVAL (`fn` NULL,
 *  timeout below -1). */
int co_pool_submit(co_pool_t pool, co_entry_t fn, void *arg, int64_t timeout_ns);

/** Has `fn(arg)` run by a worker, and waits for its result (`result` may be NULL). `arg` may lie
 *  on the caller's stack: this returns only when `fn` has, or will never be called.
 *
 *  Blocks; a cancellation point. Any thread, as co_pool_submit. What stops the caller before `fn`
 *  has begun, its timeout, a cancel or an interrupt, withdraws the job. Afterwards it cancels the
 *  coroutine that runs it, once, and the caller goes on waiting for its end.
 *
 *  0; -ETIMEDOUT, -ECANCELED or an interrupt's error: it was stopped so before `fn` had returned;
 *  if `fn` was called nevertheless, `result` has what it returned, and else is as it was. Where
 *  `fn` was not called: -EAGAIN (CO_NOW), -EPIPE (the pool is being closed), -ESRCH (stale),
 *  -ESHUTDOWN, -ENOMEM, -EINVAL (`fn` NULL, timeout below -1). */
int co_pool_call(co_pool_t pool, co_entry_t fn, void *arg, void **result, int64_t timeout_ns);

/** Waits until the pool has nothing to do: no job is at work or waits. What the jobs have done
 *  can be seen then.
 *
 *  Blocks; a cancellation point. Plain threads too. 0; -ETIMEDOUT (-EAGAIN with CO_NOW); -ESRCH
 *  (stale); -EDEADLK (from a job of the pool); -ECANCELED or an interrupt's error; -EINVAL
 *  (timeout below -1). */
int co_pool_wait(co_pool_t pool, int64_t timeout_ns);

/** Closes the pool: it takes no more jobs (who waits to bring it one gets -EPIPE), does those
 *  that it has taken, ends its workers and, if the group is its own, that group, with what the
 *  jobs have spawned in it. When this gives 0 the handle is stale. After -ETIMEDOUT, -EAGAIN,
 *  -ECANCELED or an interrupt's error the pool is closing all the same; close it again to wait
 *  for the rest.
 *
 *  Blocks; a cancellation point. Plain threads too. 0; -ETIMEDOUT (-EAGAIN with CO_NOW: jobs are
 *  under way, or its group's threads); -ESRCH (stale, or another has closed it meanwhile);
 *  -EDEADLK (from a job of the pool, or from inside of its own group); -ECANCELED or an
 *  interrupt's error; -EINVAL (timeout below -1). */
int co_pool_close(co_pool_t pool, int64_t timeout_ns);

/** Fills `out` (whose `size` the caller has set) with what the pool is doing. Any thread; never
 *  blocks. 0; -EINVAL (`out` NULL or its size under 8); -ESRCH (stale). */
int co_pool_info(co_pool_t pool, co_pool_info_t *out);

/** Runs `fn` for the indices from `begin` up to, not including, `end`, in parts and on all vCPUs
 *  of a group at once. A part has `grain` indices or more, but for the last one; the first parts
 *  are the largest. `grain` 0 leaves that to the runtime, which then makes parts for some hundred
 *  thousand short turns as well as for a hundred long ones.
 *
 *  The caller runs parts itself, in its own coroutine, if it is one of that group. Those of
 *  others run in coroutines of the group that see the values bound around the caller. Between two
 *  parts all give way to others. In what order parts begin is not said, nor whether any two run
 *  at once. Loops in loops are welcome.
 *
 *  The first part that gives a number below 0 ends the loop: no more begin, those that run are
 *  waited for, and that number is returned. So does what stops the caller, its timeout, a cancel
 *  or an interrupt, unless all parts have begun by then.
 *
 *  Blocks; a cancellation point. Plain threads too, which run no part. 0, at once if there are no
 *  indices; what a part gave; -ETIMEDOUT; -EAGAIN (CO_NOW, with anything to do); -EINVAL (`fn`
 *  NULL, `begin` beyond `end`, a bad attr, timeout below -1), -E2BIG (an attr from a newer
 *  header); -ESRCH (no runtime, no such group); -ESHUTDOWN (co_shutdown has begun; plain threads
 *  only); -ENOMEM; -ECANCELED or an interrupt's error. */
int co_parallel_for(uint64_t begin, uint64_t end, uint64_t grain, co_for_fn_t fn, void *arg,
                    const co_for_attr_t *attr, int64_t timeout_ns);

/* ---- Locals and arenas -----------------------------------------------------------------------
 *
 * What a coroutine carries along: values under keys, as thread-specific data of pthread, and memory
 * that goes when it ends. Plain threads have both as well. */

/** Makes a key. Its value is NULL in every coroutine and thread until set there; children inherit
 *  nothing. `destructor` may be NULL.
 *
 *  When a coroutine ends, after its entry has returned, it calls the destructor of each value
 *  that is not NULL, on its own stack: the value that was first set last comes first. The value
 *  is NULL by then; other values can still be read. A destructor may block, as far as the
 *  coroutine has not been cancelled, and may set values: then this is done again, four times in
 *  all, after which what is left is forgotten. Who joins the coroutine, and its scope, wait for
 *  all this. A plain thread does the same when it ends, but not when the process does.
 *
 *  Any thread; never blocks. 0; -EINVAL (`out` NULL); -EAGAIN (4096 keys are in use). */
int co_key_new(co_key_t *out, co_destructor_t destructor);

/** Frees a key. Values that are still set under it can't be reached any more and get no
 *  destructor (but for one that is running now). Any thread; never blocks. 0; -ESRCH (stale). */
int co_key_free(co_key_t key);

/** Sets the calling coroutine's value, or the calling plain thread's; NULL takes it back. The
 *  value before is forgotten, without its destructor. Never blocks.
 *
 *  0; -ESRCH (a stale key); -ENOMEM; -EAGAIN (the system has no thread-specific key left for the
 *  calling plain thread). */
int co_local_set(co_key_t key, void *value);

/** The calling coroutine's value, or the calling plain thread's; NULL if none is set or the key
 *  is stale. A few nanoseconds; never blocks. */
void *co_local_get(co_key_t key);

/** `size` bytes of the calling coroutine's arena (or the calling plain thread's), aligned to
 *  `align`, a power of two; they are not zeroed. All of the arena is freed when the coroutine has
 *  ended, after the destructors of its locals; nothing of it can be freed before, but by
 *  co_arena_reset. Other coroutines may use the memory meanwhile. Never blocks; mostly a few
 *  instructions.
 *
 *  NULL: no memory, or a bad `align`. A size of 0 gives an address that is not NULL. */
void *co_arena_alloc(size_t size, size_t align);

/** Bytes that the calling coroutine (or thread) has taken from its arena since it was empty.
 *  Never blocks. */
size_t co_arena_used(void);

/** Empties the calling coroutine's arena (or thread's): nothing that came from it may be used any
 *  more. For loops whose every turn begins anew. Never blocks. */
void co_arena_reset(void);

#ifdef __cplusplus
}
#endif

#endif /* PHOTONRT_H */
