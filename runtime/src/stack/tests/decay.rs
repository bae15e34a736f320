//! Memory goes back: when, which, and all of it.
#![allow(unsafe_code)]

use super::*;

const DECAY: i64 = 1_000;

fn decaying() -> Pool {
    pool(PoolOptions { decay_ns: DECAY, ..PoolOptions::default() })
}

/// Whether the page of a stack's topmost byte is committed.
fn committed(s: &Stack) -> bool {
    committed_at(s.top_page().0)
}

fn committed_at(page: *mut u8) -> bool {
    let (len, mut resident) = (crate::stack::os::page_bytes(), 0u8);
    // SAFETY: mincore looks at one page of our mapping and writes one byte.
    let done = unsafe { libc::mincore(page.cast(), len, (&raw mut resident).cast()) };
    assert_eq!(done, 0, "the stack is mapped");
    resident & 1 == 1
}

#[test]
#[cfg(target_os = "linux")]
fn only_a_burst_commits_what_nobody_has_touched() {
    let pool = pool(PoolOptions::default());
    let cache = Cache::new(64 << 20);
    let stacks: Vec<_> = (0..64).map(|_| cache.pop(&pool, 2).unwrap()).collect();
    // Taken 1, 2, 4, 8 at a time, then 16 and 32.
    assert!(stacks[..15].iter().all(|s| !committed(stack(s))));
    let (at, len) = stack(&stacks[0]).top_page();
    let probe = crate::stack::os::Range { iov_base: at.cast(), iov_len: len };
    let can = crate::stack::os::commit_each(&[probe]) == 1;
    assert!(stacks[15..63].iter().all(|s| committed(stack(s)) == can));
    if !can {
        println!("SKIPPED: the system commits pages by touch only");
    }
    // One page each, that of the first frame.
    assert!(stacks[15..].iter().all(|s| {
        let (top, page) = stack(s).top_page();
        top.addr() < stack(s).top().addr() && !committed_at(top.wrapping_sub(page))
    }));
    stacks.into_iter().for_each(|s| cache.push(&pool, s));
    cache.flush(&pool);
    pool.clear();
}

/// Trims at each period from `from` to `until`, as the runtime does.
fn run(pool: &Pool, from: i64, until: i64) -> Option<i64> {
    let mut now = from;
    loop {
        let next = pool.trim(now);
        match next {
            Some(at) if at <= until => now = at,
            _ => return next,
        }
    }
}

#[test]
fn idle_slabs_are_unmapped_between_one_decay_and_two() {
    let pool = decaying();
    let stacks = take(&pool, 2, 1000);
    stacks.iter().for_each(|s| touch(stack(s), 1));
    let reserved = pool.stats().reserved_bytes;
    assert!(reserved >= 1000 * class_bytes(2));
    assert!(pool.trim(0).is_some());
    give(&pool, stacks);
    assert!(run(&pool, 0, DECAY).is_some(), "something is left to do");
    assert_eq!(pool.stats().cached_stacks, pool.stats().cached_stacks.max(1000));
    assert_eq!(pool.stats().reserved_bytes, reserved, "not before one decay time");
    assert_eq!(run(&pool, DECAY, 2 * DECAY), None, "nothing is left");
    assert_eq!(pool.stats(), PoolStats::default());
}

#[test]
fn idle_stacks_of_slabs_in_use_lose_their_pages() {
    let pool = decaying();
    // Sixteen slabs; one stack of each stays in use.
    let stacks = take(&pool, 0, 16 * 64);
    stacks.iter().for_each(|s| touch(stack(s), 1));
    let (kept, idle): (Vec<_>, Vec<_>) =
        stacks.into_iter().enumerate().partition(|(i, _)| i % 64 == 5);
    let [kept, idle] = [kept, idle].map(|v| v.into_iter().map(|(_, s)| s).collect::<Vec<_>>());
    pool.trim(0);
    give(&pool, idle.clone());
    run(&pool, 0, DECAY);
    assert!(idle.iter().all(|s| committed(stack(s))), "not before one decay time");
    run(&pool, DECAY, 2 * DECAY);
    assert!(idle.iter().all(|s| !committed(stack(s))));
    assert!(kept.iter().all(|s| committed(stack(s))), "those in use keep theirs");
    assert_eq!(run(&pool, 2 * DECAY, 3 * DECAY), None, "idle and clean: nothing left to do");
    give(&pool, kept);
    assert_eq!(run(&pool, 3 * DECAY, 5 * DECAY), None);
    assert_eq!(pool.stats(), PoolStats::default());
}

#[test]
fn what_is_used_again_and_again_stays() {
    let pool = decaying();
    let stacks = take(&pool, 1, 32);
    stacks.iter().for_each(|s| touch(stack(s), 1));
    give(&pool, stacks.clone());
    let mut now = 0;
    let mut hot: Vec<NonNull<Stack>> = Vec::new();
    for _ in 0..20 {
        hot = take(&pool, 1, 4);
        hot.iter().for_each(|s| touch(stack(s), 1));
        give(&pool, hot.clone());
        pool.trim(now);
        now += DECAY / 2;
    }
    assert_eq!(hot.iter().filter(|s| committed(stack(s))).count(), 4);
    assert_eq!(stacks.iter().filter(|s| committed(stack(s))).count(), 4, "and only they");
    assert_eq!(run(&pool, now, now + 2 * DECAY), None);
    assert_eq!(pool.stats(), PoolStats::default());
}

#[test]
fn a_trim_too_early_does_nothing_and_says_when() {
    let pool = decaying();
    assert_eq!(pool.trim(100), Some(100 + DECAY / 2));
    assert_eq!(pool.trim(101), Some(100 + DECAY / 2));
    assert_eq!(pool.trim(100 + DECAY / 2), None, "an empty pool has nothing to trim");
}

/// Resident bytes of this process.
#[cfg(target_os = "linux")]
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * crate::stack::os::page_bytes()
}

#[test]
#[cfg(target_os = "linux")]
fn after_a_spike_the_process_is_as_small_as_before() {
    if emulated("after_a_spike_the_process_is_as_small_as_before") {
        return;
    }
    let pool = decaying();
    // Tried once before, so that what the first guard costs is not counted.
    give(&pool, take(&pool, 4, 1));
    pool.clear();
    // In a process of its own: others would be counted too.
    let status = fork(|| {
        let cache = Cache::new(1 << 20);
        let before = resident();
        // About 200 MB, a page and a guard each; links through the stacks' owners, not a growing list.
        let n = if crate::stack::os::light_guards_work() { 40_000 } else { 4_000 };
        let mut all = Chain::new();
        for _ in 0..n {
            let s = cache.pop(&pool, 4).unwrap();
            touch(stack(&s), 1);
            all.push(s);
        }
        let spike = resident();
        while let Some(s) = all.pop() {
            cache.push(&pool, s);
        }
        let mut left = run(&pool, 0, DECAY / 2);
        cache.shrink(&pool);
        left = left.and_then(|_| run(&pool, DECAY / 2, 2 * DECAY));
        let after = resident();
        // The records of the slabs and the cache's few stacks stay.
        let fine = spike > before + n * 4096 && after < before + before / 10 + (1 << 20);
        if !fine || left.is_some() {
            eprintln!("{before} before, {spike} in the spike, {after} after, {left:?}");
        }
        fine && cache.len() <= 6
    });
    assert_eq!(status, None);
}
