//! No more address space, no more mappings: an error, and nothing lost.
#![allow(unsafe_code)]

use super::*;
use crate::err::Errno;

/// Takes one at a time until there are no more.
fn take_all(pool: &Pool, class: u8) -> Vec<NonNull<Stack>> {
    let mut all = Vec::with_capacity(1 << 16);
    let mut chain = Chain::new();
    loop {
        match pool.take(class, 1, &mut chain) {
            Ok(_) => all.extend(chain.pop()),
            Err(e) => {
                assert_eq!(e, Errno::ENOMEM);
                assert!(chain.is_empty());
                return all;
            }
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn without_address_space_take_says_enomem_and_goes_on_later() {
    if emulated("without_address_space_take_says_enomem_and_goes_on_later") {
        return;
    }
    let status = fork(|| {
        let pool = Pool::new();
        let text = std::fs::read_to_string("/proc/self/statm").unwrap();
        let pages: u64 = text.split(' ').next().unwrap().parse().unwrap();
        let limit = pages * crate::stack::os::page_bytes() as u64 + (100 << 20);
        let limit = libc::rlimit { rlim_cur: limit, rlim_max: limit };
        // SAFETY: sets a limit of this child.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) }, 0);
        let eight_mib = take_all(&pool, 9);
        let n = eight_mib.len();
        assert!((9..=12).contains(&n), "100 MiB hold {n} stacks of 8 MiB");
        assert_eq!(pool.stats().used_stacks, n);
        // Smaller ones may still fit, then none.
        let small = take_all(&pool, 0);
        assert!(!small.is_empty());
        give(&pool, small);
        // Nothing is lost: the same stacks again, and the free slabs of one class make room for another.
        give(&pool, eight_mib);
        let middle = take_all(&pool, 4);
        assert!(middle.len() > 200, "{} stacks of 256 KiB in 100 MiB", middle.len());
        give(&pool, middle);
        let again = take_all(&pool, 9);
        assert!(again.len() >= n, "{} after {n}", again.len());
        give(&pool, again);
        pool.clear();
        pool.stats() == PoolStats::default()
    });
    assert_eq!(status, None);
}

#[test]
#[cfg(target_os = "linux")]
fn a_slab_that_cannot_be_unmapped_stays_and_goes_later() {
    let most = crate::stack::os::mappings_max();
    let name = "a_slab_that_cannot_be_unmapped_stays_and_goes_later";
    if emulated(name) {
        return;
    }
    if most > 1_100_000 {
        return println!("SKIPPED: {name}: {most} mappings are too many to use up");
    }
    let status = fork(|| {
        let pool = Pool::new();
        // Thirty slabs, neighbours mostly, which the kernel merges into one mapping.
        let stacks = take(&pool, 0, 64 * 30);
        stacks.iter().for_each(|s| touch(stack(s), 1));
        let page = crate::stack::os::page_bytes();
        let len = 2 * most * page;
        // SAFETY: a mapping of its own, cut to pieces until there may be no more, then removed.
        unsafe {
            let at = libc::mmap(
                null_mut(),
                len,
                libc::PROT_NONE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            );
            assert_ne!(at, libc::MAP_FAILED);
            // Every other slab is to go: wherever they lie, most are between two that stay.
            let slab = |i: usize| i / 64 % 2;
            let (stay, go): (Vec<_>, Vec<_>) =
                stacks.into_iter().enumerate().partition(|(i, _)| slab(*i) == 0);
            let [stay, go] = [stay, go].map(|v| v.into_iter().map(|(_, s)| s).collect::<Vec<_>>());
            // From here on nothing may allocate: the heap needs mappings too.
            let cut = |page_at: usize| {
                libc::mprotect(at.byte_add(page_at * page), page, libc::PROT_READ) == 0
            };
            // A page amid others takes two more mappings, one at an end takes one.
            let mut i = 2;
            while cut(i) {
                i += 2;
            }
            cut(0);
            cut(2 * most - 1);
            let mut chain = Chain::new();
            go.iter().for_each(|s| chain.push(*s));
            pool.give(chain);
            pool.clear();
            let stuck = pool.stats();
            // What stays is in order: it can be handed out and written.
            let (mut again, mut good) = (Chain::new(), true);
            while again.len() < stuck.cached_stacks {
                let mut some = Chain::new();
                good &= pool.take(0, stuck.cached_stacks - again.len(), &mut some).is_ok();
                if !good {
                    break;
                }
                while let Some(s) = some.pop() {
                    touch(stack(&s), 1);
                    again.push(s);
                }
            }
            pool.give(again);
            assert_eq!(libc::munmap(at, len), 0);
            assert!(good && stuck.used_stacks == stay.len());
            give(&pool, stay);
            pool.clear();
            stuck.cached_stacks > 0 && pool.stats() == PoolStats::default()
        }
    });
    assert_eq!(status, None);
}
