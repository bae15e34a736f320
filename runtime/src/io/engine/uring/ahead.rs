//! Receiving ahead: one entry of the ring that completes again and again (multishot), for a
//! descriptor whose user has said so. A call then takes what is there already, or waits for the
//! next completion; nothing is submitted, and the kernel keeps its poll armed in between.
//!
//! ```text
//!   table entry: ahead = home vCPU          every vCPU sees who it is
//!   slot (on the home): ahead --> Ahead     { items that nobody has taken yet, armed? }
//!                       Rec <-> Rec         calls that wait, kind Ahead
//!   completion --> the oldest waiting Rec, or else items
//! ```
//! - **Begins** with the first call that has the flag, on its vCPU, and stays there. A call on
//!   another vCPU sends its Rec to the home (`slots::at_home`) and is answered there.
//! - **Ends** with co_io_close, which cancels it and waits for the last completion; or with a call
//!   without the flag, which takes what is left and then goes on in the ordinary way; or with the
//!   engine.
//! - **A call that is stopped** just leaves the list: the kernel holds nothing of it.
//! - **Back-pressure.** With [`most`] items untaken it is called off, and begun again when a call
//!   finds none left: a peer that sends without end fills a socket's buffer and not our memory.
//! - **Errors** queue up among the items, in their place, and end it until the next call.
//! - **Old kernels** (receive: before 6.0, accept: before 5.19) don't have it. Nothing says so before
//!   it is tried, and then EINVAL could mean other things; so it is told by operations that came in
//!   the same releases. Calls then go the ordinary way.
//!
//! Rejected: doing so for every receive without being asked. The kernel holds the socket open after
//! a plain close(2), and what it has received is lost to whoever receives otherwise.
#![allow(unsafe_code)]

use super::bufs::{self, Bufs};
use super::{Uring, sqe};
use crate::arch;
use crate::err::Errno;
use crate::io::buffer;
use crate::io::engine::ahead::{Ask, GO_ON, Want};
use crate::io::engine::slots::{Kind, Rec, Slot, Slots, bits, state};
use crate::io::sys;
use crate::io::table::{self, Enter};
use std::collections::VecDeque;
use std::ffi::c_int;

use super::ring::Completion;

/// Something that has come.
#[derive(Debug, Clone, Copy)]
enum Item {
    /// Bytes in a buffer of the pool.
    Bytes { number: u16, len: i32 },
    /// A connection.
    Socket(c_int),
    /// The end (0), or an error (negative).
    End(i32),
}

/// One descriptor's: a cache line.
#[derive(Debug)]
#[repr(align(64))]
pub struct Ahead {
    fd: c_int,
    want: Want,
    flags: c_int,
    /// The kernel has it.
    armed: bool,
    /// A cancel is under way.
    called_off: bool,
    /// Nobody will take anything any more.
    over: bool,
    /// There was no memory to note an item: the stream has a hole, and ends there.
    lost: bool,
    home: u32,
    /// Of the descriptor, when it began.
    generation: u32,
    items: VecDeque<Item>,
    /// The address of the Rec that was linked last: a hint of what to fetch, nothing more.
    waiter: usize,
}

const _: () = assert!(size_of::<Option<Ahead>>() == 64);

/// All of a ring's.
#[derive(Debug, Default)]
pub struct Aheads {
    all: Vec<Option<Ahead>>,
    free: Vec<u32>,
    /// To be looked at once the completions have been read.
    due: Vec<u32>,
    bufs: Option<Bufs>,
    no_bufs: bool,
}

/// user_data of the entry of number `n`. Odd, which the address of a Rec is not; 1 is the bell's.
fn user_data(n: u32) -> u64 {
    (u64::from(n) + 1) << 1 | 1
}

/// The number behind a user_data; none if it is another's.
#[inline]
pub fn number(user_data: u64) -> Option<u32> {
    (user_data & 1 != 0 && user_data != super::BELL).then(|| (user_data >> 1) as u32 - 1)
}

/// Items that may wait to be taken.
fn most(want: Want) -> usize {
    match want {
        Want::Bytes => 16,
        Want::Socket => 256,
    }
}

