//! The control block itself; see the head of `task`.
#![allow(unsafe_code)]

use super::{life::Life, mail::Mail, own::Own};
use crate::stack::Stack;
use crate::wheel::Node;
use std::cell::Cell;
use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicPtr, AtomicU8, AtomicU32, AtomicU64, Ordering::*, fence};

/// What a coroutine runs.
pub type Entry = unsafe extern "C" fn(arg: *mut c_void) -> *mut c_void;
/// A coroutine's control block: never freed, so always safe to look at.
pub type TaskRef = &'static Task;

/// Bits of `Task::flags`; the low byte is the ABI's.
pub mod flags {
    /// Spawned detached.
    pub const DETACHED: u32 = 1;
    /// May move after it has run.
    pub const MIGRATABLE: u32 = 2;
    /// Has a floating-point control state of its own.
    pub const SAVE_FP: u32 = 4;
    /// What a spawner may set.
    pub const PUBLIC: u32 = DETACHED | MIGRATABLE | SAVE_FP;
    /// Has not run yet.
    pub const FRESH: u32 = 1 << 8;
    /// Its stack holds a copy for the joiner, and is freed with the block.
    pub const KEEP_STACK: u32 = 1 << 9;
    /// Asked to stay on its vCPU: thieves don't get it.
    pub const PINNED: u32 = 1 << 10;
    /// Has been asked to move (`move_to`).
    pub const MOVING: u32 = 1 << 11;
    /// `Task::own` may hold something to be put in order at the end.
    pub const OWNS: u32 = 1 << 12;
    /// Pinned by itself, `Task::pins` times: does not move until it is no longer.
    pub const HELD: u32 = 1 << 14;
    /// Detached, and begins where its spawner is nevertheless.
    pub const NEAR: u32 = 1 << 13;
    /// Has acknowledged a cancel (co_cancel_clear), and no other has reached it since.
    pub const ACKNOWLEDGED: u32 = 1 << 15;
}

/// Bits of `Task::attention`: what the owner knows that a wait must look at.
pub mod attention {
    /// An unpark that no park has used.
    pub const TOKEN: u32 = 1;
    /// Cancelled.
    pub const CANCEL: u32 = 2;
    /// Interrupted, with `Task::errno`.
    pub const INTERRUPT: u32 = 4;
    /// The wait's deadline has passed.
    pub const TIMEOUT: u32 = 8;
    /// Cancel and interrupt are held off.
    pub const SHIELD: u32 = 16;
}

/// `Task::state`: where the owner has it.
pub mod state {
    /// In nobody's hands: being spawned, or gone.
    pub const NONE: u8 = 0;
    /// In its owner's ring, or on offer.
    pub const RUNNABLE: u8 = 1;
    /// Waiting.
    pub const PARKED: u8 = 2;
    /// In foreign code: its vCPU's `cur`, or on another thread.
    pub const AWAY: u8 = 3;
}

/// How to spawn.
#[derive(Clone, Copy, Default, Debug)]
pub struct Attr<'a> {
    /// `flags::PUBLIC` bits.
    pub flags: u32,
    /// Group handle; 0: the spawner's.
    pub group: u64,
    /// vCPU of the group counted from 1; 0: any.
    pub vcpu: u32,
    /// Bytes of stack; 0: the config's.
    pub stack_size: u64,
    /// Name; cut after 31 bytes.
    pub name: &'a [u8],
}

/// What a coroutine is doing, as reports say it; the numbers are the ABI's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Doing {
    /// Spawned and not yet run.
    Fresh = 1,
    /// Waiting for its turn.
    Ready = 2,
    /// Running.
    Running = 3,
    /// Waiting for something.
    Parked = 4,
    /// Ended, to be joined.
    Ended = 5,
}

/// A report on one coroutine.
#[derive(Clone, Copy, Debug)]
pub struct Info {
    /// What it is doing.
    pub state: Doing,
    /// Its handle.
    pub co: u64,
    /// Its group's handle.
    pub group: u64,
    /// Its vCPU in the group, counted from 1; 0: on offer.
    pub vcpu: u32,
    /// `flags::PUBLIC` bits.
    pub flags: u32,
    /// Bytes of its stack; 0 if it has given it back.
    pub stack_size: u64,
    /// Its name, ended by zero.
    pub name: [u8; 32],
    /// It has acknowledged a cancel, and no other has reached it since.
    pub acknowledged: bool,
}

