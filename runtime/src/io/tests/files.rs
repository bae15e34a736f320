//! Files: open, read, write, pread, pwrite, fsync, and what the documentation says of their errors.
#![allow(unsafe_code)]

use super::*;
use std::ffi::{CStr, CString};

fn temp(name: &str) -> CString {
    let path = std::env::temp_dir().join(format!("photonrt-io-{}-{name}", std::process::id()));
    CString::new(path.to_str().unwrap()).unwrap()
}

fn remove(path: &CStr) {
    // SAFETY: a path.
    assert_eq!(unsafe { libc::unlink(path.as_ptr()) }, 0);
}

fn open(path: &CStr, flags: c_int) -> Result<c_int, Errno> {
    io::open(path.as_ptr(), flags, 0o600, FOREVER).map(|fd| fd as c_int)
}

const NEW: c_int = libc::O_RDWR | libc::O_CREAT | libc::O_TRUNC;

#[test]
fn a_file_s_life() {
    everywhere("a_file_s_life", || {
        let path = temp("life");
        let fd = open(&path, NEW).unwrap();
        assert_eq!(write(fd, b"hello world", FOREVER), Ok(11));
        assert_eq!(io::pwrite(fd, b"W".as_ptr(), 1, 6, FOREVER), Ok(1));
        assert_eq!(io::fsync(fd, FOREVER), Ok(0));
        let mut buf = [0; 32];
        assert_eq!(read(fd, &mut buf, FOREVER), Ok(0), "at the end");
        assert_eq!(io::pread(fd, buf.as_mut_ptr(), 32, 0, FOREVER), Ok(11));
        assert_eq!(&buf[..11], b"hello World");
        assert_eq!(io::pread(fd, buf.as_mut_ptr(), 5, 100, FOREVER), Ok(0));
        assert_eq!(read(fd, &mut buf, FOREVER), Ok(0), "pread moves nothing");
        // SAFETY: no memory.
        assert_ne!(unsafe { libc::fcntl(fd, libc::F_GETFD) } & libc::FD_CLOEXEC, 0);
        assert_eq!(io::close(fd), Ok(0));
        let fd = open(&path, libc::O_RDONLY).unwrap();
        assert_eq!(read(fd, &mut buf[..5], FOREVER), Ok(5));
        assert_eq!(read(fd, &mut buf, FOREVER), Ok(6), "from the file's position");
        assert_eq!(&buf[..6], b" World");
        assert_eq!(write(fd, b"x", FOREVER), Err(Errno::EBADF));
        assert_eq!(io::close(fd), Ok(0));
        assert_eq!(io::close(fd), Err(Errno::EBADF));
        remove(&path);
    });
}

#[test]
fn the_wrong_end_of_a_pipe() {
    everywhere("the wrong end", || {
        let (p, other) = (pipe(), pipe());
        let mut b = [0; 4];
        assert_eq!(read(p[1], &mut b, FOREVER), Err(Errno::EBADF));
        assert_eq!(write(p[0], &b, FOREVER), Err(Errno::EBADF));
        let mut done = 7;
        assert_eq!(io::copy(p[1], other[1], 1, &mut done, FOREVER), Err(Errno::EBADF));
        assert_eq!(done, 0);
        assert_eq!(write(p[1], b"x", FOREVER), Ok(1));
        assert_eq!(io::copy(p[0], other[0], 1, &mut done, FOREVER), Err(Errno::EBADF));
        assert_eq!(read(p[0], &mut b, FOREVER), Ok(1), "it is not lost");
        // As where the system has no read that does not block.
        for (fd, events) in [(p[1], libc::POLLIN), (p[0], libc::POLLOUT)] {
            let r = sys::look_first(fd, events, || Ok(0));
            assert!(matches!(r, sys::Try::Done(Err(Errno::EBADF))), "{r:?}");
        }
        assert!(matches!(sys::look_first(p[0], libc::POLLIN, || Ok(0)), sys::Try::Wait));
        for fd in [p, other].concat() {
            assert_eq!(io::close(fd), Ok(0));
        }
    });
}

