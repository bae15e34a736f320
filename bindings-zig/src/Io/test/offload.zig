//! Entries of Threaded that run on a thread: each one once, with its result or its error; that they
//! hold up no vCPU; that they can be canceled; what happens if there are not enough threads.
const std = @import("std");
const c = @import("c");
const Io = @import("../../Io.zig");
const t = @import("fixture.zig");
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const expectEqualStrings = std.testing.expectEqualStrings;
const expectError = std.testing.expectError;
const Dir = std.Io.Dir;
const File = std.Io.File;

/// Runs `body(io, dir)` everywhere, in an empty directory each time.
fn inDirectory(comptime body: fn (std.Io, Dir) anyerror!void) !void {
    try t.everywhere(struct {
        fn inside(io: std.Io) !void {
            var tmp = std.testing.tmpDir(.{ .iterate = true });
            defer tmp.cleanup();
            try body(io, tmp.dir);
        }
    }.inside);
}

test "directories: make, open, look, remove" {
    try inDirectory(struct {
        fn body(io: std.Io, dir: Dir) !void {
            try dir.createDir(io, "a", .default_dir);
            try expectError(error.PathAlreadyExists, dir.createDir(io, "a", .default_dir));
            try dir.createDirPath(io, "a/b/c");
            try expectEqual(.existed, try dir.createDirPathStatus(io, "a/b/c", .default_dir));
            var deep = try dir.createDirPathOpen(io, "a/b/d", .{});
            try expectEqual(.directory, (try deep.stat(io)).kind);
            deep.close(io);
            var b = try dir.openDir(io, "a/b", .{ .iterate = true });
            defer b.close(io);
            try expectError(error.FileNotFound, dir.openDir(io, "nowhere", .{}));
            var seen: u32 = 0;
            var it = b.iterate();
            while (try it.next(io)) |entry| : (seen += 1) try expectEqual(.directory, entry.kind);
            try expectEqual(2, seen);
            try b.setPermissions(io, .fromMode(0o700));
            try b.setOwner(io, null, null);
            try expectError(error.DirNotEmpty, dir.deleteDir(io, "a"));
            try dir.deleteDir(io, "a/b/c");
            try dir.deleteTree(io, "a");
            try expectError(error.FileNotFound, dir.access(io, "a", .{}));
        }
    }.body);
}

test "directories: files in them" {
    try inDirectory(struct {
        fn body(io: std.Io, dir: Dir) !void {
            try dir.writeFile(io, .{ .sub_path = "one", .data = "hello" });
            try dir.access(io, "one", .{});
            try expectEqual(5, (try dir.statFile(io, "one", .{})).size);
            try expectError(error.FileNotFound, dir.statFile(io, "two", .{}));
            try expectError(error.FileNotFound, dir.openFile(io, "two", .{}));
            try dir.rename("one", dir, "two", io);
            try dir.writeFile(io, .{ .sub_path = "three", .data = "" });
            try expectError(error.PathAlreadyExists, dir.renamePreserve("two", dir, "three", io));
            try dir.hardLink("two", dir, "four", io, .{});
            try expectEqual(2, (try dir.statFile(io, "four", .{})).nlink);
            try dir.symLink(io, "two", "five", .{});
            var buffer: [std.fs.max_path_bytes]u8 = undefined;
            try expectEqualStrings("two", buffer[0..try dir.readLink(io, "five", &buffer)]);
            try expectError(error.NotLink, dir.readLink(io, "two", &buffer));
            const path = buffer[0..try dir.realPath(io, &buffer)];
            var other: [std.fs.max_path_bytes]u8 = undefined;
            const file_path = other[0..try dir.realPathFile(io, "five", &other)];
            try expect(std.mem.startsWith(u8, file_path, path));
            try expect(std.mem.endsWith(u8, file_path, "/two"));
            try dir.setFilePermissions(io, "two", .fromMode(0o600), .{});
            try expectEqual(0o600, (try dir.statFile(io, "two", .{})).permissions.toMode() & 0o777);
            try dir.setFileOwner(io, "two", null, null, .{});
            try dir.setFileOwner(io, "five", null, null, .{ .follow_symlinks = false });
            try expectError(error.FileNotFound, dir.setFileOwner(io, "six", null, null, .{}));
            try expectError(error.BadPathName, dir.setFileOwner(io, "s\x00x", null, null, .{}));
            try expectError(error.NameTooLong, dir.setFileOwner(io, &@as([5000]u8, @splat(120)), null, null, .{}));
            try dir.setTimestamps(io, "two", .{ .modify_timestamp = .{ .new = .fromNanoseconds(1_000_000_000) } });
            try expectEqual(1, (try dir.statFile(io, "two", .{})).mtime.toSeconds());
            var atomic = try dir.createFileAtomic(io, "two", .{ .replace = true });
            defer atomic.deinit(io);
            try atomic.file.writeStreamingAll(io, "anew");
            try atomic.replace(io);
            try expectEqualStrings("anew", try dir.readFile(io, "two", &buffer));
            try dir.deleteFile(io, "two");
            try expectError(error.FileNotFound, dir.deleteFile(io, "two"));
        }
    }.body);
}

