//! Header section `version`.

use std::ffi::{c_char, c_int};

/// Version of this header: major. A change of it may break a caller.
pub const CO_VERSION_MAJOR: u32 = 0;
/// Version of this header: minor. A change of it only adds.
pub const CO_VERSION_MINOR: u32 = 1;
/// Version of this header: patch.
pub const CO_VERSION_PATCH: u32 = 0;

/// The version of the library that is linked, as `major << 16 | minor << 8 | patch`. A program
/// compares it with the CO_VERSION_* constants it was compiled with. Any thread; never blocks.
#[unsafe(no_mangle)]
pub extern "C" fn co_abi_version() -> u32 {
    CO_VERSION_MAJOR << 16 | CO_VERSION_MINOR << 8 | CO_VERSION_PATCH
}

/// The version of the library as text, for instance "0.1.0". Static memory. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn co_version_string() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// A short English text for an error: takes what a co_* call returned (-ETIMEDOUT) or a plain errno
/// (ETIMEDOUT). Static memory, "unknown error" for a number that is none. Any thread; never blocks.
#[unsafe(no_mangle)]
pub extern "C" fn co_strerror(err: c_int) -> *const c_char {
    photonrt_runtime::err::text(err.unsigned_abs() as i32).as_ptr()
}
