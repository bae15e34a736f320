//! A call on two descriptors is ended by a close of either, and each close waits for it.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");
const net = check.net;
const c = photonrt.c;
const Handle = net.Handle;

const Call = enum {
    splice,
    sendfile,

    /// Moves from one to another, which neither goes on nor ends before a close.
    fn blocked(call: Call, from: Handle, to: Handle, timeout: i64, state: *State) void {
        state.begun.store(true, .release);
        switch (call) {
            .splice => check.errno(.BADF, c.co_io_splice(from, null, to, null, 100, 0, timeout)),
            .sendfile => {
                var offset: i64 = 0;
                check.errno(.BADF, c.co_io_sendfile(to, from, &offset, 100, timeout));
                check.eq(0, offset);
            },
        }
        state.ended.store(true, .release);
    }
};

const State = struct {
    begun: std.atomic.Value(bool) = .init(false),
    ended: std.atomic.Value(bool) = .init(false),

    fn untilBegun(state: *State) !void {
        while (!state.begun.load(.acquire)) check.pause();
        try photonrt.sleep(.ms(1));
    }
};

/// Who is in the call: a coroutine on a vCPU, or a plain thread.
const Who = union(enum) { vcpu: u32, thread };

fn closeUnder(call: Call, fds: net.Pair, who: Who, which: usize) !void {
    var state: State = .{};
    const victim = fds[which];
    switch (who) {
        .vcpu => |vcpu| {
            const task = check.spawnOn(vcpu, Call.blocked, .{ call, fds[0], fds[1], 3600 * check.sec, &state });
            try state.untilBegun();
            check.untilState(task.co, .parked);
            net.close(victim);
            check.errno(.BADF, c.co_io_close(victim));
            check.join(task);
        },
        .thread => {
            const thread = check.thread(Call.blocked, .{ call, fds[0], fds[1], c.CO_FOREVER, &state });
            try state.untilBegun();
            net.close(victim);
            while (!state.ended.load(.acquire)) check.pause();
            thread.join();
        },
    }
    net.close(fds[1 - which]);
}

fn openFile() Handle {
    return net.open("file", .{ .ACCMODE = .RDWR });
}

fn fill(fd: Handle) void {
    const zeros: [65536]u8 = @splat(0);
    while (photonrt.fd.write(fd, &zeros, .now)) |_| {} else |e| check.eq(error.WouldBlock, e);
}

fn round(who: Who, which: usize) !void {
    {
        // An empty pipe into another: closing what is read, what is written.
        const from = try photonrt.fd.pipe();
        const to = try photonrt.fd.pipe();
        try closeUnder(.splice, .{ from[0], to[1] }, who, which);
        net.closeAll(&.{ from[1], to[0] });
    }
    {
        // Into a file.
        const from = try photonrt.fd.pipe();
        try closeUnder(.splice, .{ from[0], openFile() }, who, which);
        net.close(from[1]);
    }
    // A file into a full socket: the file is closed while the socket is waited for.
    const sockets = net.unixPair();
    fill(sockets[0]);
    try closeUnder(.sendfile, .{ openFile(), sockets[0] }, who, which);
    net.close(sockets[1]);
}

/// Both at the same moment.
fn bothClosed() !void {
    var state: State = .{};
    const from = try photonrt.fd.pipe();
    const to = try photonrt.fd.pipe();
    const task = check.spawnOn(1, Call.blocked, .{ .splice, from[0], to[1], c.CO_FOREVER, &state });
    try state.untilBegun();
    check.untilState(task.co, .parked);
    const a = check.spawnOn(1, net.close, .{from[0]});
    const b = check.spawnOn(2, net.close, .{to[1]});
    check.join(a);
    check.join(b);
    check.join(task);
    net.closeAll(&.{ from[1], to[0] });
}

pub fn body() !void {
    const file = net.open("file", .{ .ACCMODE = .RDWR, .CREAT = true });
    check.eq(100, try photonrt.fd.write(file, &@as([100]u8, @splat('f')), .forever));
    net.close(file);
    for ([_]usize{ 0, 1 }) |which| {
        for ([_]Who{ .{ .vcpu = 1 }, .{ .vcpu = 2 }, .thread }) |who| {
            for (0..3) |_| try round(who, which);
        }
    }
    for (0..20) |_| try bothClosed();
}