test "files: what is known of them" {
    try inDirectory(struct {
        fn body(io: std.Io, dir: Dir) !void {
            var file = try dir.createFile(io, "f", .{ .read = true });
            defer file.close(io);
            try expectError(error.PathAlreadyExists, dir.createFile(io, "f", .{ .exclusive = true }));
            try file.writeStreamingAll(io, "0123456789");
            try expectEqual(10, try file.length(io));
            try expectEqual(10, (try file.stat(io)).size);
            try file.setPermissions(io, .fromMode(0o640));
            try expectEqual(0o640, (try file.stat(io)).permissions.toMode() & 0o777);
            try file.setOwner(io, null, null);
            try file.setTimestamps(io, .{ .modify_timestamp = .{ .new = .fromNanoseconds(3_000_000_000) } });
            try expectEqual(3, (try file.stat(io)).mtime.toSeconds());
            try file.hardLink(io, dir, "g", .{});
            try expectEqual(2, (try file.stat(io)).nlink);
            var buffer: [std.fs.max_path_bytes]u8 = undefined;
            try expect(std.mem.endsWith(u8, buffer[0..try file.realPath(io, &buffer)], "/f"));
            try expect(!try file.isTty(io));
            try expect(!try file.supportsAnsiEscapeCodes(io));
            try expectError(error.NotTerminalDevice, file.enableAnsiEscapeCodes(io));
        }
    }.body);
}

test "files in memory" {
    if (std.c.getenv("PHOTONRT_EMULATED") != null) {
        std.debug.print("SKIPPED: files in memory: the emulation has no MAP_SHARED_VALIDATE, which std maps with\n", .{});
        return error.SkipZigTest;
    }
    try inDirectory(struct {
        fn body(io: std.Io, dir: Dir) !void {
            try dir.writeFile(io, .{ .sub_path = "f", .data = "0123456789" });
            const file = try dir.openFile(io, "f", .{ .mode = .read_write });
            defer file.close(io);
            var buffer: [20]u8 = undefined;
            var map = try file.createMemoryMap(io, .{ .len = 10 });
            defer map.destroy(io);
            try map.read(io);
            try expectEqualStrings("0123456789", map.memory);
            map.memory[0] = 'x';
            try map.write(io);
            try expectEqualStrings("x123456789", try dir.readFile(io, "f", &buffer));
            map.setLength(io, 5) catch |err| try expectEqual(error.OperationUnsupported, err);
        }
    }.body);
}

fn lockAndUnlock(io: std.Io, file: File) !void {
    try file.lock(io, .exclusive);
    file.unlock(io);
}

test "a lock that is waited for holds up no vCPU" {
    try inDirectory(struct {
        fn body(io: std.Io, dir: Dir) !void {
            var mine = try dir.createFile(io, "f", .{});
            defer mine.close(io);
            var other = try dir.openFile(io, "f", .{ .mode = .read_write });
            defer other.close(io);
            try mine.lock(io, .exclusive);
            try expect(!try other.tryLock(io, .shared));
            try mine.downgradeLock(io);
            try expect(try other.tryLock(io, .shared));
            other.unlock(io);
            var waiter: t.Blocked(@typeInfo(@TypeOf(lockAndUnlock)).@"fn".return_type.?) = undefined;
            try waiter.start(io, lockAndUnlock, .{ io, other });
            try io.sleep(.fromMilliseconds(2), .awake); // the vCPU is ours meanwhile
            mine.unlock(io);
            try waiter.future.await(io);
        }
    }.body);
}

test "canceled while it waits for a lock" {
    try inDirectory(struct {
        fn body(io: std.Io, dir: Dir) !void {
            var mine = try dir.createFile(io, "f", .{});
            defer mine.close(io);
            var other = try dir.openFile(io, "f", .{ .mode = .read_write });
            defer other.close(io);
            try mine.lock(io, .exclusive);
            for (0..3) |i| {
                var waiter: t.Blocked(@typeInfo(@TypeOf(lockAndUnlock)).@"fn".return_type.?) = undefined;
                try waiter.start(io, lockAndUnlock, .{ io, other });
                if (i > 0) try io.sleep(.fromMilliseconds(2), .awake); // the thread is in the system call
                try expectError(error.Canceled, waiter.future.cancel(io));
            }
            mine.unlock(io);
            try expect(try other.tryLock(io, .exclusive)); // and it has not got it in secret
        }
    }.body);
}

