//! A channel's core: made, closed, freed; what each step of a transfer does under its guard.
#![allow(unsafe_code)]

use super::apart::Apart;
use super::store::{self, Block, Store, copy};
use crate::err::Errno;
use crate::handles::{Slot, Table};
use crate::prim::Cell;
#[cfg(not(loom))]
use crate::prim::HintUsize as Len;
use crate::sched::VCpu;
use crate::wait::caller::here;
use crate::wait::guard::Word;
use crate::wait::queue::{Grants, Node, Queue};
use crate::wait::{Held, hold};

/// Bytes of an element at most.
pub const MAX_ELEMENT: usize = 64 << 10;
/// The capacity of a channel that takes as much as there is memory for.
pub const UNBOUNDED: usize = usize::MAX;
/// What is set in a future's handle, beside its slot's number.
pub(super) const FUTURE: u64 = 1 << 31;

/// Who waits for another vCPU looks at it without the guard. (In the models nobody does.)
#[cfg(loom)]
type Len = Cell<usize>;

/// The handle of a core that is nobody's: none leads to a slot of that number.
const NOBODY: u64 = u64::MAX;

/// A channel's core, or a future's. Between two of them `handle` is NOBODY.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct Core {
    pub word: Word,
    /// Bytes of an element.
    size: Cell<u32>,
    pub handle: Cell<u64>,
    /// Elements that are buffered.
    pub len: Len,
    capacity: Cell<usize>,
    pub receivers: Queue,
    pub senders: Queue,
    pub store: Store,
    /// Closed; a future: complete.
    pub closed: Cell<bool>,
    /// In blocks, not in a ring.
    blocks: Cell<bool>,
    /// A future's error; 0: it has its value.
    pub error: Cell<i32>,
    pub apart: Apart,
}

impl Default for Core {
    fn default() -> Core {
        Core {
            word: Word::default(),
            size: Cell::new(Default::default()),
            handle: Cell::new(NOBODY),
            len: Len::default(),
            capacity: Cell::new(Default::default()),
            receivers: Queue::default(),
            senders: Queue::default(),
            store: Store::default(),
            closed: Cell::new(Default::default()),
            blocks: Cell::new(Default::default()),
            error: Cell::new(Default::default()),
            apart: Apart::default(),
        }
    }
}

// SAFETY: the cells and the queues are touched by who holds `word`.
unsafe impl Sync for Core {}
// SAFETY: nothing in it belongs to a thread.
unsafe impl Send for Core {}

static CORES: Table<Core> = Table::empty();

/// A grant is an errno + 1.
pub(super) const DONE: u32 = 1;

pub(super) fn grant(e: Errno) -> u32 {
    e.0 as u32 + 1
}

/// What a grant says.
#[inline(always)]
pub(super) fn granted(what: u32) -> Result<(), Errno> {
    if what == DONE { Ok(()) } else { Err(Errno(what as i32 - 1)) }
}

/// The core in the slot that a handle names. It may be another's: ask [`Core::enter`].
#[inline(always)]
pub(super) fn at(handle: u64) -> Result<&'static Core, Errno> {
    CORES.place(handle).map(|s| &s.value).ok_or(Errno::EBADF)
}

fn slot(handle: u64) -> Option<&'static Slot<Core>> {
    CORES.place(handle & !FUTURE)
}

/// A core for an object with elements of `size` bytes; `kind`: 0 or FUTURE.
pub(super) fn make(size: usize, capacity: usize, kind: u64) -> Result<u64, Errno> {
    if size > MAX_ELEMENT {
        return Err(Errno::EINVAL);
    }
    let blocks = capacity == UNBOUNDED && size != 0;
    let memory = if blocks { None } else { store::ring_memory(capacity, size)? };
    let slot = CORES.take()?;
    let handle = CORES.publish(slot) | kind;
    let core = &slot.value;
    // Somebody may be looking at it with a handle of before.
    let held = hold(&core.word, here());
    core.size.set(size as u32);
    core.len.set(0);
    core.capacity.set(capacity);
    core.closed.set(false);
    core.blocks.set(blocks);
    core.error.set(0);
    core.apart.begin();
    if blocks {
        core.store.begin_blocks(size);
    } else {
        core.store.begin_ring(capacity, memory);
    }
    core.handle.set(handle);
    drop(held);
    Ok(handle)
}

