//! The ring itself: setting it up on whatever kernel there is, entering it, reading its
//! completions.
//!
//! What the kernel can: an engine needs the operations of `sqe::NEEDED`. For any other ask
//! [`Ring::has`], or let the operation name it (`Op::OPTIONAL`): then a call that the ring can't
//! take goes the way of `ready`. PHOTONRT_URING_MASK (see `mask`) makes `has` say no, so that each
//! way is tested on any kernel.
#![allow(unsafe_code)]

use super::mask::{self, Mask};
use super::sqe::{self, Sqe};
use crate::err::Errno;
use io_uring::{Builder, IoUring, Probe, cqueue, squeue, types};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

/// Entries that one round can submit before an extra enter.
const SUBMISSIONS: u32 = 256;
/// Completions that fit before the kernel must keep them itself (it does, and says so).
const COMPLETIONS: u32 = 4096;
/// Completions that are looked at together. (The kernel's own work for an enter comes in twenties.)
const TOGETHER: usize = 16;

/// A completion.
#[derive(Debug)]
pub struct Completion {
    pub user_data: u64,
    pub res: i32,
    /// More will come for the same entry.
    pub more: bool,
    /// A receive left something in the socket.
    pub nonempty: bool,
    /// The second of a send that does not copy: its buffer is free.
    pub notification: bool,
    /// The provided buffer that it is in.
    pub buffer: Option<u16>,
}

/// See the module.
pub struct Ring {
    ring: IoUring,
    /// A bit for each opcode that the kernel has.
    opcodes: [u64; 4],
    mask: &'static Mask,
    submits_all: bool,
}

impl std::fmt::Debug for Ring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ring").field("fd", &self.fd()).finish()
    }
}

type Wish = fn(&mut Builder<squeue::Entry, cqueue::Entry>);

/// What to ask of the kernel, best first, each with the flag (as in `mask`) that makes it newer
/// than the next: 6.1, 6.0, 5.19, 5.18.
const WISHES: [(&str, Wish); 5] = [
    ("defer_taskrun", |b| {
        b.setup_single_issuer().setup_defer_taskrun().setup_taskrun_flag().setup_submit_all();
    }),
    ("single_issuer", |b| {
        b.setup_single_issuer().setup_coop_taskrun().setup_taskrun_flag().setup_submit_all();
    }),
    ("coop_taskrun", |b| {
        b.setup_coop_taskrun().setup_taskrun_flag().setup_submit_all();
    }),
    ("submit_all", |b| {
        b.setup_submit_all();
    }),
    ("", |_| {}),
];

/// With `external` another thread may submit, and the host sleeps on the ring's descriptor, so
/// completions must come by themselves: only the last two.
fn wishes(external: bool, mask: &Mask) -> &'static [(&'static str, Wish)] {
    let hidden = WISHES.iter().rposition(|w| mask.hides(w.0)).map_or(0, |at| at + 1);
    &WISHES[hidden.max(if external { 3 } else { 0 })..]
}

impl Ring {
    /// ENOSYS: the kernel is too old or lacks something; other errors as io_uring_setup gives them.
    pub fn new(external: bool) -> Result<Ring, Errno> {
        let mut last = Errno::ENOSYS;
        let mask = mask::get()?;
        let (sq, cq) = (mask.sq.unwrap_or(SUBMISSIONS), mask.cq.unwrap_or(COMPLETIONS));
        for (flag, wish) in wishes(external, mask) {
            let mut b = IoUring::builder();
            b.dontfork().setup_cqsize(cq.max(sq)).setup_clamp();
            wish(&mut b);
            match b.build(sq) {
                Ok(ring) => {
                    let submits_all = !flag.is_empty();
                    return Ring { ring, opcodes: [0; 4], mask, submits_all }.checked();
                }
                Err(e) => last = Errno::from_io(&e),
            }
            if last != Errno::EINVAL {
                break;
            }
        }
        Err(last)
    }

    fn checked(mut self) -> Result<Ring, Errno> {
        let p = self.ring.params();
        let mut enough = p.is_feature_nodrop() && p.is_feature_fast_poll();
        enough &= p.is_feature_ext_arg() && !self.hides("ext_arg");
        // Resource tagging stands for Linux 5.13, the first with multishot polls.
        enough &= p.is_feature_rw_cur_pos() && p.is_feature_resource_tagging();
        enough &= !self.hides("rsrc_tags");
        let mut probe = Probe::new();
        let known = self.ring.submitter().register_probe(&mut probe);
        known.map_err(|e| Errno::from_io(&e))?;
        let mask = self.mask;
        for code in (0..=u8::MAX).filter(|&c| probe.is_supported(c) && !mask.hides_opcode(c)) {
            self.opcodes[usize::from(code / 64)] |= 1 << (code % 64);
        }
        enough &= sqe::NEEDED.iter().all(|&code| self.has(code));
        if enough { Ok(self) } else { Err(Errno::ENOSYS) }
    }

    /// Whether the kernel has an operation (`io_uring::opcode::X::CODE`), as probed when the ring
    /// was made, less what PHOTONRT_URING_MASK hides.
    #[inline]
    pub fn has(&self, code: u8) -> bool {
        self.opcodes[usize::from(code / 64)] >> (code % 64) & 1 != 0
    }

