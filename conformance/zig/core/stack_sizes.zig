//! Most of each size can be written (the rest is for the runtime's frame, the guard and a call's own needs), and keeps what was
//! written while others run on theirs.
const photonrt = @import("photonrt");
const check = @import("check");

const sizes = 10;

fn usable(stack_size: usize) usize {
    return if (stack_size <= 16 << 10) 6 << 10 else stack_size / 4 * 3;
}

fn Touch(comptime stack_size: usize) type {
    return struct {
        fn touch(seed: u64) void {
            check.eq(stack_size, check.info(photonrt.Coroutine.current().?).stack_size);
            var room: [usable(stack_size) / 8]u64 = undefined;
            const words: *volatile [room.len]u64 = &room;
            var i: usize = words.len;
            while (i > 0) { // downwards, as a stack grows
                i -= 1;
                words[i] = seed + i * 7;
            }
            for (0..3) |round| {
                photonrt.yield();
                check.must(photonrt.sleep(.us(@intCast(round * 100))));
                i = 0;
                while (i < words.len) : (i += 1) if (words[i] != seed + i * 7) changed(i, stack_size);
            }
        }
    };
}

fn changed(word: usize, stack_size: usize) noreturn {
    @branchHint(.cold);
    check.fail("word {d} of a stack of {d} has changed", .{ word, stack_size });
}

pub fn body() !void {
    var tasks: [4][sizes]photonrt.Task(void) = undefined;
    for (0..5) |round| {
        for (&tasks, 0..) |*row, i| inline for (0..sizes) |s| {
            const stack_size = 16 << 10 << s;
            row[s] = try photonrt.spawnWith(.{ .stack_size = stack_size }, Touch(stack_size).touch, .{(i * sizes + s) * 11 + round});
        };
        for (tasks) |row| for (row) |task| try task.join();
    }
    check.untilLive(1);
}
