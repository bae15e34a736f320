//! Models of jobs on threads that block, and of a vCPU whose thread is in foreign code.

use crate::blocking_word::{Ended, Word};
use crate::bracket::Bracket;
use loom::cell::UnsafeCell;
use loom::sync::{Arc, Notify};
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

/// A vCPU enters and leaves foreign code while another takes its state: nobody touches it beside the
/// other, and who waits for it gets it back.
#[test]
fn a_vcpus_state_has_one_hand_on_it() {
    loom::model(|| {
        let shared = Arc::new((Bracket::default(), UnsafeCell::new(0u32), Notify::new()));
        let taker = {
            let shared = shared.clone();
            thread::spawn(move || {
                let (bracket, state, woken) = &*shared;
                if !bracket.try_take() {
                    return;
                }
                touch(state, 1);
                if let Some(waiter) = bracket.give() {
                    assert_eq!(waiter, 7);
                    woken.notify();
                }
            })
        };
        let (bracket, state, woken) = &*shared;
        for _ in 0..2 {
            touch(state, 2);
            bracket.enter();
            while !bracket.try_leave() {
                if bracket.want(7) {
                    while !bracket.is_back() {
                        woken.wait();
                    }
                    break;
                }
                thread::yield_now();
            }
            touch(state, 3);
        }
        taker.join().unwrap();
    });
}
