//! Circular lists through what is listed, each with a head that stays where it is. All of a list's
//! links belong to one guard.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::ptr::null;

/// A place in a list, or its head.
#[derive(Debug)]
pub struct Link {
    next: Cell<*const Link>,
    prev: Cell<*const Link>,
}

impl Link {
    /// In no list; no head yet.
    pub const fn new() -> Link {
        Link { next: Cell::new(null()), prev: Cell::new(null()) }
    }

    /// Makes it the head of an empty list.
    pub fn begin(&self) {
        self.next.set(self);
        self.prev.set(self);
    }

    /// Head: puts a link at the end.
    ///
    /// # Safety
    /// It stays where it is until it has been taken out.
    pub unsafe fn push(&self, l: &Link) {
        let last = self.prev.replace(l);
        l.prev.set(last);
        l.next.set(self);
        // SAFETY: the head or a member.
        unsafe { (*last).next.set(l) };
    }

    /// Head: the first link; none if the list is empty.
    pub fn first(&self) -> Option<&Link> {
        // SAFETY: the head or a member.
        Some(unsafe { &*self.next.get() }).filter(|l| !std::ptr::eq(*l, self))
    }

    /// Takes it out, if it is in a list.
    pub fn take_out(&self) {
        let (next, prev) = (self.next.replace(null()), self.prev.replace(null()));
        // SAFETY: null, or the neighbours, which are the head or members.
        if let (Some(n), Some(p)) = unsafe { (next.as_ref(), prev.as_ref()) } {
            n.prev.set(prev);
            p.next.set(next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_comes_out_in_order() {
        let (head, other, links) = (Link::new(), Link::new(), [const { Link::new() }; 3]);
        head.begin();
        other.begin();
        assert!(head.first().is_none());
        for l in &links {
            // SAFETY: they stay here.
            unsafe { head.push(l) };
        }
        links[1].take_out();
        links[1].take_out();
        for want in [&links[0], &links[2]] {
            let Some(got) = head.first() else { panic!("empty") };
            assert!(std::ptr::eq(got, want));
            got.take_out();
            // SAFETY: as above.
            unsafe { other.push(got) };
        }
        assert!(head.first().is_none() && other.first().is_some());
        links[0].take_out();
        links[2].take_out();
        assert!(other.first().is_none());
    }
}
