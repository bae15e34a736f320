//! The runtime's own API: each call once, with its errors. (The contract of the library beneath is conformance's.)
const std = @import("std");
const photonrt = @import("photonrt");
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const expectError = std.testing.expectError;
const both = @import("support/both.zig").both;

fn add(a: u32, b: u32) u32 {
    return a + b;
}

fn fill(byte: u8) [100]u8 {
    return @splat(byte);
}

fn refuse(e: anyerror) anyerror!u64 {
    return e;
}

fn until(event: *photonrt.Event) !void {
    try event.wait();
}

test "spawn any function, join its result" {
    try both(struct {
        fn body() !void {
            const sum = try photonrt.spawn(add, .{ 1, 2 });
            try expectEqual(3, try sum.join());
            try expectError(error.NotFound, sum.join());
            const large = try photonrt.spawnWith(.{ .name = "large", .stack_size = 64 << 10 }, fill, .{7});
            try expectEqual(@as([100]u8, @splat(7)), try large.join());
            const bad = try photonrt.spawn(refuse, .{error.FileNotFound});
            try expectError(error.FileNotFound, bad.join());
            const worse = try photonrt.spawn(refuse, .{error.FileNotFound});
            try expectError(error.FileNotFound, try worse.joinTimeout(.forever));
            try expectError(error.TooBig, photonrt.spawnWith(.{ .stack_size = 16 << 10 }, struct {
                fn f(_: [10000]u8) void {}
            }.f, .{@splat(0)}));
            try expectError(error.InvalidArgument, photonrt.spawnWith(.{ .stack_size = 1 << 40 }, add, .{ 1, 2 }));
            try expectError(error.NotFound, photonrt.spawnWith(.{ .vcpu = 77 }, add, .{ 1, 2 }));
        }
    }.body);
}

test "over-aligned arguments and results" {
    const Wide = struct { x: u32 align(256) };
    try both(struct {
        fn twice(w: Wide) Wide {
            std.debug.assert(@intFromPtr(&w) % 256 == 0);
            return .{ .x = w.x * 2 };
        }
        fn body() !void {
            const task = try photonrt.spawn(twice, .{.{ .x = 21 }});
            try expectEqual(42, (try task.join()).x);
        }
    }.body);
}

test "timeouts, detaching, cancelling" {
    try both(struct {
        /// Those who are detached may look at it when the body has returned.
        var event: photonrt.Event = .init;
        fn body() !void {
            event.reset();
            const waiting = try photonrt.spawn(until, .{&event});
            try expectError(error.WouldBlock, waiting.joinTimeout(.now));
            try expectError(error.Timeout, waiting.joinTimeout(.ms(1)));
            try expectError(error.Canceled, waiting.cancel());
            const interrupted = try photonrt.spawn(until, .{&event});
            try interrupted.co.interrupt(error.BrokenPipe);
            try expectError(error.Interrupted, interrupted.join());
            const late = try photonrt.spawn(until, .{&event});
            try late.co.interrupt(error.Timeout);
            try expectError(error.Timeout, late.join());
            try expectError(error.InvalidArgument, late.co.interrupt(error.NobodyKnows));
            try expectError(error.NotFound, late.co.cancel());
            const lost = try photonrt.spawn(until, .{&event});
            lost.detach();
            try expectError(error.NotFound, lost.co.detach());
            try photonrt.spawnDetached(until, .{&event});
            event.set();
        }
    }.body);
}

test "a shield holds a cancel off; an acknowledged one is over" {
    try photonrt.run(.{ .vcpus = 1 }, struct {
        fn child() !void {
            try expectError(error.Canceled, photonrt.park(.forever));
            try expect(photonrt.cancelPending());
            {
                const shield: photonrt.Shield = .begin();
                defer shield.end();
                try expect(!photonrt.cancelPending());
                try photonrt.sleep(.ms(1));
            }
            try expectError(error.Canceled, photonrt.sleep(.ms(1)));
            try expect(photonrt.acknowledgeCancel());
            try photonrt.sleep(.ms(1));
            try expect(!photonrt.acknowledgeCancel());
        }
        fn body() !void {
            const task = try photonrt.spawn(child, .{});
            photonrt.yield();
            try task.co.cancel();
            try task.join();
        }
    }.body, .{});
}

