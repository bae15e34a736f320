//! PHOTONRT_URING_MASK: for tests, pretends an older kernel or a smaller ring. Read once, when the
//! process first asks for a ring.
//!
//! Words, separated by commas:
//! - an operation by the kernel's name in small letters (`statx`, `send_zc`): not supported;
//! - a setup flag (`submit_all`, `coop_taskrun`, `single_issuer`, `defer_taskrun`): not known, nor
//!   what came with it or later;
//! - another ability ([`ABILITIES`]): not there;
//! - `sq=N`, `cq=N`: entries of the two queues.
//!
//! Any other word refuses every ring with EINVAL: a misspelt mask must not pass for a tested one.

use crate::err::Errno;
use std::sync::OnceLock;

/// IORING_OP_* by number.
const OPCODES: [&str; 62] = [
    "nop",
    "readv",
    "writev",
    "fsync",
    "read_fixed",
    "write_fixed",
    "poll_add",
    "poll_remove",
    "sync_file_range",
    "sendmsg",
    "recvmsg",
    "timeout",
    "timeout_remove",
    "accept",
    "async_cancel",
    "link_timeout",
    "connect",
    "fallocate",
    "openat",
    "close",
    "files_update",
    "statx",
    "read",
    "write",
    "fadvise",
    "madvise",
    "send",
    "recv",
    "openat2",
    "epoll_ctl",
    "splice",
    "provide_buffers",
    "remove_buffers",
    "tee",
    "shutdown",
    "renameat",
    "unlinkat",
    "mkdirat",
    "symlinkat",
    "linkat",
    "msg_ring",
    "fsetxattr",
    "setxattr",
    "fgetxattr",
    "getxattr",
    "socket",
    "uring_cmd",
    "send_zc",
    "sendmsg_zc",
    "read_multishot",
    "waitid",
    "futex_wait",
    "futex_wake",
    "futex_waitv",
    "fixed_fd_install",
    "ftruncate",
    "bind",
    "listen",
    "recv_zc",
    "epoll_wait",
    "readv_fixed",
    "writev_fixed",
];

/// What is no operation: abilities that a newer kernel has. The setup flags stand in the order of
/// the kernels that brought them.
pub const ABILITIES: [&str; 9] = [
    "submit_all",
    "coop_taskrun",
    "single_issuer",
    "defer_taskrun",
    "ext_arg",
    "rsrc_tags",
    "multishot_accept",
    "multishot_recv",
    "buf_ring",
];

/// See the module.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Mask {
    opcodes: u64,
    abilities: u16,
    /// Entries of the submission queue.
    pub sq: Option<u32>,
    /// Entries of the completion queue.
    pub cq: Option<u32>,
}

/// This process's mask. EINVAL: a word of it means nothing.
pub fn get() -> Result<&'static Mask, Errno> {
    static MASK: OnceLock<Option<Mask>> = OnceLock::new();
    let read = || Mask::parse(&std::env::var("PHOTONRT_URING_MASK").unwrap_or_default());
    MASK.get_or_init(read).as_ref().ok_or(Errno::EINVAL)
}

impl Mask {
    fn parse(text: &str) -> Option<Mask> {
        let mut m = Mask::default();
        for word in text.split(',').map(str::trim).filter(|w| !w.is_empty()) {
            let is = |w: &&str| *w == word;
            if let Some((queue, n)) = word.split_once('=') {
                let n = n.parse().ok().filter(|n| (1..=32768).contains(n))?;
                *(match queue {
                    "sq" => &mut m.sq,
                    "cq" => &mut m.cq,
                    _ => return None,
                }) = Some(n);
            } else if let Some(code) = OPCODES.iter().position(is) {
                m.opcodes |= 1 << code;
            } else {
                m.abilities |= 1 << ABILITIES.iter().position(is)?;
            }
        }
        Some(m)
    }

    /// Whether an operation is to be taken as not supported.
    pub fn hides_opcode(&self, code: u8) -> bool {
        self.opcodes >> code.min(63) & 1 != 0
    }

    /// Whether an ability, one of [`ABILITIES`], is to be taken as not there.
    pub fn hides(&self, ability: &str) -> bool {
        let at = ABILITIES.iter().position(|a| *a == ability);
        at.is_some_and(|at| self.abilities >> at & 1 != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use io_uring::opcode;

    #[test]
    fn words_mean_what_the_kernel_means() {
        let m = Mask::parse("statx, send_zc,single_issuer,sq=8").unwrap();
        assert!(m.hides_opcode(opcode::Statx::CODE) && m.hides_opcode(opcode::SendZc::CODE));
        assert!(!m.hides_opcode(opcode::Read::CODE) && !m.hides_opcode(opcode::Splice::CODE));
        assert!(m.hides("single_issuer") && !m.hides("defer_taskrun"));
        assert_eq!((m.sq, m.cq), (Some(8), None));
        let last = Mask::parse("futex_waitv,unlinkat").unwrap();
        assert!(last.hides_opcode(opcode::FutexWaitV::CODE));
        assert!(last.hides_opcode(opcode::UnlinkAt::CODE));
        assert_eq!(Mask::parse(""), Some(Mask::default()));
    }

    #[test]
    fn a_misspelt_word_is_refused() {
        for wrong in ["stat", "sq=0", "sq=x", "rq=4", "Statx", "sq"] {
            assert_eq!(Mask::parse(wrong), None, "{wrong}");
        }
    }
}
