//! Children, the process itself, standard error.
const std = @import("std");
const c = @import("c");
const Io = @import("../../Io.zig");
const t = @import("fixture.zig");
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const expectEqualStrings = std.testing.expectEqualStrings;
const expectError = std.testing.expectError;
const process = std.process;

test "children end" {
    try t.everywhere(struct {
        fn body(io: std.Io) !void {
            var child = try process.spawn(io, .{ .argv = &.{ "/bin/sh", "-c", "exit 7" }, .request_resource_usage_statistics = true });
            try expectEqual(7, (try child.wait(io)).exited);
            try expect(child.resource_usage_statistics.getMaxRss().? > 0);
            try expectEqual(null, child.id);
            child.kill(io); // does nothing any more
            child = try process.spawn(io, .{ .argv = &.{ "/bin/sh", "-c", "kill -9 $$" } });
            try expectEqual(.KILL, (try child.wait(io)).signal);
            try expectError(error.FileNotFound, process.spawn(io, .{ .argv = &.{"/nowhere/to/be/found"} }));
        }
    }.body);
}

test "children that are waited for hold up no vCPU" {
    try t.everywhere(struct {
        fn body(io: std.Io) !void {
            // cat ends when its input does, which a task sees to while another waits.
            var child = try process.spawn(io, .{ .argv = &.{"/bin/cat"}, .stdin = .pipe, .stdout = .pipe });
            defer child.kill(io);
            var waiter: t.Blocked(process.Child.WaitError!process.Child.Term) = undefined;
            const input = child.stdin.?;
            const output = child.stdout.?;
            child.stdin = null;
            child.stdout = null;
            try waiter.start(io, process.Child.wait, .{ &child, io });
            try input.writeStreamingAll(io, "meow");
            input.close(io);
            var buffer: [10]u8 = undefined;
            try expectEqual(4, try output.readStreaming(io, &.{&buffer}));
            try expectEqualStrings("meow", buffer[0..4]);
            output.close(io);
            try expect((try waiter.future.await(io)).success());
        }
    }.body);
}

test "run" {
    try t.everywhere(struct {
        fn body(io: std.Io) !void {
            const result = try process.run(t.gpa, io, .{ .argv = &.{ "/bin/sh", "-c", "echo out; echo err >&2; exit 3" } });
            defer t.gpa.free(result.stdout);
            defer t.gpa.free(result.stderr);
            try expectEqual(3, result.term.exited);
            try expectEqualStrings("out\n", result.stdout);
            try expectEqualStrings("err\n", result.stderr);
        }
    }.body);
}

test "a canceled wait leaves the child to be killed" {
    try t.everywhere(struct {
        fn body(io: std.Io) !void {
            var child = try process.spawn(io, .{ .argv = &.{ "/bin/sleep", "1000" }, .stdin = .pipe });
            const pid = child.id.?;
            var waiter: t.Blocked(process.Child.WaitError!process.Child.Term) = undefined;
            try waiter.start(io, process.Child.wait, .{ &child, io });
            try expectError(error.Canceled, waiter.future.cancel(io));
            try expectEqual(pid, child.id.?);
            child.kill(io);
            try expectEqual(null, child.id);
            try expectEqual(null, child.stdin);
            try expectEqual(.SRCH, std.posix.errno(std.posix.system.kill(pid, @fromBackingInt(0)))); // reaped
        }
    }.body);
    try t.inCoroutines(struct {
        fn body(io: std.Io) !void {
            var child = try process.spawn(io, .{ .argv = &.{ "/bin/sleep", "1000" } });
            _ = c.co_cancel(c.co_self());
            try expectError(error.Canceled, child.wait(io));
            _ = c.co_cancel(c.co_self());
            child.kill(io); // can't be canceled
            try expectError(error.Canceled, io.checkCancel());
        }
    }.body);
}

test "a child that somebody else has reaped" {
    try t.everywhere(struct {
        fn body(io: std.Io) !void {
            var child = try process.spawn(io, .{ .argv = &.{"/bin/true"} });
            try expectEqual(child.id.?, c.co_process_wait(child.id.?, null, 0, null, c.CO_FOREVER));
            try expectError(error.Unexpected, child.wait(io));
            try expectEqual(null, child.id);
        }
    }.body);
}