test "park and unpark, names, info, all coroutines" {
    try photonrt.run(.{ .vcpus = 2 }, struct {
        fn parked() !void {
            try photonrt.park(.forever);
        }
        fn count(info: *const photonrt.c.co_info_t, n: *u32) bool {
            n.* += @intFromBool(std.mem.eql(u8, std.mem.sliceTo(&info.name, 0), "sleeper"));
            return true;
        }
        fn body() !void {
            const task = try photonrt.spawn(parked, .{});
            try task.co.setName("sleeper");
            while (try task.co.state() != .parked) try photonrt.sleep(.us(50));
            var n: u32 = 0;
            photonrt.forEach(&n, count);
            try expectEqual(1, n);
            try expectError(error.PermissionDenied, task.co.migrate(.current, 0));
            try task.co.unpark();
            try task.join();
            try expectError(error.NotFound, task.co.unpark());
            try expectError(error.WouldBlock, photonrt.park(.now));
        }
    }.body, .{});
    try expectError(error.PermissionDenied, photonrt.park(.now));
}

test "the runtime refuses what it can't do" {
    try expectError(error.NotFound, photonrt.stats());
    try expectError(error.NotFound, photonrt.spawn(add, .{ 1, 2 }));
    try expectError(error.InvalidArgument, photonrt.init(.{ .vcpus = 1000 }));
    try expectError(error.NotFound, photonrt.shutdown(.forever));
    try photonrt.init(.{ .vcpus = 1, .spares = 0, .stall = -1 });
    try expectError(error.Busy, photonrt.init(.{}));
    try expectEqual(1, (try photonrt.stats()).vcpus);
    var event: photonrt.Event = .init;
    const waiting = try photonrt.spawn(until, .{&event});
    try expectError(error.Timeout, photonrt.shutdown(.ms(1)));
    event.set();
    try waiting.join();
    try photonrt.shutdown(.forever);
    try expectEqual(photonrt.header_version, photonrt.version());
}

test "run gives what its function gives" {
    try expectEqual(5, try photonrt.run(.{ .vcpus = 1 }, add, .{ 2, 3 }));
    try expectError(error.Odd, photonrt.run(.{ .vcpus = 1 }, refuse, .{error.Odd}));
}

test "locks" {
    try both(struct {
        var mutex: photonrt.Mutex = undefined;
        var recursive: photonrt.RecursiveMutex = undefined;
        var shared: photonrt.RwLock = undefined;
        fn held() bool {
            return !mutex.tryLock() and !recursive.tryLock() and !shared.tryLock() and !shared.tryLockShared();
        }
        fn body() !void {
            mutex = .init;
            recursive = .init;
            shared = .init;
            try mutex.lock();
            try expectError(error.Deadlock, mutex.lock());
            try recursive.lock();
            try recursive.lock();
            try shared.lock();
            try expectError(error.Deadlock, shared.lockShared());
            const other = try photonrt.spawn(held, .{});
            try expect(try other.join());
            shared.downgrade();
            try expect(shared.tryLockShared());
            try expectError(error.Timeout, shared.lockTimeout(.ms(1)));
            shared.unlock();
            shared.unlock();
            recursive.unlock();
            recursive.unlock();
            mutex.unlock();
            mutex.lockUncancelable();
            mutex.unlock();
        }
    }.body);
}

