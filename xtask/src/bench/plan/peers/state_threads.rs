//! State Threads, Debian's: coroutines of one OS thread.

use crate::bench::make::{c, c_minimal, debian_version, header};
use crate::bench::plan::{Contender, K, M, Program, does};

/// Its assembler says nothing about the stack, so the linker would warn that it is executable.
const LIBRARY: &[&str] = &["-l:libst.a", "-Wl,--no-warn-execstack"];

const STATE_THREADS: Program = Program {
    name: "st",
    make: |p| {
        header("st.h", "libst-dev")?;
        c(p, "st.c", LIBRARY)?;
        c_minimal(p, "minimal_st.c", LIBRARY)
    },
    versions: || debian_version("libst-dev"),
};

pub const ALL: &[Contender] =
    &[Contender::peer("state-threads", &STATE_THREADS).scheduler().stackful().tasks(&[
        does("yield2").times(5 * M, M),
        does("yield1k").times(5 * M, M),
        does("yield100k").times(M, 500 * K),
        does("spawn_join"),
        does("spawn_batch"),
        does("pingpong").times(10 * M, 3 * M),
        does("mutex_free"),
        does("timers"),
        does("cancel_storm"),
        does("parked"),
        does("parked30k"),
        does("http"),
        does("http_10k"),
        does("startup"),
        does("size"),
    ])];
