//! Slices, as C takes them.

/// Where its elements are; null if there are none. An empty slice may be anywhere (`&.{}` has no address at all), and the
/// system looks at an address even if it is to read or write nothing there.
pub inline fn startOf(slice: anytype) ?@TypeOf(slice.ptr) {
    return if (slice.len > 0) slice.ptr else null;
}
