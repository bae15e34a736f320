//! The workloads on photonrt.Io, with its defaults: a vCPU for each CPU that the process may use. photonrt NAME [N] | http PORT
const std = @import("std");
const photonrt = @import("photonrt");
const c = @import("common.zig");
const works = @import("works.zig");

pub fn main(init: std.process.Init.Minimal) void {
    const given = works.arguments(init);
    c.must(photonrt.Io.run(c.gpa, .{}, start, .{given}));
}

fn start(io: std.Io, given: ?usize) void {
    c.io = io;
    works.main(given);
}
