//! HTTP, streams and files: all but the calls of the runtime.
use crate::{cpu_ms, out};
use std::io;
use std::net::{TcpListener, TcpStream};
use std::time::Instant;

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
pub fn listener(port: usize) -> TcpListener {
    use std::os::fd::FromRawFd;
    raise_files();
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
            eprintln!("listen: {}", io::Error::last_os_error());
            std::process::exit(1)
        }
        TcpListener::from_raw_fd(fd)
    }
}
/// Bytes of a message of `stream1`, `stream2`.
pub const MESSAGE: usize = 1 << 20;
/// A connected pair over loopback: to send, to receive.
pub fn stream_pair() -> (TcpStream, TcpStream) {
    let l = TcpListener::bind("127.0.0.1:0").unwrap();
    let from = TcpStream::connect(l.local_addr().unwrap()).unwrap();
    (from, l.accept().unwrap().0)
}
/// Touched, so that no page is the kernel's zero page.
pub fn message() -> Vec<u8> {
    vec![b'x'; MESSAGE]
}
/// Wall and CPU time of a load.
pub struct Meter {
    wall: Instant,
    cpu: f64,
}
impl Meter {
    pub fn begin() -> Meter {
        Meter { cpu: cpu_ms(), wall: Instant::now() }
    }
    pub fn out_stream(&self, name: &str, messages: usize) {
        let (wall, cpu) = (self.wall.elapsed().as_secs_f64(), cpu_ms() - self.cpu);
        out(name, (messages * MESSAGE) as f64 / 1e6 / wall, "MB/s");
        out(&format!("{name}_cpu"), cpu * 1e6 / (messages * MESSAGE / 1024) as f64, "ns/KiB");
    }
    pub fn out_reads(&self, name: &str, reads: usize) {
        let (wall, cpu) = (self.wall.elapsed().as_secs_f64(), cpu_ms() - self.cpu);
        out(name, reads as f64 / wall, "reads/s");
        out(&format!("{name}_cpu"), cpu * 1e3 / reads as f64, "us");
    }
}
/// Bytes of a read of `pread4k`, `pread4k_direct`.
pub const BLOCK: usize = 4096;
/// A block at an address that O_DIRECT takes.
#[repr(align(4096))]
pub struct Block(pub [u8; BLOCK]);
impl Block {
    pub fn new() -> Box<Block> {
        Box::new(Block([0; BLOCK]))
    }
}
/// Opens the file of `pread4k`; gives how many blocks it has, too.
pub fn open_blocks(name: &str, path: &str) -> (std::fs::File, u64) {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = if name == "pread4k_direct" { libc::O_DIRECT } else { 0 };
    let file = std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path);
    let file = file.unwrap_or_else(|e| crate::skip(name, &format!("{path}: {e}")));
    let blocks = file.metadata().unwrap().len() / BLOCK as u64;
    assert!(blocks > 0, "an empty file");
    (file, blocks)
}
/// Where one task reads: the same sequence in every program.
pub struct Places {
    x: u64,
    blocks: u64,
}
impl Places {
    pub fn new(task: usize, blocks: u64) -> Places {
        Places { x: (task as u64).wrapping_mul(0x9e3779b97f4a7c15).wrapping_add(42), blocks }
    }
    pub fn next(&mut self) -> u64 {
        self.x = self.x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.x >> 20) % self.blocks * BLOCK as u64
    }
}
/// Puts the calling thread on a CPU, where there is that.
pub fn pin_cpu(cpu: usize) {
    // SAFETY: the set is a local of the size passed.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(cpu, &mut set);
        libc::sched_setaffinity(0, std::mem::size_of_val(&set), &set);
    }
}
/// As many descriptors as this process may have.
pub fn raise_files() {
    // SAFETY: a plain-integer struct, filled by the call.
    unsafe {
        let mut r: libc::rlimit = std::mem::zeroed();
        if libc::getrlimit(libc::RLIMIT_NOFILE, &mut r) == 0 {
            r.rlim_cur = r.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &r);
        }
    }
}
