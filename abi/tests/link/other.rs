//! Another Rust archive, to be linked into one program with libphotonrt.a: it brings its own copy
//! of std. Built by `cargo xtask test` with rustc alone.

use std::collections::HashMap;

/// Uses std's threads, hash maps and panics' machinery; gives 10 for 5.
#[unsafe(no_mangle)]
pub extern "C" fn other_sum(n: u32) -> u32 {
    let threads: Vec<_> = (0..n).map(|i| std::thread::spawn(move || i)).collect();
    let values: HashMap<u32, u32> =
        threads.into_iter().map(|t| t.join().unwrap_or(1000)).map(|v| (v, v)).collect();
    values.values().sum()
}

/// Must stay the program's own: the runtime's archive may not define or need it.
#[unsafe(no_mangle)]
pub extern "C" fn current() -> u32 {
    7
}
