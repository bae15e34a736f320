//! A name service of the test's own: it takes the place of the C library's getaddrinfo in the program, and so in the
//! library, which is linked into it.
//!
//! ```text
//!   slow.test    answers when the gate is opened
//!   again.test   EAI_AGAIN        fail.test    EAI_FAIL
//!   many.test    what `many` lists
//! ```
//! Everything else goes to the C library. Lists that it has given out are counted. All cases are one program, so whatever
//! looks a name up goes through here.
const std = @import("std");
const builtin = @import("builtin");
const photonrt = @import("photonrt");
const check = @import("../check.zig");

pub const Info = std.c.addrinfo;

/// Whether slow.test answers.
pub var gate: std.atomic.Value(bool) = .init(false);
/// How many threads are at slow.test.
pub var inside: std.atomic.Value(u32) = .init(0);
/// Lists that nobody has freed yet.
pub var lists: std.atomic.Value(u32) = .init(0);
/// Addresses of many.test, as `Address.parse` reads them.
pub var many: []const [:0]const u8 = &.{};

/// In a program without a dynamic linker nothing can take the C library's place and still ask it.
const possible = builtin.link_mode == .dynamic or !builtin.abi.isMusl();

comptime {
    if (possible) {
        @export(&lookUp, .{ .name = "getaddrinfo" });
        @export(&free, .{ .name = "freeaddrinfo" });
    }
}

/// To be called first by a case that needs these names.
pub fn need() void {
    if (!possible) check.skip("the name service of a static program can't be replaced", .{});
}

const Node = struct { info: Info, address: photonrt.net.Address };

fn list(texts: []const [:0]const u8, res: *?*Info) void {
    res.* = null;
    var left = texts;
    while (left.len > 0) : (left.len -= 1) {
        const node = std.heap.c_allocator.create(Node) catch check.fail("no memory for an address", .{});
        node.address = photonrt.net.Address.parse(left[left.len - 1]) catch |e| check.fail("{s}: {t}", .{ left[left.len - 1], e });
        node.info = std.mem.zeroes(Info);
        node.info.family = node.address.storage.ss_family;
        node.info.addrlen = node.address.len;
        node.info.addr = @ptrCast(&node.address.storage);
        node.info.socktype = std.posix.SOCK.STREAM;
        node.info.next = res.*;
        res.* = &node.info;
    }
    _ = lists.fetchAdd(1, .monotonic);
}

fn real(comptime Function: type, name: [*:0]const u8) *const Function {
    const next: ?*anyopaque = @ptrFromInt(std.math.maxInt(usize)); // RTLD_NEXT
    return @ptrCast(@alignCast(std.c.dlsym(next, name) orelse check.fail("no {s} in the C library", .{name})));
}

extern "c" fn usleep(us: c_uint) c_int;

fn lookUp(name: ?[*:0]const u8, service: ?[*:0]const u8, hints: ?*const Info, res: *?*Info) callconv(.c) std.c.EAI {
    const asked = std.mem.span(name orelse "");
    if (std.mem.eql(u8, asked, "again.test")) return .AGAIN;
    if (std.mem.eql(u8, asked, "fail.test")) return .FAIL;
    if (std.mem.eql(u8, asked, "slow.test")) {
        _ = inside.fetchAdd(1, .monotonic);
        while (!gate.load(.acquire)) _ = usleep(200);
        _ = inside.fetchSub(1, .monotonic);
        list(&.{"192.0.2.7:7"}, res);
        return @fromBackingInt(0);
    }
    if (std.mem.eql(u8, asked, "many.test")) {
        if (many.len == 0) return .NONAME;
        list(many, res);
        return @fromBackingInt(0);
    }
    const outcome = real(@TypeOf(lookUp), "getaddrinfo")(name, service, hints, res);
    if (@backingInt(outcome) == 0) _ = lists.fetchAdd(1, .monotonic);
    return outcome;
}

/// freeaddrinfo, of this program.
pub fn free(infos: ?*Info) callconv(.c) void {
    _ = lists.fetchSub(1, .monotonic);
    const first = infos orelse return;
    // An address inside of the node is one of ours; a list of the C library's is not a node, and is not looked into.
    const own = @intFromPtr(first) - @offsetOf(Node, "info") + @offsetOf(Node, "address") + @offsetOf(photonrt.net.Address, "storage");
    if (@intFromPtr(first.addr) != own) return real(@TypeOf(free), "freeaddrinfo")(first);
    var at: ?*Info = first;
    while (at) |info| {
        at = info.next;
        std.heap.c_allocator.destroy(@as(*Node, @fieldParentPtr("info", info)));
    }
}

/// Until every list that was given out has been freed.
pub fn allFreed() !void {
    while (lists.load(.monotonic) != 0) try photonrt.sleep(.us(200));
}
