//! Models of jobs on threads that block.

use crate::blocking_word::{Ended, Word};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

/// A waiter leaves an errand while its thread ends it: one of them has it, and sees what the other
/// did.
#[test]
fn an_errand_that_is_left_is_freed_once() {
    loom::model(|| {
        let shared = Arc::new((Word::default(), UnsafeCell::new(0u32)));
        shared.0.begin();
        let thread = {
            let shared = shared.clone();
            thread::spawn(move || {
                touch(&shared.1, 1);
                let ended = shared.0.end();
                if ended == Ended::Abandoned {
                    touch(&shared.1, 2);
                }
                ended
            })
        };
        let left = shared.0.abandon();
        if !left {
            touch(&shared.1, 3);
        }
        let ended = thread.join().unwrap();
        assert_eq!(left, ended == Ended::Abandoned);
    });
}

#[allow(unsafe_code)]
fn touch(cell: &UnsafeCell<u32>, by: u32) {
    // SAFETY: loom reports a race.
    cell.with_mut(|p| unsafe { *p = by });
}
