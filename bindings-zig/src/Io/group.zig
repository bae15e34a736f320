//! Groups of tasks: any number of members, added from any thread, waited for by one.
//!
//! ```text
//!   Group.token   count << 3 | CANCELED | AWAITED | LOCKED      0: no members, as std.Io wants it
//!   Group.state   the list of members, or with AWAITED:  Waiter{ members, told, done }
//!
//!   state --> Member <--> Member <--> Member      each in the block of its task
//!             co           co          co         0: not begun   TOLD: to be canceled
//! ```
//! Who holds LOCKED may change the list, and alone writes the token. It is held for a few
//! instructions, by:
//! 1. the spawner: links the member, counts it, then spawns the coroutine;
//! 2. the member, at its end: unlinks itself, counts itself out. The last one empties the token with
//!    the same store that unlocks it: after that the group's memory may be gone, unless it is awaited;
//!    then the Waiter is told by `done`, and the waiter's return is what ends the group;
//! 3. the waiter: puts its Waiter between group and list. To cancel, it moves members from one list
//!    to the other, some at a time, and requests it of those that have begun.
//!
//! A member that begins writes its number to `co`, by a swap, as the waiter that tells it does: one
//! of them comes second, finds what the other wrote and makes the request. So each member gets one.
//!
//! Rejected: co_scope_*. A scope is opened, joined and closed by one owner, in the order of a stack; a
//! group has none and lives wherever it was put.
//! Rejected: a count alone, and to cancel a look at all coroutines there are, as Threaded does with its
//! threads. There may be a hundred thousand, and a Select is canceled for each request of a server.
//! Rejected: a lock that sleeps. Nobody waits or calls out while holding it; a thread that loses
//! its CPU there costs the others a few sched_yield.
const std = @import("std");
const c = @import("c");
const core = @import("core.zig");
const Block = @import("memory.zig").Block;
const Io = @import("../Io.zig");
const Alignment = std.mem.Alignment;
const assert = std.debug.assert;

const Start = *const fn (context: *const anyopaque) void;

const locked: usize = 1;
const awaited: usize = 2;
const canceled: usize = 4;
const one: usize = 8;

/// `Member.co`: the request has been made, or will be made by the member itself.
const told: u64 = std.math.maxInt(u64);

const Member = struct {
    block: Block,
    start: Start,
    io: *Io,
    group: Group,
    /// Its coroutine; 0: not begun; or `told`.
    co: std.atomic.Value(u64),
    next: ?*Member,
    /// Where the pointer to this member is.
    link: *?*Member,

    fn entry(arg: ?*anyopaque) callconv(.c) ?*anyopaque {
        const member: *Member = @ptrCast(@alignCast(arg));
        const me = c.co_self();
        // Relaxed: nothing else is read by what this tells.
        if (member.co.swap(me, .monotonic) == told) _ = c.co_cancel(me);
        member.start(member.block.context);
        member.leave();
        return null;
    }

    fn insert(member: *Member, list: *?*Member) void {
        member.next = list.*;
        member.link = list;
        if (list.*) |first| first.link = &member.next;
        list.* = member;
    }

    fn remove(member: *Member) void {
        member.link.* = member.next;
        if (member.next) |next| next.link = member.link;
    }

    /// Ends the membership. The group may be gone afterwards, as is the member.
    fn leave(member: *Member) void {
        const group = member.group;
        const io = member.io;
        const word = group.lock();
        member.remove();
        if (io.owner) {
            group.countOut(word);
            io.memory.destroy(member);
        } else {
            // Who awaits the group may end this Io then, though not the runtime.
            group.unlock(word);
            io.memory.destroy(member);
            group.countOut(group.lock());
        }
    }
};

/// On the stack of who waits, for as long as there are members.
const Waiter = struct {
    /// Members that no request was made of.
    members: ?*Member = null,
    /// The others.
    told: ?*Member = null,
    /// A futex: 1 when the last member has left.
    done: std.atomic.Value(u32) = .init(0),

    fn wait(waiter: *Waiter) error{Canceled}!void {
        while (waiter.done.load(.acquire) == 0) { // the store in countOut
            const rc = c.co_futex_wait(&waiter.done.raw, 0, c.CO_FOREVER);
            if (rc < 0 and core.errno(rc) == .CANCELED) return core.canceled();
        }
    }

    fn waitUncancelable(waiter: *Waiter) void {
        const shield: core.Shield = .begin();
        defer shield.end();
        waiter.wait() catch unreachable; // held off
    }
};

