//! libuv: Debian's; callbacks, no tasks.

use crate::bench::make::{c, c_minimal, header};
use crate::bench::plan::{Contender, Program, does};

const LIBUV: Program = Program {
    name: "http-uv",
    make: |p| {
        header("uv.h", "libuv1-dev")?;
        c(p, "http_uv.c", &["-luv"])?;
        c_minimal(p, "minimal_uv.c", &["-luv"])
    },
    versions: Vec::new,
};

pub const ALL: &[Contender] = &[Contender::peer("libuv", &LIBUV).tasks(&[
    does("http"),
    does("http_2"),
    does("http_10k"),
    does("http_10k_2"),
    does("offload"),
    does("startup"),
    does("size"),
])];
