//! Promises: kept, whatever others take; never more than there is room for; given back.

use super::*;
use crate::err::Errno;

fn cache() -> Cache {
    Cache::new(256 << 20)
}

#[test]
fn what_is_promised_is_there_whatever_others_take() {
    let pool = Pool::new();
    let cache = cache();
    for _ in 0..100 {
        cache.promise(&pool, 0).unwrap();
    }
    let reserved = pool.stats().reserved_bytes;
    assert_eq!(pool.stats().used_stacks, 0, "nothing is handed out yet");
    assert_eq!(pool.stats().guards_light + pool.stats().guards_mprotect, 0);
    // Room for them is there already; others get room of their own.
    let others = take(&pool, 0, 500);
    let with_others = pool.stats().reserved_bytes;
    assert!(with_others > reserved);
    let mine: Vec<_> = (0..100).map(|_| cache.attach(&pool, 0).unwrap()).collect();
    assert_eq!(pool.stats().reserved_bytes, with_others, "nothing more was mapped for them");
    let all: HashSet<_> = mine.iter().chain(&others).collect();
    assert_eq!(all.len(), 600, "no stack twice");
    assert!(mine.iter().all(|s| stack(s).guarded()));
    mine.into_iter().for_each(|s| cache.push(&pool, s));
    give(&pool, others);
    cache.flush(&pool);
    pool.clear();
    assert_eq!(pool.stats(), PoolStats::default());
}

#[test]
fn a_stack_from_the_cache_leaves_the_promise_over() {
    let pool = Pool::new();
    let cache = cache();
    cache.promise(&pool, 0).unwrap();
    let first = cache.attach(&pool, 0).unwrap();
    cache.push(&pool, first);
    let before = pool.stats();
    for _ in 0..1000 {
        cache.promise(&pool, 0).unwrap();
        let s = cache.attach(&pool, 0).unwrap();
        assert_eq!(s, first);
        cache.push(&pool, s);
    }
    // A batch that runs one after the other: one stack for all.
    for _ in 0..5000 {
        cache.promise(&pool, 0).unwrap();
    }
    for _ in 0..5000 {
        let s = cache.attach(&pool, 0).unwrap();
        assert_eq!(s, first);
        cache.push(&pool, s);
    }
    assert_eq!(pool.stats().used_stacks, before.used_stacks);
    assert_eq!(pool.stats().guards_light, before.guards_light);
    cache.flush(&pool);
    pool.clear();
    assert_eq!(pool.stats(), PoolStats::default());
}

#[test]
fn another_cache_redeems_what_this_one_promised() {
    let pool = Pool::new();
    let (spawner, thief) = (cache(), cache());
    for _ in 0..300 {
        spawner.promise(&pool, 2).unwrap();
    }
    let got: Vec<_> = (0..300).map(|_| thief.attach(&pool, 2).unwrap()).collect();
    got.into_iter().for_each(|s| thief.push(&pool, s));
    spawner.flush(&pool);
    thief.flush(&pool);
    pool.clear();
    assert_eq!(pool.stats(), PoolStats::default());
}

#[test]
fn slabs_stay_that_are_promised_and_go_when_they_are_not() {
    let pool = pool(PoolOptions { decay_ns: 10, ..PoolOptions::default() });
    let cache = cache();
    for _ in 0..200 {
        cache.promise(&pool, 0).unwrap();
    }
    for at in 0..100 {
        pool.trim(at * 10);
    }
    pool.clear();
    assert!(pool.stats().cached_stacks >= 200, "{:?}", pool.stats());
    let before = pool.stats().reserved_bytes;
    let all: Vec<_> = (0..200).map(|_| cache.attach(&pool, 0).unwrap()).collect();
    assert_eq!(pool.stats().reserved_bytes, before);
    all.into_iter().for_each(|s| cache.push(&pool, s));
    // What is left over goes back when the cache shrinks, and with it the slabs.
    for at in 100..200 {
        cache.shrink(&pool);
        pool.trim(at * 10);
    }
    assert_eq!(pool.stats().reserved_bytes, 0, "{:?}", pool.stats());
}

#[test]
fn without_a_guard_it_is_not_now_and_the_promise_holds() {
    let pool = Pool::new();
    let cache = cache();
    for _ in 0..10 {
        cache.promise(&pool, 0).unwrap();
    }
    pool.refuse_guards(true);
    for _ in 0..50 {
        assert_eq!(cache.attach(&pool, 0).err(), Some(Errno::ENOMEM));
    }
    assert_eq!(pool.stats().used_stacks, 0);
    pool.refuse_guards(false);
    let before = pool.stats().reserved_bytes;
    for _ in 0..10 {
        let s = cache.attach(&pool, 0).unwrap();
        assert!(stack(&s).guarded());
        give(&pool, vec![s]);
    }
    assert_eq!(pool.stats().reserved_bytes, before);
    cache.flush(&pool);
    pool.clear();
    assert_eq!(pool.stats(), PoolStats::default());
}

#[test]
#[cfg(target_os = "linux")]
fn without_address_space_there_is_no_promise() {
    if emulated("without_address_space_there_is_no_promise") {
        return;
    }
    let status = fork(|| {
        let pool = Pool::new();
        let cache = cache();
        let text = std::fs::read_to_string("/proc/self/statm").unwrap();
        let pages: u64 = text.split(' ').next().unwrap().parse().unwrap();
        let limit = pages * crate::stack::os::page_bytes() as u64 + (100 << 20);
        let limit = libc::rlimit { rlim_cur: limit, rlim_max: limit };
        // SAFETY: sets a limit of this child.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) }, 0);
        let mut n = 0;
        let failed = loop {
            match cache.promise(&pool, 9) {
                Ok(()) => n += 1,
                Err(e) => break e,
            }
        };
        assert_eq!(failed, Errno::ENOMEM);
        assert!((9..=12).contains(&n), "100 MiB promise {n} stacks of 8 MiB");
        assert_eq!(cache.promise(&pool, 9), Err(Errno::ENOMEM));
        let all: Vec<_> = (0..n).map(|_| cache.attach(&pool, 9).unwrap()).collect();
        give(&pool, all);
        cache.flush(&pool);
        pool.clear();
        pool.stats() == PoolStats::default()
    });
    assert_eq!(status, None);
}
