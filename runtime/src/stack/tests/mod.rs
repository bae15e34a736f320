//! Stacks on a pool of each test's own. What cannot be tried in this process (faults, limits) is tried in a
//! forked child; whether a page is committed is asked of mincore, so tests do not see each other.
#![allow(unsafe_code)]

mod decay;
mod exhaustion;
mod guards;
mod promises;

use super::*;
use std::collections::HashSet;
use std::ptr::{NonNull, null_mut, without_provenance_mut};
use std::sync::atomic::Ordering::*;

/// A stack that is in use by the test.
fn stack(s: &NonNull<Stack>) -> &Stack {
    // SAFETY: the test has taken it and not given it back.
    unsafe { s.as_ref() }
}

fn take(pool: &Pool, class: u8, want: usize) -> Vec<NonNull<Stack>> {
    let mut all = Vec::new();
    while all.len() < want {
        let mut chain = Chain::new();
        let n = pool.take(class, want - all.len(), &mut chain).unwrap();
        assert!(n == chain.len() && n >= 1);
        all.extend(std::iter::from_fn(|| chain.pop()));
    }
    all
}

fn give(pool: &Pool, stacks: Vec<NonNull<Stack>>) {
    let mut chain = Chain::new();
    stacks.into_iter().for_each(|s| chain.push(s));
    pool.give(chain);
}

fn pool(options: PoolOptions) -> Pool {
    let pool = Pool::new();
    pool.configure(options);
    pool
}

/// Writes one byte so many bytes below the top.
fn touch(s: &Stack, below_top: usize) {
    assert!(below_top <= s.top().addr() - s.low().addr());
    // SAFETY: inside the stack, which is the test's.
    unsafe { s.top().sub(below_top).write_volatile(1) }
}

/// Whether a test of the process's own limits or size is to be left out, and says so: under user-mode
/// emulation these are the emulator's.
fn emulated(test: &str) -> bool {
    let emulated = std::env::var_os("PHOTONRT_EMULATED").is_some();
    if emulated {
        println!("SKIPPED: {test}: the emulator's own limits and memory would be measured");
    }
    emulated
}

/// How `body` ended in a forked child: None as it returned true, else the wait status.
fn fork(body: impl FnOnce() -> bool) -> Option<i32> {
    // SAFETY: the child runs `body`, which uses nothing that another thread may have locked (glibc's fork
    // takes care of malloc), and leaves by _exit.
    unsafe {
        let child = libc::fork();
        assert!(child >= 0);
        if child == 0 {
            // A child that waits for what it cannot get fails instead.
            libc::alarm(60);
            let held =
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).unwrap_or(false);
            libc::_exit(if held { 0 } else { 1 });
        }
        let mut status = 0;
        assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
        (status != 0).then_some(status)
    }
}

#[test]
fn classes_are_powers_of_two_from_16_kib_to_8_mib() {
    assert_eq!(class_of(0), Some(0));
    assert_eq!(class_of(1), Some(0));
    assert_eq!(class_of(16 << 10), Some(0));
    assert_eq!(class_of((16 << 10) + 1), Some(1));
    assert_eq!(class_of(256 << 10), Some(4));
    assert_eq!(class_of(8 << 20), Some(9));
    assert_eq!(class_of((8 << 20) + 1), None);
    assert_eq!(class_of(u64::MAX), None);
    for class in 0..CLASSES as u8 {
        assert_eq!(class_of(class_bytes(class) as u64), Some(class));
        assert_eq!(class_of(class_bytes(class) as u64 - 1), Some(class));
    }
}

#[test]
fn each_stack_has_its_bytes_its_guard_and_an_aligned_top() {
    let pool = Pool::new();
    for class in 0..CLASSES as u8 {
        let stacks = take(&pool, class, 70);
        let mut ranges: Vec<_> = stacks
            .iter()
            .map(|s| {
                let s = stack(s);
                let (low, top) = (s.low().addr(), s.top().addr());
                assert_eq!(s.class(), class);
                assert!(top.is_multiple_of(16));
                assert!(top - low >= class_bytes(class), "usable bytes are what the class says");
                assert!(s.guarded() && s.guard().end == low && s.guard().len() >= 4096);
                touch(s, 1);
                touch(s, top - low);
                (s.guard().start, top)
            })
            .collect();
        ranges.sort();
        assert!(ranges.windows(2).all(|w| w[0].1 <= w[1].0), "places overlap");
        give(&pool, stacks);
    }
    pool.clear();
    assert_eq!(pool.stats(), PoolStats::default());
}

