//! Calls on two descriptors: their records in the lists, the lives of their numbers, and a close
//! while they go from part to part.
#![allow(unsafe_code)]

use super::*;
use crate::io::engine::slots::{Closer, Kind, Rec, Slots};
use crate::io::op::part::Lives;
use crate::io::{engine, table};
use std::ffi::CString;

/// No other test uses these numbers.
const A: c_int = 0x7fff_1001;
const B: c_int = 0x7fff_1002;

#[test]
fn a_record_in_each_list() {
    everywhere("a_record_in_each_list", || {
        let vcpu = engine::coroutine().unwrap();
        let mut slots = Slots::default();
        let first = Rec::new(vcpu, 5, Kind::Job).unwrap();
        let second = first.second(300);
        first.tie(second.as_ref());
        let alone = Rec::new(vcpu, 300, Kind::Job).unwrap();
        let call = |slots: &Slots, fd| {
            let slot = slots.find(fd).unwrap();
            slot.recs().map(|r| std::ptr::from_ref(r.call())).collect::<Vec<_>>()
        };
        // SAFETY: unlinked below.
        unsafe {
            slots.link(&alone).unwrap();
            slots.link(&first).unwrap();
        }
        assert_eq!(slots.linked, 3);
        assert_eq!(call(&slots, 5), [&raw const first]);
        assert_eq!(call(&slots, 300), [&raw const first, &raw const alone]);
        let closers = [5, 300].map(|fd| Closer::new(fd, vcpu.task()));
        for c in &closers {
            c.ask();
            // SAFETY: waited for below.
            unsafe { slots.set_closer(c) };
        }
        slots.unlink(&first);
        slots.unlink(&first);
        assert_eq!((slots.linked, call(&slots, 5)), (1, vec![]));
        assert_eq!(call(&slots, 300), [&raw const alone]);
        closers[0].wait();
        slots.unlink(&alone);
        closers[1].wait();
        assert!(first.second(-1).is_none());
    });
}

#[test]
fn lives_end_with_a_close_of_either() {
    for victim in [A, B] {
        let lives = Lives::new([A, B]);
        assert!(!lives.are_over());
        assert_eq!((lives.other(A), lives.other(B)), (B, A));
        let e = table::entry(victim).unwrap();
        assert!(matches!(e.close(), table::Close::Begun(_)));
        assert!(!lives.are_over(), "it is the close that waits for us");
        e.last_step();
        e.closed();
        assert!(lives.are_over());
        assert!(!Lives::new([A, B]).are_over(), "a call of the next life");
        table::begins(victim);
        assert!(lives.are_over());
    }
    assert_eq!(Lives::new([A, A]).other(A), -1);
    assert!(Lives::new([A, -1]).are_over());
}

/// Each name operation with a directory that is closed meanwhile happens wholly or not at all.
#[test]
fn a_directory_is_closed_meanwhile() {
    everywhere("a_directory_is_closed_meanwhile", || {
        let temp = std::env::temp_dir().join(format!("photonrt-two-{}", std::process::id()));
        std::fs::create_dir_all(&temp).unwrap();
        let path = CString::new(temp.to_str().unwrap()).unwrap();
        let open = || io::open(path.as_ptr(), libc::O_RDONLY, 0, FOREVER).unwrap() as c_int;
        for round in 0..60 {
            let (a, b) = (open(), open());
            let mkdir = go_on(1, move || io::mkdirat(a, c"x".as_ptr(), 0o700, FOREVER));
            let rename =
                go_on(2, move || io::renameat([a, b], [c"x".as_ptr(), c"y".as_ptr()], 0, FOREVER));
            if round % 3 == 0 {
                crate::sched::yield_now();
            }
            assert_eq!([a, b].map(io::close), [Ok(0); 2]);
            let made = mkdir.join();
            assert!(matches!(made, Ok(0) | Err(Errno::EBADF)), "{made:?}");
            let renamed = rename.join();
            assert!(matches!(renamed, Ok(0) | Err(Errno::EBADF | Errno::ENOENT)), "{renamed:?}");
            let exists = |name: &str| temp.join(name).exists();
            assert_eq!(exists("y"), renamed == Ok(0));
            assert_eq!(exists("x"), made == Ok(0) && renamed != Ok(0));
            for name in ["x", "y"].iter().filter(|n| exists(n)) {
                std::fs::remove_dir(temp.join(name)).unwrap();
            }
        }
        std::fs::remove_dir(&temp).unwrap();
    });
}
