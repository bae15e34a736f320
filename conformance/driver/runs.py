"""One run of one case: a process of its own in an empty folder, under a watchdog."""
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass

from .cases import Case

SKIPPED = 77
GRACE = 5.0  # seconds for the dump after SIGQUIT


@dataclass(frozen=True)
class Result:
    """How a run went: passed, failed or skipped; why; what it printed; seconds."""

    state: str
    why: str = ""
    output: str = ""
    seconds: float = 0.0


def _signal_group(process: subprocess.Popen, number: int) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass


def _wait(process: subprocess.Popen, limit: float) -> bool:
    """False if the watchdog had to end it."""
    try:
        process.wait(limit)
        return True
    except subprocess.TimeoutExpired:
        pass
    process.send_signal(signal.SIGQUIT)  # the case prints its coroutines
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        pass
    return False


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _judge(case: Case, code: int, stdout: str, stderr: str) -> tuple[str, str]:
    want = case.outcome
    if code == SKIPPED and want.exit != SKIPPED:
        lines = stdout.strip().splitlines()
        return ("skipped", lines[-1]) if lines else ("failed", "skipped itself without a reason")
    ended = _ending(code)
    wanted = [f"exit {want.exit}"] if want.exit is not None else list(want.signals)
    if ended not in wanted:
        return "failed", f"ended by {ended}, expected {' or '.join(wanted)}"
    for stream, text, patterns in (("stdout", stdout, want.stdout), ("stderr", stderr, want.stderr)):
        for pattern in patterns:
            if not re.search(pattern, text):
                return "failed", f"nothing on {stream} matches {pattern!r}"
    return "passed", ""


def run(case: Case, command: list[str], engine: str, vcpus: int, slower: float, choose: bool) -> Result:
    """Runs `case` once. `slower` stretches its limit, for machines and tools that are. With `choose`
    the library is not told which engine to take."""
    environment = dict(os.environ, PHOTONRT_ENGINE=engine, CONF_ENGINE=engine, CONF_VCPUS=str(vcpus))
    if choose:
        del environment["PHOTONRT_ENGINE"]
    if not case.stalls:
        environment["PHOTONRT_STALL_MS"] = "0"
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        out, err = pathlib.Path(folder, "stdout"), pathlib.Path(folder, "stderr")
        work = pathlib.Path(folder, "work")
        work.mkdir()
        began = time.monotonic()
        # Files, not pipes: what a case leaves running must not keep the driver waiting for an end of file.
        with out.open("wb") as o, err.open("wb") as e:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=o, stderr=e, cwd=work, env=environment,
                start_new_session=True,
            )
            try:
                in_time = _wait(process, case.timeout * slower)
            finally:
                _signal_group(process, signal.SIGKILL)
                process.wait()
        seconds = time.monotonic() - began
        stdout, stderr = (p.read_text(encoding="utf-8", errors="replace") for p in (out, err))
    output = stdout + stderr
    if not in_time:
        return Result("failed", f"no end after {case.timeout * slower:.0f} s", output, seconds)
    state, why = _judge(case, process.returncode, stdout, stderr)
    return Result(state, why, output, seconds)