#[test]
fn tops_are_coloured_unless_told_otherwise() {
    let colours = |pool: &Pool| -> HashSet<usize> {
        let stacks = take(pool, 2, 64);
        let colours = stacks.iter().map(|s| stack(s).top().addr() % 4096).collect();
        give(pool, stacks);
        pool.clear();
        colours
    };
    assert_eq!(colours(&Pool::new()).len(), 16);
    // Few stacks a slab must not mean few colours.
    let (big, pool) = (take, Pool::new());
    let stacks = big(&pool, 8, 16);
    assert_eq!(
        stacks.iter().map(|s| stack(s).top().addr() % 4096).collect::<HashSet<_>>().len(),
        16
    );
    give(&pool, stacks);
    pool.clear();
    assert_eq!(
        colours(&self::pool(PoolOptions { colour: false, ..PoolOptions::default() })).len(),
        1
    );
}

#[test]
fn chains_keep_order_and_count() {
    let pool = Pool::new();
    let s = take(&pool, 0, 6);
    let mut a = Chain::new();
    assert!(a.is_empty() && a.pop().is_none());
    for x in &s[..3] {
        a.push(*x);
    }
    let mut b = Chain::new();
    for x in &s[3..] {
        b.push(*x);
    }
    a.join(b);
    a.join(Chain::new());
    assert_eq!(a.len(), 6);
    assert!(a.split_off(6).is_empty());
    let mut rest = a.split_off(4);
    let drain = |c: &mut Chain| std::iter::from_fn(|| c.pop()).collect::<Vec<_>>();
    assert_eq!(drain(&mut rest), [s[1], s[0]]);
    a.push(s[0]);
    assert_eq!(drain(&mut a), [s[0], s[5], s[4], s[3], s[2]]);
    let mut empty = Chain::new();
    empty.push(s[1]);
    let all = empty.split_off(0);
    assert!(empty.is_empty() && all.len() == 1);
    give(&pool, s);
    pool.clear();
}

#[test]
fn the_pool_hands_out_the_warmest_first() {
    let pool = Pool::new();
    let stacks = take(&pool, 1, 10);
    // The last one is in front of the chain: given back last.
    give(&pool, stacks.clone());
    let set = |s: &[NonNull<Stack>]| s.iter().copied().collect::<HashSet<_>>();
    let warm = take(&pool, 1, 3);
    assert_eq!(set(&warm), set(&stacks[7..]));
    let mut chain = Chain::new();
    assert_eq!(pool.take(1, 7, &mut chain), Ok(7));
    assert_eq!(chain.pop(), Some(stacks[6]), "the warmest in front");
    let mut rest = vec![stacks[6]];
    rest.extend(std::iter::from_fn(|| chain.pop()));
    assert_eq!(set(&rest), set(&stacks[..7]));
    give(&pool, rest);
    give(&pool, warm);
    pool.clear();
    assert_eq!(pool.stats(), PoolStats::default());
}

#[test]
fn a_cache_is_last_in_first_out_and_keeps_what_was_just_pushed() {
    let pool = Pool::new();
    // Four stacks of this class: two and two.
    let cache = Cache::new(4 * class_bytes(1));
    let s: Vec<_> = (0..12).map(|_| cache.pop(&pool, 1).unwrap()).collect();
    assert_eq!(s.iter().collect::<HashSet<_>>().len(), 12);
    let held_before = pool.stats().used_stacks - cache.len();
    assert_eq!(held_before, 12);
    for (i, x) in s.iter().enumerate() {
        cache.push(&pool, *x);
        assert!(cache.len() <= 4 + 2, "over its limit: {}", cache.len());
        assert_eq!(pool.stats().used_stacks - cache.len(), 12 - (i + 1));
        // The one just pushed is here, and in front.
        let back = cache.pop(&pool, 1).unwrap();
        assert_eq!(back, *x);
        cache.push(&pool, back);
    }
    assert_eq!(cache.pop(&pool, 1).unwrap(), s[11]);
    assert_eq!(cache.pop(&pool, 1).unwrap(), s[10]);
    cache.push(&pool, s[10]);
    cache.push(&pool, s[11]);
    cache.flush(&pool);
    assert!(cache.is_empty());
    assert_eq!(pool.stats().used_stacks, 0);
    pool.clear();
    assert_eq!(pool.stats(), PoolStats::default());
}

