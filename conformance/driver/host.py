"""What this machine can do, found out by trying, without the library under test."""
import ctypes
import functools
import os
import pathlib
import socket
import struct
import sys

# The numbers are the same on every Linux architecture.
_SETUP, _ENTER = 425, 426
_PARAMS_SIZE, _FEATURES_AT = 120, 20
_FEAT_EXT_ARG = 1 << 8


@functools.cache
def uring_refused() -> str | None:
    """Why io_uring cannot be used here, or None if it can.

    Containers allow setup and forbid enter: both are tried."""
    if sys.platform != "linux":
        return "this system has no io_uring"
    libc = ctypes.CDLL(None, use_errno=True)
    params = ctypes.create_string_buffer(_PARAMS_SIZE)
    fd = libc.syscall(_SETUP, 4, params)
    if fd < 0:
        return f"io_uring_setup: {os.strerror(ctypes.get_errno())}"
    try:
        if libc.syscall(_ENTER, fd, 0, 0, 0, None, 0) < 0:
            return f"io_uring_enter: {os.strerror(ctypes.get_errno())}"
    finally:
        os.close(fd)
    (features,) = struct.unpack_from("I", params, _FEATURES_AT)
    if not features & _FEAT_EXT_ARG:
        return "this kernel's io_uring_enter takes no timeout (before Linux 5.11)"
    return None


def _ipv6() -> str | None:
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
    except OSError as e:
        return f"no IPv6 loopback: {e.strerror}"
    return None


def _kernel() -> str | None:
    return "the emulator's own limits would be measured" if os.environ.get("PHOTONRT_EMULATED") else None


_NEEDS = {
    "kernel": _kernel,
    "linux": lambda: None if sys.platform == "linux" else "not Linux",
    "procfs": lambda: None if pathlib.Path("/proc/self/statm").exists() else "no /proc",
    "ipv6": _ipv6,
}


@functools.cache
def lacks(need: str) -> str | None:
    """Why `need` of a case cannot be met here, or None if it can."""
    return _NEEDS[need]() if need in _NEEDS else f"unknown need {need}"


def knows(need: str) -> bool:
    """Whether SPEC.md names this need."""
    return need in _NEEDS