/// See the head of `task`.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Task {
    pub(crate) sp: Cell<*mut u8>,
    pub(crate) next: Cell<Option<TaskRef>>,
    pub(crate) prev: Cell<Option<TaskRef>>,
    pub(crate) flags: AtomicU32,
    pub(crate) attention: Cell<u32>,
    pub(crate) errno: Cell<i32>,
    pub(crate) state: AtomicU8,
    pub(crate) stack: Cell<Option<NonNull<Stack>>>,
    pub(crate) entry: Cell<Option<Entry>>,
    pub(crate) arg: Cell<*mut c_void>,

    pub(crate) life: Life,
    pub(crate) result: Cell<*mut c_void>,
    /// The joiner on the owner's own vCPU (rule 5 of `life`): its slot + 1, or 0.
    pub(crate) joiner: AtomicU32,
    /// Attention bits that end the present wait.
    pub(crate) wait_mask: Cell<u32>,
    pub(crate) slot: Cell<u32>,
    /// vCPU id + 1, or 0: on offer.
    pub(crate) owner: AtomicU32,
    /// vCPU id + 1 to move to.
    pub(crate) move_to: AtomicU32,
    pub(crate) stack_class: AtomicU8,
    /// See `flags::HELD`.
    pub(crate) pins: Cell<u16>,
    pub(crate) env: AtomicPtr<u8>,
    pub(crate) group: AtomicU64,

    pub(crate) timer: Node,
    pub(crate) mail: Mail,
    pub(crate) link: AtomicPtr<Task>,
    /// So that line 3 is one.
    _room: [u64; 2],

    name: Name,
    /// The running coroutine's.
    pub(crate) own: Own,
}

const _: () = {
    assert!(size_of::<Task>() == 256);
    assert!(std::mem::offset_of!(Task, life) == 64 && std::mem::offset_of!(Task, timer) == 128);
    assert!(std::mem::offset_of!(Task, name) == 192);
};

// SAFETY: the head of `task` says who may touch the Cells: the owner's thread alone, and an owner
// hands the block on through an atomic (inbox, deque, life) that orders its accesses before the
// next one's.
unsafe impl Sync for Task {}
// SAFETY: as above; nothing in it is tied to a thread.
unsafe impl Send for Task {}

impl crate::list::Linked for Task {
    fn link(&self) -> &AtomicPtr<Task> {
        &self.link
    }
}

impl Task {
    /// A block that has never held a coroutine.
    pub(crate) fn blank(slot: u32) -> Task {
        Task {
            sp: Cell::new(std::ptr::null_mut()),
            next: Cell::new(None),
            prev: Cell::new(None),
            flags: AtomicU32::new(0),
            attention: Cell::new(0),
            errno: Cell::new(0),
            state: AtomicU8::new(state::NONE),
            stack: Cell::new(None),
            entry: Cell::new(None),
            arg: Cell::new(std::ptr::null_mut()),
            life: Life::default(),
            result: Cell::new(std::ptr::null_mut()),
            joiner: AtomicU32::new(0),
            wait_mask: Cell::new(0),
            slot: Cell::new(slot),
            owner: AtomicU32::new(0),
            move_to: AtomicU32::new(0),
            stack_class: AtomicU8::new(0),
            pins: Cell::new(0),
            env: AtomicPtr::new(std::ptr::null_mut()),
            group: AtomicU64::new(0),
            timer: Node::default(),
            mail: Mail::default(),
            link: AtomicPtr::new(std::ptr::null_mut()),
            _room: [0; 2],
            name: Name::default(),
            own: Own::new(),
        }
    }

    /// The handle of the coroutine that the block holds now.
    #[inline]
    pub fn handle(&self) -> u64 {
        handle(self.life.generation(), self.slot.get())
    }

    /// Its id as a waiter in `life`.
    #[inline]
    pub(crate) fn waiter(&self) -> u32 {
        self.slot.get() + 1
    }

    #[inline]
    pub(crate) fn has(&self, flag: u32) -> bool {
        self.flags.load(Relaxed) & flag != 0
    }

    /// Owner (or spawner) only: others only read the flags.
    #[inline]
    pub(crate) fn set_flag(&self, flag: u32, on: bool) {
        let f = self.flags.load(Relaxed);
        self.flags.store(if on { f | flag } else { f & !flag }, Relaxed);
    }

    /// Sets a flag of those that are set by more than the owner: all of these by this.
    pub(crate) fn raise_flag(&self, flag: u32) {
        self.flags.fetch_or(flag, Relaxed);
    }

    #[inline]
    pub(crate) fn parked(&self) -> bool {
        self.state.load(Relaxed) == state::PARKED
    }

    /// Any thread: sets the name.
    pub fn set_name(&self, name: &[u8]) {
        self.name.set(name, self.life.generation());
    }

    /// The running coroutine, which is a new one from now on, has that name, ended by zeros.
    pub(crate) fn renew_name(&self, name: &[u8; 32]) {
        let g = self.life.generation();
        if self.name.get(g.wrapping_sub(1)) == *name {
            self.name.of.store(g, Relaxed);
        } else if name[0] != 0 {
            self.name.set(&name[..31], g);
        }
    }