#[test]
fn a_cache_of_the_smallest_limit_still_keeps_what_was_just_pushed() {
    let pool = Pool::new();
    let cache = Cache::new(0);
    let s: Vec<_> = (0..5).map(|_| cache.pop(&pool, 9).unwrap()).collect();
    for x in s {
        touch(stack(&x), 64);
        cache.push(&pool, x);
        // As a dying coroutine does: still running on it.
        touch(stack(&x), 128);
        assert!((1..=2).contains(&cache.len()));
        pool.trim(i64::MAX);
        touch(stack(&x), 256);
    }
    cache.flush(&pool);
    pool.clear();
    assert_eq!(pool.stats(), PoolStats::default());
}

#[test]
fn a_cache_shrinks_by_what_was_not_needed() {
    let pool = pool(PoolOptions { decay_ns: 10, ..PoolOptions::default() });
    pool.trim(0);
    let period = |n: i64| while pool.trim(5 * n) == Some(5 * n) {};
    let cache = Cache::new(64 * class_bytes(0));
    let s: Vec<_> = (0..40).map(|_| cache.pop(&pool, 0).unwrap()).collect();
    s.iter().for_each(|x| cache.push(&pool, *x));
    period(1);
    cache.shrink(&pool);
    let full = cache.len();
    assert!(full >= 40, "all were needed in the period that ends here");
    // Ten are needed in the next.
    let hot: Vec<_> = (0..10).map(|_| cache.pop(&pool, 0).unwrap()).collect();
    hot.iter().for_each(|x| cache.push(&pool, *x));
    cache.shrink(&pool);
    assert_eq!(cache.len(), full, "once a period");
    period(2);
    cache.shrink(&pool);
    assert_eq!(cache.len(), 10);
    let again: HashSet<_> = (0..10).map(|_| cache.pop(&pool, 0).unwrap()).collect();
    assert_eq!(again, hot.into_iter().collect(), "and the ones that were used are kept");
    again.into_iter().for_each(|x| cache.push(&pool, x));
    for n in 3..10 {
        period(n);
        cache.shrink(&pool);
    }
    assert!(cache.is_empty());
    pool.clear();
    assert_eq!(pool.stats(), PoolStats::default());
}

#[test]
fn threads_never_get_one_stack_twice() {
    const THREADS: usize = 4;
    let pool = pool(PoolOptions { decay_ns: 1_000, ..PoolOptions::default() });
    std::thread::scope(|scope| {
        for me in 1..=THREADS {
            let pool = &pool;
            scope.spawn(move || {
                let cache = Cache::new(8 * class_bytes(0));
                let mark = without_provenance_mut(me);
                let mut held = Vec::new();
                let mut random = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(me as u64);
                for step in 0..20_000i64 {
                    random =
                        random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                    let choice = random >> 33;
                    let class = (choice % 3) as u8;
                    match choice % 16 {
                        0..7 => {
                            let s = cache.pop(pool, class).unwrap();
                            let before = stack(&s).owner.swap(mark, Relaxed);
                            assert!(before.is_null(), "held by {before:?}");
                            touch(stack(&s), 8);
                            held.push(s);
                        }
                        7..14 => {
                            let Some(s) = held.pop() else { continue };
                            assert_eq!(stack(&s).owner.swap(null_mut(), Relaxed), mark);
                            cache.push(pool, s);
                        }
                        14 => cache.shrink(pool),
                        _ => _ = pool.trim(step * 400),
                    }
                    if held.len() > 300 {
                        for s in held.drain(..) {
                            stack(&s).owner.store(null_mut(), Relaxed);
                            let mut one = Chain::new();
                            one.push(s);
                            pool.give(one);
                        }
                    }
                }
                for s in held {
                    stack(&s).owner.store(null_mut(), Relaxed);
                    cache.push(pool, s);
                }
                cache.flush(pool);
            });
        }
    });
    assert_eq!(pool.stats().used_stacks, 0);
    pool.clear();
    assert_eq!(pool.stats(), PoolStats::default());
}
