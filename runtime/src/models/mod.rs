//! Models of the lock-free protocols, run by loom over every interleaving and every weak-memory outcome:
//! `RUSTFLAGS="--cfg loom" cargo test -p photonrt-runtime --release --lib models`.

mod alarm;

mod blocking;

mod chan;

mod guard;

mod scope;

mod sync;

use crate::entry::{Close, Enter, Entry};
use crate::idle::Idle;
use crate::lent::Lent;
use crate::list::{Inbox, Linked};
use crate::task::life::{Detach, End, Life, Register, State};
use crate::task::mail::{Mail, Post, bits};
use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicPtr, AtomicU32, AtomicUsize, Ordering::*, fence};
use loom::sync::{Arc, Notify};
use loom::thread;

/// A block in miniature: what the protocols need of a control block.
struct Block {
    life: Life,
    mail: Mail,
    owner: AtomicU32,
    link: AtomicPtr<Block>,
    result: UnsafeCell<u32>,
}

impl Linked for Block {
    fn link(&self) -> &AtomicPtr<Block> {
        &self.link
    }
}

#[allow(unsafe_code)]
// SAFETY: the models check that `result` is not touched by two threads at once.
unsafe impl Sync for Block {}

fn block(owner: u32) -> &'static Block {
    Box::leak(Box::new(Block {
        life: Life::default(),
        mail: Mail::default(),
        owner: AtomicU32::new(owner),
        link: AtomicPtr::new(std::ptr::null_mut()),
        result: UnsafeCell::new(0),
    }))
}

#[allow(unsafe_code)]
fn set_result(b: &Block, r: u32) {
    // SAFETY: loom reports a race.
    b.result.with_mut(|p| unsafe { *p = r });
}
#[allow(unsafe_code)]
fn result(b: &Block) -> u32 {
    // SAFETY: loom reports a race.
    b.result.with(|p| unsafe { *p })
}

/// The end, as sched has it; gives whether the block is to be closed here.
fn end(b: &Block, woken: &Notify) -> bool {
    match b.life.end(b.life.generation()) {
        End::Kept => false,
        End::Wake(_) => {
            woken.notify();
            false
        }
        End::Close => true,
    }
}

/// A joiner's wait: woken with or without a reason, it looks again.
fn wait(b: &Block, g: u32, woken: &Notify) {
    while b.life.state(g) == State::Live {
        woken.wait();
    }
}

#[test]
fn join_sees_the_end_and_the_result() {
    loom::model(|| {
        let b = block(1);
        let g = b.life.open(false);
        let woken = Arc::new(Notify::new());
        let w = woken.clone();
        let t = thread::spawn(move || {
            set_result(b, 7);
            assert!(!end(b, &w));
        });
        assert_ne!(b.life.register(g, 5), Register::Refused, "the only joiner");
        wait(b, g, &woken);
        assert_eq!(b.life.state(g), State::Ended);
        assert!(b.life.claim(g));
        assert_eq!(result(b), 7);
        assert!(b.life.close());
        t.join().unwrap();
    });
}

#[test]
fn of_two_joiners_one_is_served_and_none_waits_in_vain() {
    loom::model(|| {
        let b = block(1);
        let g = b.life.open(false);
        let served = Arc::new(AtomicUsize::new(0));
        let wakes = [Arc::new(Notify::new()), Arc::new(Notify::new())];
        let joiner = |i: usize| {
            let (served, woken) = (served.clone(), wakes[i].clone());
            move || {
                if b.life.register(g, i as u32 + 1) == Register::Refused {
                    return;
                }
                wait(b, g, &woken);
                if b.life.claim(g) {
                    served.fetch_add(1, Relaxed);
                }
            }
        };
        let (a, c) = (thread::spawn(joiner(0)), thread::spawn(joiner(1)));
        match b.life.end(g) {
            End::Kept => {}
            End::Wake(i) => wakes[i as usize - 1].notify(),
            End::Close => panic!("nobody detached"),
        }
        a.join().unwrap();
        c.join().unwrap();
        assert_eq!(served.load(Relaxed), 1);
    });
}

