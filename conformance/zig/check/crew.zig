//! A crew: some functions at work at once, as coroutines, as plain threads, or as both.
//!
//! ```zig
//! var crew: check.Crew = .{ .kind = .mixed };
//! for (&jobs) |*job| crew.add(work, .{job});
//! crew.end();
//! ```
//! Started by a coroutine, or without coroutines by a plain thread.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("../check.zig");

pub const Kind = enum { coroutines, migratable, threads, mixed };

pub const kinds = std.enums.values(Kind);

pub const Crew = struct {
    kind: Kind,
    size: u32 = 0,
    members: [64]Member = undefined,

    const Member = union(enum) { coroutine: photonrt.Task(void), thread: std.Thread };

    /// One more; coroutines are spread over the vCPUs. An error that the function returns ends the case.
    pub fn add(crew: *Crew, comptime function: anytype, args: std.meta.ArgsTuple(@TypeOf(function))) void {
        const Work = struct {
            fn run(all: std.meta.ArgsTuple(@TypeOf(function))) void {
                check.must(@call(.auto, function, all));
            }
        };
        const i = crew.size;
        crew.size += 1;
        if (crew.kind == .threads or (crew.kind == .mixed and i % 2 == 1)) {
            crew.members[i] = .{ .thread = check.thread(Work.run, .{args}) };
            return;
        }
        const attr: photonrt.Attr = if (crew.kind == .migratable)
            .{ .migratable = true }
        else
            .{ .vcpu = (if (crew.kind == .mixed) i / 2 else i) % check.vcpus() + 1 };
        const task = photonrt.spawnWith(attr, Work.run, .{args}) catch |e| check.fail("co_spawn: {t}", .{e});
        crew.members[i] = .{ .coroutine = task };
    }

    /// Waits for all.
    pub fn end(crew: *Crew) void {
        for (crew.members[0..crew.size]) |member| switch (member) {
            .coroutine => |task| check.join(task),
            .thread => {},
        };
        for (crew.members[0..crew.size]) |member| switch (member) {
            .coroutine => {},
            .thread => |t| t.join(),
        };
        crew.size = 0;
    }

    /// `n` members that do the same.
    pub fn run(kind: Kind, n: usize, comptime function: anytype, args: std.meta.ArgsTuple(@TypeOf(function))) void {
        var crew: Crew = .{ .kind = kind };
        for (0..n) |_| crew.add(function, args);
        crew.end();
    }
};
