//! pipe, which never blocks.

use crate::io::sys::{self, R, file, memory};
use crate::io::table;
use std::ffi::c_int;

/// co_io_pipe. `fds` has room for two.
pub fn pipe(fds: *mut c_int, flags: c_int) -> R {
    let new = file::pipe(flags)?;
    if let Err(e) = memory::store(fds.cast(), &new, size_of_val(&new)) {
        // Nothing is to be done about a failure of these.
        let _ = new.map(sys::close);
        return Err(e);
    }
    new.into_iter().for_each(table::begins);
    Ok(0)
}
