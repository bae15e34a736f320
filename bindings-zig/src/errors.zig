//! Errors: the ABI's negative numbers as Zig error sets.
//!
//! Each function here has a set of its own, the errors that its comment in photonrt.h lists. A number that is not
//! in the set of a waiting function can only be an interrupt's (`Coroutine.interrupt`), and is
//! `error.Interrupted`; from an I/O function it is what the system gave, and `error.Unexpected`.
//!
//! Rejected: one set for all (a `switch` on it says nothing), a payload with the number (no Zig code
//! expects one; who wants the number calls `photonrt.c`).
const std = @import("std");
const E = std.posix.E;

/// An errno and the error that stands for it.
pub const Name = struct { E, anyerror };

/// What every function calls an errno, unless it says otherwise: std's names where std has one.
pub const names = [_]Name{
    .{ .PERM, error.PermissionDenied },
    .{ .NOENT, error.FileNotFound },
    .{ .SRCH, error.NotFound },
    .{ .INTR, error.Interrupted },
    .{ .IO, error.InputOutput },
    .{ .NXIO, error.NoDevice },
    .{ .NODEV, error.NoSuchDevice },
    .{ .@"2BIG", error.TooBig },
    .{ .BADF, error.BadDescriptor },
    .{ .CHILD, error.NoChild },
    .{ .AGAIN, error.WouldBlock },
    .{ .NOMEM, error.OutOfMemory },
    .{ .ACCES, error.AccessDenied },
    .{ .FAULT, error.BadAddress },
    .{ .BUSY, error.Busy },
    .{ .EXIST, error.PathAlreadyExists },
    .{ .XDEV, error.NotSameFileSystem },
    .{ .NOTDIR, error.NotDir },
    .{ .ISDIR, error.IsDir },
    .{ .INVAL, error.InvalidArgument },
    .{ .NFILE, error.SystemFdQuotaExceeded },
    .{ .MFILE, error.ProcessFdQuotaExceeded },
    .{ .TXTBSY, error.FileBusy },
    .{ .FBIG, error.FileTooBig },
    .{ .NOSPC, error.NoSpaceLeft },
    .{ .SPIPE, error.Unseekable },
    .{ .ROFS, error.ReadOnlyFileSystem },
    .{ .MLINK, error.LinkQuotaExceeded },
    .{ .PIPE, error.BrokenPipe },
    .{ .DEADLK, error.Deadlock },
    .{ .NAMETOOLONG, error.NameTooLong },
    .{ .NOSYS, error.NotImplemented },
    .{ .NOTEMPTY, error.DirNotEmpty },
    .{ .LOOP, error.SymLinkLoop },
    .{ .TIME, error.DeadlineExpired },
    .{ .OVERFLOW, error.Overflow },
    .{ .NOTSOCK, error.NotSocket },
    .{ .DESTADDRREQ, error.DestinationRequired },
    .{ .MSGSIZE, error.MessageTooBig },
    .{ .PROTOTYPE, error.WrongProtocol },
    .{ .NOPROTOOPT, error.NoSuchOption },
    .{ .PROTONOSUPPORT, error.ProtocolUnsupported },
    .{ .OPNOTSUPP, error.OperationUnsupported },
    .{ .AFNOSUPPORT, error.AddressFamilyUnsupported },
    .{ .ADDRINUSE, error.AddressInUse },
    .{ .ADDRNOTAVAIL, error.AddressUnavailable },
    .{ .NETDOWN, error.NetworkDown },
    .{ .NETUNREACH, error.NetworkUnreachable },
    .{ .CONNABORTED, error.ConnectionAborted },
    .{ .CONNRESET, error.ConnectionResetByPeer },
    .{ .NOBUFS, error.NoBuffers },
    .{ .ISCONN, error.AlreadyConnected },
    .{ .NOTCONN, error.SocketUnconnected },
    .{ .SHUTDOWN, error.ShuttingDown },
    .{ .TIMEDOUT, error.Timeout },
    .{ .CONNREFUSED, error.ConnectionRefused },
    .{ .HOSTUNREACH, error.HostUnreachable },
    .{ .ALREADY, error.Already },
    .{ .CANCELED, error.Canceled },
    .{ .DQUOT, error.DiskQuota },
};

