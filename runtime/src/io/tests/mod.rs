//! One body, every engine: what a test does runs as the main coroutine of a runtime of its own, on
//! `uring`, `ready` and `offload`, with one and with two vCPUs. A test that hangs ends the process after a
//! minute and says which it was.
#![allow(unsafe_code)]

mod batch;
mod closing;
mod engines;
mod files;
mod lives;
mod many;
mod net;
mod optional;
mod stop;
mod streams;
mod two;
#[cfg(target_os = "linux")]
mod zero_copy;

use crate::err::Errno;
use crate::io::{self, sys, sys::R};
use crate::rt::{self, Config};
use crate::task::{Attr, Doing};
use crate::wait;
use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub const NS_PER_MS: i64 = 1_000_000;
pub const FOREVER: i64 = -1;
pub const NOW: i64 = 0;

/// There is one runtime in a process.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Seconds after which a test counts as hanging.
fn hang_after() -> u64 {
    std::env::var("PHOTONRT_TEST_HANG").ok().and_then(|s| s.parse().ok()).unwrap_or(60)
}

struct Watchdog(Arc<AtomicBool>);

impl Watchdog {
    fn new(what: String) -> Watchdog {
        let done = Arc::new(AtomicBool::new(false));
        let seen = done.clone();
        std::thread::spawn(move || {
            for _ in 0..hang_after() * 10 {
                std::thread::sleep(Duration::from_millis(100));
                if seen.load(Ordering::Relaxed) {
                    return;
                }
            }
            eprintln!("test hangs: {what}");
            rt::foreach(&mut |co| {
                eprintln!("  coroutine {:x} on vCPU {}: {:?}", co.co, co.vcpu, co.state);
                0
            });
            std::process::abort();
        });
        Watchdog(done)
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

unsafe extern "C" fn enter(arg: *mut c_void) -> *mut c_void {
    // SAFETY: `run_on` passes a body.
    unsafe { (*arg.cast::<fn()>())() };
    std::ptr::null_mut()
}

/// Engines that work here, as the config names them; PHOTONRT_TEST_ENGINE (1, 2 or 3) leaves one.
fn engines() -> Vec<u32> {
    if let Some(only) = std::env::var("PHOTONRT_TEST_ENGINE").ok().and_then(|s| s.parse().ok()) {
        return vec![only];
    }
    match io::proven_driver(io::EngineKind::Uring).map(drop) {
        Ok(()) => vec![1, 2, 3],
        Err(e) => {
            eprintln!("no io_uring here ({e:?}): tested on the other engines only");
            vec![2, 3]
        }
    }
}

/// Runs a body on one engine.
pub fn run_on(engine: u32, vcpus: u32, flags: u32, name: &str, body: fn()) {
    let _dog = Watchdog::new(format!("{name}, engine {engine}, {vcpus} vCPUs"));
    let mut body = body;
    loop {
        let config = Config { engine, vcpus, flags, ..Config::default() };
        match rt::run(config, enter, (&raw mut body).cast()) {
            // A test of another layer has the runtime.
            Err(Errno::EBUSY) => std::thread::sleep(Duration::from_millis(5)),
            r => break assert!(r.is_ok(), "{name}: {r:?}"),
        }
    }
}

/// Runs a body everywhere.
pub fn everywhere(name: &str, body: fn()) {
    let _one = alone();
    for engine in engines() {
        for vcpus in [1, 2] {
            run_on(engine, vcpus, 0, name, body);
        }
    }
}

/// A coroutine with its closure's result.
pub struct Co<T>(u64, Arc<Mutex<Option<T>>>);

/// Spawns a closure as a coroutine; on the vCPU of that number (from 1), if there is one.
pub fn go_on<T: Send + 'static>(vcpu: u32, f: impl FnOnce() -> T + Send + 'static) -> Co<T> {
    type Body = Box<dyn FnOnce() + Send>;
    unsafe extern "C" fn call(arg: *mut c_void) -> *mut c_void {
        // SAFETY: made by `into_raw` below, for us alone.
        unsafe { Box::from_raw(arg.cast::<Body>())() };
        std::ptr::null_mut()
    }
    let out = Arc::new(Mutex::new(None));
    let result = out.clone();
    let body: Body = Box::new(move || {
        let r = f();
        *result.lock().unwrap() = Some(r);
    });
    let vcpus = rt::group_vcpus(0).unwrap() as u32;
    let attr = Attr { vcpu: if vcpu <= vcpus { vcpu } else { 1 }, ..Attr::default() };
    let co = rt::spawn(&attr, call, Box::into_raw(Box::new(body)).cast()).unwrap();
    Co(co, out)
}

/// Anywhere.
pub fn go<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> Co<T> {
    go_on(0, f)
}

impl<T> Co<T> {
    pub fn id(&self) -> u64 {
        self.0
    }

    /// Waits until it waits for something itself.
    pub fn settle(&self) {
        while rt::info(self.0).unwrap().state != Doing::Parked {
            wait::sleep(NS_PER_MS / 4).unwrap();
        }
    }

    pub fn join(self) -> T {
        wait::join(self.0, FOREVER).unwrap();
        self.1.lock().unwrap().take().unwrap()
    }
}

/// Lets some time pass, in which what was just begun probably comes to its wait.
pub fn settle() {
    wait::sleep(2 * NS_PER_MS).unwrap();
}

/// Makes a vector of bytes and a raw pointer of it for a call.
pub fn recv(fd: c_int, buf: &mut [u8], timeout: i64) -> R {
    io::recv(fd, buf.as_mut_ptr(), buf.len(), 0, timeout)
}

pub fn send(fd: c_int, buf: &[u8], timeout: i64) -> R {
    io::send(fd, buf.as_ptr(), buf.len(), 0, timeout)
}

pub fn read(fd: c_int, buf: &mut [u8], timeout: i64) -> R {
    io::read(fd, buf.as_mut_ptr(), buf.len(), timeout)
}

pub fn write(fd: c_int, buf: &[u8], timeout: i64) -> R {
    io::write(fd, buf.as_ptr(), buf.len(), timeout)
}

/// Two connected local stream sockets in blocking mode.
pub fn pair() -> [c_int; 2] {
    let mut fds = [0; 2];
    // SAFETY: room for two.
    let r = unsafe {
        libc::socketpair(libc::AF_UNIX, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0, fds.as_mut_ptr())
    };
    assert_eq!(r, 0);
    fds
}

/// A pipe in blocking mode: read end, write end.
pub fn pipe() -> [c_int; 2] {
    let mut fds = [0; 2];
    // SAFETY: room for two.
    assert_eq!(unsafe { libc::pipe2(fds.as_mut_ptr(), libc::O_CLOEXEC) }, 0);
    fds
}

/// Two TCP sockets connected over the loopback.
pub fn tcp_pair() -> [c_int; 2] {
    let l = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let a = std::net::TcpStream::connect(l.local_addr().unwrap()).unwrap();
    let (b, _) = l.accept().unwrap();
    use std::os::fd::IntoRawFd;
    [a.into_raw_fd(), b.into_raw_fd()]
}

pub fn close_both(fds: [c_int; 2]) {
    assert_eq!(fds.map(io::close), [Ok(0), Ok(0)]);
}
