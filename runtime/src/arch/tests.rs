//! The switch, seen from code that would notice.

use super::*;
use core::arch::naked_asm;
use core::cell::Cell;
use core::ptr::{null_mut, without_provenance_mut};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Stack memory on the heap: no guard, but what a test needs.
struct Memory(Vec<u128>);

impl Memory {
    fn new(bytes: usize) -> Memory {
        Memory(vec![0; bytes / 16])
    }

    fn top(&mut self) -> *mut u8 {
        self.0.as_mut_ptr_range().end.cast()
    }
}

/// Two sides: the test and one coroutine. What is in it changes behind references, hence the cells.
struct Pair {
    main: Cell<*mut u8>,
    co: Cell<*mut u8>,
    seen: Cell<u64>,
    body: fn(&Pair),
}

impl Pair {
    fn new(memory: &mut Memory, body: fn(&Pair)) -> Box<Pair> {
        let pair = Box::new(Pair {
            main: Cell::new(null_mut()),
            co: Cell::new(null_mut()),
            seen: Cell::new(0),
            body,
        });
        // SAFETY: the memory is ours, aligned by its type, and `pair_entry` never returns.
        pair.co
            .set(unsafe { init(memory.top(), pair_entry, (&raw const *pair).cast_mut().cast()) });
        pair
    }

    /// From the test to the coroutine.
    fn go(&self) {
        // SAFETY: `co` holds what init or a switch stored, and each is continued once.
        unsafe { switch(self.main.as_ptr(), self.co.get()) }
    }

    /// From the coroutine to the test.
    fn back(&self) {
        // SAFETY: as in `go`.
        unsafe { switch(self.co.as_ptr(), self.main.get()) }
    }
}

unsafe extern "C" fn pair_entry(arg: *mut u8) -> ! {
    // SAFETY: `Pair::new` passed a Pair that outlives the coroutine.
    let pair = unsafe { &*arg.cast::<Pair>() };
    (pair.body)(pair);
    pair.co.set(null_mut());
    // SAFETY: the test waits in `go`; nothing of this stack is needed again.
    unsafe { jump(pair.main.get()) }
}

/// Fills every callee-saved register with values made from `fill`, switches, and returns the OR of all
/// differences found in them afterwards.
#[cfg(target_arch = "x86_64")]
#[unsafe(naked)]
unsafe extern "C" fn poisoned_switch(save: *mut *mut u8, to: *mut u8, fill: u64) -> u64 {
    naked_asm!(
        "push rbp", "push rbx", "push r12", "push r13", "push r14", "push r15", "push rdx",
        "lea rbp, [rdx + 1]", "lea rbx, [rdx + 2]", "lea r12, [rdx + 3]",
        "lea r13, [rdx + 4]", "lea r14, [rdx + 5]", "lea r15, [rdx + 6]",
        "call {switch}",
        "pop rdx",
        "sub rbp, 1", "sub rbx, 2", "sub r12, 3", "sub r13, 4", "sub r14, 5", "sub r15, 6",
        "xor rbp, rdx", "xor rbx, rdx", "xor r12, rdx", "xor r13, rdx", "xor r14, rdx", "xor r15, rdx",
        "mov rax, rbp", "or rax, rbx", "or rax, r12", "or rax, r13", "or rax, r14", "or rax, r15",
        "pop r15", "pop r14", "pop r13", "pop r12", "pop rbx", "pop rbp",
        "ret",
        switch = sym switch,
    )
}

