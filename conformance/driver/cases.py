"""Cases and expectations as data.

An unknown key is an error: a misspelt one would weaken a case in silence."""
import pathlib
import tomllib
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parent.parent
ENGINES = ("uring", "ready", "offload")
OUTCOME_KEYS = {"exit", "signal", "stdout", "stderr"}
CASE_KEYS = {"name", "proves", "needs", "timeout", "engines", "vcpus", "implementations", "stalls", "outcome"}
KNOWN_KEYS = {"case", "engine", "vcpus", "outcome", "why"}


class BadData(Exception):
    """A file of cases or expectations that does not say what SPEC.md asks for."""


@dataclass(frozen=True)
class Outcome:
    """How a run must end."""

    exit: int | None = 0
    signals: tuple[str, ...] = ()
    stdout: tuple[str, ...] = ()
    stderr: tuple[str, ...] = ()


@dataclass(frozen=True)
class Case:
    """One case of cases/<level>/<case>.toml."""

    name: str
    proves: str
    needs: tuple[str, ...] = ()
    timeout: float = 60.0
    engines: tuple[str, ...] = ENGINES
    vcpus: tuple[int, ...] = ()
    implementations: tuple[str, ...] = ()
    stalls: bool = True
    outcome: Outcome = field(default_factory=Outcome)

    @property
    def level(self) -> str:
        return self.name.split("/")[0]


@dataclass(frozen=True)
class Known:
    """A known difference of expectations/<implementation>.toml."""

    case: str
    outcome: str
    why: str
    engine: str | None = None
    vcpus: int | None = None

    def covers(self, case: str, engine: str, vcpus: int) -> bool:
        return self.case == case and self.engine in (None, engine) and self.vcpus in (None, vcpus)


def _load(path: pathlib.Path) -> dict:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as e:
        raise BadData(f"{path}: {e}") from e


def _only(path: pathlib.Path, table: dict, keys: set[str]) -> None:
    if unknown := set(table) - keys:
        raise BadData(f"{path}: unknown {', '.join(sorted(unknown))}")


def _case(path: pathlib.Path) -> Case:
    data = _load(path)
    _only(path, data, CASE_KEYS)
    name = f"{path.parent.name}/{path.stem}"
    if data.get("name") != name:
        raise BadData(f"{path}: its name must be {name}")
    if not data.get("proves", "").strip():
        raise BadData(f"{path}: it must say what it proves")
    outcome = data.get("outcome", {})
    _only(path, outcome, OUTCOME_KEYS)
    if "exit" in outcome and "signal" in outcome:
        raise BadData(f"{path}: a run ends by exit or by signal")
    engines = tuple(data.get("engines", ENGINES))
    if not set(engines) <= set(ENGINES):
        raise BadData(f"{path}: engines are {', '.join(ENGINES)}")
    return Case(
        name=name,
        proves=" ".join(data["proves"].split()),
        needs=tuple(data.get("needs", ())),
        timeout=float(data.get("timeout", 60)),
        engines=engines,
        vcpus=tuple(data.get("vcpus", ())),
        implementations=tuple(data.get("implementations", ())),
        stalls=bool(data.get("stalls", True)),
        outcome=Outcome(
            exit=None if "signal" in outcome else outcome.get("exit", 0),
            signals=tuple(outcome.get("signal", ())),
            stdout=tuple(outcome.get("stdout", ())),
            stderr=tuple(outcome.get("stderr", ())),
        ),
    )


def levels() -> list[str]:
    """The levels that have cases."""
    return sorted(p.name for p in (ROOT / "cases").iterdir() if p.is_dir())


def load(chosen: list[str]) -> list[Case]:
    """The cases of the levels `chosen`, in the order of their names."""
    found = []
    for level in chosen:
        if level not in levels():
            raise BadData(f"no level {level}; there are {', '.join(levels())}")
        found += [_case(p) for p in sorted((ROOT / "cases" / level).glob("*.toml"))]
    return found


def expectations(implementation: str) -> list[Known]:
    """What is known to differ; nothing if there is no such file."""
    path = ROOT / "expectations" / f"{implementation}.toml"
    if not path.exists():
        return []
    data = _load(path)
    _only(path, data, {"known"})
    known = []
    for entry in data.get("known", []):
        _only(path, entry, KNOWN_KEYS)
        if entry.get("outcome") not in ("fail", "missing") or not entry.get("why") or not entry.get("case"):
            raise BadData(f"{path}: an entry needs case, why, and the outcome fail or missing")
        known.append(Known(**entry))
    return known
