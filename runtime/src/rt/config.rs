//! What the runtime is started with.

use super::monitor::{Hook as StallHook, Stalls};
use crate::affinity;
use crate::err::Errno;
use crate::io::{self, EngineKind};
use crate::sched::driver::Driver;
use crate::{stack, task};

/// co_config_t.flags and their ABI numbers.
pub mod config_flags {
    /// Cancel what is left when main has ended.
    pub const RUN_CANCEL: u32 = 1;
    /// Stacks without a guard rather than none.
    pub const UNGUARDED_OK: u32 = 2;
    /// No signal handlers.
    pub const NO_SIGNALS: u32 = 4;
    /// Every coroutine is migratable.
    pub const MIGRATE_ALL: u32 = 8;
}

/// `Config::spares`: none.
pub const NO_SPARES: u32 = u32::MAX;
/// vCPUs in one group at most.
pub const GROUP_VCPUS: u32 = 256;

/// See co_config_t; 0 everywhere means the defaults.
#[derive(Clone, Copy, Default, Debug)]
#[allow(missing_docs)]
pub struct Config {
    pub vcpus: u32,
    pub engine: u32,
    pub flags: u32,
    pub stack_size: u64,
    pub stack_cache: u64,
    pub stack_decay: i64,
    pub blocking_max: u32,
    pub seed: u64,
    pub stall_ns: i64,
    pub on_stall: Option<StallHook>,
    pub spares: u32,
}

impl Config {
    /// Checks the ranges: EINVAL.
    pub fn checked(self) -> Result<Config, Errno> {
        let stack_ok = self.stack_size == 0 || stack::class_of(self.stack_size).is_some();
        if self.vcpus > GROUP_VCPUS
            || !stack_ok
            || self.stack_decay < 0
            || self.engine > 3
            || self.stall_ns < -1
            || (self.spares > GROUP_VCPUS && self.spares != NO_SPARES)
        {
            return Err(Errno::EINVAL);
        }
        Ok(self)
    }

    /// vCPUs of the default group.
    pub(super) fn vcpu_count(&self) -> usize {
        match self.vcpus {
            // With one CPU a quota, which is in a few files, can't make it fewer.
            0 if affinity::single() => 1,
            0 => std::thread::available_parallelism()
                .map_or(1, |n| n.get().min(GROUP_VCPUS as usize)),
            n => n as usize,
        }
    }

    pub(super) fn stack_class(&self) -> u8 {
        let bytes = if self.stack_size == 0 { 256 << 10 } else { self.stack_size };
        stack::class_of(bytes).unwrap_or_default()
    }

    pub(super) fn stack_cache_bytes(&self) -> usize {
        if self.stack_cache == 0 { 64 << 20 } else { self.stack_cache as usize }
    }

    pub(super) fn stack_options(&self) -> stack::PoolOptions {
        stack::PoolOptions {
            decay_ns: if self.stack_decay == 0 { 1_000_000_000 } else { self.stack_decay },
            allow_unguarded: self.flags & config_flags::UNGUARDED_OK != 0,
            ..stack::PoolOptions::default()
        }
    }

    pub(super) fn task_flags(&self) -> u32 {
        if self.flags & config_flags::MIGRATE_ALL != 0 { task::flags::MIGRATABLE } else { 0 }
    }

    /// How many spares a group of `vcpus` may have.
    pub(super) fn spare_count(&self, vcpus: usize) -> usize {
        match self.spares {
            0 => vcpus,
            NO_SPARES => 0,
            n => n as usize,
        }
    }

    /// PHOTONRT_TRACE_PINNED. EINVAL: neither 0 nor 1.
    pub(super) fn traces_pinned(&self) -> Result<bool, Errno> {
        match std::env::var("PHOTONRT_TRACE_PINNED").as_deref() {
            Ok("1") => Ok(true),
            Ok("0" | "") | Err(std::env::VarError::NotPresent) => Ok(false),
            _ => Err(Errno::EINVAL),
        }
    }