/// See the one for x86_64; x19 .. x28 and the low halves of v8 .. v15.
#[cfg(target_arch = "aarch64")]
#[unsafe(naked)]
unsafe extern "C" fn poisoned_switch(save: *mut *mut u8, to: *mut u8, fill: u64) -> u64 {
    naked_asm!(
        ".cfi_startproc",
        crate::aarch64_push_saved!(),
        "str x2, [sp, #-16]!",
        "add x19, x2, #19", "add x20, x2, #20", "add x21, x2, #21", "add x22, x2, #22", "add x23, x2, #23",
        "add x24, x2, #24", "add x25, x2, #25", "add x26, x2, #26", "add x27, x2, #27", "add x28, x2, #28",
        "fmov d8, x19", "fmov d9, x20", "fmov d10, x21", "fmov d11, x22",
        "fmov d12, x23", "fmov d13, x24", "fmov d14, x25", "fmov d15, x26",
        "bl {switch}",
        "ldr x2, [sp], #16",
        "mov x0, xzr",
        "fmov x9, d8", "eor x9, x9, x19", "orr x0, x0, x9",
        "fmov x9, d9", "eor x9, x9, x20", "orr x0, x0, x9",
        "fmov x9, d10", "eor x9, x9, x21", "orr x0, x0, x9",
        "fmov x9, d11", "eor x9, x9, x22", "orr x0, x0, x9",
        "fmov x9, d12", "eor x9, x9, x23", "orr x0, x0, x9",
        "fmov x9, d13", "eor x9, x9, x24", "orr x0, x0, x9",
        "fmov x9, d14", "eor x9, x9, x25", "orr x0, x0, x9",
        "fmov x9, d15", "eor x9, x9, x26", "orr x0, x0, x9",
        "sub x9, x19, #19", "eor x9, x9, x2", "orr x0, x0, x9",
        "sub x9, x20, #20", "eor x9, x9, x2", "orr x0, x0, x9",
        "sub x9, x21, #21", "eor x9, x9, x2", "orr x0, x0, x9",
        "sub x9, x22, #22", "eor x9, x9, x2", "orr x0, x0, x9",
        "sub x9, x23, #23", "eor x9, x9, x2", "orr x0, x0, x9",
        "sub x9, x24, #24", "eor x9, x9, x2", "orr x0, x0, x9",
        "sub x9, x25, #25", "eor x9, x9, x2", "orr x0, x0, x9",
        "sub x9, x26, #26", "eor x9, x9, x2", "orr x0, x0, x9",
        "sub x9, x27, #27", "eor x9, x9, x2", "orr x0, x0, x9",
        "sub x9, x28, #28", "eor x9, x9, x2", "orr x0, x0, x9",
        crate::aarch64_pop_saved_and_go!(),
        ".cfi_endproc",
        switch = sym switch,
    )
}

#[test]
fn callee_saved_registers_survive_on_both_sides() {
    let mut memory = Memory::new(64 << 10);
    let pair = Pair::new(&mut memory, |pair| {
        for i in 0..1000 {
            // SAFETY: as `Pair::back`.
            let diff =
                unsafe { poisoned_switch(pair.co.as_ptr(), pair.main.get(), 0xB0B0_0000 + i) };
            pair.seen.set(pair.seen.get() | diff);
        }
    });
    for i in 0..1001 {
        // SAFETY: as `Pair::go`.
        let diff =
            unsafe { poisoned_switch(pair.main.as_ptr(), pair.co.get(), 0xA0A0_0000 + (i << 40)) };
        assert_eq!(diff, 0, "registers of the test changed in switch {i}");
    }
    assert_eq!(pair.seen.get(), 0, "registers of the coroutine changed");
    assert!(pair.co.get().is_null(), "the coroutine has ended by a jump");
}

/// A coroutine's entry that stores the stack pointer it was given through its argument and goes back to
/// what is stored behind.
#[unsafe(naked)]
unsafe extern "C" fn note_sp(arg: *mut u8) -> ! {
    #[cfg(target_arch = "x86_64")]
    naked_asm!("mov qword ptr [rdi], rsp", "mov rdi, qword ptr [rdi + 8]", "jmp {back}", back = sym go_back);
    #[cfg(target_arch = "aarch64")]
    naked_asm!("mov x9, sp", "str x9, [x0]", "ldr x0, [x0, #8]", "b {back}", back = sym go_back);
}

unsafe extern "C" fn go_back(to: *mut u8) -> ! {
    // SAFETY: the test passed what its switch had saved.
    unsafe { jump(to) }
}