test "condition, semaphore, event, wait group, barrier, once, futex" {
    try both(struct {
        const S = struct {
            mutex: photonrt.Mutex = .init,
            cond: photonrt.Condition = .init,
            sem: photonrt.Semaphore = .init,
            event: photonrt.Event = .init,
            wg: photonrt.WaitGroup = .init,
            barrier: photonrt.Barrier = .init,
            once: photonrt.Once = .init,
            word: std.atomic.Value(u32) = .init(0),
            ready: bool = false,
            times: u32 = 0,
        };
        fn first(s: *S) error{Bad}!void {
            s.times += 1;
            if (s.times == 1) return error.Bad;
        }
        fn other(s: *S) !void {
            try s.mutex.lock();
            s.ready = true;
            _ = s.cond.signal();
            s.mutex.unlock();
            try s.sem.post(3);
            s.event.set();
            s.wg.done();
            _ = try s.barrier.wait(2, .forever);
            s.word.store(1, .release);
            _ = photonrt.futexWake(&s.word, 1);
        }
        fn body() !void {
            var s: S = .{};
            try s.wg.add(1);
            try expectError(error.InvalidArgument, s.wg.add(-2));
            try expect(!s.event.isSet());
            try s.mutex.lock();
            const task = try photonrt.spawn(other, .{&s});
            while (!s.ready) try s.cond.wait(&s.mutex);
            s.mutex.unlock();
            try expectError(error.PermissionDenied, s.cond.wait(&s.mutex));
            try expectEqual(0, s.cond.broadcast());
            try s.sem.waitTimeout(3, .forever);
            try expect(!s.sem.tryWait(1));
            try s.event.wait();
            s.event.reset();
            try expectError(error.Timeout, s.event.waitTimeout(.ms(1)));
            try s.wg.wait();
            _ = try s.barrier.wait(2, .forever);
            while (s.word.load(.acquire) == 0) {
                photonrt.futexWait(&s.word, 0, .forever) catch |e| try expectEqual(error.WouldBlock, e);
            }
            try task.join();
            try expectError(error.Bad, s.once.call(.forever, first, .{&s}));
            try s.once.call(.forever, first, .{&s});
            try s.once.call(.forever, first, .{&s});
            try expectEqual(2, s.times);
            try expectError(error.Overflow, blk: {
                try s.sem.post(std.math.maxInt(u32));
                break :blk s.sem.post(1);
            });
        }
    }.body);
}

test "channels, futures, select" {
    try both(struct {
        fn send(ch: photonrt.Channel(u32), n: u32) !void {
            for (0..n) |i| try ch.send(@intCast(i));
            try ch.close();
        }
        fn body() !void {
            const ch: photonrt.Channel(u32) = try .init(2);
            defer ch.deinit();
            try expectEqual(2, try ch.capacity());
            const sender = try photonrt.spawn(send, .{ ch, 100 });
            for (0..100) |i| try expectEqual(i, try ch.receive());
            try expectError(error.Closed, ch.receive());
            try sender.join();
            try expectError(error.Closed, ch.close());
            try expectError(error.Closed, ch.send(1));
            try expectEqual(0, try ch.len());

            const signal: photonrt.Channel(void) = try .init(photonrt.unbounded);
            try signal.send({});
            const done: photonrt.Future([3]u64) = try .init();
            var event: photonrt.Event = .init;
            var value: [3]u64 = undefined;
            var cases = [_]photonrt.Case{ done.on(&value), .event(&event), .after(.ms(1)), .never };
            try expectEqual(2, try photonrt.select(&cases, .forever));
            try done.complete(.{ 1, 2, 3 });
            try expectEqual(0, try photonrt.select(&cases, .forever));
            try cases[0].result();
            try expectEqual([3]u64{ 1, 2, 3 }, value);
            try expectEqual([3]u64{ 1, 2, 3 }, try done.wait(.now));
            try expectError(error.AlreadyComplete, done.fail(error.Timeout));
            done.deinit();
            try expectError(error.Freed, done.wait(.now));
            var more = [_]photonrt.Case{ ch.onReceive(null), signal.onReceive(null) };
            const i = try photonrt.select(&more, .now);
            if (i == 0) try expectError(error.Closed, more[0].result());
            var gone = [_]photonrt.Case{done.on(null)};
            try expectEqual(0, try photonrt.select(&gone, .now));
            try expectError(error.Freed, gone[0].result());
            const failed: photonrt.Future(void) = try .init();
            defer failed.deinit();
            try expectError(error.InvalidArgument, failed.fail(error.NobodyKnows));
            try failed.fail(error.ConnectionRefused);
            try expectError(error.ConnectionRefused, failed.wait(.forever));
            var refused = [_]photonrt.Case{failed.on(null)};
            try expectEqual(0, try photonrt.select(&refused, .now));
            try expectError(error.ConnectionRefused, refused[0].result());
            signal.deinit();
            try expectError(error.Freed, signal.send({}));
            var one: u32 = 1;
            const full: photonrt.Channel(u32) = try .init(0);
            defer full.deinit();
            var sending = [_]photonrt.Case{full.onSend(&one)};
            try expectError(error.WouldBlock, photonrt.select(&sending, .now));
        }
    }.body);
}