    /// Any thread: name and handle, for reports.
    pub fn label(&self) -> String {
        label(&self.name(), self.handle())
    }

    /// Any thread: the name, ended by zero.
    pub fn name(&self) -> [u8; 32] {
        self.name.get(self.life.generation())
    }
}

/// A handle from its parts. Generations are below 2^31, so a handle is positive as a signed number
/// too.
#[inline]
pub fn handle(generation: u32, slot: u32) -> u64 {
    u64::from(generation) << 32 | u64::from(slot)
}

/// A coroutine's name and handle, for reports.
pub fn label(name: &[u8], co: u64) -> String {
    let name = name.split(|b| *b == 0).next().unwrap_or_default();
    format!("\"{}\" ({co:016x})", String::from_utf8_lossy(name))
}

/// Up to 31 bytes and a zero, readable while somebody writes: a sequence lock. `seq` is odd while a
/// writer is at work; a reader that saw it odd or changed reads again. It is the name of the block's
/// coroutine of generation `of`; others have none.
#[derive(Default, Debug)]
struct Name {
    seq: AtomicU32,
    of: AtomicU32,
    words: [AtomicU64; 4],
}

impl Name {
    fn set(&self, name: &[u8], of: u32) {
        let mut bytes = [0u8; 32];
        let n = name.len().min(31);
        bytes[..n].copy_from_slice(&name[..n]);
        let seq = loop {
            let s = self.seq.load(Relaxed) & !1;
            // Acquire: pairs with the Release store below, of the writer before.
            if self.seq.compare_exchange_weak(s, s + 1, Acquire, Relaxed).is_ok() {
                break s;
            }
            std::hint::spin_loop();
        };
        // Release: pairs with the reader's acquire fence: who sees one of our words sees seq odd.
        fence(Release);
        for (w, b) in self.words.iter().zip(bytes.chunks_exact(8)) {
            w.store(u64::from_le_bytes(b.try_into().unwrap_or_default()), Relaxed);
        }
        self.of.store(of, Relaxed);
        // Release: pairs with the reader's acquire load.
        self.seq.store(seq.wrapping_add(2), Release);
    }

    fn get(&self, of: u32) -> [u8; 32] {
        loop {
            // Acquire: pairs with the writer's last store.
            let s = self.seq.load(Acquire);
            if self.of.load(Relaxed) != of {
                return [0; 32];
            }
            let mut bytes = [0u8; 32];
            for (w, b) in self.words.iter().zip(bytes.chunks_exact_mut(8)) {
                b.copy_from_slice(&w.load(Relaxed).to_le_bytes());
            }
            // Acquire: pairs with the writer's release fence.
            fence(Acquire);
            if s & 1 == 0 && self.seq.load(Relaxed) == s {
                return bytes;
            }
            std::hint::spin_loop();
        }
    }
}

impl Task {
    /// Spawner: names a block that nobody else knows yet.
    #[inline]
    pub(crate) fn begin_name(&self, name: &[u8]) {
        if !name.is_empty() {
            self.set_name(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_and_one_coroutine_s() {
        let n = Name::default();
        n.set(&[b'x'; 40], 7);
        assert_eq!(&n.get(7)[..], [&[b'x'; 31][..], &[0]].concat());
        n.set(b"short", 7);
        assert_eq!(&n.get(7)[..6], b"short\0");
        assert_eq!(n.get(8), [0; 32], "another's");
    }

    #[test]
    fn a_renewed_one_keeps_its_name_and_the_next_one_has_none() {
        let t = Task::blank(3);
        let name = |n: &[u8]| {
            let mut bytes = [0; 32];
            bytes[..n.len()].copy_from_slice(n);
            bytes
        };
        t.begin_name(b"worker");
        t.life.open(true);
        for n in [&b"worker"[..], b"worker", b"other", b"", b"worker"] {
            assert!(t.life.renew());
            assert_eq!(t.name(), [0; 32]);
            t.renew_name(&name(n));
            assert_eq!(t.name(), name(n));
        }
        assert!(t.life.close());
        t.begin_name(b"");
        t.life.open(false);
        assert_eq!(t.name(), [0; 32]);
    }

    #[test]
    fn a_reader_never_sees_half_a_name() {
        static N: std::sync::LazyLock<Name> = std::sync::LazyLock::new(Name::default);
        let writers: Vec<_> = [b'a', b'b']
            .map(|c| std::thread::spawn(move || (0..20_000).for_each(|_| N.set(&[c; 31], 1))))
            .into();
        while writers.iter().any(|w| !w.is_finished()) {
            let got = N.get(1);
            assert!(got[..31].iter().all(|c| *c == got[0]), "{got:?}");
        }
        for w in writers {
            assert!(w.join().is_ok());
        }
    }
}