impl Aheads {
    /// There has never been one.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    fn add(&mut self, a: Ahead) -> Result<u32, Errno> {
        if let Some(n) = self.free.pop() {
            self.all[n as usize] = Some(a);
            return Ok(n);
        }
        let no_memory = |_| Errno::ENOMEM;
        self.all.try_reserve(1).map_err(no_memory)?;
        // So that removing never needs memory, nor noting that one is due.
        self.free.try_reserve(self.all.len() + 1).map_err(no_memory)?;
        self.due.try_reserve(self.all.len() + 1).map_err(no_memory)?;
        self.all.push(Some(a));
        Ok(self.all.len() as u32 - 1)
    }

    /// Number `n` is about to complete.
    #[inline]
    pub fn prefetch(&self, n: u32) {
        if let Some(a) = self.all.get(n as usize) {
            arch::prefetch(std::ptr::from_ref(a).cast());
        }
    }

    /// The same, a little later. Gives the address of the call that may be waiting for it.
    #[inline]
    pub fn prefetch_more(&self, slots: &Slots, n: u32) -> usize {
        let Some(Some(a)) = self.all.get(n as usize) else { return 0 };
        slots.prefetch(a.fd);
        a.waiter
    }

    fn at(&mut self, n: u32) -> &mut Ahead {
        match self.all.get_mut(n as usize) {
            Some(Some(a)) => a,
            _ => unreachable!("the number of one that exists"),
        }
    }

    fn remove(&mut self, n: u32) {
        if self.all[n as usize].take().is_some() {
            self.free.push(n);
        }
    }

    fn throw_away(&mut self, item: Item) {
        match item {
            Item::Bytes { number, .. } => {
                if let Some(b) = &self.bufs {
                    b.pool().put(number);
                }
            }
            // The peer sees what it would have seen had the listener been closed with the
            // connection in its queue.
            Item::Socket(fd) => {
                let _ = sys::close(fd);
            }
            Item::End(_) => {}
        }
    }

    /// Gives an item to a call.
    fn hand(&self, rec: &Rec, item: Item) {
        match (item, &self.bufs) {
            (Item::Bytes { number, len }, Some(b)) => {
                rec.buffer.set(Some(b.pool().hold(number)));
                rec.res.set(len);
            }
            (Item::Socket(fd), _) => rec.res.set(fd),
            (Item::End(res), _) => rec.res.set(res),
            (Item::Bytes { .. }, None) => unreachable!("bytes without buffers"),
        }
    }

    /// A completion of number `n`.
    pub fn complete(&mut self, slots: &mut Slots, n: u32, c: &Completion) {
        let a = self.at(n);
        a.armed = c.more;
        if c.buffer.is_some()
            && let Some(b) = &mut self.bufs
        {
            b.used();
        }
        let item = match (self.at(n).want, c.buffer, c.res) {
            (Want::Bytes, Some(number), len) if len > 0 => Some(Item::Bytes { number, len }),
            (Want::Socket, _, fd) if fd >= 0 => {
                table::begins(fd);
                Some(Item::Socket(fd))
            }
            // The pool has no more: due again when it has been filled.
            (Want::Bytes, _, res) if res == -libc::ENOBUFS => None,
            (_, _, res) if res == -libc::ECANCELED => None,
            (_, _, res) => Some(Item::End(res)),
        };
        if let (Some(number), None | Some(Item::End(_))) = (c.buffer, item) {
            self.throw_away(Item::Bytes { number, len: 0 });
        }
        if let Some(item) = item {
            self.deliver(slots, n, item);
        }
        let a = self.at(n);
        if !a.armed || a.lost || a.items.len() >= most(a.want) {
            self.due.push(n);
        }
    }

    fn deliver(&mut self, slots: &mut Slots, n: u32, item: Item) {
        let a = self.at(n);
        if a.over || a.lost {
            return self.throw_away(item);
        }
        let waiting = slots.find(a.fd).and_then(|s| oldest(s).map(std::ptr::from_ref));
        match waiting {
            Some(rec) if a.items.is_empty() => {
                // SAFETY: linked until the next line but one.
                let rec = unsafe { &*rec };
                self.hand(rec, item);
                slots.unlink(rec);
                rec.finish(state::DONE);
            }
            _ if a.items.try_reserve(1).is_ok() => a.items.push_back(item),
            _ => {
                a.lost = true;
                self.throw_away(item);
            }
        }
    }
}

/// The call that has waited longest.
fn oldest(slot: &Slot) -> Option<&Rec> {
    let waits = |r: &&Rec| r.kind().is_ahead() && !r.is(state::DONE | state::CLOSED);
    slot.recs().filter(waits).last()
}