const Group = struct {
    ptr: *std.Io.Group,

    fn token(group: Group) *usize {
        return @ptrCast(&group.ptr.token.raw);
    }

    /// The list, while nobody waits.
    fn members(group: Group) *?*Member {
        return @ptrCast(&group.ptr.state);
    }

    /// The waiter; `awaited` is set.
    fn waiter(group: Group) *Waiter {
        return @ptrFromInt(group.ptr.state);
    }

    /// Gives the token as it was.
    fn lock(group: Group) usize {
        var tries: u32 = 0;
        while (true) : (tries += 1) {
            const word = @atomicLoad(usize, group.token(), .monotonic);
            if (word & locked == 0 and
                // Acquire: the list, as the store in unlock left it.
                @cmpxchgWeak(usize, group.token(), word, word | locked, .acquire, .monotonic) == null)
                return word;
            if (tries % 64 == 63) std.Thread.yield() catch {} else std.atomic.spinLoopHint();
        }
    }

    fn unlock(group: Group, word: usize) void {
        // Release: the list, for lock; when it is 0, what the members did, for the load in
        // std.Io.Group.await and cancel.
        @atomicStore(usize, group.token(), word, .release);
    }

    fn add(group: Group, member: *Member) void {
        const word = group.lock();
        member.co = .init(if (word & canceled != 0) told else 0);
        member.insert(if (word & awaited != 0) &group.waiter().members else group.members());
        group.unlock(word + one);
    }

    /// One member less; unlocks.
    fn countOut(group: Group, word: usize) void {
        if (word >= 2 * one) return group.unlock(word - one);
        if (word & awaited == 0) return group.unlock(0);
        const w = group.waiter();
        group.ptr.state = 0;
        group.unlock(0);
        // Release: what the members did, and all that is above, for the load in Waiter.wait.
        w.done.store(1, .release);
        _ = c.co_futex_wake(&w.done.raw, 1); // only the address: its memory may be gone
    }

    /// Puts a Waiter before the list. False: there are no members.
    fn awaitBy(group: Group, w: *Waiter) bool {
        const word = group.lock();
        assert(word & awaited == 0); // one waits at a time
        if (word < one) {
            group.unlock(0);
            return false;
        }
        w.members = group.members().*;
        if (w.members) |first| first.link = &w.members;
        group.ptr.state = @intFromPtr(w);
        group.unlock(word | awaited);
        return true;
    }

    /// Requests of each member, those that are added later included, that it end. By the waiter.
    fn cancelMembers(group: Group, w: *Waiter) void {
        var begun: [64]c.co_t = undefined;
        while (true) {
            var n: usize = 0;
            var moved: usize = 0;
            const word = group.lock();
            while (w.members) |member| : (moved += 1) {
                if (moved == begun.len) break;
                member.remove();
                member.insert(&w.told);
                const co = member.co.swap(told, .monotonic);
                if (co == 0 or co == told) continue;
                begun[n] = co;
                n += 1;
            }
            const more = w.members != null;
            group.unlock(if (word < one) 0 else word | canceled);
            // Whoever has ended meanwhile has a number that means nobody.
            for (begun[0..n]) |co| _ = c.co_cancel(co);
            if (!more) return;
        }
    }
};

/// Never blocks; any thread. Fails without memory, address space or a runtime.
pub fn groupConcurrent(
    userdata: ?*anyopaque,
    group: *std.Io.Group,
    context: []const u8,
    context_alignment: Alignment,
    start: Start,
) std.Io.ConcurrentError!void {
    const member = try spawn(core.from(userdata), group, context, context_alignment, start) orelse return;
    member.leave();
    return error.ConcurrencyUnavailable;
}

/// As `groupConcurrent`; where that fails, the function runs at once.
pub fn groupAsync(
    userdata: ?*anyopaque,
    group: *std.Io.Group,
    context: []const u8,
    context_alignment: Alignment,
    start: Start,
) void {
    const failed = spawn(core.from(userdata), group, context, context_alignment, start) catch return start(context.ptr);
    const member = failed orelse return;
    // A member until it has run: who awaits the group waits for that.
    start(member.block.context);
    member.leave();
}

/// Adds a member and spawns its coroutine. Gives the member if that failed; fails where there is none.
fn spawn(io: *Io, group: *std.Io.Group, context: []const u8, context_alignment: Alignment, start: Start) std.Io.ConcurrentError!?*Member {
    const member = io.memory.create(Member, context, context_alignment, 0, .@"1") catch
        return error.ConcurrencyUnavailable;
    member.start = start;
    member.io = io;
    member.group = .{ .ptr = group };
    member.group.add(member);
    return if (c.co_spawn(null, null, Member.entry, member) < 0) member else null;
}

/// Blocks; a cancelation point, where a request goes on to the members; any thread.
pub fn groupAwait(_: ?*anyopaque, group: *std.Io.Group, _: *anyopaque) std.Io.Cancelable!void {
    const g: Group = .{ .ptr = group };
    var waiter: Waiter = .{};
    if (!g.awaitBy(&waiter)) return;
    waiter.wait() catch |err| {
        g.cancelMembers(&waiter);
        waiter.waitUncancelable();
        return err;
    };
}

/// Blocks; not a cancelation point; any thread.
pub fn groupCancel(_: ?*anyopaque, group: *std.Io.Group, _: *anyopaque) void {
    const g: Group = .{ .ptr = group };
    var waiter: Waiter = .{};
    if (!g.awaitBy(&waiter)) return;
    g.cancelMembers(&waiter);
    waiter.waitUncancelable();
}
