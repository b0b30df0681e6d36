"""No shortcut passes: each is in a package that is really installed, and `pytest --benchmark-only` finds it.

At the batch where it lies, with a sentence that says what was done; and it ends that implementation's case alone.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from samegrad.benchmarks.clock.record import SENTINEL
from samegrad.impls.conformance.examination import BATCH, GATE_BATCHES, examine
from tests.benchmarks import shortcuts
from tests.benchmarks.test_own_package import python

pytestmark = pytest.mark.slow

STEPS = {"FirstGradient", "Copy", "Replayed", "LayerByLayer", "LateMomentum"}
LARGE = {"SingleSums", "Dropping", "DroppingSome", "DroppingByHash", "Factor", "MeanBias"}
"""Those whose shortcut begins above 64 rows."""
AT_ONCE = {"Half", "TensorFloat", "HalfLoss", "DroppingDuplicates"}
"""Those that are wrong in the first result of a small batch."""
BY_TIME = {"FixedInAdvance", "WeighedWhenFed"}
"""Those whose large batches alone take long enough to be judged by their time."""
AT_THE_LARGEST = sorted(BY_TIME | {"Dropping", "DroppingSome", "Factor", "FirstResult"})
"""Those that more rows could hide, and one that nothing could. The others do at 262,144 rows what they do at 16,384, as
they ask at most whether there are more than 64."""
FORWARD = {"Folded", "NonNegative", "WithinOne"}
ANY = r"does not count every row rightly"
LOSS = r"gradients are right for other rows, but its loss is not|disagrees at|value_and_grad's loss is"
PREPARE = r"goes on with the rows of prepare when feed has brought others"
IMPOSSIBLE = r"what it returns cannot have been computed from them"
BEFORE = r"its result is computed before the call, or kept"
FOUND = {
    "FirstResult": PREPARE,
    "Promise": r"returns before its result is there|of the work was still to be done",
    "Thread": r"returns before its result is there|of the work was still to be done",
    "Weighed": PREPARE,
    "WeighedWhenFed": rf"for as many that are all different: it does not compute every row|{BEFORE}",
    "FirstGradient": r"takes the gradient at the rows and parameters of prepare, for ever",
    "Copy": r"does not keep its update: each step starts where the first one did",
    "Half": r"gradients have 11 binary digits|disagrees at",
    "TensorFloat": r"gradients have 11 binary digits|disagrees at",
    "SingleSums": r"gradients have 24 binary digits|disagrees at",
    "Dropping": r"does not count the rows after row [\d,]+ of [\d,]+|disagrees at",
    "DroppingSome": rf"{ANY}|disagrees at",
    "Factor": r"off by a factor at this batch \(W1: 1\.001\)|disagrees at",
    "ByAddress": r"it remembers arrays by where they are",
    "OwnSeed": r"off by a factor at this batch \(W1: 1\.0(1|0999)\d*, b1: 1\.0(1|0999)",
    "InAdvance": BEFORE,
    "InAThread": BEFORE,
    "Remembering": BEFORE,
    "Settling": BEFORE,
    "PromiseOfCopies": r"of the work was still to be done|cannot have been computed|is computed before the call",
    "Magnitudes": r"does not count every row rightly|off by a factor|disagrees at",
    "HalfRows": r"gradients have \d+ binary digits|does not count every row rightly",
    "Folded": rf"{BEFORE}|cannot have been computed",
    "Replayed": rf"{BEFORE}|cannot have been computed",
    "DroppingByValue": rf"{ANY}|does not count the rows after row",
    "DroppingByHash": ANY,
    "DroppingDuplicates": rf"{ANY}|(value_and_grad|train_step)'s .* should be|disagrees at",
    "DroppingSmallErrors": r"leaves out rows whose error is below 0\.047",
    "OneCallLate": r"returns the result of the call before: it is one call late",
    "LossOfBefore": LOSS,
    "HalfLoss": LOSS,
    "AfterManyCalls": rf"{PREPARE}|is no longer what it was|after a training step .*loss is|{IMPOSSIBLE}",
    "BySomeRows": r"it remembers arrays by where they are, or by some of their rows",
    "MeanBias": r"off by a factor at this batch \(b1: (6\.103|0\.003906)|disagrees at",
    "NonNegative": r"for other rows forward's predictions",
    "WithinOne": r"for other rows forward's predictions",
    "LayerByLayer": r"is right in W2, b2, and in no other tensor|disagrees at|train_step's .1\[.*so do .1$",
    "LateMomentum": r"does not count every row rightly, or adds something to their gradient",
    "FixedInAdvance": IMPOSSIBLE,
}
OTHERS = [kind for kind in FOUND if kind not in STEPS | FORWARD | {"SingleSums"}]
PROJECT = '[project]\nname = "shortcuts"\nversion = "0.1"\n\n[project.entry-points."samegrad.implementations"]\n'


def name_of(kind):
    return f"short-{kind.lower()}"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    source, site = tmp_path_factory.mktemp("shortcuts"), tmp_path_factory.mktemp("site")
    lines = [f'{name_of(kind)} = "shortcuts:{kind}"' for kind in (*FOUND, "Fixed")]
    (source / "pyproject.toml").write_text(PROJECT + "\n".join(lines), encoding="utf-8")
    (source / "shortcuts.py").write_text(Path(shortcuts.__file__).read_text(encoding="utf-8"), encoding="utf-8")
    offline = ("--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--disable-pip-version-check")
    code, output = python("pip", "install", *offline, "--target", site, source)
    assert code == 0, output
    return site


def run(site, path, *arguments):
    """The run file's key `samegrad`."""
    small = ("--problems=xor", "--launches=1", "--budget=2", "-q", "-p", "no:cacheprovider")
    _, output = python(
        "pytest", "--benchmark-only", *small, f"--benchmark-json={path}", *arguments, site=site, time_limit_s=900
    )
    assert path.exists(), output
    return json.loads(path.read_text())["samegrad"]


