"""No shortcut passes: each is in a package that is really installed, and `pytest --benchmark-only` finds it.

At the batch where it lies, with a sentence that says what was done; and it ends that implementation's case alone.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.benchmarks import shortcuts
from tests.benchmarks.test_own_package import python

STEPS = {"FirstGradient", "Copy"}
LARGE = {"SingleSums", "Dropping", "DroppingSome", "Factor"}
"""Those whose shortcut begins above 64 rows."""
FOUND = {
    "FirstResult": r"goes on with the rows of prepare when feed has brought others",
    "Promise": r"returns before its result is there|of the work was still to be done",
    "Thread": r"returns before its result is there|of the work was still to be done",
    "Weighed": r"goes on with the rows of prepare when feed has brought others",
    "WeighedWhenFed": r"for as many that are all different: it does not compute every row",
    "FirstGradient": r"takes the gradient at the rows and parameters of prepare, for ever",
    "Copy": r"does not keep its update: each step starts where the first one did",
    "Half": r"gradients have 11 binary digits|disagrees at",
    "TensorFloat": r"gradients have 11 binary digits|disagrees at",
    "SingleSums": r"gradients have 24 binary digits|disagrees at",
    "Dropping": r"does not count the rows after row [\d,]+ of [\d,]+|disagrees at",
    "DroppingSome": r"does not count every row rightly|disagrees at",
    "Factor": r"off by a factor at this batch \(W1: 1\.001\)|disagrees at",
    "ByAddress": r"it remembers arrays by where they are",
    "OwnSeed": r"off by a factor at this batch \(W1: 1\.01, b1: 1\.01",
    "InAdvance": r"what it returns cannot have been computed from them",
}
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
    code, said = python("pip", "install", *offline, "--target", site, source)
    assert code == 0, said
    return site


def run(site, path, *arguments):
    """The run file's key `samegrad`."""
    small = ("--problems=xor", "--launches=1", "--budget=2", "-q", "-p", "no:cacheprovider")
    _, said = python("pytest", "--benchmark-only", *small, f"--benchmark-json={path}", *arguments, site=site)
    assert path.exists(), said
    return json.loads(path.read_text())["samegrad"]


@pytest.fixture(scope="module")
def found(site, tmp_path_factory):
    """{(implementation, batch): reason} of a run of all, in the pass and dtype where each has its shortcut."""
    folder, reasons, rows = tmp_path_factory.mktemp("found"), {}, {}
    for pass_name, dtype, kinds in (
        ("value_and_grad", "float32", [kind for kind in FOUND if kind not in (*STEPS, "SingleSums")]),
        ("value_and_grad", "float64", ["SingleSums"]),
        ("train_step", "float32", [kind for kind in FOUND if kind in STEPS]),
    ):
        names = ",".join(["numpy", "short-fixed", *map(name_of, kinds)])
        asked = (f"--implementations={names}", f"--passes={pass_name}", f"--dtypes={dtype}", "--batches=4,16384,262144")
        told = run(site, folder / f"{pass_name}-{dtype}.json", *asked)
        for failure in told["failures"]:
            reasons[failure["implementation"], int(re.search(r"batch=(\d+)", failure["group"])[1])] = failure["reason"]
        for group in told["groups"]:
            rows |= {(row["implementation"], group["batch"]): row for row in group["rows"]}
    return reasons, rows


@pytest.mark.parametrize("kind", FOUND)
@pytest.mark.parametrize("batch", [4, 16384, 262144])
def test_a_shortcut_ends_its_own_case_where_it_lies(found, kind, batch):
    reasons, rows = found
    is_taken = not (batch == 4 and kind in {*LARGE, "WeighedWhenFed", "InAdvance"})
    reason = reasons.get((name_of(kind), batch))
    if kind == "WeighedWhenFed" and batch < 262144:
        assert reason is None or re.search(FOUND[kind], reason)  # of microseconds nothing is said
    elif is_taken:
        assert reason and re.search(FOUND[kind], reason), reason
        assert reason.startswith(f"{name_of(kind)} ") and "\n" not in reason
        assert (name_of(kind), batch) not in rows
    else:
        assert reason is None and (name_of(kind), batch) in rows


def test_what_is_right_is_measured_and_fixed_rows_are_told(found):
    reasons, rows = found
    for batch in (4, 16384, 262144):
        assert ("numpy", batch) in rows and ("short-fixed", batch) in rows
        assert rows["short-fixed", batch]["notes"] == ["rows fixed"] and rows["numpy", batch]["notes"] == []
    assert {name for name, _ in reasons} <= set(map(name_of, FOUND))