    /// The look-out for stalls; none: it is switched off. EINVAL: PHOTONRT_STALL_MS is no number.
    pub(super) fn stalls(&self) -> Result<Option<Stalls>, Errno> {
        const MS: i64 = 1_000_000;
        let limit = match (self.stall_ns, std::env::var("PHOTONRT_STALL_MS").as_deref()) {
            (0, Ok("") | Err(std::env::VarError::NotPresent)) => 10 * MS,
            (0, Ok(text)) => match text.parse::<u32>() {
                Ok(0) => -1,
                Ok(ms) => i64::from(ms) * MS,
                Err(_) => return Err(Errno::EINVAL),
            },
            (0, Err(_)) => return Err(Errno::EINVAL),
            (ns, _) => ns,
        };
        Ok((limit > 0).then(|| Stalls::new(limit, self.on_stall)))
    }

    /// The engine asked for, by the program or by PHOTONRT_ENGINE (EINVAL: it names none).
    fn wanted(&self) -> Result<Option<EngineKind>, Errno> {
        Ok(match self.engine {
            0 => match std::env::var("PHOTONRT_ENGINE").as_deref() {
                Ok("uring") => Some(EngineKind::Uring),
                Ok("ready") => Some(EngineKind::Ready),
                Ok("offload") => Some(EngineKind::Offload),
                Ok("") | Err(std::env::VarError::NotPresent) => None,
                _ => return Err(Errno::EINVAL),
            },
            1 => Some(EngineKind::Uring),
            2 => Some(EngineKind::Ready),
            _ => Some(EngineKind::Offload),
        })
    }

    /// The engine to use. EINVAL: PHOTONRT_ENGINE names none. ENOSYS: the one that was asked for does
    /// not work here.
    pub(super) fn choose_engine(&self) -> Result<Choice, Errno> {
        match self.wanted()? {
            Some(kind) => Choice::try_out(kind).map_err(|e| match e {
                Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM => e,
                _ => Errno::ENOSYS,
            }),
            None => Ok(first_that_works(EngineKind::Uring)),
        }
    }

    /// What to start with after `tried`, which works by itself, could not be had for every vCPU
    /// (`e`; RLIMIT_MEMLOCK may have room for some rings and no more). None: the error stands.
    pub(super) fn next_engine(&self, tried: EngineKind, e: Errno) -> Option<Choice> {
        let left_open = matches!(self.wanted(), Ok(None));
        // Descriptors and threads are short for any engine.
        let any = matches!(e, Errno::EMFILE | Errno::ENFILE | Errno::EAGAIN | Errno::EINVAL);
        match tried {
            _ if !left_open || any => None,
            EngineKind::Uring => Some(first_that_works(EngineKind::Ready)),
            EngineKind::Ready => Some(first_that_works(EngineKind::Offload)),
            EngineKind::Offload => None,
        }
    }
}

/// An engine that works here.
pub(super) struct Choice {
    pub kind: EngineKind,
    /// What it was tried out with: it is taken for a vCPU of this thread's, if there is one, since
    /// setting up a ring is a good part of the runtime's start. None: nothing was to be tried.
    pub tried: Option<Box<dyn Driver>>,
}

impl Choice {
    fn try_out(kind: EngineKind) -> Result<Choice, Errno> {
        let tried = match kind {
            EngineKind::Offload => None,
            _ => Some(io::proven_driver(kind)?),
        };
        Ok(Choice { kind, tried })
    }
}

fn first_that_works(from: EngineKind) -> Choice {
    let all = [EngineKind::Uring, EngineKind::Ready];
    let mut left = all.into_iter().filter(|&k| k as u32 >= from as u32);
    left.find_map(|k| Choice::try_out(k).ok())
        .unwrap_or(Choice { kind: EngineKind::Offload, tried: None })
}
