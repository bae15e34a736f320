//! `cases LEVEL/CASE`: becomes that case. `cases --list`: their names.
//!
//! A case is a file with `pub fn body() !void`, run as the main coroutine, or `pub fn plain() !void`, run on the
//! plain main thread before any runtime exists.
const std = @import("std");
const check = @import("check");
const all = @import("cases").all;

pub const panic = std.debug.FullPanic(check.panicked);

pub fn main(init: std.process.Init.Minimal) !void {
    var args = std.process.Args.Iterator.init(init.args);
    _ = args.skip();
    const wanted = args.next() orelse "";
    inline for (all) |entry| {
        if (std.mem.eql(u8, wanted, "--list")) {
            _ = std.c.write(1, entry.name ++ "\n", entry.name.len + 1);
        } else if (std.mem.eql(u8, wanted, entry.name)) {
            if (@hasDecl(entry.case, "plain")) return check.runPlain(entry.case.plain);
            return check.run(entry.case.body);
        }
    }
    if (!std.mem.eql(u8, wanted, "--list")) check.fail("no case {s}", .{wanted});
}
