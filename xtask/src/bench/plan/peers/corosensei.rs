//! corosensei: a bare stackful switch, without a scheduler.

use crate::bench::make::{locked, rust};
use crate::bench::plan::{Contender, M, Program, does};

const COROSENSEI: Program = Program {
    name: "corosensei",
    make: |p| rust(p, "corosensei"),
    versions: || locked(&["corosensei"]),
};

pub const ALL: &[Contender] = &[Contender::peer("corosensei", &COROSENSEI).stackful().tasks(&[
    does("yield2").times(50 * M, 20 * M),
    does("yield1k").times(20 * M, 5 * M),
    does("yield100k").times(20 * M, 10 * M),
    does("spawn_join").times(5 * M, M),
    does("spawn_batch"),
    does("parked"),
    does("parked30k"),
    does("size"),
])];
