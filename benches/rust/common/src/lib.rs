//! What the Rust peers share: clock, process figures, output. See ../../../README.md for the rules.
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

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
    pub fn out_grown(&self, n: usize) {
        let now = Memory::now();
        out("parked", (now.rss - self.rss) / n as f64, "B/task");
        out("parked_pte", (now.pte - self.pte) / n as f64, "B/task");
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
}
pub fn yield_tasks(name: &str) -> usize {
    match name.trim_end_matches("_wake") {
        "yield2" => 2,
        "yield1k" => 1000,
        _ => 100_000,
    }
}
pub fn delays(n: usize) -> Vec<u32> {
    let mut x = 42u64;
    (0..n)
        .map(|_| {
            x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            ((x >> 33) % 1001) as u32
        })
        .collect()
}
pub fn late_ns(start: Instant, ms: u32) -> i64 {
    start.elapsed().as_nanos() as i64 - ms as i64 * 1_000_000
}
pub fn out_timers(mut late: Vec<i64>, wall: Duration, cpu: f64) {
    late.sort_unstable();
    let n = late.len();
    assert!(late[0] >= 0, "a sleep ended early");
    out("timers_wall", wall.as_secs_f64() * 1e3, "ms");
    out("timers_cpu", cpu, "ms");
    out("timers_min", late[0] as f64 / 1e3, "us");
    out("timers_p50", late[n / 2] as f64 / 1e3, "us");
    out("timers_p99", late[n * 99 / 100] as f64 / 1e3, "us");
}
/// What two ways of the same work cost, the handing over and the slot between, and the better one
/// as `name`.
pub fn out_best(name: &str, hand_over: f64, one_slot: f64) {
    out(name, hand_over.min(one_slot), "ns");
    out(&format!("{name}_0"), hand_over, "ns");
    out(&format!("{name}_1"), one_slot, "ns");
}
/// Of tasks that took turns: the slowest one's number of turns over the fastest one's, and ns a turn.
pub fn out_fair(name: &str, turns: &[usize], took: Duration) {
    let (least, most) = (turns.iter().min().unwrap(), turns.iter().max().unwrap());
    out(name, *least as f64 / *most as f64, "x");
    out(&format!("{name}_turn"), ns_per(took, turns.iter().sum()), "ns");
}
/// How late the others were beside what blocks, and how long that took.
pub fn out_blocking(name: &str, mut late: Vec<i64>, wall: Duration) {
    late.sort_unstable();
    let n = late.len();
    out(name, late[n * 99 / 100] as f64 / 1e3, "us");
    out(&format!("{name}_p50"), late[n / 2] as f64 / 1e3, "us");
    out(&format!("{name}_max"), late[n - 1] as f64 / 1e3, "us");
    out(&format!("{name}_wall"), wall.as_secs_f64() * 1e3, "ms");
}
pub fn check_sky(sum: u64, n: usize) {
    let n = n as u64;
    assert_eq!(sum, n * (n - 1) / 2, "skynet: wrong sum");
}
pub const RESP: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!";
pub fn feed(st: &mut u8, b: &[u8]) -> usize {
    let (mut s, mut k) = (*st, 0);
    for &c in b {
        s = match c {
            b'\r' => {
                if s == 2 {
                    3
                } else {
                    1
                }
            }
            b'\n' => {
                if s == 1 {
                    2
                } else {
                    k += (s == 3) as usize;
                    0
                }
            }
            _ => 0,
        }
    }
    *st = s;
    k
}
/// SO_REUSEPORT listener on loopback.
pub fn listener(port: usize) -> std::net::TcpListener {
    use std::os::fd::FromRawFd;
    // SAFETY: a new socket that nobody else has; every pointer is to a local of the size passed.
    unsafe {
        let one: libc::c_int = 1;
        let fd = libc::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0);
        for (l, o) in [
            (libc::SOL_SOCKET, libc::SO_REUSEADDR),
            (libc::SOL_SOCKET, libc::SO_REUSEPORT),
            (libc::IPPROTO_TCP, libc::TCP_NODELAY), // inherited by accepted sockets
        ] {
            libc::setsockopt(fd, l, o, &one as *const _ as *const _, 4);
        }
        let mut a: libc::sockaddr_in = std::mem::zeroed();
        a.sin_family = libc::AF_INET as u16;
        a.sin_port = (port as u16).to_be();
        a.sin_addr.s_addr = 0x7f000001u32.to_be();
        if libc::bind(fd, &a as *const _ as *const _, std::mem::size_of_val(&a) as u32) != 0
            || libc::listen(fd, 1024) != 0
        {
            eprintln!("listen: {}", std::io::Error::last_os_error());
            std::process::exit(1)
        }
        std::net::TcpListener::from_raw_fd(fd)
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
/// Runs f(0) and f(1) on two OS threads and returns the wall time.
pub fn on_two<F: Fn(usize) + Send + Sync>(f: F) -> Duration {
    let t0 = Instant::now();
    std::thread::scope(|s| {
        s.spawn(|| f(0));
        s.spawn(|| f(1));
    });
    t0.elapsed()
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
