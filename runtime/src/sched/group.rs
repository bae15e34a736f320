//! A group: vCPUs with one policy, among which fresh coroutines may be taken over.
//!
//! Besides its own vCPUs it may have spares: `rt`'s monitor starts one when all vCPUs are held up (in
//! foreign code, or stalled) while something that may move waits. A spare is a vCPU as any other, but
//! that nothing is sent to it: it takes what is on offer. When a vCPU is free again the spare is
//! stood down: it takes nothing more, runs what is bound to it, and then sleeps until it is needed
//! again or the group ends. (Ending its thread instead would close its inbox, and a wake for a
//! coroutine that has just moved away from it must not be lost.)
#![allow(unsafe_code)]

use super::vcpu::VCpu;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicUsize, Ordering::*, fence};

/// See the module. Lives while it is in `rt`'s registry or somebody holds it; its vCPUs end before
/// it.
#[derive(Debug)]
pub struct Group {
    /// Its handle.
    pub handle: u64,
    /// For thread names and reports.
    pub name: String,
    /// Its vCPUs; their index here + 1 is their number in the ABI.
    pub vcpus: Vec<&'static VCpu>,
    /// Runs only inside co_group_poll.
    pub external: bool,
    /// Somebody waits for its end, and nothing lives in it: who polls it is to come back.
    pub ending: AtomicBool,
    /// Its vCPUs take nothing from each other.
    pub pinned: bool,
    /// Stack class of a coroutine that asks for no size.
    pub stack_class: u8,
    /// Flags that each of its coroutines gets.
    pub task_flags: u32,
    /// Attention bits that a coroutine begins with: CANCEL while the runtime cancels everything.
    pub birth: AtomicU32,
    /// vCPUs with nothing to do: while there are any, the others offer what they can spare.
    pub hungry: AtomicUsize,
    /// Of those, the ones that are awake and looking: they need no wake-up call.
    pub looking: AtomicUsize,
    next: AtomicUsize,
    /// vCPUs that stand in while all others are held up; filled from the front, at most so many.
    spares: Box<[AtomicPtr<VCpu>]>,
}

impl Group {
    /// A group whose vCPUs have been made but not started.
    pub fn new(handle: u64, name: String, vcpus: Vec<&'static VCpu>, external: bool) -> Group {
        Group {
            handle,
            name,
            vcpus,
            external,
            ending: AtomicBool::new(false),
            pinned: false,
            stack_class: 0,
            task_flags: 0,
            birth: AtomicU32::new(0),
            hungry: AtomicUsize::new(0),
            looking: AtomicUsize::new(0),
            next: AtomicUsize::new(0),
            spares: Box::default(),
        }
    }

    /// Before it is known: how many spares it may have. With one vCPU its coroutines run one at a
    /// time, and a spare would break that.
    pub fn allow_spares(&mut self, n: usize) {
        if self.vcpus.len() > 1 {
            self.spares = (0..n).map(|_| AtomicPtr::default()).collect();
        }
    }

    /// Its spares so far.
    pub fn spares(&self) -> impl Iterator<Item = &'static VCpu> + Clone + '_ {
        // Acquire: pairs with add_spare's release.
        // SAFETY: null or a vCPU, and vCPUs are never freed.
        self.spares.iter().map_while(|s| unsafe { s.load(Acquire).as_ref() })
    }

    /// All its vCPUs.
    pub fn all(&self) -> impl Iterator<Item = &'static VCpu> + Clone + '_ {
        self.vcpus.iter().copied().chain(self.spares())
    }

    /// Whether it may have one more.
    pub fn wants_spare(&self) -> bool {
        self.spares().count() < self.spares.len()
    }

    /// One thread at a time: a spare has been started.
    pub fn add_spare(&self, v: &'static VCpu) {
        let n = self.spares().count();
        // Release: pairs with the acquire in spares.
        self.spares[n].store(std::ptr::from_ref(v).cast_mut(), Release);
    }

    /// Whether something is on offer.
    pub fn has_offers(&self) -> bool {
        self.all().any(VCpu::offers)
    }

    /// The vCPU of a number in the ABI's counting; 0: the runtime's choice, an idle one if there is
    /// any, and none that is held up if it can be helped. In a pinned group each by turns.
    pub fn choose(&self, number: u32) -> Option<&'static VCpu> {
        if number != 0 {
            return self.vcpus.get(number as usize - 1).copied();
        }
        let n = self.vcpus.len();
        let first = self.next.fetch_add(1, Relaxed) % n;
        let at = |i: usize| self.vcpus[(first + i) % n];
        if self.pinned {
            return Some(at(0));
        }
        let all = || (0..n).map(at);
        let idle = all().find(|v| v.asleep());
        // One in foreign code is served by others; a stalled one by nobody.
        let free = || all().find(|v| !v.is_foreign() && !v.is_stalled());
        idle.or_else(free).or_else(|| all().find(|v| v.is_foreign())).or_else(|| Some(at(0)))
    }

    /// Coroutines in it that have not ended: see [`live`].
    pub fn live(&self) -> u64 {
        live(self.all())
    }

    /// A vCPU that has nothing to run and holds fewer coroutines than `v`.
    #[cold]
    pub(crate) fn lighter(&self, v: &VCpu) -> Option<&'static VCpu> {
        let held = v.held();
        let idle = self.vcpus.iter().copied().filter(|o| o.asleep());
        idle.map(|o| (o.held(), o)).filter(|(n, _)| *n < held).min_by_key(|(n, _)| *n).map(|o| o.1)
    }

    /// Wakes one vCPU that sleeps, unless one is looking for work already.
    pub(crate) fn wake_one(&self) {
        if self.looking.load(Relaxed) == 0
            && let Some(v) = self.all().find(|v| v.asleep() && v.is_active())
        {
            v.wake();
        }
    }
}

/// Coroutines of these vCPUs that have not ended. It is never below what it was at the moment between
/// the two sums: what ended or left is counted before what began or came, and who moves is counted
/// where it comes to before it is no longer counted where it was. So when this gives 0, nothing was
/// alive at that moment.
pub fn live(vcpus: impl Iterator<Item = &'static VCpu> + Clone) -> u64 {
    // Pairs with the fence of a vCPU that goes to sleep (Idle::prepare): see rt's drain.
    fence(SeqCst);
    // Acquire: pairs with the Release of who counted: what was counted here is counted there.
    let gone = |v: &VCpu| v.counts.ended.get() + v.counts.left.load(Acquire);
    let gone: u64 = vcpus.clone().map(gone).sum();
    let came = |v: &VCpu| v.counts.spawned.get() + v.counts.entered.load(Acquire);
    vcpus.map(came).sum::<u64>().saturating_sub(gone)
}
