//! Errors: from the runtime's negative numbers to the error sets of `std.Io`.
//!
//! ```text
//!   -EPIPE --> table: BrokenPipe, SocketUnconnected --> the first that the set has
//!          --> not there, or the set has none of them: a bug of the caller's, or `error.Unexpected`
//! ```
//! One table for all calls, since an errno means much the same everywhere and the sets already say
//! what a call can fail with; the order in a row says what is meant where a set has several. Where a
//! call means something else by an errno it gives rows of its own, which come first.
//!
//! Rejected: a switch for each call, as the standard library has them. Forty of them drift apart, and
//! each is another place to forget an errno in.
const std = @import("std");
const core = @import("core.zig");
const has = @import("../errors.zig").has;
const E = std.posix.E;

/// What an errno may be called, the most telling name first.
pub const Row = struct { E, []const anyerror };

const table = [_]Row{
    .{ .ACCES, &.{error.AccessDenied} },
    .{ .PERM, &.{ error.PermissionDenied, error.BlockedByFirewall, error.AccessDenied } },
    .{ .AGAIN, &.{ error.WouldBlock, error.SystemResources } },
    .{ .NOMEM, &.{error.SystemResources} },
    .{ .NOBUFS, &.{error.SystemResources} },
    .{ .MFILE, &.{ error.ProcessFdQuotaExceeded, error.SystemResources } },
    .{ .NFILE, &.{ error.SystemFdQuotaExceeded, error.SystemResources } },

    .{ .PIPE, &.{ error.BrokenPipe, error.SocketUnconnected } },
    .{ .NOTCONN, &.{ error.SocketUnconnected, error.BrokenPipe } },
    .{ .CONNRESET, &.{ error.ConnectionResetByPeer, error.BrokenPipe } },
    .{ .CONNABORTED, &.{error.ConnectionAborted} },
    .{ .CONNREFUSED, &.{ error.ConnectionRefused, error.PortUnreachable } },
    .{ .TIMEDOUT, &.{ error.ConnectionTimedOut, error.Timeout } },
    .{ .HOSTUNREACH, &.{error.HostUnreachable} },
    .{ .HOSTDOWN, &.{error.HostUnreachable} },
    .{ .NETUNREACH, &.{error.NetworkUnreachable} },
    .{ .NETDOWN, &.{error.NetworkDown} },
    .{ .ADDRINUSE, &.{error.AddressInUse} },
    .{ .ADDRNOTAVAIL, &.{error.AddressUnavailable} },
    .{ .AFNOSUPPORT, &.{error.AddressFamilyUnsupported} },
    .{ .PROTONOSUPPORT, &.{ error.ProtocolUnsupportedByAddressFamily, error.AddressFamilyUnsupported } },
    .{ .PROTOTYPE, &.{ error.SocketModeUnsupported, error.AddressFamilyUnsupported } },
    .{ .SOCKTNOSUPPORT, &.{ error.SocketModeUnsupported, error.AddressFamilyUnsupported } },
    .{ .OPNOTSUPP, &.{error.OperationUnsupported} },
    .{ .ALREADY, &.{ error.FastOpenAlreadyInProgress, error.ConnectionPending } },
    .{ .INPROGRESS, &.{ error.ConnectionPending, error.WouldBlock } },
    .{ .MSGSIZE, &.{error.MessageOversize} },
    .{ .PROTO, &.{error.ProtocolFailure} },

    .{ .IO, &.{error.InputOutput} },
    .{ .ISDIR, &.{error.IsDir} },
    .{ .NXIO, &.{ error.Unseekable, error.NoDevice, error.InterfaceNotFound } },
    .{ .NODEV, &.{ error.InterfaceNotFound, error.NoDevice } },
    .{ .SPIPE, &.{error.Unseekable} },
    .{ .OVERFLOW, &.{error.Unseekable} },
    .{ .DQUOT, &.{error.DiskQuota} },
    .{ .FBIG, &.{error.FileTooBig} },
    .{ .NOSPC, &.{error.NoSpaceLeft} },
    .{ .BUSY, &.{error.DeviceBusy} },
    .{ .TXTBSY, &.{error.FileBusy} },
    .{ .LOOP, &.{error.SymLinkLoop} },
    .{ .NOENT, &.{error.FileNotFound} },
    .{ .NOTDIR, &.{error.NotDir} },
    .{ .ROFS, &.{error.ReadOnlyFileSystem} },

    // Not open, or not for this; or another task has closed it meanwhile, which ends the call.
    .{ .BADF, &.{ error.NotOpenForReading, error.NotOpenForWriting, error.SocketNotListening, error.SocketUnconnected } },
};

/// What only a mistake in the program gives.
const bugs = [_]E{ .INVAL, .FAULT, .NOTSOCK, .DESTADDRREQ, .ISCONN };

/// The error of `Set` that the negative `rc` of a call stands for. A cancel is acknowledged if `Set`
/// has `error.Canceled`.
pub fn of(comptime Set: type, rc: i64) Set {
    return ofWith(Set, &.{}, rc);
}

/// The same, with what this call means by some numbers.
pub fn ofWith(comptime Set: type, comptime own: []const Row, rc: i64) Set {
    @branchHint(.cold);
    const e: E = @fromBackingInt(@intCast(-rc));
    if (comptime has(Set, error.Canceled)) {
        if (e == .CANCELED) return core.canceled();
    }
    inline for (own ++ table) |row| {
        if (comptime pick(Set, row)) |err| {
            if (e == row[0]) return err;
        }
    }
    for (bugs) |bug| {
        if (e == bug) return std.Io.Threaded.errnoBug(e);
    }
    return std.posix.unexpectedErrno(e);
}

fn pick(comptime Set: type, comptime row: Row) ?Set {
    @setEvalBranchQuota(100_000);
    for (row[1]) |err| {
        if (has(Set, err)) return @errorCast(err);
    }
    return null;
}

fn number(e: E) i64 {
    return -@as(i64, @backingInt(e));
}

test "an errno is what the set calls it" {
    const t = std.testing;
    try t.expectEqual(error.BrokenPipe, of(error{ BrokenPipe, Unexpected }, number(.PIPE)));
    try t.expectEqual(error.SocketUnconnected, of(std.Io.Operation.NetWrite.Error, number(.PIPE)));
    try t.expectEqual(error.NoDevice, of(std.Io.Operation.FileWriteStreaming.Error, number(.NXIO)));
    try t.expectEqual(error.Unseekable, of(std.Io.File.WritePositionalError, number(.NXIO)));
    try t.expectEqual(error.PortUnreachable, of(std.Io.Operation.NetReceive.Error, number(.CONNREFUSED)));
    try t.expectEqual(error.BlockedByFirewall, of(std.Io.net.Server.AcceptError, number(.PERM)));
    try t.expectEqual(error.AccessDenied, of(std.Io.net.IpAddress.ConnectError, number(.PERM)));
}

test "rows of a call come first" {
    const own = [_]Row{.{ .INVAL, &.{error.NonResizable} }};
    const Set = std.Io.File.SetLengthError;
    try std.testing.expectEqual(error.NonResizable, ofWith(Set, &own, number(.INVAL)));
    try std.testing.expectEqual(error.FileTooBig, ofWith(Set, &own, number(.FBIG)));
}

test "an errno occurs once in the table" {
    for (table, 0..) |row, i| {
        for (table[0..i]) |other| try std.testing.expect(row[0] != other[0]);
        for (bugs) |bug| try std.testing.expect(row[0] != bug);
    }
}