test "children get the signals that their parent gets" {
    try t.everywhere(struct {
        fn body(io: std.Io) !void {
            const result = try process.run(t.gpa, io, .{ .argv = &.{ "/bin/grep", "SigBlk", "/proc/self/status" } });
            defer t.gpa.free(result.stdout);
            defer t.gpa.free(result.stderr);
            if (result.term.exited != 0) return error.SkipZigTest; // a system without /proc
            try expectEqualStrings("SigBlk:\t0000000000000000\n", result.stdout);
        }
    }.body);
}

test "the process itself" {
    try t.everywhere(struct {
        fn body(io: std.Io) !void {
            var a: [std.fs.max_path_bytes]u8 = undefined;
            var b: [std.fs.max_path_bytes]u8 = undefined;
            const here = a[0..try process.currentPath(io, &a)];
            try process.setCurrentPath(io, "/");
            try expectEqualStrings("/", b[0..try process.currentPath(io, &b)]);
            var dir = try std.Io.Dir.cwd().openDir(io, here, .{});
            defer dir.close(io);
            try process.setCurrentDir(io, dir);
            try expectEqualStrings(here, b[0..try process.currentPath(io, &b)]);
            try expect((try process.executablePath(io, &b)) > 0);
            const file = try process.openExecutable(io, .{});
            file.close(io);
            try expectEqual(error.FileNotFound, process.replace(io, .{ .argv = &.{"/nowhere/to/be/found"} }));
        }
    }.body);
}

const Stderr = struct {
    /// Locks standard error twice, naps, and notes that nobody else had it meanwhile.
    fn use(io: std.Io, inside: *std.atomic.Value(u32)) !void {
        for (0..5) |_| {
            _ = try io.lockStderr(&.{}, null);
            defer io.unlockStderr();
            try expectEqual(0, inside.fetchAdd(1, .monotonic));
            _ = (try io.tryLockStderr(&.{}, null)).?;
            try io.sleep(.fromMicroseconds(20), .awake);
            io.unlockStderr();
            try expectEqual(1, inside.fetchSub(1, .monotonic));
        }
    }

    fn tries(io: std.Io) !bool {
        if (try io.tryLockStderr(&.{}, null)) |_| {
            io.unlockStderr();
            return true;
        }
        return false;
    }

    fn locks(io: std.Io) std.Io.Cancelable!void {
        _ = try io.lockStderr(&.{}, null);
        io.unlockStderr();
    }
};

test "the lock of standard error is one task's or thread's" {
    try t.everywhere(struct {
        fn body(io: std.Io) !void {
            var inside: std.atomic.Value(u32) = .init(0);
            var tasks: [4]std.Io.Future(@typeInfo(@TypeOf(Stderr.use)).@"fn".return_type.?) = undefined;
            for (&tasks) |*f| f.* = try io.concurrent(Stderr.use, .{ io, &inside });
            try Stderr.use(io, &inside);
            for (&tasks) |*f| try f.await(io);

            _ = try io.lockStderr(&.{}, null);
            var other = try io.concurrent(Stderr.tries, .{io});
            try expectEqual(false, try other.await(io));
            var waiter: t.Blocked(std.Io.Cancelable!void) = undefined;
            try waiter.start(io, Stderr.locks, .{io});
            try expectError(error.Canceled, waiter.future.cancel(io));
            io.unlockStderr();
            other = try io.concurrent(Stderr.tries, .{io});
            try expectEqual(true, try other.await(io));
        }
    }.body);
}

test "what a parent has handed down" {
    try t.everywhere(struct {
        fn body(io: std.Io) !void {
            // By the table: who asks in std are a new process's first steps.
            try expectError(error.EnvironmentVariableMissing, io.vtable.progressParentFile(io.userdata));
            var tmp = std.testing.tmpDir(.{});
            defer tmp.cleanup();
            const dir = try io.vtable.inheritParentDir(io.userdata, tmp.dir.handle);
            try expectEqual(tmp.dir.handle, dir.handle);
            const file = try tmp.dir.createFile(io, "file", .{});
            defer file.close(io);
            const same = try io.vtable.inheritParentFile(io.userdata, file.handle, file.flags);
            try expectEqual(file.handle, same.handle);
        }
    }.body);
}
