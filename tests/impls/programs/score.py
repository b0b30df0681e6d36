"""`python -m tests.impls.programs.score`: how often the checker is right, in the words of the field.

It runs the checker over generated programs, right ones or with a mistake each, over the cases that people's programs
were distilled to (../shared/verify-cases, where that folder is there), and over the examples.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import math
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from samegrad.impls.errors import BadInput
from samegrad.impls.verifying import verify
from tests.impls.programs.generate import generate

ROOT = Path(__file__).resolve().parents[3]
CASES = ROOT.parent / "shared" / "verify-cases"
EXAMPLES = ROOT / "docs" / "examples"
VERDICTS = {"0": "right", "1": "wrong", "2": "cannot tell"}


@dataclass(frozen=True)
class Subject:
    """Something to be judged: a generated program (its files, still to be written) or a file that is there."""

    name: str
    target: str
    truth: str
    mistakes: list[str] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    what: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """The checker's verdict on a subject: right, wrong, cannot tell, or error (it could not run)."""

    subject: Subject
    verdict: str
    named: str
    message: str
    seconds: float

    @property
    def judged(self) -> bool:
        """Whether there is a verdict."""
        return self.verdict in ("right", "wrong")

    @property
    def as_expected(self) -> bool:
        """Whether the verdict is the truth; a program that no verdict is due for may as well not run."""
        return self.verdict == self.subject.truth or (self.subject.truth == "cannot tell" and not self.judged)

    @property
    def named_rightly(self) -> bool:
        """Whether the first mistake named is the planted one."""
        return bool(self.subject.mistakes) and self.named in self.subject.mistakes