@pytest.fixture(scope="module")
def actual(site, tmp_path_factory):
    """{(implementation, batch): reason} of a run of all, in the pass and dtype where each has its shortcut."""
    folder, reasons, rows = tmp_path_factory.mktemp("found"), {}, {}
    for number, (pass_name, dtype, batches, kinds) in enumerate(
        (
            ("value_and_grad", "float32", "4,16384", OTHERS),
            ("value_and_grad", "float32", "262144", AT_THE_LARGEST),
            ("value_and_grad", "float64", "4,16384", ["SingleSums"]),
            ("forward", "float32", "4,16384", sorted(FORWARD)),
            ("train_step", "float32", "4,16384", [kind for kind in FOUND if kind in STEPS]),
        )
    ):
        names = ",".join(["numpy", "short-fixed", *map(name_of, kinds)])
        asked = (f"--implementations={names}", f"--passes={pass_name}", f"--dtypes={dtype}", f"--batches={batches}")
        run_file = run(site, folder / f"{number}.json", *asked)
        for failure in run_file["failures"]:
            reasons[failure["implementation"], int(re.search(r"batch=(\d+)", failure["group"])[1])] = failure["reason"]
        for group in run_file["groups"]:
            rows |= {(row["implementation"], group["batch"]): row for row in group["rows"]}
    return reasons, rows


CASES = {(kind, batch) for kind in FOUND for batch in (4, 16384)}
CASES -= {(kind, 16384) for kind in BY_TIME} | {("Replayed", 4), ("DroppingByValue", 4)}
"""Some machines show those by time at 16,384 rows, others do not; nor do all show that steps are handed out at 4. Few
rows have the values that are left out by chance only."""
CASES |= {(kind, 262144) for kind in AT_THE_LARGEST}


@pytest.mark.parametrize(("kind", "batch"), sorted(CASES))
def test_a_shortcut_ends_its_own_case_where_it_lies(actual, kind, batch):
    reasons, rows = actual
    is_taken = not (batch == 4 and kind in LARGE | BY_TIME)
    reason = reasons.get((name_of(kind), batch))
    if is_taken:
        assert reason and re.search(FOUND[kind], reason), reason
        assert reason.startswith(f"{name_of(kind)} ") and "\n" not in reason
        assert (name_of(kind), batch) not in rows
    else:
        assert reason is None and (name_of(kind), batch) in rows