#[test]
fn the_stack_is_aligned_at_entry_as_after_a_call() {
    let mut memory = Memory::new(64 << 10);
    for lowered in [0, 16, 48, 192, 2880] {
        let mut words = [null_mut::<u8>(); 2];
        let words = &raw mut words;
        // SAFETY: the memory is ours; `note_sp` touches only the words and jumps to what switch stored
        // there.
        unsafe {
            let top = memory.top().sub(lowered);
            let sp = init(top, note_sp, words.cast());
            switch((&raw mut (*words)[1]).cast(), sp);
            let at_entry = (*words)[0].addr();
            let pushed = if cfg!(target_arch = "x86_64") { 8 } else { 0 };
            assert!((at_entry + pushed).is_multiple_of(16), "sp at entry: {at_entry:#x}");
            assert!(at_entry <= top.addr() && at_entry >= top.addr() - FIRST_FRAME);
        }
    }
}

/// What a starter's `begin` is to give next, and how often it was asked.
struct Starts {
    top: Cell<*mut u8>,
    words: *mut [*mut u8; 2],
    asked: Cell<u32>,
}

extern "C" fn begin(arg: *mut u8) -> Begin {
    // SAFETY: the test's, which waits.
    let starts = unsafe { &*arg.cast::<Starts>() };
    starts.asked.set(starts.asked.get() + 1);
    if starts.top.get().is_null() {
        // SAFETY: what the test's switch has stored.
        return unsafe { Begin::not_now((*starts.words)[1]) };
    }
    Begin::on(starts.top.get(), starts.words.cast())
}