/// Ends the object of a handle: who waits is sent away with `EBADF`.
pub(super) fn end(handle: u64) -> Result<(), Errno> {
    let slot = slot(handle).ok_or(Errno::EBADF)?;
    let (core, v) = (&slot.value, here());
    let held = core.enter(handle, v)?;
    core.handle.set(NOBODY);
    let mut grants = Grants::default();
    grants.take_all(&core.receivers, grant(Errno::EBADF));
    grants.take_all(&core.senders, grant(Errno::EBADF));
    let size = core.size();
    let (chain, memory) = if core.blocks.get() {
        (Some(core.store.end_blocks()), None)
    } else {
        (None, core.store.end_ring(size))
    };
    held.renew();
    grants.wake(v);
    CORES.give(slot);
    drop(memory);
    if let Some(chain) = chain {
        store::free_blocks(chain, size);
    }
    Ok(())
}

/// What a step found.
pub(super) enum Step {
    /// It is done, with this much to be finished without the guard.
    Done(After),
    /// It would have to wait.
    Wait,
    /// It needs a new block, for elements of that size.
    Block(usize),
}

/// What remains when the guard has been let go.
#[derive(Default)]
pub(super) struct After {
    grants: Grants,
    /// With the one that is granted, the element is to be passed: of this many bytes.
    pass: Option<u32>,
    /// To be freed.
    block: Option<Block>,
}

impl Core {
    /// Holds it. EBADF: it is not that handle's any more.
    #[inline(always)]
    pub fn enter(&self, handle: u64, v: Option<&'static VCpu>) -> Result<Held<'_>, Errno> {
        let held = hold(&self.word, v);
        self.check(handle).map(|()| held)
    }

    /// Under the guard: whether it is that handle's. EBADF.
    #[inline(always)]
    pub fn check(&self, handle: u64) -> Result<(), Errno> {
        if self.handle.get() == handle { Ok(()) } else { Err(Errno::EBADF) }
    }

    /// Bytes of an element.
    #[inline(always)]
    pub fn size(&self) -> usize {
        self.size.get() as usize
    }

    /// Under the guard: sends `elem`, to a receiver or into the buffer. EPIPE, EINVAL.
    ///
    /// # Safety
    /// `elem` is null, or an element.
    pub unsafe fn send(&self, elem: *const u8) -> Result<Step, Errno> {
        if self.closed.get() {
            return Err(Errno::EPIPE);
        }
        let size = self.size();
        if elem.is_null() && size != 0 {
            return Err(Errno::EINVAL);
        }
        let mut after = After::default();
        while let Some(r) = self.receivers.first() {
            if after.grants.take(&self.receivers, r, DONE) {
                after.pass = Some(self.size.get());
                return Ok(Step::Done(after));
            }
        }
        if !self.has_room() {
            return Ok(Step::Wait);
        }
        if self.blocks.get() {
            // SAFETY: the caller's.
            return Ok(unsafe { self.append(elem, size) });
        }
        // SAFETY: the caller's.
        unsafe { self.put(elem) };
        Ok(Step::Done(after))
    }

    #[inline(never)]
    unsafe fn append(&self, elem: *const u8, size: usize) -> Step {
        let Some(to) = self.store.blocks_put(size) else {
            return Step::Block(size);
        };
        // SAFETY: there is room for one more, and the caller's.
        unsafe { copy(elem, to, size) };
        self.len.set(self.len.get() + 1);
        Step::Done(After::default())
    }

    /// Under the guard: receives into `elem`, from the buffer or from a sender. EPIPE.
    ///
    /// # Safety
    /// `elem` is null, or has room for an element.
    pub unsafe fn recv(&self, elem: *mut u8) -> Result<Step, Errno> {
        let mut after = After::default();
        if self.len.get() != 0 {
            // SAFETY: the caller's.
            unsafe { self.take_out(elem, &mut after) };
            return Ok(Step::Done(after));
        }
        while let Some(s) = self.senders.first() {
            if after.grants.take(&self.senders, s, DONE) {
                after.pass = Some(self.size.get());
                return Ok(Step::Done(after));
            }
        }
        if self.closed.get() { Err(Errno::EPIPE) } else { Ok(Step::Wait) }
    }

    /// The oldest one of the buffer; the sender that has waited longest has room then.
    unsafe fn take_out(&self, elem: *mut u8, after: &mut After) {
        if self.blocks.get() {
            self.len.set(self.len.get() - 1);
            // SAFETY: the caller's.
            after.block = unsafe { self.store.blocks_get(elem, self.size()) };
            return;
        }
        // SAFETY: the caller's.
        unsafe { self.take(elem) };
        while let Some(s) = self.senders.first() {
            if after.grants.take(&self.senders, s, DONE) {
                // SAFETY: a waiting sender's element; a place has just become free.
                unsafe { self.put(address(s)) };
                return;
            }
        }
    }

    /// Under the guard: whether there is a place in the buffer.
    #[inline(always)]
    pub fn has_room(&self) -> bool {
        self.len.get() < self.capacity.get()
    }

    /// Under the guard: places in the ring.
    pub fn places(&self) -> usize {
        if self.blocks.get() { 0 } else { self.capacity.get() }
    }

    /// Under the guard: whether elements are kept in blocks, and not in a ring.
    #[inline(always)]
    pub fn in_blocks(&self) -> bool {
        self.blocks.get()
    }

    /// Under the guard: puts an element into the ring, which is not full.
    ///
    /// # Safety
    /// It is an element.
    #[inline(always)]
    pub unsafe fn put(&self, elem: *const u8) {
        let size = self.size();
        // SAFETY: the caller's.
        unsafe { copy(elem, self.store.ring_put(size), size) };
        self.len.set(self.len.get() + 1);
    }

    /// Under the guard: takes the oldest one out of the ring, which is not empty.
    ///
    /// # Safety
    /// `elem` is null or has room for an element.
    #[inline(always)]
    pub unsafe fn take(&self, elem: *mut u8) {
        let size = self.size();
        self.len.set(self.len.get() - 1);
        let from = self.store.ring_get(size);
        if !elem.is_null() {
            // SAFETY: an element was there, and the caller's.
            unsafe { copy(from, elem, size) };
        }
    }

    /// Under the guard: whether a send of `elem` would not have to wait (it may fail).
    pub fn can_send(&self, elem: *const u8) -> bool {
        self.closed.get()
            || self.has_room()
            || elem.is_null() && self.size.get() != 0
            || self.receivers.first_open().is_some()
    }

    /// Under the guard: whether a receive would not have to wait.
    pub fn can_recv(&self) -> bool {
        self.len.get() != 0 || self.closed.get() || self.senders.first_open().is_some()
    }
}

/// Where a waiter's element is, or is to be; null: it does not want it.
#[inline(always)]
pub(super) fn address(node: &Node) -> *mut u8 {
    std::ptr::with_exposed_provenance_mut(node.arg.get())
}

impl After {
    /// Without the guard, by one that sent `elem`.
    ///
    /// # Safety
    /// As [`Core::send`].
    pub unsafe fn sent(self, v: Option<&'static VCpu>, elem: *const u8) {
        self.grants.wake_with(v, |r| {
            let to = address(r);
            if let Some(size) = self.pass
                && !to.is_null()
            {
                // SAFETY: the receiver waits for its grant, and the caller's.
                unsafe { copy(elem, to, size as usize) };
            }
        });
    }