test "scopes and scoped values" {
    try both(struct {
        var key: u8 = 0;
        const value: photonrt.ScopedValue(*u32) = .{ .key = &key };
        fn child(event: *photonrt.Event) !void {
            std.debug.assert(value.get().?.* == 7);
            try event.wait();
        }
        fn failing() !void {
            return error.ConnectionRefused;
        }
        fn inside() !void {
            var event: photonrt.Event = .init;
            const s: photonrt.Scope = try .open(.{ .policy = .fail_fast });
            try expectEqual(0, try s.spawn(child, .{&event}));
            try expectEqual(1, try s.spawnWith(.{ .stack_size = 64 << 10 }, failing, .{}));
            try expectError(error.ConnectionRefused, s.wait(.forever));
            try expectEqual(1, (try s.info()).cancelled);
            try expectError(error.ConnectionRefused, s.result(1));
            try expectError(error.InvalidArgument, s.result(2));
            try expectError(error.Canceled, s.spawn(failing, .{}));
            try expectError(error.ConnectionRefused, s.close());
            try expectError(error.NotFound, s.cancel());
            const waiting: photonrt.Scope = try .open(.{});
            _ = try waiting.spawn(child, .{&event});
            try expectError(error.Running, waiting.result(0));
            try expectError(error.Canceled, waiting.close());
            // Time enough to get a child in before it is over.
            const timed: photonrt.Scope = try .open(.{ .timeout = .ms(200) });
            _ = try timed.spawn(child, .{&event});
            try expect(photonrt.Scope.deadline() != null);
            try expectError(error.DeadlineExpired, timed.wait(.forever));
            try expectError(error.DeadlineExpired, timed.close());
            const late: photonrt.Scope = try .open(.{ .timeout = .now });
            _ = late.spawn(child, .{&event}) catch |e| try expectEqual(error.Canceled, e);
            late.wait(.forever) catch |e| try expectEqual(error.DeadlineExpired, e);
            try expect(photonrt.Scope.deadline().? <= photonrt.clock());
            late.close() catch |e| try expectEqual(error.DeadlineExpired, e);
        }
        fn body() !void {
            var seven: u32 = 7;
            try expectEqual(null, value.get());
            try value.with(&seven, inside, .{});
            var binding: photonrt.Binding = undefined;
            try value.begin(&binding, &seven);
            try expectEqual(&seven, value.get().?);
            try expectError(error.Busy, value.begin(&binding, &seven));
            _ = try photonrt.Scope.open(.{});
            binding.end();
            try expect(!value.isBound());
            const optional: photonrt.ScopedValue(?*u32) = .{ .key = &key };
            try expect(optional.get() == null);
            try optional.begin(&binding, null);
            try expectEqual(@as(?*u32, null), optional.get().?);
            binding.end();
            try expectEqual(null, photonrt.Scope.current());
            try expectEqual(null, photonrt.Scope.deadline());
        }
    }.body);
}

