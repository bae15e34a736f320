//! A main that is a task of the runtime and ends at once: for `size` and `startup_min`.
fn main() {
    glommio::LocalExecutorBuilder::default().make().expect("an executor").run(async {});
}
