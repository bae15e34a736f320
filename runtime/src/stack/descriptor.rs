//! The descriptor of a stack, and chains of them.
#![allow(unsafe_code)]

use super::guard::Guard;
use super::os;
use super::slab::Slab;
use std::cell::Cell;
use std::ops::Range;
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::AtomicPtr;

/// The descriptor of one stack. It lies outside the stack and keeps its address as long as the stack
/// exists. It belongs to whoever has the stack: a cache, a coroutine, or the pool's lock.
#[repr(C, align(64))]
pub struct Stack {
    /// Link of whatever list it is in.
    pub next: Cell<*mut Stack>,
    top: *mut u8,
    low: *mut u8,
    end: *mut u8,
    /// For the runtime: who runs on it, or null. Read by the overflow report.
    pub owner: AtomicPtr<u8>,
    slab: &'static Slab,
    guard_bytes: u32,
    class: u8,
    guard: Cell<Guard>,
    /// Has been handed out since its pages were last given back.
    dirty: Cell<bool>,
}

const _: () = assert!(size_of::<Stack>() == 64);

/// Where a stack lies: see the picture in mod.rs.
pub struct Bounds {
    pub low: *mut u8,
    pub top: *mut u8,
    /// End of its place.
    pub end: *mut u8,
    pub guard_bytes: usize,
}

impl Stack {
    pub(super) fn new(slab: &'static Slab, class: u8, at: Bounds, next: *mut Stack) -> Stack {
        Stack {
            next: Cell::new(next),
            top: at.top,
            low: at.low,
            end: at.end,
            owner: AtomicPtr::new(null_mut()),
            slab,
            guard_bytes: at.guard_bytes as u32,
            class,
            guard: Cell::new(Guard::Pending),
            dirty: Cell::new(false),
        }
    }

    /// Where the first frame goes, below; a multiple of 16, coloured.
    #[inline]
    pub fn top(&self) -> *mut u8 {
        self.top
    }

    /// The lowest usable byte, right above the guard.
    #[inline]
    pub fn low(&self) -> *mut u8 {
        self.low
    }

    /// The addresses at which an overflow faults.
    pub fn guard(&self) -> Range<usize> {
        let low = self.low.addr();
        low - self.guard_bytes as usize..low
    }

    /// Its size class.
    #[inline]
    pub fn class(&self) -> u8 {
        self.class
    }

    /// Whether [`Stack::guard`] does fault: not so only where the pool was told to go without.
    pub fn guarded(&self) -> bool {
        matches!(self.guard.get(), Guard::Light | Guard::Protected)
    }

    pub(super) fn slab(&self) -> &'static Slab {
        self.slab
    }

    pub(super) fn guard_kind(&self) -> &Cell<Guard> {
        &self.guard
    }

    pub(super) fn dirty(&self) -> &Cell<bool> {
        &self.dirty
    }

    /// Start and length of the guard.
    pub(super) fn guard_place(&self) -> (*mut u8, usize) {
        let len = self.guard_bytes as usize;
        (self.low.wrapping_sub(len), len)
    }

    /// Start and length of the page that the first frame goes to.
    pub(super) fn top_page(&self) -> (*mut u8, usize) {
        let page = os::page_bytes();
        (self.top.wrapping_sub((self.top.addr() - 1) % page + 1), page)
    }

    /// Start and length of all above the guard.
    pub(super) fn pages(&self) -> (*mut u8, usize) {
        (self.low, self.end.addr() - self.low.addr())
    }
}

/// A list of stacks, last in first out, that can be joined to another in one step.
pub struct Chain {
    head: *mut Stack,
    tail: *mut Stack,
    len: usize,
}

// SAFETY: a chain owns its stacks, which nobody else touches meanwhile.
unsafe impl Send for Chain {}

impl Default for Chain {
    fn default() -> Chain {
        Chain::new()
    }
}

impl Chain {
    /// Of no stacks.
    pub const fn new() -> Chain {
        Chain { head: null_mut(), tail: null_mut(), len: 0 }
    }

    /// Number of stacks.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Puts a stack in front. The chain owns it from now on.
    #[inline]
    pub fn push(&mut self, stack: NonNull<Stack>) {
        // SAFETY: the caller had the stack, and a stack's descriptor exists while somebody has it.
        unsafe { stack.as_ref() }.next.set(self.head);
        if self.head.is_null() {
            self.tail = stack.as_ptr();
        }
        self.head = stack.as_ptr();
        self.len += 1;
    }

    /// Puts a stack at the end, as [`Chain::push`] does in front.
    pub fn push_last(&mut self, stack: NonNull<Stack>) {
        let mut last = Chain::new();
        last.push(stack);
        last.join(std::mem::take(self));
        *self = last;
    }

    /// The stacks in it, from the foremost on.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Stack> {
        let mut at = self.head;
        std::iter::from_fn(move || {
            // SAFETY: the chain owns its stacks, and ends with null.
            let stack = unsafe { at.as_ref() }?;
            at = stack.next.get();
            Some(stack)
        })
    }

    /// Takes the foremost.
    #[inline]
    pub fn pop(&mut self) -> Option<NonNull<Stack>> {
        let first = NonNull::new(self.head)?;
        // SAFETY: the chain owns it.
        self.head = unsafe { first.as_ref() }.next.get();
        self.len -= 1;
        if self.head.is_null() {
            self.tail = null_mut();
        }
        Some(first)
    }

    /// Puts all of `front` before what is here.
    pub fn join(&mut self, front: Chain) {
        let Some(tail) = NonNull::new(front.tail) else { return };
        // SAFETY: both chains are owned here.
        unsafe { tail.as_ref() }.next.set(self.head);
        if self.head.is_null() {
            self.tail = front.tail;
        }
        self.head = front.head;
        self.len += front.len;
    }

    /// Keeps the foremost `keep` and gives the rest.
    pub fn split_off(&mut self, keep: usize) -> Chain {
        if keep >= self.len {
            return Chain::new();
        }
        let mut kept = Chain::new();
        if keep > 0 {
            let mut last = self.head;
            for _ in 1..keep {
                // SAFETY: the chain owns it, and there are more than `keep`.
                last = unsafe { (*last).next.get() };
            }
            kept = Chain { head: self.head, tail: last, len: keep };
            // SAFETY: as above.
            self.head = unsafe { (*last).next.replace(null_mut()) };
            self.len -= keep;
        }
        std::mem::replace(self, kept)
    }

    /// Head and tail, with the ownership; null for an empty one.
    pub(super) fn into_ends(self) -> (*mut Stack, *mut Stack) {
        (self.head, self.tail)
    }
}
