//! Steps of a pool's state that can't be had at will from outside: a worker that could not be spawned
//! while others count on it.

use super::job::{Job, Stage, Waiting};
use super::state::{After, DONE, Placed, REFUSED, Settings, State, room};
use crate::parker;
use crate::wait::queue::Who;
use std::ffi::c_void;

unsafe extern "C" fn nothing(arg: *mut c_void) -> *mut c_void {
    arg
}

fn job() -> Job {
    Job { entry: nothing, arg: std::ptr::null_mut(), call: std::ptr::null() }
}

fn state(max: u32, queue: u32) -> State {
    let mut s = State::default();
    let set = Settings { max, queue, idle_ns: Some(1), ..Settings::default() };
    s.begin_without_alarm(1, set, room(queue).unwrap());
    s
}

fn waiting(call: bool) -> Box<Waiting> {
    let w = parker::with(|_, p| Box::new(Waiting::new(Who::Thread(p), nothing, 7 as *mut c_void)));
    w.begin(call);
    w
}

#[test]
fn who_counts_on_a_worker_that_can_not_be_had_gets_another() {
    let (mut s, mut after) = (state(1, 1), After::default());
    assert_eq!(s.place(job(), None, &mut after), Placed::Spawn);
    // While that is being spawned, another job comes, and a caller.
    assert_eq!(s.place(job(), None, &mut after), Placed::Full);
    assert!(s.store(job()) && !s.store(job()));
    let call = waiting(true);
    assert_eq!(s.place(call.job.get(), None, &mut after), Placed::Full);
    s.enqueue(&call, true);
    assert!(!s.is_armed());
    assert!(!s.not_spawned(Some(job()), &mut after));
    assert!(s.is_armed(), "to try again");
    assert_eq!((s.workers, s.waiting, s.stored()), (0, 1, 1));
    // The alarm: fails once more, then not.
    assert!(s.tick(&mut after) && s.workers == 1);
    assert!(!s.not_spawned(None, &mut after) && s.is_armed());
    assert!(s.tick(&mut after));
    assert!(s.next(&mut after).is_some() && s.stored() == 0);
    let got = s.next(&mut after).unwrap();
    assert!(std::ptr::eq(got.call, &raw const *call) && call.stage.get() == Stage::Given);
    s.done(got, Some(9 as *mut c_void), &mut after);
    after.carry_out(None);
    assert_eq!((call.node.granted(), call.result.get() as usize), (DONE, 9));
    assert!(s.next(&mut After::default()).is_none());
}

#[test]
fn the_order_of_coming_is_kept_over_all_three_queues() {
    let (mut s, mut after) = (state(1, 2), After::default());
    assert_eq!(s.place(job(), None, &mut after), Placed::Spawn);
    let all: Vec<_> = (0..6).map(|i| waiting(i % 2 == 0)).collect();
    assert!(s.store(Job { arg: 100 as *mut c_void, ..job() }));
    for (i, w) in all.iter().enumerate() {
        let call = i % 2 == 0;
        let arg = i as *mut c_void;
        w.job.set(Job { arg, ..w.job.get() });
        if call || !s.store(w.job.get()) {
            s.enqueue(w, call);
        }
    }
    let order: Vec<usize> =
        std::iter::from_fn(|| s.next(&mut after).map(|j| j.arg as usize)).collect();
    assert_eq!(order, [100, 0, 1, 2, 3, 4, 5]);
    after.carry_out(None);
    // Submitters went on when their job was stored or taken, callers wait for the end.
    for (i, w) in all.iter().enumerate().filter(|(i, _)| *i != 1) {
        assert_eq!(w.node.granted() == DONE, i % 2 == 1, "{i}");
    }
}

#[test]
fn closing_refuses_and_gives_up() {
    let (mut s, mut after) = (state(1, 0), After::default());
    assert_eq!(s.place(job(), None, &mut after), Placed::Spawn);
    let (call, submission, gone) = (waiting(true), waiting(false), waiting(true));
    s.enqueue(&call, true);
    s.enqueue(&submission, false);
    s.enqueue(&gone, true);
    assert_eq!(s.stop_call(&gone, &mut after), Stage::Queued);
    s.close(&mut after);
    assert!(s.open(1).is_err() && s.check(1).is_ok() && !s.is_over());
    assert_eq!(s.stop_call(&call, &mut after), Stage::Over);
    assert!(!s.leave(&submission, &mut after));
    assert!(!s.not_spawned(Some(job()), &mut after) && s.is_over() && !s.is_armed());
    after.carry_out(None);
    assert_eq!((call.node.granted(), submission.node.granted()), (REFUSED, REFUSED));
    assert_eq!(gone.node.granted(), 0);
}