/// What a wait can end with: time ran out; `.now`, and it would have had to wait; the coroutine was cancelled; it was
/// interrupted; a timeout below -1.
pub const WaitError = error{ Timeout, WouldBlock, Canceled, Interrupted, InvalidArgument };

/// What an I/O call gives: the system's errors by name, and those of a wait.
pub const IoError = error{
    PermissionDenied,
    FileNotFound,
    NotFound,
    Interrupted,
    InputOutput,
    NoDevice,
    NoSuchDevice,
    TooBig,
    BadDescriptor,
    NoChild,
    WouldBlock,
    OutOfMemory,
    AccessDenied,
    BadAddress,
    Busy,
    PathAlreadyExists,
    NotSameFileSystem,
    NotDir,
    IsDir,
    InvalidArgument,
    SystemFdQuotaExceeded,
    ProcessFdQuotaExceeded,
    FileBusy,
    FileTooBig,
    NoSpaceLeft,
    Unseekable,
    ReadOnlyFileSystem,
    LinkQuotaExceeded,
    BrokenPipe,
    Deadlock,
    NameTooLong,
    NotImplemented,
    DirNotEmpty,
    SymLinkLoop,
    DeadlineExpired,
    Overflow,
    NotSocket,
    DestinationRequired,
    MessageTooBig,
    WrongProtocol,
    NoSuchOption,
    ProtocolUnsupported,
    OperationUnsupported,
    AddressFamilyUnsupported,
    AddressInUse,
    AddressUnavailable,
    NetworkDown,
    NetworkUnreachable,
    ConnectionAborted,
    ConnectionResetByPeer,
    NoBuffers,
    AlreadyConnected,
    SocketUnconnected,
    ShuttingDown,
    Timeout,
    ConnectionRefused,
    HostUnreachable,
    Already,
    Canceled,
    DiskQuota,
    /// None of these: see the number by `photonrt.c`.
    Unexpected,
};

/// The error for `rc`, the negative number of one.
pub fn of(comptime Set: type, rc: anytype) Set {
    return named(Set, &.{}, rc);
}

/// The same, with names that go before the usual ones.
pub fn named(comptime Set: type, comptime own: []const Name, rc: anytype) Set {
    @branchHint(.cold);
    const value: i64 = -@as(i64, rc);
    inline for (own ++ names) |n| {
        if (comptime has(Set, n[1])) if (value == numberOf(n[0])) return @errorCast(n[1]);
    }
    if (comptime has(Set, error.Unexpected)) return error.Unexpected;
    return error.Interrupted;
}

/// The errno that an error stands for; null if it stands for none.
pub fn errno(err: anyerror) ?c_int {
    for (names) |n| if (n[1] == err) return numberOf(n[0]);
    return null;
}

fn numberOf(e: E) c_int {
    return @backingInt(e);
}

/// Whether `e` is in the set.
pub fn has(comptime Set: type, comptime e: anyerror) bool {
    @setEvalBranchQuota(100_000);
    const all = @typeInfo(Set).error_set.error_names orelse return true;
    for (all) |name| if (std.mem.eql(u8, name, @errorName(e))) return true;
    return false;
}

/// For calls that can only fail by a fault of these bindings.
pub fn must(rc: anytype) void {
    std.debug.assert(rc >= 0);
}

test "numbers and errors" {
    const Set = error{ Canceled, Timeout, Interrupted };
    const expectEqual = std.testing.expectEqual;
    try expectEqual(error.Canceled, of(Set, -numberOf(.CANCELED)));
    try expectEqual(error.Interrupted, of(Set, -numberOf(.PIPE)));
    try expectEqual(error.Closed, named(error{ Closed, Interrupted }, &.{.{ .PIPE, error.Closed }}, -numberOf(.PIPE)));
    try expectEqual(error.Unexpected, of(IoError, @as(i64, -4000)));
    try expectEqual(numberOf(.TIMEDOUT), errno(error.Timeout));
    try expectEqual(null, errno(error.NeverHeardOf));
}

test "every name is an I/O error" {
    inline for (names) |n| {
        try std.testing.expect(comptime has(IoError, n[1]));
        try std.testing.expectEqual(n[1], @as(anyerror, of(IoError, -numberOf(n[0]))));
    }
}
