"""How the driver speaks to an implementation: the three commands of SPEC.md."""
import pathlib
import subprocess
from dataclasses import dataclass

from . import cases


class AdapterFailed(Exception):
    """The adapter itself did not do what it was asked."""


@dataclass(frozen=True)
class Built:
    """What `build` said of one case: ok, skip or fail, and why."""

    state: str
    why: str = ""


def find(implementation: str) -> pathlib.Path:
    """The adapter of `implementation`: here, or in its bindings' folder."""
    for path in (
        cases.ROOT / implementation / "adapter",
        cases.ROOT.parent / f"bindings-{implementation}" / "conformance" / "adapter",
    ):
        if path.exists():
            return path
    raise AdapterFailed(f"no adapter for {implementation}")


class Adapter:
    """One implementation's adapter."""

    def __init__(self, path: pathlib.Path):
        self.path = path

    def _call(self, *args: str) -> str:
        done = subprocess.run(
            [self.path, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False
        )
        if done.returncode:
            raise AdapterFailed(f"{self.path} {args[0]} ended with {done.returncode}")
        return done.stdout

    def names(self) -> set[str]:
        """The cases that the implementation has."""
        return set(self._call("list").split())

    def build(self, names: list[str]) -> dict[str, Built]:
        """Builds; a case that the adapter says nothing of has failed."""
        built = {name: Built("fail", "the adapter says nothing of it") for name in names}
        if not names:
            return built
        for line in self._call("build", *names).splitlines():
            state, name, *why = line.split(maxsplit=2)
            if state not in ("ok", "skip", "fail") or name not in built:
                raise AdapterFailed(f"{self.path} build said {line!r}")
            built[name] = Built(state, why[0] if why else "")
        return built

    def command(self, name: str) -> list[str]:
        """What runs one case."""
        return [str(self.path), "run", name]
