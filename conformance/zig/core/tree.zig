const std = @import("std");
const photonrt = @import("photonrt");
const check = @import("check");

const width = 5;
const depth = 6;
const chain = 10_000;

/// Each node spawns its children and gives the number of leaves below it.
fn node(left: u32) u64 {
    if (left == 0) return 1;
    var children: [width]photonrt.Task(u64) = undefined;
    for (&children) |*child| child.* = check.spawn(node, .{left - 1});
    var leaves: u64 = 0;
    for (children) |child| leaves += check.join(child);
    return leaves;
}

/// Each link waits for the one that it spawned: as many are blocked at once as the chain is long.
fn link(left: u64) u64 {
    if (left == 0) return 0;
    return check.join(check.spawn(link, .{left - 1})) + 1;
}

pub fn body() !void {
    check.eq(std.math.pow(u64, width, depth), node(depth));
    check.eq(chain, link(chain));
    check.untilLive(1);
}
