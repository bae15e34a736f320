const photonrt = @import("photonrt");
const check = @import("check");
const Coroutine = photonrt.Coroutine;
const Group = photonrt.Group;

var home: Group = undefined;
var away: Group = undefined;

fn self() Coroutine {
    return Coroutine.current().?;
}

fn expectAway() void {
    check.eq(away, Group.self().?);
    check.must(photonrt.sleep(.ms(1)));
    check.eq(away, Group.self().?);
    check.eq(@backingInt(away), check.info(self()).group);
}

fn expectVcpu(vcpu: u32) void {
    check.eq(vcpu, photonrt.currentVcpu());
    photonrt.yield();
    check.eq(vcpu, photonrt.currentVcpu());
}

fn traveller() void {
    for (0..100) |i| {
        check.must(self().migrate(away, 0));
        check.eq(away, Group.self().?); // has moved when the call returns
        if (i % 3 == 0) check.must(photonrt.sleep(.us(50)));
        check.eq(away, Group.self().?);
        check.must(self().migrate(home, if (i % 2 == 1) check.vcpus() else 0));
        check.eq(home, Group.self().?);
        if (i % 2 == 1) check.eq(check.vcpus(), photonrt.currentVcpu());
    }
}

fn stays() void {
    check.err(error.PermissionDenied, self().migrate(away, 0));
    check.err(error.PermissionDenied, self().migrate(.current, 1));
    check.must(photonrt.park(.forever));
    check.eq(home, Group.self().?);
}

fn parkedTraveller() void {
    check.must(photonrt.park(.forever));
    expectAway();
}

pub fn body() !void {
    home = Group.self().?;
    away = try .create(.{});
    const migrated = check.stats().migrated;

    for (0..100) |i| { // a fresh one
        const here: photonrt.Attr = .{ .vcpu = photonrt.currentVcpu() };
        const abroad = try photonrt.spawnWith(here, expectAway, .{});
        try abroad.co.migrate(away, @intCast(i % 2));
        try abroad.join();
        const other = try photonrt.spawnWith(here, expectVcpu, .{check.vcpus()});
        try other.co.migrate(.current, check.vcpus());
        try other.join();
    }
    check.ge(check.stats().migrated, migrated + 100);

    const attr: photonrt.Attr = .{ .migratable = true };
    const travels = try photonrt.spawnWith(attr, traveller, .{});
    try travels.join();
    const parked = try photonrt.spawnWith(attr, parkedTraveller, .{}); // another, while it is parked
    check.untilState(parked.co, .parked);
    try parked.co.migrate(away, 1);
    try parked.co.unpark();
    try parked.join();

    const resident = check.spawn(stays, .{});
    check.untilState(resident.co, .parked);
    check.err(error.PermissionDenied, resident.co.migrate(away, 0));
    try resident.co.unpark();
    try resident.join();
    check.err(error.NotFound, resident.co.migrate(away, 0));

    const last = try photonrt.spawnWith(attr, parkedTraveller, .{});
    check.err(error.NotFound, last.co.migrate(@fromBackingInt(0xdeadbeef0badcafe), 0));
    check.err(error.NotFound, last.co.migrate(away, 2));
    check.err(error.NotFound, last.co.migrate(home, check.vcpus() + 1));
    try last.co.migrate(away, 0);
    try last.co.unpark();
    try last.join();
    check.err(error.NotFound, Coroutine.migrate(.none, away, 0));
    try away.destroy(.forever);
}