/// Calls an entry that completes soon, and often in spite of a request, until one is delivered: for
/// ever, if one is lost.
fn untilCanceled(io: std.Io, dir: Dir) !void {
    while (true) {
        const info = dir.statFile(io, ".", .{}) catch |err| {
            try expectEqual(error.Canceled, err);
            return io.checkCancel(); // once only
        };
        try expectEqual(.directory, info.kind);
    }
}

test "a request that comes while an entry completes is not lost" {
    try t.everywhere(struct {
        fn body(io: std.Io) !void {
            for (0..200) |i| {
                var future = try io.concurrent(untilCanceled, .{ io, Dir.cwd() });
                for (0..i % 7) |_| try io.sleep(.fromMicroseconds(3), .awake);
                try future.cancel(io);
            }
        }
    }.body);
}

/// Expects that what was called with a request pending is canceled, and has acknowledged that.
fn expectCanceled(io: std.Io, result: anytype) !void {
    try expectError(error.Canceled, result);
    try io.checkCancel();
    io.recancel();
}

test "canceled before" {
    try t.inCoroutines(struct {
        fn body(io: std.Io) !void {
            var buffer: [std.fs.max_path_bytes]u8 = undefined;
            const dir: Dir = .cwd();
            io.recancel();
            try expectCanceled(io, dir.openFile(io, "f", .{}));
            try expectCanceled(io, dir.stat(io));
            try expectCanceled(io, dir.createDir(io, "d", .default_dir));
            try expectCanceled(io, dir.deleteFile(io, "f"));
            try expectCanceled(io, File.stdout().isTty(io));
            try expectCanceled(io, std.process.currentPath(io, &buffer));
            try expectCanceled(io, std.process.executablePath(io, &buffer));
            try expectCanceled(io, io.randomSecure(&buffer));
        }
    }.body);
}

fn openAndClose(io: std.Io, dir: Dir, left: *std.atomic.Value(u32)) std.Io.Cancelable!void {
    const file = dir.openFile(io, "f", .{}) catch return;
    file.close(io);
    _ = left.fetchSub(1, .monotonic);
}

fn lockForever(io: std.Io, file: File) std.Io.Cancelable!void {
    file.lock(io, .exclusive) catch return;
    file.unlock(io);
}

test "more tasks than threads" {
    const body = struct {
        fn body(io: std.Io) !void {
            var tmp = std.testing.tmpDir(.{});
            defer tmp.cleanup();
            const file = try tmp.dir.createFile(io, "f", .{});
            defer file.close(io);
            var left: std.atomic.Value(u32) = .init(50);
            var group: std.Io.Group = .init;
            for (0..50) |_| try group.concurrent(io, openAndClose, .{ io, tmp.dir, &left });
            try group.await(io);
            try expectEqual(0, left.load(.monotonic));

            // All threads wait for the lock, and others for a thread: they can be canceled there.
            try file.lock(io, .exclusive);
            var files: [4]File = undefined;
            for (&files) |*f| f.* = try tmp.dir.openFile(io, "f", .{ .mode = .read_write });
            defer for (files) |f| f.close(io);
            var waiters: [4]t.Blocked(std.Io.Cancelable!void) = undefined;
            for (&waiters, files) |*w, f| try w.start(io, lockForever, .{ io, f });
            try waiters[3].future.cancel(io);
            try waiters[2].future.cancel(io);
            try waiters[0].future.cancel(io);
            file.unlock(io);
            try waiters[1].future.await(io);
        }
    }.body;
    for ([_]u32{ 1, 2 }) |vcpus| try Io.run(t.gpa, .{ .vcpus = vcpus, .blocking_max = 2 }, body, .{});
}

test "without memory for a task of Threaded" {
    const body = struct {
        fn body(io: std.Io) !void {
            // Threaded has no thread for it; the runtime has.
            const info = try Dir.cwd().statFile(io, ".", .{});
            try expectEqual(.directory, info.kind);
        }
    }.body;
    try Io.run(.failing, .{ .vcpus = 1 }, body, .{});
}

test "in a bracket, where the caller may block its thread" {
    try t.inCoroutines(struct {
        fn body(io: std.Io) !void {
            _ = c.co_blocking_enter();
            defer _ = c.co_blocking_leave();
            try expectEqual(.directory, (try Dir.cwd().statFile(io, ".", .{})).kind);
        }
    }.body);
}

test "randomness" {
    try t.everywhere(struct {
        fn body(io: std.Io) !void {
            var a: [32]u8 = @splat(0);
            var b: [32]u8 = @splat(0);
            io.random(&a);
            io.random(&b);
            try expect(!std.mem.eql(u8, &a, &b));
            // std looks for getrandom in libc. Without one it reads a device, whose type it then gets wrong.
            if (@TypeOf(std.posix.system.getrandom) == void)
                return expectError(error.EntropyUnavailable, io.randomSecure(&a));
            try io.randomSecure(&a);
            try io.randomSecure(&b);
            try expect(!std.mem.eql(u8, &a, &b));
        }
    }.body);
}