#[test]
fn a_starter_begins_any_number_on_other_stacks_whatever_signals_do_to_its_own() {
    extern "C" fn on_signal(_: libc::c_int) {}
    let (mut own, mut memory) = (Memory::new(256 << 10), Memory::new(64 << 10));
    let mut words = [null_mut::<u8>(); 2];
    let words = &raw mut words;
    let starts = Starts { top: Cell::new(null_mut()), words, asked: Cell::new(0) };
    // SAFETY: the memory is ours; `note_sp` touches only the words and jumps to what switch stored there.
    // The timer's handler does nothing, and is taken off before it goes.
    unsafe {
        let sp = starter(own.top(), begin, note_sp, (&raw const starts).cast_mut().cast());
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_signal as *const () as usize;
        action.sa_flags = libc::SA_RESTART;
        let mut before: libc::sigaction = std::mem::zeroed();
        assert_eq!(libc::sigaction(libc::SIGURG, &raw const action, &raw mut before), 0);
        let (me, over) = (libc::pthread_self() as usize, std::sync::atomic::AtomicBool::new(false));
        std::thread::scope(|s| {
            s.spawn(|| {
                while !over.load(std::sync::atomic::Ordering::Relaxed) {
                    libc::pthread_kill(me as libc::pthread_t, libc::SIGURG);
                    std::thread::yield_now();
                }
            });
            for i in 0..100_000 {
                let top = memory.top().sub(i % 8 * 192);
                let now = i % 3 != 2;
                starts.top.set(if now { top } else { null_mut() });
                (*words)[0] = null_mut();
                switch((&raw mut (*words)[1]).cast(), sp);
                assert_eq!(starts.asked.get() as usize, i + 1);
                let at_entry = (*words)[0].addr();
                if now {
                    let pushed = if cfg!(target_arch = "x86_64") { 8 } else { 0 };
                    assert!((at_entry + pushed).is_multiple_of(16), "sp at entry: {at_entry:#x}");
                    assert!(at_entry <= top.addr() && at_entry >= top.addr() - FIRST_FRAME);
                } else {
                    assert_eq!(at_entry, 0, "nothing began");
                }
            }
            over.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        assert_eq!(libc::sigaction(libc::SIGURG, &raw const before, null_mut()), 0);
    }
}

#[test]
fn aligned_vectors_and_floats_work_on_a_fresh_stack() {
    let mut memory = Memory::new(64 << 10);
    let pair = Pair::new(&mut memory, |pair| {
        #[repr(align(32))]
        struct Wide([f64; 4]);
        let wide = core::hint::black_box(Wide([1.5, 2.5, 3.5, 4.5]));
        assert!((&raw const wide).addr().is_multiple_of(32));
        pair.back();
        pair.seen.set(wide.0.iter().sum::<f64>() as u64);
    });
    pair.go();
    pair.go();
    assert_eq!(pair.seen.get(), 12);
}

/// 0.1 as the mode in force rounds it. The boxes keep the division here: compilers take it for pure.
#[inline(never)]
fn tenth() -> f64 {
    use core::hint::black_box;
    black_box(black_box(1.0) / black_box(10.0))
}

#[test]
fn fp_control_reads_sets_and_is_left_alone_by_a_switch() {
    // Rounding towards zero, in both units of x86.
    let towards_zero =
        if cfg!(target_arch = "x86_64") { FP_DEFAULT | 3 << 13 | 3 << (32 + 10) } else { 3 << 22 };
    // The sticky flags of MXCSR are not ours to compare.
    let modes = |state: u64| if cfg!(target_arch = "x86_64") { state & !0x3F } else { state };
    assert_eq!(modes(fp_control()), modes(FP_DEFAULT));
    let mut memory = Memory::new(64 << 10);
    let pair = Pair::new(&mut memory, |pair| {
        pair.seen.set(fp_control());
        pair.back();
        set_fp_control(FP_DEFAULT);
    });
    set_fp_control(towards_zero);
    let rounded = tenth();
    pair.go();
    let after = fp_control();
    pair.go();
    let restored = fp_control();
    set_fp_control(FP_DEFAULT);
    let nearest = tenth();
    assert_eq!(modes(pair.seen.get()), modes(towards_zero));
    assert_eq!(modes(after), modes(towards_zero));
    assert_eq!(modes(restored), modes(FP_DEFAULT));
    assert!(rounded < nearest, "the mode was in force");
}

#[test]
fn a_backtrace_ends_at_the_entry() {
    let mut memory = Memory::new(2 << 20);
    thread_local!(static TRACE: Cell<String> = const { Cell::new(String::new()) });
    let pair = Pair::new(&mut memory, |pair| {
        pair.back();
        TRACE.set(std::backtrace::Backtrace::force_capture().to_string());
    });
    pair.go();
    pair.go();
    let trace = TRACE.take();
    assert!(trace.contains("pair_entry"), "{trace}");
    assert!(
        !trace.contains("a_backtrace_ends_at_the_entry\n"),
        "walked into the test's stack:\n{trace}"
    );
    // The frames: those of the capture, the body, its entry, the trampoline. Each has a line "  n: name".
    let frames =
        trace.lines().filter(|l| l.trim_start().starts_with(|c: char| c.is_ascii_digit())).count();
    assert!((2..=16).contains(&frames), "{frames} frames:\n{trace}");
}

#[test]
fn a_panic_unwinds_inside_a_coroutine() {
    let mut memory = Memory::new(2 << 20);
    let pair = Pair::new(&mut memory, |pair| {
        let caught = catch_unwind(AssertUnwindSafe(|| {
            pair.back();
            std::panic::resume_unwind(Box::new(7u64));
        }));
        pair.seen.set(*caught.unwrap_err().downcast::<u64>().unwrap());
    });
    pair.go();
    pair.go();
    assert_eq!(pair.seen.get(), 7);
}

#[test]
fn ten_thousand_stacks_in_a_ring() {
    const N: usize = 10_000;
    struct Ring {
        sps: Vec<Cell<*mut u8>>,
        order: Cell<usize>,
    }
    thread_local!(static RING: Cell<*const Ring> = const { Cell::new(core::ptr::null()) });
    unsafe extern "C" fn member(arg: *mut u8) -> ! {
        // SAFETY: the test keeps the ring until all have run twice, on this thread.
        let ring = unsafe { &*RING.get() };
        let me = arg.addr();
        loop {
            assert_eq!(ring.order.get() % (N + 1), me, "each runs in its turn");
            ring.order.set(ring.order.get() + 1);
            // SAFETY: each slot holds what init or a switch stored and is continued once.
            unsafe { switch(ring.sps[me].as_ptr(), ring.sps[(me + 1) % (N + 1)].get()) }
        }
    }
    let mut memories: Vec<Memory> = (0..N).map(|_| Memory::new(4 << 10)).collect();
    let mut sps = vec![Cell::new(null_mut())];
    for (i, memory) in memories.iter_mut().enumerate() {
        // SAFETY: the memory is ours; `member` never returns.
        sps.push(Cell::new(unsafe { init(memory.top(), member, without_provenance_mut(i + 1)) }));
    }
    let ring = Ring { sps, order: Cell::new(1) };
    RING.set(&ring);
    for round in 1..=5 {
        // SAFETY: as in `member`; slot 0 is the test's.
        unsafe { switch(ring.sps[0].as_ptr(), ring.sps[1].get()) };
        assert_eq!(ring.order.get(), round * (N + 1));
        ring.order.set(ring.order.get() + 1);
    }
}

#[test]
fn the_vcpu_slot_is_null_at_first_and_each_threads_own() {
    assert!(tls::get().is_null());
    tls::set(without_provenance_mut(8));
    std::thread::spawn(|| {
        assert!(tls::get().is_null());
        tls::set(without_provenance_mut(16));
        assert_eq!(tls::get().addr(), 16);
    })
    .join()
    .unwrap();
    assert_eq!(tls::get().addr(), 8);
    tls::set(null_mut());
    assert!(tls::get().is_null());
}

#[test]
fn prefetch_takes_any_address() {
    prefetch(core::ptr::null());
    prefetch(without_provenance_mut(usize::MAX));
}

mod yields {
    //! The yield's fast path on a vCPU and tasks made for it.

    use super::*;
    use core::mem::offset_of;

    #[repr(C)]
    struct Vcpu {
        pad: u64,
        cur: Cell<*const Task>,
        tick: Cell<u32>,
        slow: Cell<u32>,
    }

    #[repr(C)]
    struct Task {
        flags: Cell<u32>,
        next: Cell<*const Task>,
        sp: Cell<*mut u8>,
        runs: Cell<u32>,
        vcpu: *const Vcpu,
    }

    const SLOW_FLAG: u32 = 4;

    thread_local!(static SLOW_WITHOUT_VCPU: Cell<u32> = const { Cell::new(0) });

    extern "C" fn slow() {
        let vcpu = tls::get().cast::<Vcpu>();
        if vcpu.is_null() {
            SLOW_WITHOUT_VCPU.set(SLOW_WITHOUT_VCPU.get() + 1);
            return;
        }
        // SAFETY: the slot holds a Vcpu of the test that runs.
        let vcpu = unsafe { &*vcpu };
        vcpu.slow.set(vcpu.slow.get() + 1);
    }

    #[unsafe(naked)]
    extern "C" fn yield_now() {
        crate::yield_asm!(
            slow = slow,
            vcpu_cur = offset_of!(Vcpu, cur),
            vcpu_tick = offset_of!(Vcpu, tick),
            task_next = offset_of!(Task, next),
            task_sp = offset_of!(Task, sp),
            task_flags = offset_of!(Task, flags),
            slow_flag = SLOW_FLAG,
        )
    }

    /// Yields from within a function of its own, so that the places where tasks stop differ.
    #[inline(never)]
    fn yield_deeper() {
        yield_now();
        core::hint::black_box(());
    }

    unsafe extern "C" fn task_main(arg: *mut u8) -> ! {
        // SAFETY: the test keeps its tasks until the end.
        let task = unsafe { &*arg.cast::<Task>() };
        loop {
            task.runs.set(task.runs.get() + 1);
            // SAFETY: as above.
            assert_eq!(unsafe { (*task.vcpu).cur.get() }, &raw const *task);
            if task.runs.get() % 3 == 0 { yield_deeper() } else { yield_now() }
        }
    }

    fn task(vcpu: &Vcpu, memory: Option<&mut Memory>) -> Box<Task> {
        let task = Box::new(Task {
            flags: Cell::new(0),
            next: Cell::new(core::ptr::null()),
            sp: Cell::new(null_mut()),
            runs: Cell::new(0),
            vcpu,
        });
        if let Some(memory) = memory {
            let arg = (&raw const *task).cast_mut().cast();
            // SAFETY: the memory is the task's; `task_main` never returns.
            task.sp.set(unsafe { init(memory.top(), task_main, arg) });
        }
        task
    }

    fn vcpu(tick: u32) -> Box<Vcpu> {
        let v = Vcpu {
            pad: 0,
            cur: Cell::new(core::ptr::null()),
            tick: Cell::new(tick),
            slow: Cell::new(0),
        };
        Box::new(v)
    }

    #[test]
    fn a_ring_goes_round_and_a_switch_resumes_what_a_yield_left() {
        let vcpu = vcpu(100_000);
        let mut memories = [Memory::new(64 << 10), Memory::new(64 << 10), Memory::new(64 << 10)];
        let me = task(&vcpu, None);
        let others: Vec<Box<Task>> = memories.iter_mut().map(|m| task(&vcpu, Some(m))).collect();
        me.next.set(&raw const *others[0]);
        others[0].next.set(&raw const *others[1]);
        others[1].next.set(&raw const *others[2]);
        others[2].next.set(&raw const *me);
        vcpu.cur.set(&raw const *me);
        tls::set((&raw const *vcpu).cast_mut().cast());
        for round in 1..=1000 {
            yield_now();
            assert!(others.iter().all(|t| t.runs.get() == round));
            assert_eq!(vcpu.cur.get(), &raw const *me);
        }
        assert_eq!(vcpu.slow.get(), 0);
        assert_eq!(vcpu.tick.get(), 100_000 - 4000);
        // What a yield saved, a switch continues: to the last task, which yields back to here.
        vcpu.cur.set(&raw const *others[2]);
        // SAFETY: the task waits in a yield; `me.sp` receives our place, from which its yield continues us.
        unsafe { switch(me.sp.as_ptr(), others[2].sp.get()) };
        assert_eq!(others[2].runs.get(), 1001);
        tls::set(null_mut());
    }

    #[test]
    fn the_slow_path_is_taken_for_a_plain_thread_a_used_up_tick_and_a_flag() {
        let before = SLOW_WITHOUT_VCPU.get();
        yield_now();
        assert_eq!(SLOW_WITHOUT_VCPU.get(), before + 1);

        let vcpu = vcpu(3);
        let mut memory = Memory::new(64 << 10);
        let (me, other) = (task(&vcpu, None), task(&vcpu, Some(&mut memory)));
        me.next.set(&raw const *me);
        vcpu.cur.set(&raw const *me);
        tls::set((&raw const *vcpu).cast_mut().cast());
        yield_now();
        assert_eq!(
            (vcpu.tick.get(), vcpu.slow.get()),
            (2, 0),
            "alone in the ring: counted, back at once"
        );
        yield_now();
        yield_now();
        assert_eq!((vcpu.tick.get(), vcpu.slow.get()), (0, 1), "the tick is used up");

        vcpu.tick.set(10);
        me.next.set(&raw const *other);
        other.next.set(&raw const *me);
        me.flags.set(SLOW_FLAG);
        yield_now();
        assert_eq!((vcpu.slow.get(), other.runs.get()), (2, 0), "the flag");
        me.flags.set(!SLOW_FLAG);
        yield_now();
        assert_eq!((vcpu.slow.get(), other.runs.get()), (2, 1), "other flags do not matter");
        tls::set(null_mut());
    }
}
