//! The models' clock: it goes on by a step whenever somebody looks at it.

use std::cell::Cell;

thread_local!(static CLOCK: Cell<(i64, i64)> = const { Cell::new((0, 0)) });

/// As `time::now`. All threads of a model are one of the system's.
pub fn now() -> i64 {
    CLOCK.with(|c| {
        let (now, step) = c.get();
        c.set((now + step, step));
        now + step
    })
}

/// Before a model: its step.
pub fn set_step(step: i64) {
    CLOCK.with(|c| c.set((0, step)));
}
