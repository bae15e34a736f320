//! A main that is a task of the runtime and ends at once: for `size` and `startup_min`.
#[monoio::main]
async fn main() {}
