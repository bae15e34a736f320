//! `std.Io` on photonrt's vCPUs: each task is a coroutine, each wait gives its vCPU to others.
//!
//! ```text
//!   std.Io{ userdata, vtable }
//!              |         `--> Io.vtable: one entry for each of std.Io.VTable, chosen at compile time
//!              v                native   a module below has a function of that name
//!   Io{ threaded, ... }         base     Threaded's own: never blocks, or belongs to the OS thread
//!       ^                       offload  the coroutine parks, Threaded's entry runs on a thread
//!       `- userdata is `&threaded`, so entries of Threaded find what they expect, and ours get back
//!          to the Io by @fieldParentPtr
//! ```
const std = @import("std");
const c = @import("c");
const Offload = @import("Io/offload.zig").Offload;

const Io = @This();

threaded: std.Io.Threaded,

/// Modules with native entries. A public function that is called as a field of `std.Io.VTable` is that entry.
const natives = .{
    @import("Io/task.zig"),
    @import("Io/group.zig"),
    @import("Io/wait.zig"),
    @import("Io/operate.zig"),
    @import("Io/batch.zig"),
    @import("Io/net.zig"),
    @import("Io/file.zig"),
    @import("Io/process.zig"),
};

/// Entries that never block, or are about the calling OS thread: Threaded's, as they are.
const direct = [_][]const u8{
    "crashHandler",  "now",          "clockResolution",    "random",           "lockStderr",
    "tryLockStderr", "unlockStderr", "progressParentFile", "inheritParentDir", "inheritParentFile",
};
