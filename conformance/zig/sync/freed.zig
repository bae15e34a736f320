//! An object's memory may be used for something else as soon as the last call that waits on it has returned, even if the call that
//! let it go on has not. One makes an object and waits on it, on its stack, and the other lets it go on; or both lock it, on the
//! heap. The last then fills it with a pattern and looks a little later whether that is intact.
const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

const pattern = 0xdb;
var rounds: usize = 0;
var offer: ?*anyopaque = null; // the first one's object
var offered: photonrt.Semaphore = .init;
var taken: photonrt.Semaphore = .init;

fn give(object: *anyopaque) !void {
    offer = object;
    try offered.post(1);
}

fn take(comptime T: type) !*T {
    try offered.wait();
    return @ptrCast(@alignCast(offer.?));
}

fn poisoned(object: anytype) void {
    const bytes: []volatile u8 = std.mem.asBytes(object);
    for (bytes) |*byte| byte.* = pattern;
    for (0..20) |i| {
        for (bytes, 0..) |byte, k| {
            if (byte != pattern) check.fail("{s}: byte {d} was written after its time", .{ @typeName(@TypeOf(object)), k });
        }
        if (i % 8 == 7) photonrt.yield();
    }
}

/// Two lock it; the one that finds itself alone is the last.
fn Locked(comptime Lock: type) type {
    return struct {
        const Self = @This();
        lock: Lock = .init,
        users: u32 = 2,

        fn leave(self: *Self) !void {
            try self.lock.lock();
            self.users -= 1;
            const last = self.users == 0;
            self.lock.unlock();
            if (!last) return;
            poisoned(&self.lock);
            std.heap.c_allocator.destroy(self);
        }

        fn maker() !void {
            for (0..rounds) |_| {
                const self = try std.heap.c_allocator.create(Self);
                self.* = .{};
                try give(self);
                try self.leave();
                try taken.wait();
            }
        }

        fn taker() !void {
            for (0..rounds) |_| {
                const self = try take(Self);
                try taken.post(1);
                try self.leave();
            }
        }
    };
}

/// One waits on it: what that one does, and what the other does to let it go on.
const Semaphore = struct {
    object: photonrt.Semaphore = .init,

    fn begin(_: *Semaphore) !void {}
    fn wait(self: *Semaphore) !void {
        try self.object.wait();
    }
    fn go(self: *Semaphore, _: usize) !void {
        try self.object.post(1);
    }
};

const Event = struct {
    object: photonrt.Event = .init,

    fn begin(_: *Event) !void {}
    fn wait(self: *Event) !void {
        try self.object.wait();
    }
    fn go(self: *Event, _: usize) !void {
        self.object.set();
    }
};

const PolledEvent = struct {
    object: photonrt.Event = .init,

    fn begin(_: *PolledEvent) !void {}
    fn wait(self: *PolledEvent) !void {
        while (!self.object.isSet()) photonrt.yield();
    }
    fn go(self: *PolledEvent, _: usize) !void {
        self.object.set();
    }
};

const WaitGroup = struct {
    object: photonrt.WaitGroup = .init,

    fn begin(self: *WaitGroup) !void {
        try self.object.add(1);
    }
    fn wait(self: *WaitGroup) !void {
        try self.object.wait();
    }
    fn go(self: *WaitGroup, _: usize) !void {
        self.object.done();
    }
};

const Once = struct {
    object: photonrt.Once = .init,

    fn begin(_: *Once) !void {}
    fn wait(self: *Once) !void {
        try taken.wait(); // the other has begun it
        try self.object.call(.forever, never, .{});
    }
    fn go(self: *Once, i: usize) !void {
        try self.object.call(.forever, doOnce, .{i});
    }
    fn doOnce(i: usize) !void {
        try taken.post(1);
        if (i % 3 == 0) photonrt.yield();
    }
    fn never() void {
        check.fail("done twice", .{});
    }
};

fn Waited(comptime Object: type) type {
    return struct {
        fn waiter() !void {
            for (0..rounds) |_| {
                var object: Object = .{};
                try object.begin();
                try give(&object);
                try object.wait();
                poisoned(&object);
            }
        }

        fn goer() !void {
            for (0..rounds) |i| {
                const object = try take(Object);
                if (i % 3 == 0) photonrt.yield(); // it most likely waits by now
                try object.go(i);
            }
        }
    };
}

fn both(kind: check.crew.Kind, comptime a: anytype, comptime b: anytype) void {
    var crew: check.Crew = .{ .kind = kind };
    crew.add(a, .{});
    crew.add(b, .{});
    crew.end();
}

pub fn body() !void {
    for (check.crew.kinds) |kind| {
        rounds = if (kind == .threads or kind == .mixed) 50 else 400;
        inline for (.{ photonrt.Mutex, photonrt.RecursiveMutex, photonrt.RwLock }) |Lock| {
            both(kind, Locked(Lock).maker, Locked(Lock).taker);
        }
        inline for (.{ Semaphore, Event, PolledEvent, WaitGroup, Once }) |Object| {
            both(kind, Waited(Object).waiter, Waited(Object).goer);
        }
    }
}