#[test]
fn a_joiner_that_gives_up_leaves_the_place() {
    loom::model(|| {
        let b = block(1);
        let g = b.life.open(false);
        let t = thread::spawn(move || {
            if b.life.register(g, 1) == Register::Wait {
                b.life.withdraw(g, 1);
            }
        });
        // What the end finds may be the joiner that is just leaving: a wake too many.
        let _ = b.life.end(g);
        t.join().unwrap();
        assert!(b.life.claim(g), "the result is still there");
    });
}

#[test]
fn detached_while_it_ends_is_closed_once() {
    loom::model(|| {
        let b = block(1);
        let g = b.life.open(false);
        let closed = Arc::new(AtomicUsize::new(0));
        let c = closed.clone();
        let t = thread::spawn(move || {
            set_result(b, 1);
            if end(b, &Notify::new()) {
                set_result(b, 2);
                c.fetch_add(1, Relaxed);
            }
        });
        match b.life.detach(g) {
            Detach::Done => {}
            Detach::Close => {
                set_result(b, 3);
                closed.fetch_add(1, Relaxed);
            }
            Detach::Refused => panic!("nobody else"),
        }
        t.join().unwrap();
        assert_eq!(closed.load(Relaxed), 1);
    });
}

#[test]
fn a_local_end_tells_a_joiner_from_elsewhere_that_it_came_second() {
    loom::model(|| {
        let b = block(1);
        let g = b.life.open(false);
        let woken = Arc::new(Notify::new());
        let w = woken.clone();
        let t = thread::spawn(move || {
            if b.life.register(g, 9) == Register::Wait {
                wait(b, g, &w);
                assert!(!b.life.claim(g));
            }
        });
        // The owner's own joiner has registered in plain memory.
        if b.life.end_taken(g).is_some() {
            woken.notify();
        }
        assert!(b.life.close());
        t.join().unwrap();
    });
}

/// A vCPU in miniature: takes what is in its inbox until it has got all requests of `all`.
fn serve(me: u32, inbox: &Inbox<Block>, idle: &Idle, call: &Notify, all: u32) {
    let mut got = 0;
    while got != all {
        for b in inbox.take() {
            assert_eq!(b.owner.load(Relaxed), me);
            let (g, req) = b.mail.dequeue();
            if b.life.state(g) == State::Live {
                got |= req;
            }
        }
        if got == all {
            break;
        }
        idle.prepare();
        if inbox.is_empty() {
            call.wait();
        }
        idle.awake();
    }
}

fn post(b: &'static Block, g: u32, req: u32, inbox: &Inbox<Block>, idle: &Idle, call: &Notify) {
    if b.mail.post(g, req) == Post::Enqueue {
        assert!(b.mail.route(&b.owner, |_| inbox.push(b).is_ok()));
        if idle.wake() {
            call.notify();
        }
    }
}

#[test]
fn unpark_reaches_a_vcpu_that_goes_to_sleep() {
    loom::model(|| {
        let b = block(1);
        let g = b.life.open(false);
        let shared = Arc::new((Inbox::default(), Idle::default(), Notify::new()));
        let s = shared.clone();
        let t = thread::spawn(move || post(b, g, bits::UNPARK, &s.0, &s.1, &s.2));
        serve(1, &shared.0, &shared.1, &shared.2, bits::UNPARK);
        t.join().unwrap();
    });
}

#[test]
fn requests_of_two_senders_all_arrive() {
    loom::model(|| {
        let b = block(1);
        let g = b.life.open(false);
        let shared = Arc::new((Inbox::default(), Idle::default(), Notify::new()));
        let senders = [bits::UNPARK, bits::CANCEL].map(|req| {
            let s = shared.clone();
            thread::spawn(move || post(b, g, req, &s.0, &s.1, &s.2))
        });
        serve(1, &shared.0, &shared.1, &shared.2, bits::UNPARK | bits::CANCEL);
        senders.into_iter().for_each(|t| t.join().unwrap());
    });
}