def test_what_is_right_is_measured_and_fixed_rows_are_reported(actual):
    reasons, rows = actual
    for batch in (4, 16384, 262144):
        assert ("numpy", batch) in rows and ("short-fixed", batch) in rows
        assert rows["short-fixed", batch]["notes"] == ["rows fixed"] and rows["numpy", batch]["notes"] == []
    duplicates = {SENTINEL}  # of the fastest: of a shortcut that passed where its duplicate was found by its time
    assert {name for name, _ in reasons} <= set(map(name_of, FOUND)) | duplicates


BEGINS_AT = {**dict.fromkeys(BY_TIME, GATE_BATCHES[-1]), "Replayed": 16384}
CLAUSES = {
    **dict.fromkeys(("FirstResult", "Weighed", "FirstGradient", "ByAddress", "OneCallLate", "BySomeRows"), "arguments"),
    **dict.fromkeys(("Promise", "Thread", "PromiseOfCopies"), "ready"),
    **dict.fromkeys(("WeighedWhenFed", "InAdvance", "InAThread", "Remembering"), "anew"),
    **dict.fromkeys(("Settling", "Folded", "Replayed"), "anew"),
    **dict.fromkeys(("Half", "TensorFloat", "SingleSums"), "dtype"),
    **dict.fromkeys(("Dropping", "DroppingSome", "Factor", "OwnSeed", "MeanBias", "LateMomentum"), "rows"),
    **dict.fromkeys(("DroppingByValue", "DroppingByHash", "DroppingSmallErrors", "Magnitudes", "HalfRows"), "rows"),
    **dict.fromkeys(("DroppingDuplicates", "LossOfBefore", "HalfLoss"), "gradients"),
    "LayerByLayer": "training",
    "AfterManyCalls": "training",
    "NonNegative": "arguments",
    "WithinOne": "arguments",
    "Copy": "training",
    "FixedInAdvance": "possible",
}


@pytest.mark.parametrize("kind", FOUND)
def test_conformance_finds_it_too_and_blames_the_planted_clause_alone(kind):
    """At 7 rows and at those of a run; with the sentence that a run has of it, or for steps one of its own."""
    dtype = "float64" if kind == "SingleSums" else "float32"
    timed = GATE_BATCHES if kind in BY_TIME else GATE_BATCHES[:2]  # the largest takes most of the time
    result = examine(f"tests.benchmarks.shortcuts:{kind}", problems=["xor"], dtypes=[dtype], timed=timed)
    broken = {clause["clause"]: clause["faults"] for clause in result["clauses"] if clause["holds"] is False}
    assert list(broken) == [CLAUSES[kind]], broken
    sentence = (
        rf"{FOUND[kind]}|second train_step takes the gradient at the parameters of prepare|second step starts where"
    )
    for fault in broken[CLAUSES[kind]]:
        assert re.search(sentence, fault["sentence"]), fault
    timed = timed[:1] if kind == "AfterManyCalls" else timed  # more rows make it impossible, which is by time
    begins_at = 256 if kind in {*LARGE, "DroppingByValue"} else BEGINS_AT.get(kind, 7)
    cases = {fault["case"] for fault in broken[CLAUSES[kind]]}
    if kind in {*STEPS, *AT_ONCE} - {"LateMomentum", "Replayed"}:  # of what is wrong there nothing more is asked
        assert cases == {f"xor {dtype}, {BATCH} rows"}
    else:
        assert {f"xor {dtype}, {rows:,} rows" for rows in (BATCH, *timed) if rows >= begins_at} <= cases


def test_conformance_has_nothing_against_fixed_rows():
    result = examine("tests.benchmarks.shortcuts:Fixed", problems=["xor"], dtypes=["float32"], timed=GATE_BATCHES[:2])
    assert all(clause["holds"] is not False for clause in result["clauses"]), result