    /// Without the guard, by one that received into `elem`.
    ///
    /// # Safety
    /// As [`Core::recv`].
    pub unsafe fn received(self, v: Option<&'static VCpu>, elem: *mut u8) {
        self.grants.wake_with(v, |s| {
            if let Some(size) = self.pass
                && !elem.is_null()
            {
                // SAFETY: the sender waits for its grant, and the caller's.
                unsafe { copy(address(s), elem, size as usize) };
            }
        });
        drop(self.block);
    }
}

/// co_chan_new. EINVAL: elements over [`MAX_ELEMENT`]. ENOMEM.
pub fn new(size: usize, capacity: usize) -> Result<u64, Errno> {
    make(size, capacity, 0)
}

/// co_chan_close. EBADF. EPIPE: it is closed already.
pub fn close(ch: u64) -> Result<(), Errno> {
    let (core, v) = (at(ch)?, here());
    let held = core.enter(ch, v)?;
    if core.closed.replace(true) {
        return Err(Errno::EPIPE);
    }
    let mut grants = Grants::default();
    // Receivers wait only where nothing is left for them.
    grants.take_all(&core.receivers, grant(Errno::EPIPE));
    grants.take_all(&core.senders, grant(Errno::EPIPE));
    drop(held);
    grants.wake(v);
    Ok(())
}

/// co_chan_free. EBADF.
pub fn free(ch: u64) -> Result<(), Errno> {
    at(ch)?;
    end(ch)
}

/// co_chan_len: elements that are buffered; a hint. EBADF.
pub fn len(ch: u64) -> Result<usize, Errno> {
    let core = at(ch)?;
    let _held = core.enter(ch, here())?;
    Ok(core.len.get())
}

/// co_chan_cap: as given to [`new`]. EBADF.
pub fn capacity(ch: u64) -> Result<usize, Errno> {
    let core = at(ch)?;
    let _held = core.enter(ch, here())?;
    Ok(core.capacity.get())
}