test "pools, loops in parts, blocking code, brackets" {
    try both(struct {
        fn count(n: *std.atomic.Value(u32)) void {
            _ = n.fetchAdd(1, .monotonic);
        }
        fn part(n: *std.atomic.Value(u32), begin: u64, end: u64) error{Enough}!void {
            if (begin <= 500 and 500 < end and n.load(.monotonic) == 0xffff) return error.Enough;
            _ = n.fetchAdd(@intCast(end - begin), .monotonic);
        }
        fn body() !void {
            var n: std.atomic.Value(u32) = .init(0);
            const pool: photonrt.Pool = try .init(.{ .max = 2, .queue = 10, .name = "jobs" });
            for (0..10) |_| try pool.submit(.forever, count, .{&n});
            try expectEqual(3, try pool.run(.forever, add, .{ 1, 2 }));
            try pool.wait(.forever);
            try expectEqual(11, (try pool.info()).completed);
            try pool.close(.forever);
            try expectError(error.NotFound, pool.submit(.forever, count, .{&n}));
            try expectEqual(10, n.load(.monotonic));

            n.store(0, .monotonic);
            try photonrt.parallelFor(0, 1000, .{ .grain = 10 }, &n, part);
            try expectEqual(1000, n.load(.monotonic));
            n.store(0xffff, .monotonic);
            try expectError(error.Enough, photonrt.parallelFor(500, 501, .{}, &n, part));
            try expectError(error.InvalidArgument, photonrt.parallelFor(1, 0, .{}, &n, part));

            try expectEqual(3, try photonrt.blocking(.forever, add, .{ 1, 2 }));
            try expectError(error.FileNotFound, photonrt.blocking(.forever, refuse, .{error.FileNotFound}));
            const bracket: photonrt.Bracket = .enter();
            bracket.leave();
        }
    }.body);
    try photonrt.run(.{ .vcpus = 1 }, struct {
        fn body() !void {
            try photonrt.pin();
            try photonrt.unpin();
            try expectError(error.InvalidArgument, photonrt.unpin());
        }
    }.body, .{});
    try expectError(error.PermissionDenied, photonrt.pin());
}

test "a loop in parts says what has ended it" {
    const Part = struct {
        var gate: std.atomic.Value(bool) = .init(false);
        var begun: std.atomic.Value(u32) = .init(0);

        fn fails(_: void, _: u64, _: u64) !void {
            _ = begun.fetchAdd(1, .monotonic);
            while (!gate.load(.monotonic)) try photonrt.sleep(.us(50));
            return error.Late;
        }
        fn loop(group: photonrt.Group) !void {
            try photonrt.parallelFor(0, 100, .{ .grain = 1, .group = group }, {}, fails);
        }
        fn untilParked(co: photonrt.Coroutine) !void {
            while (try co.state() != .parked) try photonrt.sleep(.us(50));
        }
    };
    // One vCPU: what is cancelled here has its turn before it is looked at again.
    try photonrt.run(.{ .vcpus = 1 }, struct {
        fn body() !void {
            const group: photonrt.Group = try .create(.{});
            for ([_]?anyerror{ error.Canceled, error.BrokenPipe, null }) |stop| {
                Part.gate.store(false, .monotonic);
                Part.begun.store(0, .monotonic);
                const task = try photonrt.spawn(Part.loop, .{group});
                while (Part.begun.load(.monotonic) == 0) try photonrt.sleep(.us(50));
                var want: anyerror = error.Late;
                if (stop) |e| {
                    if (e == error.Canceled) try task.co.cancel() else try task.co.interrupt(e);
                    want = if (e == error.Canceled) e else error.Interrupted;
                }
                // Stopped, or not, it waits for the part that has begun, which then fails.
                try Part.untilParked(task.co);
                Part.gate.store(true, .monotonic);
                try expectError(want, try task.joinTimeout(.forever));
                try expectEqual(1, Part.begun.load(.monotonic));
            }
            try group.destroy(.forever);
        }
    }.body, .{});
}

