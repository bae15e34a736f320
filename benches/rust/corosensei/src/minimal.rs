//! A coroutine that ends at once: for `size` and `startup_min`.
use corosensei::{Coroutine, Yielder};

fn main() {
    let mut c = Coroutine::new(|_: &Yielder<(), ()>, ()| ());
    c.resume(());
}
