const photonrt = @import("photonrt");
const check = @import("check");

fn joinsItself(task: *photonrt.Task(void)) void {
    check.err(error.Deadlock, task.join());
}

pub fn body() !void {
    var task: photonrt.Task(void) = undefined;
    task = check.spawn(joinsItself, .{&task});
    check.join(task);
}
