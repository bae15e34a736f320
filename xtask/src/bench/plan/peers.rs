//! The contenders, a file each: its program and how that is built, and what it does of the workloads.
//! Whatever is said of a contender in a comment here is said to readers in benches/README.md.

/// Declares the modules and lists what they have, in the order in which they take turns: what is
/// compared with everybody comes first.
macro_rules! contenders {
    ($($name:ident)*) => {
        $(mod $name;)*
        /// All of them, by file.
        pub const ALL: &[&[super::Contender]] = &[$($name::ALL),*];
    };
}

contenders! {
    limits
    ours

    boost_context
    boost_fiber
    corosensei
    erlang
    glommio
    go
    java
    libuv
    may
    monoio
    pthreads
    state_threads
    threads
    tokio
    zig
}