#[test]
fn two_blocks_go_through_one_inbox_in_any_order() {
    loom::model(|| {
        let blocks = [block(1), block(1)];
        let inbox = Arc::new(Inbox::default());
        let senders = blocks.map(|b| {
            let inbox = inbox.clone();
            thread::spawn(move || {
                set_result(b, 1);
                assert!(inbox.push(b).is_ok());
            })
        });
        let mut got = 0;
        while got < 2 {
            for b in inbox.take() {
                assert_eq!(result(b), 1);
                got += 1;
            }
            thread::yield_now();
        }
        assert!(inbox.close().next().is_none());
        assert!(inbox.push(blocks[0]).is_err());
        senders.into_iter().for_each(|t| t.join().unwrap());
    });
}

#[test]
fn what_is_asked_of_a_coroutine_on_offer_reaches_its_taker() {
    loom::model(|| {
        let b = block(1);
        let g = b.life.open(false);
        // The old owner, 1, has just put it on offer; vCPU 2 adopts it while somebody cancels it.
        let inboxes = Arc::new([Inbox::<Block>::default(), Inbox::default()]);
        let i = inboxes.clone();
        let sender = thread::spawn(move || {
            if b.mail.post(g, bits::CANCEL) == Post::Enqueue {
                let sent = b.mail.route(&b.owner, |o| i[o as usize - 1].push(b).is_ok());
                assert!(sent);
            }
        });
        b.owner.store(0, Release);
        let i = inboxes.clone();
        let thief = thread::spawn(move || b.mail.adopt(&b.owner, 2, g));
        // The old owner serves its inbox.
        for b in inboxes[0].take() {
            assert!(b.mail.route(&b.owner, |o| i[o as usize - 1].push(b).is_ok()));
        }
        sender.join().unwrap();
        let mut got = thief.join().unwrap();
        // Then everybody looks once more.
        for b in inboxes[0].take() {
            assert!(b.mail.route(&b.owner, |o| inboxes[o as usize - 1].push(b).is_ok()));
        }
        for b in inboxes[1].take() {
            got |= b.mail.dequeue().1;
        }
        assert_eq!(got, bits::CANCEL);
    });
}

#[test]
fn a_stale_request_never_reaches_a_successor() {
    loom::model(|| {
        let b = block(1);
        let g = b.life.open(false);
        let t = thread::spawn(move || {
            // A handle that was good when it was looked up.
            if b.life.state(g) == State::Live {
                let _ = b.mail.post(g, bits::CANCEL);
            }
        });
        // It ends, and the block is used again.
        assert_eq!(b.life.end(g), End::Kept);
        assert!(b.life.claim(g) && b.life.close());
        let next = b.life.open(false);
        assert_ne!(next, g);
        let first = b.mail.absorb(next);
        let t = t.join();
        assert_eq!(first | b.mail.absorb(next), 0);
        // And what is asked of the successor arrives, queued or not.
        let _ = b.mail.post(next, bits::UNPARK);
        assert_eq!(b.mail.absorb(next), bits::UNPARK);
        t.unwrap();
    });
}

/// Offering wakes nobody while somebody looks for work (`Group::wake_one`): the one that looks, and
/// is about to go to sleep, must then see the offer.
#[test]
fn an_offer_is_not_slept_through() {
    loom::model(|| {
        let idle = Arc::new(Idle::default());
        let (looking, offers) = (Arc::new(AtomicUsize::new(1)), Arc::new(AtomicUsize::new(0)));
        let call = Arc::new(Notify::new());
        let (i, l, o, c) = (idle.clone(), looking.clone(), offers.clone(), call.clone());
        let owner = thread::spawn(move || {
            o.store(1, Relaxed);
            fence(SeqCst);
            if l.load(Relaxed) == 0 && i.asleep() && i.wake() {
                c.notify();
            }
        });
        // The thief: a last look while it is counted as looking, then to sleep.
        if offers.load(Relaxed) == 0 {
            looking.fetch_sub(1, Relaxed);
            loop {
                idle.prepare();
                if offers.load(Relaxed) != 0 {
                    break;
                }
                call.wait();
                idle.awake();
                if offers.load(Relaxed) != 0 {
                    break;
                }
            }
        }
        owner.join().unwrap();
    });
}

