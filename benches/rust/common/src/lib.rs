//! What the Rust peers share: clock, process figures, output. See ../../../README.md for the rules.
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

mod io;
mod threads;
mod work;

pub use io::*;
pub use threads::*;
pub use work::*;

pub fn out(name: &str, v: f64, unit: &str) {
    println!("{name} {v:.2} {unit}");
}
pub fn skip(name: &str, why: &str) -> ! {
    eprintln!("{name}: skipped: {why}");
    std::process::exit(3)
}
pub fn ns_per(d: Duration, n: usize) -> f64 {
    d.as_nanos() as f64 / n as f64
}
/// A "KEY: N kB" line of /proc/self/status in bytes.
fn status_bytes(key: &str) -> f64 {
    let s = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = s.lines().find(|l| l.starts_with(key)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 1024.0
}
/// Resident bytes and page-table bytes (which the former does not count) of the process.
pub struct Memory {
    rss: f64,
    pte: f64,
}
impl Memory {
    pub fn now() -> Memory {
        Memory { rss: status_bytes("VmRSS:"), pte: status_bytes("VmPTE:") }
    }
    /// Prints what `n` tasks have added since.
    pub fn out_grown(&self, name: &str, n: usize) {
        let now = Memory::now();
        out(name, (now.rss - self.rss) / n as f64, "B/task");
        out(&format!("{name}_pte"), (now.pte - self.pte) / n as f64, "B/task");
    }
}
/// CPU time of the process so far, user and system.
pub fn cpu_ms() -> f64 {
    // SAFETY: a plain-integer struct, filled by the call.
    let r = unsafe {
        let mut r: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut r);
        r
    };
    (r.ru_utime.tv_sec + r.ru_stime.tv_sec) as f64 * 1e3
        + (r.ru_utime.tv_usec + r.ru_stime.tv_usec) as f64 / 1e3
}
pub struct Args(Vec<String>);
impl Args {
    pub fn get() -> Args {
        let v: Vec<String> = std::env::args().collect();
        if v.len() < 2 {
            std::process::exit(2)
        }
        Args(v)
    }
    pub fn prog(&self) -> &str {
        &self.0[0]
    }
    pub fn name(&self) -> String {
        self.0[1].clone()
    }
    pub fn n(&self, i: usize, dflt: usize) -> usize {
        self.0.get(i).map_or(dflt, |s| s.parse().unwrap())
    }
    pub fn path(&self, i: usize) -> String {
        self.0.get(i).expect("a path").clone()
    }
}
/// The cheapest async yield: wake self, return Pending once.
pub struct WakeYield(pub bool);
impl Future for WakeYield {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.0 {
            return Poll::Ready(());
        }
        self.0 = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
pub fn wake_yield() -> WakeYield {
    WakeYield(false)
}
