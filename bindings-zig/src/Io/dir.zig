//! Directories: closing, and what Threaded does not have. All else about them is offloaded.
const std = @import("std");
const c = @import("c");
const core = @import("core.zig");
const errno = @import("errno.zig");
const offload = @import("offload.zig");
const Dir = std.Io.Dir;
const File = std.Io.File;
const posix = std.posix;

/// Ends what others are doing with the descriptors, and closes them; not a cancelation point; any thread.
pub fn dirClose(_: ?*anyopaque, dirs: []const Dir) void {
    for (dirs) |dir| _ = c.co_io_close(dir.handle);
}

/// fchownat(2), on the runtime's pool: Threaded's own says that it has yet to be written. Blocks; a
/// cancelation point until it has begun; any thread.
pub fn dirSetFileOwner(
    _: ?*anyopaque,
    dir: Dir,
    sub_path: []const u8,
    owner: ?File.Uid,
    group: ?File.Gid,
    options: Dir.SetFileOwnerOptions,
) Dir.SetFileOwnerError!void {
    try core.checkCancel();
    if (std.mem.indexOfScalar(u8, sub_path, 0) != null) return error.BadPathName;
    const path = posix.toPosixPath(sub_path) catch return error.NameTooLong;
    const Request = struct {
        dir: posix.fd_t,
        path: [*:0]const u8,
        owner: posix.uid_t,
        group: posix.gid_t,
        flags: c_uint,
        result: posix.E = .SUCCESS,

        fn make(arg: ?*anyopaque) callconv(.c) ?*anyopaque {
            const r: *@This() = @ptrCast(@alignCast(arg));
            r.result = posix.errno(fchownat(r.dir, r.path, r.owner, r.group, r.flags));
            return null;
        }
    };
    var request: Request = .{
        .dir = dir.handle,
        .path = &path,
        .owner = owner orelse std.math.maxInt(posix.uid_t),
        .group = group orelse std.math.maxInt(posix.gid_t),
        .flags = if (options.follow_symlinks) 0 else posix.AT.SYMLINK_NOFOLLOW,
    };
    offload.blocking(Request.make, &request);
    if (request.result != .SUCCESS) return errno.of(Dir.SetFileOwnerError, -@as(c_int, @backingInt(request.result)));
}

extern "c" fn fchownat(dir: posix.fd_t, path: [*:0]const u8, owner: posix.uid_t, group: posix.gid_t, flags: c_uint) c_int;