impl Uring {
    /// Whether the kernel can do it, as far as is known.
    fn can_ahead(&mut self, want: Want, vcpu: usize) -> bool {
        let ring = &self.ring;
        match want {
            Want::Socket => ring.has(sqe::SINCE_5_19) && !ring.hides("multishot_accept"),
            Want::Bytes if self.aheads.bufs.is_some() => true,
            Want::Bytes if self.aheads.no_bufs || !ring.has(sqe::SINCE_6_0) => false,
            Want::Bytes if ring.hides("multishot_recv") || ring.hides("buf_ring") => false,
            Want::Bytes => {
                self.aheads.bufs = Bufs::new(&self.ring, buffer::of_vcpu(vcpu)).ok();
                self.aheads.no_bufs = self.aheads.bufs.is_none();
                !self.aheads.no_bufs
            }
        }
    }

    /// On the home: a call takes what is there (DONE), or is put into the list.
    ///
    /// # Safety
    /// `rec` stays where it is until it is DONE or has been unlinked.
    pub unsafe fn take_ahead(&mut self, vcpu: usize, rec: &Rec, ask: &Ask) {
        let fd = rec.fd();
        let open = table::entry(fd).map(|e| (e.enter(vcpu), e.generation()));
        if open != Ok((Enter::Open, ask.generation)) {
            return rec.set(state::CLOSED);
        }
        // SAFETY: the caller's.
        let found = match unsafe { self.take_or_wait(vcpu, rec, ask) } {
            Ok(true) => return,
            Ok(false) => GO_ON,
            Err(e) => e.code(),
        };
        rec.res.set(found);
        rec.set(state::DONE);
    }

    /// False: the call is to go on in the ordinary way.
    unsafe fn take_or_wait(&mut self, vcpu: usize, rec: &Rec, ask: &Ask) -> Result<bool, Errno> {
        let fd = rec.fd();
        let n = match self.find_ahead(fd)? {
            Some(n) => n,
            None if !ask.keep => {
                table::entry(fd)?.end_ahead(vcpu);
                return Ok(false);
            }
            None if ask.now || !self.can_ahead(ask.want, vcpu) => return Ok(false),
            None => self.new_ahead(vcpu, fd, ask)?,
        };
        let nothing = |a: &Ahead| a.items.is_empty();
        if (ask.now || !ask.keep) && nothing(self.aheads.at(n)) {
            // What has come and has not been looked at.
            self.poll();
        }
        let a = self.aheads.at(n);
        if let Some(item) = a.items.pop_front() {
            self.aheads.hand(rec, item);
            rec.set(state::DONE);
            return Ok(true);
        }
        if a.lost {
            return Err(Errno::ENOMEM);
        }
        if !a.armed && (ask.now || !ask.keep) {
            if !ask.keep {
                self.end_ahead(fd, n);
            }
            return Ok(false);
        }
        if ask.now && ask.keep {
            return Err(Errno::EAGAIN);
        }
        // SAFETY: the caller's.
        unsafe { self.slots.link(rec)? };
        if !ask.keep {
            self.call_off(n);
        } else if !self.aheads.at(n).armed
            && let Err(e) = self.arm(n)
        {
            self.slots.unlink(rec);
            return Err(e);
        }
        self.aheads.at(n).waiter = std::ptr::from_ref(rec).addr();
        self.direct = 0;
        Ok(true)
    }

    /// What receives ahead on the descriptor now; what is left of a former life of the number is
    /// called off.
    fn find_ahead(&mut self, fd: c_int) -> Result<Option<u32>, Errno> {
        let slot = self.slots.get(fd)?;
        let (generation, n) = (slot.generation(), slot.ahead.get());
        let Some(n) = n.checked_sub(1) else { return Ok(None) };
        if self.aheads.at(n).generation == generation {
            return Ok(Some(n));
        }
        slot.ahead.set(0);
        self.abandon(n);
        Ok(None)
    }

    fn new_ahead(&mut self, home: usize, fd: c_int, ask: &Ask) -> Result<u32, Errno> {
        let n = self.aheads.add(Ahead {
            fd,
            want: ask.want,
            flags: ask.flags,
            armed: false,
            called_off: false,
            over: false,
            lost: false,
            home: home as u32,
            generation: ask.generation,
            items: VecDeque::new(),
            waiter: 0,
        })?;
        if let Some(slot) = self.slots.find(fd) {
            slot.ahead.set(n + 1);
        }
        Ok(n)
    }

