"""Chooses, builds, runs and reports."""
import argparse
import fnmatch
import itertools
import resource
import sys
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from . import adapter as adapters
from . import cases, host, runs
from .runs import Result

MAX_OUTPUT = 4000  # characters of a failed run's output


@dataclass(frozen=True)
class Job:
    """One case on one engine with one number of vCPUs."""

    case: cases.Case
    engine: str
    vcpus: int

    def __str__(self) -> str:
        return f"{self.case.name} {self.engine}/{self.vcpus}"


def options() -> argparse.Namespace:
    def words(text: str) -> list[str]:
        return [w for w in text.split(",") if w]

    def numbers(text: str) -> list[int]:
        return [int(w) for w in words(text)]

    p = argparse.ArgumentParser("conformance/run", description="Runs the conformance cases; see SPEC.md.")
    p.add_argument("--impl", default="c", help="implementation (default: c)")
    p.add_argument("--level", type=words, default=cases.levels(), help="levels, as core,io (default: all)")
    p.add_argument("--engine", type=words, default=list(cases.ENGINES), help="engines (default: all)")
    p.add_argument("--vcpus", type=numbers, default=[1, 2], help="numbers of vCPUs (default: 1,2)")
    p.add_argument("--filter", default="*", help="only cases whose name matches, for instance 'core/join*'")
    p.add_argument("--choose", action="store_true",
                   help="leave the choice of the engine to the library: it must choose the one of --engine")
    p.add_argument("--jobs", type=int, default=2, help="runs at once (default: 2)")
    p.add_argument("--repeat", type=int, default=1, help="runs of each case (default: 1)")
    p.add_argument("--slower", type=float, default=1.0, help="factor on every time limit (default: 1)")
    p.add_argument("--list", action="store_true", help="print the cases and what they prove")
    chosen = p.parse_args()
    if chosen.choose and len(chosen.engine) != 1:
        p.error("--choose needs one --engine")
    if not set(chosen.engine) <= set(cases.ENGINES):
        p.error(f"engines are {', '.join(cases.ENGINES)}")
    return chosen


def select(chosen: argparse.Namespace) -> list[cases.Case]:
    found = [c for c in cases.load(chosen.level) if fnmatch.fnmatch(c.name, chosen.filter)]
    for c in found:
        for need in c.needs:
            if not host.knows(need):
                raise cases.BadData(f"{c.name}: unknown need {need}")
    return [c for c in found if not c.implementations or chosen.impl in c.implementations]


def cannot_run(job: Job, built: adapters.Built) -> Result | None:
    """The result of a job that needs no run, or None."""
    if built.state != "ok":
        return Result("skipped" if built.state == "skip" else "failed", built.why or "it was not built")
    if job.engine == "uring" and (why := host.uring_refused()):
        return Result("skipped", f"uring: {why}")
    for need in job.case.needs:
        if why := host.lacks(need):
            return Result("skipped", why)
    return None


def expected(result: Result, job: Job, missing: bool, known: list[cases.Known]) -> Result:
    """The result in the light of the known differences.

    One that is gone is a failure too, so that the list only shrinks."""
    for k in known:
        if k.covers(job.case.name, job.engine, job.vcpus):
            if result.state == "failed" and (k.outcome == "missing") == missing:
                return Result("skipped", f"known: {k.why}", "", result.seconds)
            if result.state == "passed":
                return Result("failed", "it is listed as known to fail and passes: remove the entry")
    return result


class Report:
    """Prints a line a case as soon as its runs have ended, and keeps what the end needs."""

    def __init__(self, width: int):
        self.width = width
        self.count = Counter()
        self.failed: list[str] = []
        self.skipped = Counter()

    def case(self, name: str, results: list[tuple[Job, Result]]) -> None:
        if not results:
            print(f"{name:<{self.width}} not for the engines and vCPUs chosen", flush=True)
            return
        words = []
        for job, r in results:
            self.count[r.state] += 1
            words.append(f"{job.engine}/{job.vcpus} {r.state if r.state != 'failed' else 'FAILED'}")
            if r.state == "failed":
                first = next((x.strip() for x in r.output.splitlines() if x.strip()), "")
                self.failed.append(f"{job}: {r.why}" + (f" ({first})" if first else ""))
            elif r.state == "skipped":
                self.skipped[r.why] += 1
        seconds = sum(r.seconds for _, r in results)
        print(f"{name:<{self.width}} {'  '.join(words)}  {seconds:.1f} s", flush=True)
        for job, r in results:
            if r.state == "failed":
                print(f"    {job}: {r.why}")
                for line in r.output[-MAX_OUTPUT:].splitlines():
                    print(f"    | {line}")

    def end(self) -> int:
        for why, n in self.skipped.most_common():
            print(f"skipped {n}: {why}")
        if self.failed:
            print(f"failed {len(self.failed)}:")
            for line in self.failed:
                print(f"    {line}")
        c = self.count
        print(f"{c['passed']} passed, {c['failed']} failed, {c['skipped']} skipped", flush=True)
        return 1 if c["failed"] or not c["passed"] else 0


def jobs_of(case: cases.Case, chosen: argparse.Namespace) -> list[Job]:
    engines = [e for e in chosen.engine if e in case.engines]
    vcpus = [v for v in chosen.vcpus if not case.vcpus or v in case.vcpus]
    return [Job(case, e, v) for e, v in itertools.product(engines, vcpus)] * chosen.repeat


def run_all(chosen: argparse.Namespace) -> int:
    selected = select(chosen)
    if chosen.list:
        for c in selected:
            print(f"{c.name}\n    {c.proves}")
        return 0
    known = cases.expectations(chosen.impl)
    adapter = adapters.Adapter(adapters.find(chosen.impl))
    has = adapter.names()
    for name in sorted(has - {c.name for c in cases.load(cases.levels())}):
        raise cases.BadData(f"{name} is a program without a case")
    print(f"building {chosen.impl}'s cases", flush=True)
    built = adapter.build([c.name for c in selected if c.name in has])
    missing = adapters.Built("fail", "missing")
    if "uring" in chosen.engine and (why := host.uring_refused()):
        print(f"SKIPPING every run on uring: {why}")

    report = Report(max((len(c.name) for c in selected), default=0))
    with ThreadPoolExecutor(chosen.jobs) as pool:
        waiting: list[tuple[cases.Case, list[tuple[Job, Result | Future]]]] = []
        for case in selected:
            mine = []
            for job in jobs_of(case, chosen):
                done = cannot_run(job, built.get(case.name, missing))
                mine.append((job, done or pool.submit(
                    runs.run, case, adapter.command(case.name), job.engine, job.vcpus, chosen.slower,
                    chosen.choose)))
            waiting.append((case, mine))
        for case, mine in waiting:
            results = [(j, r if isinstance(r, Result) else r.result()) for j, r in mine]
            report.case(case.name, [(j, expected(r, j, case.name not in has, known)) for j, r in results])
    return report.end()


def main() -> int:
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    try:
        return run_all(options())
    except (cases.BadData, adapters.AdapterFailed) as e:
        print(f"conformance: {e}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
