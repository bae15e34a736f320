//! What the machine, or a program without a runtime, can do at best.

use crate::bench::make::{compiler, c, debian, header};
use crate::bench::plan::{Contender, K, Kind, M, Program, does};

const LIMIT: Program = Program {
    name: "limit",
    // No endbr64 and no stack protector: the bare switch is to be bare.
    make: |p| c(p, "limit.c", &["-fcf-protection=none", "-fno-stack-protector"]),
    versions: Vec::new,
};
const EPOLL: Program =
    Program { name: "http-epoll", make: |p| c(p, "http_epoll.c", &[]), versions: Vec::new };
const URING: Program = Program {
    name: "http-uring",
    make: |p| header("liburing.h", "liburing-dev").and_then(|()| c(p, "http_uring.c", &["-luring"])),
    versions: Vec::new,
};
const THREADS: Program =
    Program { name: "threads", make: |p| c(p, "threads.c", &[]), versions: Vec::new };
const FIO: Program =
    Program { name: "fio", make: |_| debian("fio", "fio"), versions: || compiler("fio") };

const fn limit(name: &'static str, program: &'static Program) -> Contender {
    Contender::new(name, Kind::Limit, program)
}

pub const ALL: &[Contender] = &[
    limit("limit", &LIMIT).tasks(&[
        does("yield2").as_("switch_jmp").times(20 * M, 5 * M),
        does("pingpong_x").as_("rt_futex_free").times(20 * K, 4 * K),
        does("offload").as_("rt_futex_free").times(20 * K, 4 * K),
        does("pingpong_x_busy").as_("rt_futex").times(20 * K, 4 * K),
        does("pingpong_x_sleep").as_("rt_futex_sleep").times(5 * K, 2 * K),
    ]),
    limit("limit spinning", &LIMIT).tasks(&[does("pingpong_x").as_("rt_spin").times(M, 300 * K)]),
    limit("C epoll", &EPOLL).tasks(&[
        does("http"),
        does("http_2"),
        does("http_10k"),
        does("http_10k_2"),
        does("startup"),
        does("idle"),
    ]),
    limit("C io_uring", &URING).tasks(&[
        does("http"),
        does("http_2"),
        does("http_10k"),
        does("http_10k_2"),
        does("startup"),
    ]),
    limit("C threads", &THREADS).tasks(&[does("stream1"), does("stream2")]),
    limit("fio", &FIO).tasks(&[does("pread4k"), does("pread4k_direct")]),
];