    fn arm(&mut self, n: u32) -> Result<(), Errno> {
        let a = self.aheads.at(n);
        let (fd, entry) = match a.want {
            Want::Bytes => (a.fd, sqe::recv_always(a.fd, bufs::GROUP)),
            Want::Socket => (a.fd, sqe::accept_always(a.fd, a.flags)),
        };
        if a.want == Want::Bytes && !self.aheads.bufs.as_mut().is_some_and(Bufs::fill) {
            return Err(Errno::ENOBUFS);
        }
        self.push(&entry.user_data(user_data(n)))?;
        self.in_kernel += 1;
        let a = self.aheads.at(n);
        (a.armed, a.called_off) = (true, false);
        if let Some(slot) = self.slots.find(fd) {
            slot.note(0, bits::AHEAD);
        }
        Ok(())
    }

    fn call_off(&mut self, n: u32) {
        if self.aheads.at(n).called_off {
            return;
        }
        self.aheads.at(n).called_off = true;
        // Without it the last completion might never come, and it is waited for.
        while self.aheads.at(n).armed && self.push(&sqe::cancel(user_data(n))).is_err() {
            self.reap_only();
        }
    }

    /// Everything that has come and was not taken goes; the number is free once the kernel is done.
    fn abandon(&mut self, n: u32) {
        let a = self.aheads.at(n);
        a.over = true;
        for item in std::mem::take(&mut a.items) {
            self.aheads.throw_away(item);
        }
        self.call_off(n);
        self.service(n);
    }

    fn end_ahead(&mut self, fd: c_int, n: u32) {
        let home = self.aheads.at(n).home as usize;
        if let Some(slot) = self.slots.find(fd) {
            slot.ahead.set(0);
            slot.note(bits::AHEAD, 0);
        }
        if let Ok(e) = table::entry(fd) {
            e.end_ahead(home);
        }
        self.aheads.remove(n);
    }

    /// co_io_close: see `Uring::end_calls`.
    pub fn end_ahead_of(&mut self, fd: c_int) {
        if let Some(n) = self.slots.find(fd).and_then(|s| s.ahead.get().checked_sub(1)) {
            self.abandon(n);
        }
    }

    /// After the completions have been read: what they ask for.
    #[inline]
    pub fn after_reap(&mut self) {
        if let Some(b) = &mut self.aheads.bufs {
            b.fill();
        }
        while let Some(n) = self.aheads.due.pop() {
            if matches!(self.aheads.all.get(n as usize), Some(Some(_))) {
                self.service(n);
            }
        }
    }

    fn service(&mut self, n: u32) {
        let a = self.aheads.at(n);
        let fd = a.fd;
        if a.armed {
            if a.over || a.lost || a.items.len() >= most(a.want) {
                self.call_off(n);
            }
            return;
        }
        if a.over {
            return self.forget_ahead(n);
        }
        let lost = a.lost;
        let Some(slot) = self.slots.find(fd) else { return };
        slot.note(bits::AHEAD, 0);
        // Who waits found nothing, and nothing has come for it.
        let Some(kind) = oldest(slot).map(Rec::kind) else { return slot.settle() };
        let found = match kind {
            _ if lost => Err(Errno::ENOMEM),
            // The others too go the ordinary way, this time.
            Kind::AheadEnd => {
                self.end_ahead(fd, n);
                Ok(false)
            }
            _ => self.arm(n).map(|()| true),
        };
        if found != Ok(true) {
            self.answer_all(fd, found.map_or_else(|e| e.code(), |_| GO_ON));
        }
    }

    fn answer_all(&mut self, fd: c_int, res: i32) {
        while let Some(rec) = self.slots.find(fd).and_then(oldest).map(std::ptr::from_ref) {
            // SAFETY: linked until the next line but one.
            let rec = unsafe { &*rec };
            rec.res.set(res);
            self.slots.unlink(rec);
            rec.finish(state::DONE);
        }
    }

    /// The kernel is done with one that is over.
    fn forget_ahead(&mut self, n: u32) {
        let fd = self.aheads.at(n).fd;
        self.aheads.remove(n);
        if let Some(slot) = self.slots.find(fd)
            && slot.ahead.get() == n + 1
        {
            slot.ahead.set(0);
            slot.note(bits::AHEAD, 0);
            slot.settle();
        }
    }

    /// The engine ends: nothing may be left in the kernel, which would write to the buffers.
    pub fn end_aheads(&mut self) {
        for n in 0..self.aheads.all.len() as u32 {
            if let Some(Some(a)) = self.aheads.all.get(n as usize) {
                if let Ok(e) = table::entry(a.fd) {
                    e.end_ahead(a.home as usize);
                }
                self.abandon(n);
            }
        }
        while self.in_kernel > 0 {
            self.enter(1, None);
            self.reap();
        }
    }
}
