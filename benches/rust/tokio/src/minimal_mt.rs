//! A main that is a task of the runtime and ends at once: for `size` and `startup_min`.
#[tokio::main]
async fn main() {}
