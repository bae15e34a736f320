//! Work on two OS threads, and the thread that keeps a clock.
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Barrier, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Two threads that begin together.
pub struct Both {
    ready: Barrier,
    times: Mutex<[(Instant, Instant); 2]>,
}
impl Both {
    /// Runs a thread's part of the work once both threads are here; runtimes are made before.
    pub fn timed<T>(&self, thread: usize, f: impl FnOnce() -> T) -> T {
        self.ready.wait();
        let begun = Instant::now();
        let v = f();
        self.times.lock().unwrap()[thread] = (begun, Instant::now());
        v
    }
}
/// Runs f(0) and f(1) on two OS threads; gives the time of their last `timed`, from the first's
/// begin to the last's end, and what they gave.
pub fn on_two<T: Send, F: Fn(usize, &Both) -> T + Sync>(f: F) -> (Duration, [T; 2]) {
    let now = Instant::now();
    let both = Both { ready: Barrier::new(2), times: Mutex::new([(now, now); 2]) };
    let got = std::thread::scope(|s| {
        let [a, b] = [0, 1].map(|i| {
            s.spawn({
                let (f, both) = (&f, &both);
                move || f(i, both)
            })
        });
        [a.join().unwrap(), b.join().unwrap()]
    });
    let [(b0, e0), (b1, e1)] = both.times.into_inner().unwrap();
    (e0.max(e1) - b0.min(b1), got)
}
/// A race of tasks for some time: they wait until all are there, and stop when told. An OS thread
/// keeps the clock, for the tasks may leave the runtime no turn.
#[derive(Default)]
pub struct Race {
    arrived: AtomicUsize,
    begun: AtomicBool,
    over: AtomicBool,
}
impl Race {
    pub fn arrive(&self) {
        self.arrived.fetch_add(1, Relaxed);
    }
    pub fn begun(&self) -> bool {
        self.begun.load(Relaxed)
    }
    pub fn over(&self) -> bool {
        self.over.load(Relaxed)
    }
    /// Begins once `tasks` have arrived and ends it `ms` later; gives how long it was.
    pub fn run(self: Arc<Race>, tasks: usize, ms: usize) -> JoinHandle<Duration> {
        std::thread::spawn(move || {
            while self.arrived.load(Relaxed) < tasks {
                std::thread::sleep(Duration::from_millis(1));
            }
            let t0 = Instant::now();
            self.begun.store(true, Relaxed);
            std::thread::sleep(Duration::from_millis(ms as u64));
            self.over.store(true, Relaxed);
            t0.elapsed()
        })
    }
}
