//! L0: plain OS threads as waiters.
//!
//! A thread that waits for a coroutine gets a parker: a futex-like word under an id that, like a
//! coroutine's slot, stays meaningful for ever, so that a late wake hits at worst the parker's next
//! user, who looks at what it waits for and sleeps again. Parkers are never freed; a thread's goes
//! back for reuse when the thread ends.

use std::cell::OnceCell;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What marks a parker's id among waiters' ids.
const MARK: u32 = 1 << 31;

static PARKERS: Mutex<(Vec<&'static Parker>, Vec<u32>)> = Mutex::new((Vec::new(), Vec::new()));

/// See the module.
#[derive(Default, Debug)]
pub struct Parker {
    woken: Mutex<bool>,
    cond: Condvar,
}

fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The parker behind a waiter's id; none if the id is a coroutine's.
pub fn get(id: u32) -> Option<&'static Parker> {
    if id & MARK == 0 { None } else { lock(&PARKERS).0.get((id & !MARK) as usize).copied() }
}

struct Own(u32, &'static Parker);

impl Drop for Own {
    fn drop(&mut self) {
        lock(&PARKERS).1.push(self.0);
    }
}

/// Calls `f` with the calling thread's parker and its id.
pub fn with<R>(f: impl FnOnce(u32, &'static Parker) -> R) -> R {
    thread_local!(static OWN: OnceCell<Own> = const { OnceCell::new() });
    let own = OWN.try_with(|own| {
        let o = own.get_or_init(acquire);
        (o.0, o.1)
    });
    match own {
        Ok((id, p)) => f(id, p),
        // The thread is ending: a destructor that comes after ours waits for something.
        Err(_) => {
            let o = acquire();
            f(o.0, o.1)
        }
    }
}

fn acquire() -> Own {
    let mut all = lock(&PARKERS);
    if let Some(id) = all.1.pop() {
        let p = all.0[(id & !MARK) as usize];
        return Own(id, p);
    }
    let p: &'static Parker = Box::leak(Box::default());
    all.0.push(p);
    Own((all.0.len() - 1) as u32 | MARK, p)
}

impl Parker {
    /// Blocks the calling thread until an unpark (before or meanwhile) or the timeout; wakes
    /// without a reason too.
    pub fn park(&self, timeout: Option<Duration>) {
        let mut woken = lock(&self.woken);
        if !*woken {
            woken = match timeout {
                None => self.cond.wait(woken).unwrap_or_else(PoisonError::into_inner),
                Some(t) => {
                    self.cond.wait_timeout(woken, t).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        *woken = false;
    }

    /// Ends the present or the next park.
    pub fn unpark(&self) {
        *lock(&self.woken) = true;
        self.cond.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unpark_before_the_park_counts() {
        with(|id, p| {
            assert!(get(id).is_some_and(|q| std::ptr::eq(p, q)));
            p.unpark();
            p.park(None);
            p.park(Some(Duration::from_millis(1)));
        });
        assert!(get(5).is_none() && get(MARK | 0xffff).is_none());
    }

    #[test]
    fn a_dead_threads_parker_is_used_again() {
        let id = |_| std::thread::spawn(|| with(|id, _| id)).join().unwrap_or(0);
        let ids: std::collections::BTreeSet<u32> = (0..50).map(id).collect();
        assert!(ids.len() < 50);
    }
}
