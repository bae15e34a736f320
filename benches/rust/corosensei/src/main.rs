//! corosensei: raw stackful switch, no scheduler. A round-robin loop in main resumes each
//! coroutine in turn, so one "yield" = one suspend + one resume. bench NAME [N]
use corosensei::stack::{DefaultStack, Stack, StackPointer};
use corosensei::{Coroutine, Yielder};
use peer_common::*;
use std::time::Instant;

const STACK: usize = 16 * 1024;
type Co = Coroutine<(), (), (), Slab>;
/// A slice of one big mapping, without a guard page: one mapping per stack would end at
/// vm.max_map_count (about 32 000 of DefaultStack).
struct Slab(usize);
// SAFETY: base and limit span a writable mapping that is never unmapped, 16-aligned.
unsafe impl Stack for Slab {
    fn base(&self) -> StackPointer {
        StackPointer::new(self.0 + STACK).unwrap()
    }
    fn limit(&self) -> StackPointer {
        StackPointer::new(self.0).unwrap()
    }
}
fn slabs(n: usize) -> Vec<Slab> {
    // SAFETY: a new mapping.
    let p = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            n * STACK,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    if p == libc::MAP_FAILED {
        eprintln!("stacks: {}", std::io::Error::last_os_error());
        std::process::exit(3)
    }
    // SAFETY: the mapping made above.
    unsafe { libc::madvise(p, n * STACK, libc::MADV_NOHUGEPAGE) };
    (0..n).rev().map(|i| Slab(p as usize + i * STACK)).collect()
}
fn main() {
    let a = Args::get();
    let name = a.name();
    match &name[..] {
        "yield2" | "yield1k" | "yield100k" => {
            let t = yield_tasks(&name);
            let k = a.n(2, 20_000_000) / t;
            let mut v: Vec<Co> = slabs(t)
                .into_iter()
                .map(|s| {
                    Coroutine::with_stack(s, move |y: &Yielder<(), ()>, ()| {
                        for _ in 0..k + 1 {
                            y.suspend(())
                        }
                    })
                })
                .collect();
            for c in v.iter_mut() {
                c.resume(());
            }
            let t0 = Instant::now();
            for _ in 0..k {
                for c in v.iter_mut() {
                    c.resume(());
                }
            }
            out(&name, ns_per(t0.elapsed(), k * t), "ns");
            for c in v.iter_mut() {
                c.resume(());
            }
        }
        "spawn_join" => {
            // one recycled stack
            let n = a.n(2, 2_000_000);
            let mut keep = slabs(1).pop();
            let mut t0 = Instant::now();
            for i in 0..n + n / 20 {
                if i == n / 20 {
                    t0 = Instant::now();
                }
                let mut c: Co =
                    Coroutine::with_stack(keep.take().unwrap(), |_: &Yielder<(), ()>, ()| ());
                c.resume(());
                keep = Some(c.into_stack());
            }
            out(&name, ns_per(t0.elapsed(), n), "ns");
        }
        "spawn_join_mmap" => {
            // the library's own DefaultStack: mmap + mprotect + munmap each time
            let n = a.n(2, 200_000);
            let t0 = Instant::now();
            for _ in 0..n {
                let s = DefaultStack::new(STACK).unwrap();
                let mut c: Coroutine<(), (), (), DefaultStack> =
                    Coroutine::with_stack(s, |_: &Yielder<(), ()>, ()| ());
                c.resume(());
            }
            out(&name, ns_per(t0.elapsed(), n), "ns");
        }
        "spawn_batch" => {
            let n = a.n(2, 100_000);
            let mut best = f64::MAX;
            let mut pool = slabs(n);
            for _ in 0..5 {
                let t0 = Instant::now();
                let v: Vec<Co> = (0..n)
                    .map(|_| {
                        Coroutine::with_stack(pool.pop().unwrap(), |_: &Yielder<(), ()>, ()| ())
                    })
                    .collect();
                for mut c in v {
                    c.resume(());
                    pool.push(c.into_stack());
                }
                best = best.min(ns_per(t0.elapsed(), n));
            }
            out(&name, best, "ns");
        }
        "parked" | "parked30k" => {
            let n = a.n(2, parked_tasks(&name));
            let before = Memory::now();
            let v: Vec<Co> = slabs(n)
                .into_iter()
                .map(|s| {
                    let mut c: Co =
                        Coroutine::with_stack(s, |y: &Yielder<(), ()>, ()| y.suspend(()));
                    c.resume(());
                    c
                })
                .collect();
            before.out_grown(&name, n);
            std::mem::forget(v);
            std::process::exit(0);
        }
        _ => skip(&name, "no scheduler, channels, timers or I/O in this library"),
    }
}
