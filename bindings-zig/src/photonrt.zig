//! photonrt for Zig: coroutines, and all that waits without holding up a thread.
//!
//! Two ways in, which mix freely:
//!
//! - `photonrt.Io` is a `std.Io`: programs written against that interface run on it unchanged.
//! - What is below is the runtime itself: tasks, channels, scopes, pools, groups of vCPUs.
//!
//! ```zig
//! const photonrt = @import("photonrt");
//!
//! fn tick(name: []const u8) !void {
//!     for (0..3) |i| {
//!         std.debug.print("{s} {d}\n", .{ name, i });
//!         try photonrt.sleep(.ms(100));
//!     }
//! }
//!
//! fn start() !void {
//!     const a = try photonrt.spawn(tick, .{"a"});
//!     const b = try photonrt.spawn(tick, .{"b"});
//!     try a.join();
//!     try b.join();
//! }
//!
//! pub fn main() !void {
//!     try photonrt.run(.{}, start, .{});
//! }
//! ```
//! A blocking function gives up the vCPU to other coroutines; on a plain thread, one that is not running a coroutine, it
//! blocks that thread instead. A function that is a cancellation point gives `error.Canceled` once its coroutine has
//! been cancelled. Timeouts are from now.
//!
//! A coroutine stays on its OS thread from its first run on, unless it is migratable: thread-locals are those of that
//! thread, and may have changed after a blocking call.

/// The C ABI, for what the types here leave out: photonrt.h, translated.
pub const c = @import("c");

pub const Io = @import("Io.zig");

pub const errors = @import("errors.zig");
pub const IoError = errors.IoError;
pub const WaitError = errors.WaitError;

const runtime = @import("runtime.zig");
pub const Config = runtime.Config;
pub const Engine = runtime.Engine;
pub const Stall = runtime.Stall;
pub const Stats = runtime.Stats;
pub const StartError = runtime.StartError;
pub const StopError = runtime.StopError;
pub const run = runtime.run;
pub const init = runtime.init;
pub const shutdown = runtime.shutdown;
pub const deinit = runtime.deinit;
pub const stats = runtime.stats;
pub const version = runtime.version;
pub const header_version = runtime.header_version;

const time = @import("time.zig");
pub const Timeout = time.Timeout;
pub const SleepError = time.SleepError;
pub const clock = time.clock;
pub const sleep = time.sleep;
pub const sleepUntil = time.sleepUntil;

const task = @import("task.zig");
pub const Attr = task.Attr;
pub const Coroutine = task.Coroutine;
pub const State = task.State;
pub const HandleError = task.HandleError;
pub const Task = task.Task;
pub const Shield = task.Shield;
pub const SpawnError = task.SpawnError;
pub const JoinError = task.JoinError;
pub const ParkError = task.ParkError;
pub const spawn = task.spawn;
pub const spawnWith = task.spawnWith;
pub const spawnDetached = task.spawnDetached;
pub const spawnDetachedWith = task.spawnDetachedWith;
pub const yield = task.yield;
pub const park = task.park;
pub const cancelPending = task.cancelPending;
pub const acknowledgeCancel = task.acknowledgeCancel;
pub const forEach = task.forEach;

pub const group = @import("group.zig");
pub const Group = group.Group;
pub const Token = group.Token;
pub const currentVcpu = group.currentVcpu;

const sync = @import("sync.zig");
pub const Mutex = sync.Mutex;
pub const RecursiveMutex = sync.RecursiveMutex;
pub const RwLock = sync.RwLock;
pub const Condition = sync.Condition;
pub const Semaphore = sync.Semaphore;
pub const Event = sync.Event;
pub const WaitGroup = sync.WaitGroup;
pub const Barrier = sync.Barrier;
pub const Once = sync.Once;
pub const futexWait = sync.futexWait;
pub const futexWake = sync.futexWake;

const chan = @import("chan.zig");
pub const Channel = chan.Channel;
pub const Future = chan.Future;
pub const Case = chan.Case;
pub const select = chan.select;
pub const unbounded = chan.unbounded;

pub const scope = @import("scope.zig");
pub const Scope = scope.Scope;
pub const ScopedValue = scope.ScopedValue;
pub const Binding = scope.Binding;

pub const pool = @import("pool.zig");
pub const Pool = pool.Pool;
pub const Bracket = pool.Bracket;
pub const blocking = pool.blocking;
pub const parallelFor = pool.parallelFor;
pub const pin = pool.pin;
pub const unpin = pool.unpin;

pub const timer = @import("timer.zig");
pub const Timer = timer.Timer;

const local = @import("local.zig");
pub const Local = local.Local;
pub const arena = local.arena;

pub const fd = @import("fd.zig");
pub const net = @import("net.zig");
pub const batch = @import("batch.zig");
pub const process = @import("process.zig");
pub const signal = @import("signal.zig");

test {
    _ = Io;
    _ = errors;
    _ = time;
    _ = @import("call.zig");
}
