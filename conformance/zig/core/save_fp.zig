const std = @import("std");
const builtin = @import("builtin");
const photonrt = @import("photonrt");
const check = @import("check");

extern "c" fn fegetround() c_int;
extern "c" fn fesetround(mode: c_int) c_int;

/// As <fenv.h> of the machine has them.
const Mode = switch (builtin.cpu.arch) {
    .x86_64 => enum(c_int) { nearest = 0, down = 0x400, up = 0x800, zero = 0xc00 },
    .aarch64 => enum(c_int) { nearest = 0, up = 0x400000, down = 0x800000, zero = 0xc00000 },
    .riscv64 => enum(c_int) { nearest = 0, zero = 1, down = 2, up = 3 },
    else => @compileError("rounding modes of this machine"),
};
const has_x87 = builtin.cpu.arch == .x86_64;
const modes = std.enums.values(Mode);

/// What a unit computes in a mode: 1/3 by the one that floats go to, and on x86-64 the square root of 2 by the x87.
const Results = struct { f64, f80 };

var results: std.EnumArray(Mode, Results) = undefined;
var one: f64 = 1;
var three: f64 = 3;
var two: f80 = 2;

/// The compiler thinks that a division is the same wherever it stands: what it reads and writes keeps it here. (The
/// backends of the compiler agree on an operand in memory only where its address is in a given register.)
fn compute() Results {
    const a: *volatile f64 = &one;
    const b: *volatile f64 = &three;
    var third: f64 = 0;
    const quotient: *volatile f64 = &third;
    quotient.* = a.* / b.*;
    var root: f80 = 0;
    if (has_x87) asm volatile (
        \\ fldt (%%rax)
        \\ fsqrt
        \\ fstpt (%%rdx)
        :
        : [two] "{rax}" (&two),
          [root] "{rdx}" (&root),
        : .{ .memory = true });
    return .{ quotient.*, root };
}

fn set(mode: Mode) void {
    check.eq(0, fesetround(@backingInt(mode)));
}

fn computesIn(mode: Mode) void {
    check.eq(@backingInt(mode), fegetround());
    check.eq(results.get(mode), compute());
}

fn keeps(mode: Mode) void {
    computesIn(.nearest); // the default, whatever the spawner had set
    set(mode);
    for (0..200) |i| {
        computesIn(mode);
        if (i % 20 != 0) photonrt.yield() else check.must(photonrt.sleep(.us(50)));
    }
    computesIn(mode);
}

fn entry() void {
    for (modes) |mode| {
        set(mode);
        results.set(mode, compute());
    }
    const up = results.get(.up);
    const down = results.get(.down);
    check.that(up[0] != down[0]);
    check.that(!has_x87 or up[1] != down[1]);
    set(.up); // what a new one must not inherit
    var tasks: [40]photonrt.Task(void) = undefined;
    for (&tasks, 0..) |*task, i| task.* = check.must(photonrt.spawnWith(.{ .save_fp = true }, keeps, .{modes[i % 4]}));
    set(.nearest);
    for (tasks) |task| check.join(task);
}

pub fn body() !void {
    const task = try photonrt.spawnWith(.{ .save_fp = true }, entry, .{}); // so that its own settings stay its own
    try task.join();
}