test "timers" {
    try both(struct {
        fn expired(_: photonrt.Timer, expiries: u64, sem: *photonrt.Semaphore) void {
            sem.post(@intCast(expiries)) catch unreachable;
        }
        fn body() !void {
            var sem: photonrt.Semaphore = .init;
            const timer: photonrt.Timer = try .start(.{ .delay = .ms(1), .period = std.time.ns_per_ms }, &sem, expired);
            try sem.waitTimeout(3, .forever);
            _ = try timer.reset(.seconds(3600));
            try expect(try timer.reset(.seconds(3600)));
            _ = try timer.cancel();
            try timer.stop(.forever);
            try expectError(error.NotFound, timer.stop(.forever));
            try expectError(error.InvalidArgument, photonrt.Timer.start(.{ .period = -1 }, &sem, expired));
            sem = .init;
            try photonrt.Timer.startDetached(.{}, &sem, expired);
            try sem.wait();
        }
    }.body);
}

test "locals and the arena" {
    const Key = struct {
        var ended: std.atomic.Value(u32) = .init(0);
        fn end(n: *u32) void {
            _ = ended.fetchAdd(n.*, .monotonic);
        }
    };
    try photonrt.run(.{ .vcpus = 2 }, struct {
        fn child(local: photonrt.Local(u32)) !void {
            std.debug.assert(local.get() == null);
            const n = try photonrt.arena.allocator.create(u32);
            n.* = 5;
            try local.set(n);
            try photonrt.sleep(.ms(1));
            std.debug.assert(local.get() == n and photonrt.arena.used() >= 4);
            const many = try photonrt.arena.allocator.alignedAlloc(u8, .fromByteUnits(64), 10_000);
            std.debug.assert(@intFromPtr(many.ptr) % 64 == 0);
        }
        fn body() !void {
            const local: photonrt.Local(u32) = try .init(Key.end);
            defer local.deinit();
            const a = try photonrt.spawn(child, .{local});
            const b = try photonrt.spawn(child, .{local});
            try a.join();
            try b.join();
            try expectEqual(10, Key.ended.load(.monotonic));
            _ = try photonrt.arena.allocator.create(u32);
            photonrt.arena.reset();
            try expectEqual(0, photonrt.arena.used());
        }
    }.body, .{});
}

test "groups" {
    try photonrt.init(.{ .vcpus = 1 });
    defer photonrt.deinit();
    const Where = struct {
        fn group() ?photonrt.Group {
            return photonrt.Group.self();
        }
        fn sleeps() !void {
            try photonrt.sleep(.ms(1));
        }
    };
    const threads: photonrt.Group = try .create(.{ .vcpus = 2, .name = "own" });
    try expectEqual(2, try threads.vcpuCount());
    try expectEqual(threads, (try threads.run(.forever, Where.group, .{})).?);
    try expectError(error.InvalidArgument, threads.poll(.now));
    try threads.destroy(.forever);
    try expectError(error.NotFound, threads.vcpuCount());

    const external: photonrt.Group = try .create(.{ .policy = .external });
    try expect(try external.fd() >= 0);
    const task = try photonrt.spawnWith(.{ .group = external }, Where.sleeps, .{});
    try expectEqual(error.WouldBlock, task.joinTimeout(.now));
    while (try external.poll(.forever) == 0) {}
    while (task.joinTimeout(.now)) |r| break try r else |_| _ = try external.poll(.ms(10));
    try external.destroy(.forever);

    const Host = struct {
        var token: std.atomic.Value(u64) = .init(0);
        fn ready(_: ?*anyopaque, t: u64, _: u64) callconv(.c) void {
            token.store(t, .release);
        }
    };
    const custom: photonrt.Group = try .create(.{ .policy = .{ .custom = .{ .on_ready = Host.ready } } });
    const turn = try photonrt.spawnWith(.{ .group = custom }, add, .{ 1, 2 });
    while (Host.token.load(.acquire) == 0) _ = try custom.poll(.forever);
    const token: photonrt.Token = @fromBackingInt(Host.token.load(.acquire));
    try expectEqual(.gone, try token.run());
    try expectError(error.NotFound, token.run());
    try expectEqual(3, try turn.join());
    try custom.destroy(.forever);
}