/// A close and a call that begins: either the close asks the call's vCPU, or the call does not begin
/// on the descriptor that is being closed.
#[test]
fn a_close_knows_every_call_that_has_begun() {
    loom::model(|| {
        let e = Arc::new(Entry::default());
        let caller = {
            let e = e.clone();
            thread::spawn(move || (e.enter(3), e.generation()))
        };
        let Close::Begun(asked) = e.close() else { panic!("the only close") };
        e.last_step();
        e.closed();
        let (found, life) = caller.join().unwrap();
        if found == Enter::Open && life == 0 {
            assert_ne!(asked & 1 << 3, 0);
        }
    });
}

/// Of two closes one is served, and the gate lets one in.
#[test]
fn one_close_and_one_in_the_gate() {
    loom::model(|| {
        let e = Arc::new(Entry::default());
        let inside = Arc::new(AtomicUsize::new(0));
        let (other, i) = (e.clone(), inside.clone());
        let t = thread::spawn(move || {
            if let Some(_gate) = other.gate() {
                assert_eq!(i.fetch_add(1, Relaxed), 0);
                i.fetch_sub(1, Relaxed);
            }
            matches!(other.close(), Close::Begun(_))
        });
        if let Some(_gate) = e.gate() {
            assert_eq!(inside.fetch_add(1, Relaxed), 0);
            inside.fetch_sub(1, Relaxed);
        }
        let begun = matches!(e.close(), Close::Begun(_));
        assert!(begun != t.join().unwrap());
    });
}

/// A buffer in miniature.
struct Buffer {
    lent: Lent,
    link: AtomicPtr<Buffer>,
    memory: UnsafeCell<u32>,
}

impl Linked for Buffer {
    fn link(&self) -> &AtomicPtr<Buffer> {
        &self.link
    }
}

#[allow(unsafe_code)]
// SAFETY: the models check that `memory` is not touched by two threads at once.
unsafe impl Sync for Buffer {}

impl Buffer {
    fn new() -> &'static Buffer {
        Box::leak(Box::new(Buffer {
            lent: Lent::default(),
            link: AtomicPtr::new(std::ptr::null_mut()),
            memory: UnsafeCell::new(0),
        }))
    }

    #[allow(unsafe_code)]
    fn write(&self) {
        // SAFETY: loom reports a race.
        self.memory.with_mut(|p| unsafe { *p += 1 });
    }

    fn give_back(&'static self, generation: u32, returned: &Inbox<Buffer>) -> bool {
        let given = self.lent.give_back(generation);
        if given {
            returned.push(self).unwrap();
        }
        given
    }
}

/// A buffer that two give back at once, while its owner lends it again: it is given back once, and
/// the old handle gives nothing back after that.
#[test]
fn what_was_lent_is_given_back_once() {
    loom::model(|| {
        let (b, returned) = (Buffer::new(), Arc::new(Inbox::default()));
        let generation = b.lent.lend();
        let r = returned.clone();
        let other = thread::spawn(move || b.give_back(generation, &r));
        let mut given = u32::from(b.give_back(generation, &returned));
        let mut taken = returned.take().count();
        if taken > 0 {
            assert_ne!(b.lent.lend(), generation);
        }
        given += u32::from(other.join().unwrap());
        taken += returned.take().count();
        assert_eq!((given, taken), (1, 1));
        assert!(!b.lent.give_back(generation));
    });
}

/// What a holder on another thread wrote is there, and over, when the owner lends the buffer again.
#[test]
fn a_lent_buffer_comes_back_with_what_was_written() {
    loom::model(|| {
        let (b, returned) = (Buffer::new(), Arc::new(Inbox::default()));
        let generation = b.lent.lend();
        let r = returned.clone();
        let holder = thread::spawn(move || {
            b.write();
            assert!(b.give_back(generation, &r));
        });
        if returned.take().count() > 0 {
            b.lent.lend();
            b.write();
        }
        holder.join().unwrap();
    });
}
