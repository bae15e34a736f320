//! Names of hosts: `HostName.lookup`.
//!
//! ```text
//!   a number        parsed                         --.
//!   localhost       both loopbacks (RFC 6761)      --+--> family? port --> the caller's queue
//!   anything else   the system's getaddrinfo, on a --'    then the canonical name, then closed
//!                   thread, by co_getaddrinfo
//! ```
//! The system's own resolver, since it knows what the machine has been set up to ask: hosts, DNS,
//! mDNS, LDAP. It can't be stopped, so a task that is canceled leaves, and the thread ends on its own.
//!
//! At most 16 results come of a name: a queue with as much room then takes them all without anyone
//! reading it, which `HostName.lookup` promises.
//!
//! Rejected: `Threaded`'s lookup on a thread. It fills the queue by its own futex, which coroutines do
//! not wait on.
const std = @import("std");
const c = @import("c");
const core = @import("../core.zig");
const errno = @import("../errno.zig");
const Io = std.Io;
const HostName = Io.net.HostName;
const IpAddress = Io.net.IpAddress;
const LookupError = HostName.LookupError;
const LookupResult = HostName.LookupResult;
const Queue = Io.Queue(LookupResult);
const Options = HostName.LookupOptions;

/// Addresses and the canonical name together.
const max_results = 16;

/// Looks `host` up and puts what it finds into `resolved`, which is closed in any case. Blocks; a
/// cancelation point.
pub fn netLookup(userdata: ?*anyopaque, host: HostName, resolved: *Queue, options: Options) LookupError!void {
    const io = core.from(userdata).io();
    defer resolved.close(io);
    try core.checkCancel();
    var found: Results = .{ .options = options };
    if (number(host.bytes, options.port)) |address| {
        found.add(address);
        if (found.len == 0) return error.UnknownHostName;
    } else if (isLocalhost(host.bytes)) {
        found.add(.{ .ip6 = .loopback(options.port) });
        found.add(.{ .ip4 = .loopback(options.port) });
        found.canonical("localhost");
    } else {
        try ask(host, &found);
    }
    found.canonical(host.bytes);
    resolved.putAll(io, found.list[0..found.len]) catch |e| switch (e) {
        error.Canceled => |canceled| return canceled,
        error.Closed => unreachable, // not before the lookup has returned
    };
}

const Results = struct {
    options: Options,
    list: [max_results]LookupResult = undefined,
    len: usize = 0,
    named: bool = false,

    /// Adds an address, if it is of the wanted family and there is room.
    fn add(r: *Results, address: IpAddress) void {
        if (r.options.family) |family| if (address != family) return;
        if (r.len == max_results - 1) return;
        r.list[r.len] = .{ .address = address };
        r.len += 1;
    }

    /// Adds the canonical name, if it is wanted and has not been added.
    fn canonical(r: *Results, text: []const u8) void {
        const buffer = r.options.canonical_name_buffer orelse return;
        if (r.named or text.len > buffer.len) return;
        @memcpy(buffer[0..text.len], text);
        r.list[r.len] = .{ .canonical_name = .{ .bytes = buffer[0..text.len] } };
        r.len += 1;
        r.named = true;
    }
};

fn number(text: []const u8, port: u16) ?IpAddress {
    return IpAddress.parseIp4(text, port) catch IpAddress.parseIp6(text, port) catch null;
}

/// `localhost` and what is below it, with or without the dot of the root.
fn isLocalhost(text: []const u8) bool {
    const bare = if (std.mem.endsWith(u8, text, ".")) text[0 .. text.len - 1] else text;
    if (!std.ascii.endsWithIgnoreCase(bare, "localhost")) return false;
    return bare.len == "localhost".len or bare[bare.len - "localhost".len - 1] == '.';
}

/// Asks the system.
fn ask(host: HostName, found: *Results) LookupError!void {
    if (host.bytes.len > HostName.max_len) return error.UnknownHostName;
    var node: [HostName.max_len:0]u8 = undefined;
    @memcpy(node[0..host.bytes.len], host.bytes);
    node[host.bytes.len] = 0;
    var hints = std.mem.zeroes(std.c.addrinfo);
    hints.flags.CANONNAME = found.options.canonical_name_buffer != null;
    hints.socktype = std.posix.SOCK.STREAM;
    hints.family = if (found.options.family) |family| switch (family) {
        .ip4 => std.posix.AF.INET,
        .ip6 => std.posix.AF.INET6,
    } else std.posix.AF.UNSPEC;

    var list: ?*std.c.addrinfo = null;
    const rc = c.co_getaddrinfo(&node, null, @ptrCast(&hints), @ptrCast(&list), c.CO_FOREVER);
    if (rc < 0) return errno.ofWith(LookupError, &.{
        .{ .NOENT, &.{error.UnknownHostName} },
        .{ .HOSTUNREACH, &.{error.NameServerFailure} },
        .{ .IO, &.{error.NameServerFailure} },
    }, rc);
    defer std.c.freeaddrinfo(list.?);

    var next = list;
    while (next) |info| : (next = info.next) {
        const sockaddr = info.addr orelse continue;
        var address = Io.Threaded.addressFromPosix(@ptrCast(@alignCast(sockaddr)));
        address.setPort(found.options.port);
        found.add(address);
    }
    if (found.len == 0) return error.NoAddressReturned;
    if (list.?.canonname) |text| found.canonical(std.mem.sliceTo(text, 0));
}

test isLocalhost {
    const expect = std.testing.expect;
    try expect(isLocalhost("localhost"));
    try expect(isLocalhost("LocalHost."));
    try expect(isLocalhost("a.b.localhost"));
    try expect(!isLocalhost("notlocalhost"));
    try expect(!isLocalhost("localhost.example"));
    try expect(!isLocalhost("host"));
}
