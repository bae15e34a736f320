//! The C ABI of photonrt: one file per section of `include/photonrt.h`, in the header's order.
//!
//! An exported function checks its arguments, converts them, makes one call into the runtime and
//! returns a status: `>= 0`, or `-errno`. Everything that a C caller must know stands in the doc
//! comments here, since cbindgen copies them into the header (`tests/header.rs` regenerates it and
//! compares).
#![allow(non_camel_case_types, unsafe_code)]

pub mod batch;
pub mod blocking;
pub mod buffer;
pub mod chan;
mod convert;
pub mod coroutine;
pub mod file;
pub mod group;
pub mod io;
pub mod local;
pub mod net;
pub mod pool;
pub mod process;
pub mod runtime;
pub mod scope;
pub mod socket;
pub mod stream;
pub mod sync;
pub mod time;
pub mod version;