#[test]
fn errors() {
    everywhere("errors", || {
        assert_eq!(open(c"/nonexistent/file", libc::O_RDONLY), Err(Errno::ENOENT));
        assert_eq!(open(c"/tmp", libc::O_RDWR), Err(Errno::EISDIR));
        assert_eq!(io::open(std::ptr::null(), 0, 0, FOREVER), Err(Errno::EFAULT));
        assert_eq!(io::open(c"/tmp".as_ptr(), 0, 0, -2), Err(Errno::EINVAL));
        let mut b = [0; 4];
        for fd in [-1, 9999, c_int::MAX] {
            assert_eq!(read(fd, &mut b, FOREVER), Err(Errno::EBADF), "{fd}");
            assert_eq!(write(fd, &b, FOREVER), Err(Errno::EBADF));
            assert_eq!(recv(fd, &mut b, FOREVER), Err(Errno::EBADF));
            assert_eq!(send(fd, &b, FOREVER), Err(Errno::EBADF));
            assert_eq!(io::pread(fd, b.as_mut_ptr(), 4, 0, FOREVER), Err(Errno::EBADF));
            assert_eq!(io::fsync(fd, FOREVER), Err(Errno::EBADF));
            assert_eq!(io::fsync(fd, NOW), Err(Errno::EBADF));
            assert_eq!(io::poll(fd, libc::POLLIN, FOREVER), Err(Errno::EBADF));
            assert_eq!(io::close(fd), Err(Errno::EBADF));
            let null = std::ptr::null_mut();
            assert_eq!(io::accept(fd, null, null.cast(), 0, FOREVER), Err(Errno::EBADF));
        }
        let dir = open(c"/tmp", libc::O_RDONLY).unwrap();
        assert_eq!(read(dir, &mut b, FOREVER), Err(Errno::EISDIR));
        assert_eq!(recv(dir, &mut b, FOREVER), Err(Errno::ENOTSOCK));
        assert_eq!(send(dir, &b, FOREVER), Err(Errno::ENOTSOCK));
        assert_eq!(io::close(dir), Ok(0));
        let p = pipe();
        assert_eq!(io::pread(p[0], b.as_mut_ptr(), 4, 0, FOREVER), Err(Errno::ESPIPE));
        assert_eq!(io::pwrite(p[1], b.as_ptr(), 4, 0, FOREVER), Err(Errno::ESPIPE));
        assert_eq!(io::pread(p[0], b.as_mut_ptr(), 4, -1, FOREVER), Err(Errno::EINVAL));
        assert_eq!(io::pwrite(p[1], b.as_ptr(), 4, -1, FOREVER), Err(Errno::EINVAL));
        assert_eq!(read(p[0], &mut b, -2), Err(Errno::EINVAL));
        close_both(p);
    });
}

#[test]
fn bad_memory() {
    everywhere("bad_memory", || {
        let nowhere = std::ptr::without_provenance_mut::<u8>(16);
        let p = pipe();
        assert_eq!(io::write(p[1], nowhere, 4, FOREVER), Err(Errno::EFAULT));
        assert_eq!(write(p[1], b"abcd", FOREVER), Ok(4));
        assert_eq!(io::read(p[0], nowhere, 4, FOREVER), Err(Errno::EFAULT));
        close_both(p);
        let s = pair();
        assert_eq!(io::send(s[0], nowhere, 4, 0, FOREVER), Err(Errno::EFAULT));
        assert_eq!(send(s[0], b"abcd", FOREVER), Ok(4));
        assert_eq!(io::recv(s[1], nowhere, 4, 0, FOREVER), Err(Errno::EFAULT));
        close_both(s);
        assert_eq!(io::open(nowhere.cast(), 0, 0, FOREVER), Err(Errno::EFAULT));
    });
}

#[test]
fn without_waiting() {
    everywhere("without_waiting", || {
        let path = temp("now");
        assert_eq!(io::open(path.as_ptr(), NEW, 0o600, NOW), Err(Errno::EAGAIN));
        let fd = open(&path, NEW).unwrap();
        assert_eq!(write(fd, b"abc", FOREVER), Ok(3));
        assert_eq!(io::fsync(fd, NOW), Err(Errno::EAGAIN));
        assert_eq!(io::fsync(fd, FOREVER), Ok(0));
        let mut b = [0; 8];
        // Its pages are in memory; an emulator may not have the call that asks for just those.
        let emulated = std::env::var_os("PHOTONRT_EMULATED").is_some();
        let at_once = if emulated { Err(Errno::EAGAIN) } else { Ok(3) };
        assert_eq!(io::pread(fd, b.as_mut_ptr(), 8, 0, NOW), at_once);
        let again = io::open(path.as_ptr(), libc::O_RDONLY, 0, NOW);
        assert!(matches!(again, Ok(_) | Err(Errno::EAGAIN)), "{again:?}");
        if let Ok(fd) = again {
            assert_eq!(io::close(fd as c_int), Ok(0));
        }
        assert_eq!(io::close(fd), Ok(0));
        remove(&path);
    });
}