def judge(target: str, options: dict[str, Any]) -> tuple[str, str, str]:
    """(verdict, name of the first mistake, message) of the checker."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            report = verify.run(target, **options)
    except BadInput as problem:
        return "error", "", str(problem)
    failed = report.traceback or report.headline.startswith("could not run")
    verdict = "error" if report.verdict == "cannot tell" and failed else report.verdict
    return verdict, report.mistakes[0].name if report.mistakes else "", report.headline


def generated(seed: int, mistake: bool) -> Subject:
    """The subject of a seed."""
    program = generate(seed, mistake)
    return Subject(
        name=f"seed {seed}",
        target=f"program.py:{program.target}",
        truth=program.truth,
        mistakes=program.mistake or [],
        files={"program.py": program.text, **program.files},
        what=program.what,
    )


def examples() -> Iterator[Subject]:
    """The examples with their expected outcomes."""
    for row in json.loads((EXAMPLES / "expected.json").read_text()):
        if "needs" in row and find_spec(row["needs"]) is None:
            continue
        options = {"loss": str(EXAMPLES / row["loss"])} if "loss" in row else {}
        mistakes = [row["mistake"]] if "mistake" in row else []
        verdict = row.get("verdict") or row["status"]
        yield Subject(f"example {row['target']}", str(EXAMPLES / row["target"]), verdict, mistakes, options)


def cases() -> Iterator[Subject]:
    """The programs of ../shared/verify-cases; none where the folder is not there."""
    for path in sorted(CASES.rglob("*.py")):
        lines = path.read_text().splitlines()[:4]
        spec = dict(line[2:].split(": ", 1) for line in lines if line.startswith("# ") and ": " in line)
        if "exit" not in spec:
            continue
        flags = spec.get("flags", "").replace("{here}", str(path.parent)).split()
        options = {"loss": flags[flags.index("--loss") + 1]} if "--loss" in flags else {}
        name = str(path.relative_to(CASES))
        yield Subject(f"case {name}", f"{path}:{spec.get('target', '')}", VERDICTS[spec["exit"]], [], options)


def observe(subject: Subject) -> Outcome:
    """Judge a subject; a generated one in a folder of its own."""
    started = time.perf_counter()
    with contextlib.ExitStack() as stack:
        target = subject.target
        if subject.files:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            for name, text in subject.files.items():
                (Path(folder) / name).write_text(text)
            target = f"{folder}/{target}"
        verdict, named, message = judge(target, subject.options)
    return Outcome(subject, verdict, named, message, time.perf_counter() - started)


def _observe_seed(task: tuple[int, bool]) -> Outcome:
    return observe(generated(*task))


def _one_thread() -> None:
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"


def observe_all(seeds: Iterable[int], mistake: bool, others: list[Subject], jobs: int) -> Iterator[Outcome]:
    """The outcomes of generated and other programs, as they come."""
    with ProcessPoolExecutor(jobs, initializer=_one_thread) as pool:
        yield from pool.map(observe, others)
        yield from pool.map(_observe_seed, [(seed, mistake) for seed in seeds], chunksize=4)


def share(part: int, whole: int) -> str:
    """`97.5 % (39 of 40)`."""
    return f"{100 * part / whole:.1f} % ({part} of {whole})" if whole else "none"


def bound_of_none(n: int) -> str:
    """The 95 % upper bound of a rate of which none was seen in n (Clopper and Pearson)."""
    return f"{100 * (1 - math.exp(math.log(0.05) / n)):.2f} %" if n else "unknown"


def summary(outcomes: list[Outcome]) -> list[str]:
    """The measures of a list of outcomes, a line each."""
    decided = [o for o in outcomes if o.subject.truth in ("right", "wrong")]
    wrong = [o for o in decided if o.subject.truth == "wrong"]
    right = [o for o in decided if o.subject.truth == "right"]
    output = [o for o in decided if o.verdict == "wrong"]
    caught = [o for o in wrong if o.verdict == "wrong"]
    known = [o for o in caught if o.subject.mistakes]
    alarms = [o for o in right if o.verdict == "wrong"]
    lines = [
        f"programs                {len(outcomes)}: {len(right)} right, {len(wrong)} wrong",
        f"judged                  {share(sum(o.judged for o in outcomes), len(outcomes))}",
        f"could not run           {share(sum(o.verdict == 'error' for o in outcomes), len(outcomes))}",
        f"cannot tell             {share(sum(o.verdict == 'cannot tell' for o in outcomes), len(outcomes))}",
        f"precision of WRONG      {share(len(caught), len(output))}",
        f"recall                  {share(len(caught), len(wrong))}",
        f"recall of those judged  {share(len(caught), sum(o.judged for o in wrong))}",
        f"wrong called RIGHT      {share(sum(o.verdict == 'right' for o in wrong), len(wrong))}",
        f"right called WRONG      {share(len(alarms), len(right))}",
        f"mistake named rightly   {share(sum(o.named_rightly for o in known), len(known))} of those called WRONG",
    ]
    if right and not alarms:
        lines.append(f"false alarms, at most   {bound_of_none(len(right))} (95 %, Clopper and Pearson)")
    seconds = sorted(o.seconds for o in outcomes)
    return [*lines, f"seconds each            {seconds[len(seconds) // 2]:.2f} (median)"] if seconds else lines


def by_kind(outcomes: list[Outcome], key: str) -> list[str]:
    """A line for each value of one choice: how many programs, and how many of each verdict."""
    groups: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.subject.what:
            groups.setdefault(str(outcome.subject.what[key]), []).append(outcome)
    lines = []
    for value, group in sorted(groups.items(), key=lambda item: -len(item[1])):
        counts = Counter(o.verdict for o in group)
        output = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
        lines.append(f"  {value or 'none':24} {len(group):5}  {output}")
    return lines


def slips(outcomes: list[Outcome]) -> list[Outcome]:
    """Right programs called WRONG and wrong ones called RIGHT."""
    return [o for o in outcomes if o.judged and o.verdict != o.subject.truth and o.subject.truth != "cannot tell"]


def report(outcomes: list[Outcome], detailed: bool) -> Iterator[str]:
    """What is printed."""
    sets = (("Generated programs", "seed"), ("Cases", "case"), ("Examples", "example"))
    for title, beginning in sets:
        chosen = [o for o in outcomes if o.subject.name.startswith(beginning)]
        if not chosen:
            continue
        yield from ("", title, *summary(chosen))
        if beginning != "seed":
            same = sum(o.as_expected for o in chosen)
            yield f"as expected             {share(same, len(chosen))}"
    if detailed:
        for key in ("kind", "layout", "loss", "penalty", "optimizer", "constructor", "mistake"):
            yield from ("", f"By {key}", *by_kind(outcomes, key))
    yield from ("", "Misjudged")
    for o in slips(outcomes):
        mistake = f" ({', '.join(o.subject.mistakes[:1])})" if o.subject.mistakes else ""
        output = f"{o.subject.truth}{mistake}, called {o.verdict.upper()} {o.named}"
        yield f"  {o.subject.name}: {output}  {_short(o.subject.what)}"
    yield from ("", "Could not run or tell, by reason")
    reasons = Counter(o.message.splitlines()[0][:110] if o.message else "" for o in outcomes if not o.judged)
    yield from (f"  {count:4}  {reason}" for reason, count in reasons.most_common(25))
    if misnamed := [
        o for o in outcomes if o.verdict == o.subject.truth == "wrong" and o.subject.mistakes and not o.named_rightly
    ]:
        yield from ("", "Named otherwise")
        pairs = Counter(f"{o.subject.mistakes[0]}, named {o.named or 'not at all'}" for o in misnamed)
        yield from (f"  {count:4}  {pair}" for pair, count in pairs.most_common(25))


def _short(what: dict[str, Any]) -> str:
    keys = ("kind", "layout", "activations", "loss", "penalty", "optimizer", "constructor", "habit")
    return " · ".join(str(what[key]) for key in keys if what.get(key))


def keep(outcomes: Iterable[Outcome], folder: Path) -> None:
    """Save the text of each misjudged or unjudged generated program."""
    for o in outcomes:
        for name, text in o.subject.files.items():
            place = (
                folder / f"{o.subject.name.replace(' ', '_')}_{o.subject.truth}_called_{o.verdict.replace(' ', '_')}"
            )
            place.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(text)
        if o.subject.files:
            (place / "said.txt").write_text(
                f"{o.subject.target}\n{o.subject.mistakes}\n{o.message}\n{o.subject.what}\n"
            )


def main(arguments: list[str] | None = None) -> int:
    """Run it; the exit status is 1 where a right program was called WRONG."""
    parser = argparse.ArgumentParser(prog="python -m tests.impls.programs.score", description=__doc__)
    parser.add_argument("--count", type=int, default=2000, help="how many generated programs")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--mistakes", action="store_true", help="plant one mistake in each")
    parser.add_argument("--jobs", type=int, default=2, help="worker processes")
    parser.add_argument("--out", type=Path, help="write every outcome to this JSON file")
    parser.add_argument("--keep", type=Path, help="save the text of misjudged and unjudged programs in this folder")
    parser.add_argument("--only", action="store_true", help="generated programs only, without cases and examples")
    parser.add_argument("--detailed", action="store_true", help="counts by kind, layout, loss, …")
    options = parser.parse_args(arguments)
    seeds = range(options.seed, options.seed + options.count)
    others = [] if options.only else [*cases(), *examples()]
    outcomes = []
    for outcome in observe_all(seeds, options.mistakes, others, options.jobs):
        outcomes.append(outcome)
        if sys.stderr.isatty():
            print(f"\r{len(outcomes)} of {len(seeds) + len(others)}", end="", file=sys.stderr)
    print(*report(outcomes, options.detailed), sep="\n")
    if options.out:
        rows = [{**asdict(o), "named_rightly": o.named_rightly} for o in outcomes]
        options.out.write_text(json.dumps(rows, ensure_ascii=False, indent=1))
    if options.keep:
        keep([*slips(outcomes), *(o for o in outcomes if not o.judged)], options.keep)
    return int(any(o.subject.truth == "right" for o in slips(outcomes)))


if __name__ == "__main__":
    sys.exit(main())
