//! Addresses from text and back.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const c = photonrt.c;
const posix = std.posix;
const Address = photonrt.net.Address;

fn thereAndBack(from: [:0]const u8, to: []const u8) !Address {
    var text: [200]u8 = undefined;
    var cut: [200]u8 = undefined;
    const address: Address = try .parse(from);
    check.bytes(to, try address.print(&text));
    check.eq(to.len, @as(usize, @intCast(check.ok(c.co_addr_format(address.sockaddr(), address.len, null, 0)))));
    for (1..to.len + 1) |room| {
        @memset(&cut, '!');
        check.bytes(to[0 .. room - 1], try address.print(cut[0..room]));
        check.eq(0, cut[room - 1]);
        check.eq('!', cut[room]);
        check.eq(to.len, @as(usize, @intCast(check.ok(c.co_addr_format(address.sockaddr(), address.len, &cut, room)))));
    }
    return address;
}

fn formats() !void {
    const v4 = try thereAndBack("192.0.2.1:80", "192.0.2.1:80");
    check.eq(@sizeOf(posix.sockaddr.in), v4.len);
    const in: *const posix.sockaddr.in = @ptrCast(@alignCast(&v4.storage));
    check.eq(posix.AF.INET, in.family);
    check.eq(std.mem.nativeToBig(u16, 80), in.port);
    check.eq(std.mem.nativeToBig(u32, 0xc0000201), in.addr);
    check.eq(80, v4.port().?);
    const v6 = try thereAndBack("[2001:db8::1]:443", "[2001:db8::1]:443");
    check.eq(@sizeOf(posix.sockaddr.in6), v6.len);
    const in6: *const posix.sockaddr.in6 = @ptrCast(@alignCast(&v6.storage));
    check.eq(posix.AF.INET6, in6.family);
    check.eq(std.mem.nativeToBig(u16, 443), in6.port);
    check.eq(0, in6.scope_id);
    check.eq(443, v6.port().?);
    _ = try thereAndBack("2001:db8::1", "[2001:db8::1]:0");
    _ = try thereAndBack("[fe80::1%1]:80", "[fe80::1%lo]:80");
    _ = try thereAndBack("[fe80::1%lo]:80", "[fe80::1%lo]:80");
    _ = try thereAndBack("unix:/run/some thing", "unix:/run/some thing");
    const named = try thereAndBack("unix:@name", "unix:@name");
    check.eq(@offsetOf(posix.sockaddr.un, "path") + 5, named.len); // no zero byte belongs to it
    check.eq(null, named.port());
}

fn errors() !void {
    const bad = [_][*:0]const u8{
        "",            "localhost:80", "1.2.3.4:65536", "1.2.3.4:",    "[::1",
        "[1.2.3.4]:1", "::1:80:",      "1.2.3:80",      "1.2.3.4:80 ", "unix:",
    };
    for (bad) |text| {
        if (Address.parse(text)) |_| {
            check.fail("\"{s}\" is taken for an address", .{text});
        } else |e| check.eq(error.InvalidArgument, e);
    }
    check.err(error.NoSuchDevice, Address.parse("[fe80::1%none]:80"));
    const long: [108]u8 = @splat('x');
    check.err(error.NameTooLong, Address.parse("unix:" ++ long));
    var address: Address = .{};
    check.errno(.INVAL, c.co_addr_parse(null, &address.storage, &address.len));
    check.errno(.INVAL, c.co_addr_parse("1.2.3.4:5", null, &address.len));
    check.errno(.INVAL, c.co_addr_parse("1.2.3.4:5", &address.storage, null));

    var text: [200]u8 = undefined;
    address = try .parse("1.2.3.4:5");
    check.errno(.FAULT, c.co_addr_format(null, address.len, &text, 10));
    check.errno(.FAULT, c.co_addr_format(address.sockaddr(), address.len, null, 1));
    address.len -= 1;
    check.err(error.InvalidArgument, address.print(text[0..10]));
    address.len = 1;
    check.err(error.InvalidArgument, address.print(text[0..10]));
    address = try .parse("1.2.3.4:5");
    address.storage.ss_family = posix.AF.APPLETALK;
    check.err(error.AddressFamilyUnsupported, address.print(text[0..10]));
}

pub fn plain() !void {
    try formats();
    try errors();
    // What the system gives.
    var text: [200]u8 = undefined;
    const ends = check.net.unixPair();
    const own = try photonrt.net.localAddress(ends[0]);
    check.bytes("unix:", try own.print(&text));
    check.eq(5, c.co_addr_format(own.sockaddr(), own.len, &text, text.len));
    check.net.closeAll(&ends);
}