#[test]
fn many_at_once() {
    everywhere("many_at_once", || {
        let all: Vec<_> = (0..40u8)
            .map(|i| {
                go(move || {
                    let path = temp(&format!("many-{i}"));
                    let fd = open(&path, NEW).unwrap();
                    let data = vec![i; 100_000];
                    let mut at = 0;
                    while at < data.len() {
                        at += io::pwrite(
                            fd,
                            data[at..].as_ptr(),
                            data.len() - at,
                            at as i64,
                            FOREVER,
                        )
                        .unwrap() as usize;
                    }
                    assert_eq!(io::fsync(fd, FOREVER), Ok(0));
                    let mut back = vec![0; data.len()];
                    let n = io::pread(fd, back.as_mut_ptr(), back.len(), 0, FOREVER).unwrap();
                    assert_eq!((n as usize, back), (data.len(), data));
                    assert_eq!(io::close(fd), Ok(0));
                    remove(&path);
                })
            })
            .collect();
        all.into_iter().for_each(Co::join);
    });
}

#[test]
fn a_named_pipe_s_open_waits_for_the_other_side() {
    everywhere("a_named_pipe_s_open_waits_for_the_other_side", || {
        let path = temp("fifo");
        // SAFETY: a path.
        assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
        let (p, q) = (path.clone(), path.clone());
        let r = go(move || open(&p, libc::O_RDONLY).unwrap());
        settle();
        let w = go(move || open(&q, libc::O_WRONLY).unwrap());
        let (r, w) = (r.join(), w.join());
        assert_eq!(write(w, b"x", FOREVER), Ok(1));
        let mut b = [0; 4];
        assert_eq!(read(r, &mut b, FOREVER), Ok(1));
        close_both([r, w]);
        remove(&path);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn what_goes_to_the_disk_is_not_tried() {
    if std::env::var_os("PHOTONRT_EMULATED").is_some() {
        // The emulator lacks the call that does not wait.
        return;
    }
    use sys::Try;
    #[repr(align(4096))]
    struct Page([u8; 4096]);
    everywhere("what_goes_to_the_disk_is_not_tried", || {
        let path = temp("direct");
        let mut page = Page([7; 4096]);
        let fd = match open(&path, NEW | libc::O_DIRECT) {
            // A file system that has no such thing.
            Err(Errno::EINVAL) => return remove(&path),
            r => r.unwrap(),
        };
        let p = page.0.as_mut_ptr();
        assert_eq!(io::pwrite(fd, p, 4096, 4096, FOREVER), Ok(4096));
        page.0.fill(1);
        assert!(matches!(sys::try_read(fd, p, 4096, Some(4096)), Try::Blocks));
        assert!(matches!(sys::try_write(fd, p, 4096, Some(4096)), Try::Blocks));
        let v = libc::iovec { iov_base: p.cast(), iov_len: 4096 };
        assert!(matches!(sys::file::try_readv(fd, &raw const v, 1, Some(4096)), Try::Blocks));
        assert!(matches!(sys::file::try_writev(fd, &raw const v, 1, Some(4096)), Try::Blocks));
        assert_eq!(io::pread(fd, p, 4096, 4096, NOW), Err(Errno::EAGAIN));
        assert_eq!(io::pread(fd, p, 4096, 4096, FOREVER), Ok(4096));
        assert_eq!(page.0, [7; 4096]);
        assert_eq!(io::close(fd), Ok(0));
        // What was found of a descriptor is forgotten with it.
        let fd = open(&path, libc::O_RDONLY).unwrap();
        assert_eq!(io::pread(fd, p, 4096, 4096, FOREVER), Ok(4096), "into the page cache");
        assert!(matches!(sys::try_read(fd, p, 4096, Some(4096)), Try::Done(Ok(4096))));
        assert_eq!(io::close(fd), Ok(0));
        let fd = open(&path, libc::O_RDONLY | libc::O_DIRECT).unwrap();
        assert!(matches!(sys::try_read(fd, p, 4096, Some(4096)), Try::Blocks));
        assert_eq!(io::close(fd), Ok(0));
        // Of a pipe, O_DIRECT means packets.
        let mut p2 = [0; 2];
        // SAFETY: two descriptors.
        assert_eq!(unsafe { libc::pipe2(p2.as_mut_ptr(), libc::O_DIRECT) }, 0);
        assert_eq!(write(p2[1], b"abc", FOREVER), Ok(3));
        assert_eq!(read(p2[0], &mut page.0, NOW), Ok(3));
        p2.iter().for_each(|&fd| assert_eq!(io::close(fd), Ok(0)));
        remove(&path);
    });
}
