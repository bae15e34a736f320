//! What C cannot see: where elements are kept, and that slots are used again and start afresh.
#![allow(unsafe_code)]

use super::core::at;
use super::store::{Store, copy, free_blocks, new_block, per_block, ring_memory};
use super::*;
use crate::err::Errno;

fn put(s: &Store, value: u64) -> bool {
    let Some(to) = s.blocks_put(8) else { return false };
    // SAFETY: room for 8 bytes.
    unsafe { copy((&raw const value).cast(), to, 8) };
    true
}

/// The oldest, and whether a block was left over.
fn get(s: &Store) -> (u64, bool) {
    let mut value = 0u64;
    // SAFETY: room for 8 bytes.
    let block = unsafe { s.blocks_get((&raw mut value).cast(), 8) };
    (value, block.is_some())
}

#[test]
fn blocks_keep_the_order_and_one_spare() {
    let s = Store::default();
    s.begin_blocks(8);
    let per = per_block(8) as u64;
    let mut added = 0;
    for i in 0..3 * per {
        if !put(&s, i) {
            s.add(new_block(8).unwrap());
            added += 1;
            assert!(put(&s, i));
        }
    }
    assert_eq!(added, 3);
    let freed = (0..3 * per).filter(|&i| {
        let (value, block) = get(&s);
        assert_eq!(value, i);
        block
    });
    assert_eq!(freed.count(), 1, "the first is the spare one, the last stays");
    for i in 0..2 * per {
        assert!(put(&s, i), "from what it has kept");
    }
    assert!(!put(&s, 0));
    // A queue of steady length needs no more.
    s.add(new_block(8).unwrap());
    for i in 0..10 * per {
        assert!(put(&s, i + 2 * per));
        let (value, block) = get(&s);
        assert!(value == i && !block, "{i}");
    }
    free_blocks(s.end_blocks(), 8);
    free_blocks(s.end_blocks(), 8);
}

#[test]
fn rings_are_inside_or_outside() {
    for (places, size, outside) in [(8, 8, false), (9, 8, true), (1, 65, true), (0, 100, false)] {
        let s = Store::default();
        let memory = ring_memory(places, size).unwrap();
        assert_eq!(memory.is_some(), outside, "{places} x {size}");
        s.begin_ring(places, memory);
        let first = s.ring_put(size);
        if places > 0 {
            assert_eq!(first, s.ring_get(size));
            (1..places).for_each(|_| assert_ne!(s.ring_put(size), first));
            assert_eq!(s.ring_put(size), first, "round");
        }
        assert_eq!(s.end_ring(size).is_some(), outside);
        assert!(s.end_ring(size).is_none());
    }
    assert_eq!(ring_memory(usize::MAX, 2).err(), Some(Errno::ENOMEM));
    assert_eq!(ring_memory(isize::MAX as usize, 1).err(), Some(Errno::ENOMEM));
}

#[test]
fn a_slot_that_is_used_again_is_as_new() {
    let first = new(8, 1).unwrap();
    // SAFETY: null is not read.
    unsafe {
        assert_eq!(send(first, std::ptr::null(), 0), Err(Errno::EINVAL));
        assert_eq!(send(first, [1u8; 8].as_ptr(), 0), Ok(()));
        assert_eq!(send(first, [1u8; 8].as_ptr(), 0), Err(Errno::EAGAIN));
    }
    close(first).unwrap();
    free(first).unwrap();
    // Others may be using the table: look for the slot until it comes again.
    let mut made = Vec::new();
    let again = loop {
        let ch = new(0, 3).unwrap();
        if ch as u32 == first as u32 {
            break ch;
        }
        made.push(ch);
    };
    assert!(std::ptr::eq(at(first).unwrap(), at(again).unwrap()));
    // SAFETY: elements have no bytes.
    unsafe {
        assert_eq!(recv(first, std::ptr::null_mut(), 0), Err(Errno::EBADF));
        assert_eq!(recv(again, std::ptr::null_mut(), 0), Err(Errno::EAGAIN));
        assert_eq!(send(again, std::ptr::null(), 0), Ok(()));
    }
    assert_eq!((len(again), capacity(again)), (Ok(1), Ok(3)));
    assert_eq!(len(first), Err(Errno::EBADF));
    made.into_iter().chain([again]).for_each(|ch| free(ch).unwrap());
}

#[test]
fn a_future_is_no_channel() {
    let (f, ch) = (future_new(0).unwrap(), new(0, 1).unwrap());
    assert_eq!(close(f), Err(Errno::EBADF));
    assert_eq!(free(f), Err(Errno::EBADF));
    assert_eq!(future_free(ch), Err(Errno::EBADF));
    // SAFETY: values have no bytes.
    unsafe {
        assert_eq!(send(f, std::ptr::null(), 0), Err(Errno::EBADF));
        assert_eq!(future_wait(ch, std::ptr::null_mut(), 0), Err(Errno::EBADF));
        assert_eq!(future_complete(ch, Err(Errno::EIO)), Err(Errno::EBADF));
    }
    assert_eq!((free(ch), future_free(f)), (Ok(()), Ok(())));
}
