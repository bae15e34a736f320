//! The wheel against a clock that a test moves: each node once, never early, late by a tick at most.

use super::*;
use crate::rng::Rng;

const TICK: i64 = 1 << TICK_SHIFT;

fn ptr(n: &Node) -> NonNull<Node> {
    NonNull::from(n)
}

/// Steps through time in random strides and holds each node's firing against its deadline.
fn run(deadlines: &[i64], start: i64, strides: impl Fn(&Rng) -> i64) {
    let rng = Rng::new(11);
    let wheel = Wheel::default();
    wheel.begin(start);
    let nodes: Vec<Node> = deadlines.iter().map(|_| Node::default()).collect();
    for (n, d) in nodes.iter().zip(deadlines) {
        // SAFETY: the vector does not move until all have fired.
        unsafe { wheel.insert(ptr(n), *d) };
    }
    let base = nodes.as_ptr() as usize;
    let mut fired = vec![0; nodes.len()];
    let (mut now, mut last) = (start, start);
    let end = deadlines.iter().max().unwrap() + 2 * TICK;
    while last < end {
        if let Some(next) = wheel.next() {
            assert!(next >= last - TICK, "next goes back");
        }
        wheel.advance(now, |n| {
            let i = (n.as_ptr() as usize - base) / size_of::<Node>();
            assert!(deadlines[i] <= now, "early by {}", deadlines[i] - now);
            assert!(
                deadlines[i].max(start) + TICK > last,
                "late: {} at {now}, {last}",
                deadlines[i]
            );
            fired[i] += 1;
        });
        last = now;
        now += strides(&rng);
    }
    assert!(fired.iter().all(|f| *f == 1), "each fires once");
    assert!(wheel.is_empty() && wheel.next().is_none());
}

#[test]
fn random_deadlines_fire_once_never_early() {
    let rng = Rng::new(3);
    for start in [0, 12_345_678_901_234, TICK * 256 * 256 - 1] {
        let deadlines: Vec<i64> = (0..2000)
            .map(|i| start + (rng.next() % [1_000_000, 70_000_000, 5_000_000_000][i % 3]) as i64)
            .collect();
        run(&deadlines, start, |r| (r.next() % 3_000_000) as i64);
    }
}

#[test]
fn strides_of_any_size() {
    let start = 98_765_432_100;
    let deadlines: Vec<i64> = (0..500).map(|i| start + i * 7_777_777).collect();
    run(&deadlines, start, |_| 1_000);
    run(&deadlines, start, |_| 100_000_000);
    run(&deadlines, start, |r| 1 << (r.next() % 33));
}

#[test]
fn far_beyond_the_span() {
    let days = 86_400_000_000_000;
    run(&[5, 20 * days, 100 * days, i64::MAX / 4], 0, |_| days / 3);
}

#[test]
fn past_deadlines_fire_at_once() {
    let wheel = Wheel::default();
    wheel.begin(1_000_000_000);
    let n = Node::default();
    // SAFETY: `n` stays here.
    unsafe { wheel.insert(ptr(&n), 5) };
    let mut fired = 0;
    wheel.advance(1_000_000_000, |_| fired += 1);
    assert_eq!(fired, 1);
}

#[test]
fn next_is_exact_for_few() {
    let wheel = Wheel::default();
    let n = Node::default();
    for deadline in [TICK * 3, TICK * 100, TICK * 5_000, TICK * 1_000_000] {
        // SAFETY: `n` stays here.
        unsafe { wheel.insert(ptr(&n), deadline) };
        assert_eq!(wheel.next(), Some(deadline));
        // SAFETY: it is in this wheel.
        unsafe { wheel.remove(ptr(&n)) };
    }
}

/// Sleeps until `next` says so, and from there on to any time; nodes are armed again for near and far from
/// wherever the present stands in its slots.
#[test]
fn sleeping_until_next_makes_nobody_late() {
    let rng = Rng::new(9);
    let wheel = Wheel::default();
    let nodes: Vec<Node> = (0..300).map(|_| Node::default()).collect();
    let mut now = 555_555_555_555;
    let spans = [3_000_000, 40_000_000, 1_100_000_000, 300_000_000_000, 80_000_000_000_000];
    let arm = |n: NonNull<Node>, now: i64| {
        let span = spans[rng.below(spans.len())];
        // SAFETY: not armed, and the vector does not move.
        unsafe { wheel.insert(n, now + (rng.next() % span) as i64) };
    };
    wheel.begin(now);
    nodes.iter().for_each(|n| arm(ptr(n), now));
    let mut fired = 0;
    while fired < 30_000 {
        let next = wheel.next().unwrap();
        let first = nodes.iter().map(|n| n.when.get()).min().unwrap();
        assert!(next >> TICK_SHIFT <= first as i64, "next is after the first");
        let before = now;
        now = now.max(next);
        wheel.advance(now, |n| {
            // SAFETY: valid, in the vector.
            let when = unsafe { n.as_ref() }.when.get() as i64;
            assert!(when << TICK_SHIFT <= now, "early");
            assert!(when << TICK_SHIFT > before - TICK, "late");
            fired += 1;
            arm(n, now + (rng.next() % 2_000_000) as i64);
        });
        assert_eq!(wheel.len(), nodes.len());
    }
}

#[test]
fn removed_ones_do_not_fire() {
    let rng = Rng::new(5);
    let wheel = Wheel::default();
    let nodes: Vec<Node> = (0..1000).map(|_| Node::default()).collect();
    for n in &nodes {
        // SAFETY: the vector stays.
        unsafe { wheel.insert(ptr(n), (rng.next() % 10_000_000_000) as i64) };
    }
    for n in nodes.iter().step_by(2) {
        // SAFETY: in this wheel.
        unsafe {
            wheel.remove(ptr(n));
            wheel.remove(ptr(n));
        }
    }
    assert_eq!(wheel.len(), 500);
    let mut fired = 0;
    for i in 0..1100 {
        wheel.advance(i * 10_000_000, |n| {
            // SAFETY: valid, in the vector.
            assert!(!unsafe { n.as_ref() }.armed());
            fired += 1;
        });
    }
    assert_eq!(fired, 500);
}

#[test]
fn firing_may_insert_again() {
    let wheel = Wheel::default();
    let n = Node::default();
    // SAFETY: `n` stays here.
    unsafe { wheel.insert(ptr(&n), TICK) };
    let mut times = vec![];
    for at in (0..100).map(|i| i * TICK) {
        let mut again = false;
        wheel.advance(at, |_| {
            times.push(at / TICK);
            again = true;
        });
        if again && times.len() < 4 {
            // SAFETY: as above.
            unsafe { wheel.insert(ptr(&n), at + 10 * TICK) };
        }
    }
    assert_eq!(times, [1, 11, 21, 31]);
}

#[test]
fn cleared_ones_are_handed_over_once() {
    let wheel = Wheel::default();
    let nodes: Vec<Node> = (0..100).map(|i| Node::new(i % 2)).collect();
    for (i, n) in nodes.iter().enumerate() {
        // SAFETY: the vector stays.
        unsafe { wheel.insert(ptr(n), (i as i64) << (i % 50)) };
    }
    let mut kinds = [0, 0];
    wheel.clear(|n| {
        // SAFETY: valid, in the vector.
        let n = unsafe { n.as_ref() };
        assert!(!n.armed());
        kinds[n.kind() as usize] += 1;
    });
    assert_eq!(kinds, [50, 50]);
    assert!(wheel.is_empty() && wheel.next().is_none());
    wheel.advance(i64::MAX, |_| panic!("nothing is left"));
}