    /// Whether PHOTONRT_URING_MASK pretends that an ability which is no operation, one of
    /// [`mask::ABILITIES`], is not there. Whoever finds out in another way that it is asks this
    /// too.
    #[inline]
    pub fn hides(&self, ability: &str) -> bool {
        self.mask.hides(ability)
    }

    /// Whether an entry that the kernel can't take completes with its error and the next are
    /// submitted all the same.
    pub fn submits_all(&self) -> bool {
        self.submits_all
    }

    /// How many entries can be queued now.
    pub fn room(&mut self) -> usize {
        let sq = self.ring.submission();
        sq.capacity() - sq.len()
    }

    /// Queues an entry; false if the queue is full.
    ///
    /// # Safety
    /// What the entry points to stays valid until its completion has been reaped.
    #[inline]
    pub unsafe fn push(&mut self, entry: &Sqe) -> bool {
        // SAFETY: the caller's.
        unsafe { self.ring.submission().push(entry).is_ok() }
    }

    /// Whether neither queue holds anything and the kernel has nothing for us.
    #[inline]
    pub fn is_quiet(&mut self) -> bool {
        !self.wants_enter() && !self.has_completions()
    }

    /// Whether the kernel must be entered: entries to submit, work that it has put off, completions
    /// that it keeps.
    #[inline]
    pub fn wants_enter(&mut self) -> bool {
        let sq = self.ring.submission();
        !sq.is_empty() || sq.taskrun() || sq.cq_overflow()
    }

    /// Whether there are completions to reap.
    #[inline]
    pub fn has_completions(&mut self) -> bool {
        !self.ring.completion().is_empty()
    }

    /// One system call: submits everything, waits for `want` completions or until the time is up
    /// (ETIME).
    pub fn enter(&self, want: u32, timeout: Option<Duration>) -> Result<(), Errno> {
        let submitter = self.ring.submitter();
        let r = match timeout {
            Some(t) if want > 0 => {
                let t = types::Timespec::from(t);
                let args = types::SubmitArgs::new().timespec(&t);
                submitter.submit_with_args(want as usize, &args)
            }
            _ => submitter.submit_and_wait(want as usize),
        };
        r.map(drop).map_err(|e| Errno::from_io(&e))
    }

    /// Registers a ring of provided buffers as group `group`.
    ///
    /// # Safety
    /// `at` is the page-aligned address of `entries` entries, which stay until the ring has gone.
    pub unsafe fn register_buffers(&self, at: u64, entries: u16, group: u16) -> Result<(), Errno> {
        // SAFETY: the caller's.
        let r =
            unsafe { self.ring.submitter().register_buf_ring_with_flags(at, entries, group, 0) };
        r.map_err(|e| Errno::from_io(&e))
    }

    /// Hands over the completions that are there, [`TOGETHER`] at a time. Before those are, `fetch` is
    /// called for each of them, then `fetch_more`, with its user_data: what the completions are about has
    /// mostly left the cache, and so its misses overlap.
    #[inline]
    pub fn reap<C>(
        &mut self,
        context: &mut C,
        fetch: impl Fn(&C, u64),
        fetch_more: impl Fn(&C, u64),
        mut each: impl FnMut(&mut C, Completion),
    ) {
        let mut all = self.ring.completion();
        let mut room = [const { MaybeUninit::uninit() }; TOGETHER];
        loop {
            let some = all.fill(&mut room);
            if some.is_empty() {
                return;
            }
            if some.len() > 1 {
                some.iter().for_each(|c| fetch(context, c.user_data()));
                some.iter().for_each(|c| fetch_more(context, c.user_data()));
            }
            for c in some {
                let flags = c.flags();
                let c = Completion {
                    user_data: c.user_data(),
                    res: c.result(),
                    more: cqueue::more(flags),
                    nonempty: cqueue::sock_nonempty(flags),
                    notification: cqueue::notif(flags),
                    buffer: cqueue::buffer_select(flags),
                };
                each(context, c);
            }
        }
    }

    /// Readable while there are completions, or work that an enter would do.
    pub fn fd(&self) -> RawFd {
        self.ring.as_raw_fd()
    }
}

/// Whether the ring, of which nothing has completed yet, works: containers allow the setup and forbid
/// the enter, so a real operation goes through. Nothing else may have completed: what was queued
/// before goes on.
pub fn prove(ring: &mut Ring) -> Result<(), Errno> {
    // SAFETY: the entry points to nothing.
    if !unsafe { ring.push(&sqe::nop().user_data(7)) } {
        return Err(Errno::ENOSYS);
    }
    for _ in 0..3 {
        match ring.enter(1, Some(Duration::from_secs(1))) {
            Err(Errno::EINTR) => continue,
            r => r?,
        }
        break;
    }
    let (mut seen, mut others) = (0, 0);
    ring.reap(
        &mut (&mut seen, &mut others),
        |_, _| {},
        |_, _| {},
        |(seen, others), c| {
            **(if c.user_data == 7 && c.res == 0 { seen } else { others }) += 1;
        },
    );
    if (seen, others) == (1, 0) { Ok(()) } else { Err(Errno::ENOSYS) }
}
