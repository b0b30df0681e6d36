"""Two runs: what changed is found, what did not is left, and only like is judged with like."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from samegrad.benchmarks.results import units
from samegrad.benchmarks.results.statistics import change_interval
from samegrad.impls.console.options import percentage
from samegrad.impls.documents.base import DocumentError
from samegrad.impls.errors import BadInput
from samegrad.reports import compare, runs
from samegrad.reports.compare import IS_MISSING, IS_SLOWER, NOT_LIKE, PASSED, SHOWN

SMALL = {"problems": ("xor",), "passes": ("forward", "value_and_grad"), "batches": (4, 256)}


def scaled(content, factor, implementation=None, yardstick=1.0):
    """The run with every time of an implementation (of all where None is named) times `factor`."""
    changed = copy.deepcopy(content)
    for benchmark in changed["benchmarks"]:
        if implementation in (None, benchmark["extra_info"]["implementation"]):
            stats = benchmark["stats"]
            stats["data"] = [second * factor for second in stats["data"]]
            stats["median"] *= factor
            for launch in benchmark["extra_info"]["launches"]:
                launch["median_ns"] *= factor
    for group in changed["samegrad"]["groups"]:
        for row in group["rows"]:
            if implementation in (None, row["implementation"]):
                row["median_ns"] *= factor
    for launch in changed["samegrad"]["launches"]:
        launch["yardstick"]["median_ns"] *= yardstick
    return changed


def compared(write_run, before, after, limit="5%", allow_missing=False):
    """The exit code and everything printed."""
    lines = []
    code = compare.compare(write_run(before, "a.json"), write_run(after, "b.json"), limit, allow_missing, lines.append)
    return code, "\n".join(lines)


def test_a_slowdown_beyond_the_limit_fails_and_is_named(make_run, write_run):
    """jax-jit takes half as long again; nothing else is blamed."""
    before = make_run(**SMALL)
    code, output = compared(write_run, before, scaled(before, 1.5, "jax-jit"))
    assert code == IS_SLOWER
    blamed = [line for line in output.splitlines() if line.startswith("SLOWER by more than 5 %")]
    assert len(blamed) == 4 and all("jax-jit" in line and "1.50 times (" in line for line in blamed)
    assert "4 became slower, 0 faster" in output


def test_the_same_run_passes(make_run, write_run):
    """Nothing changed, nothing fails; and it is not called a proof of equality where intervals are wide."""
    before = make_run(**SMALL)
    code, output = compared(write_run, before, before, "0%")
    assert code == PASSED and "0 became slower, 0 faster" in output


def test_a_slowdown_within_the_limit_passes(make_run, write_run):
    """Half as long again is less than 60 %: the whole interval must lie beyond."""
    before = make_run(**SMALL)
    assert compared(write_run, before, scaled(before, 1.5, "jax-jit"), "60%")[0] == PASSED


def test_a_machine_that_was_slower_as_a_whole_is_not_slower_code(make_run, write_run):
    """Everything, the yardstick included, takes 1.5 times as long: nothing became slower, and the yardstick's change
    is reported. Without a yardstick the same times count as a slowdown."""
    before = make_run(**SMALL)
    code, output = compared(write_run, before, scaled(before, 1.5, yardstick=1.5))
    assert code == PASSED and "itself took 1.50 times as long after" in output
    before["samegrad"]["launches"] = []
    assert compared(write_run, before, scaled(before, 1.5))[0] == IS_SLOWER


def test_another_machine_or_thread_count_is_reported_loudly_and_not_judged(make_run, write_run):
    """Exit code 2, whatever the times."""
    before = make_run(**SMALL)
    for change in ({"environment": {"cpu": "Apple M9"}}, {"options": {"threads": 4}}):
        after = scaled(before, 3.0)
        for part, values in change.items():
            after["samegrad"][part].update(values)
        code, output = compared(write_run, before, after)
        assert code == NOT_LIKE and output.startswith("NOT LIKE WITH LIKE: ") and "Not judged" in output
        assert compared(write_run, before, after, limit=None)[0] == PASSED


def test_changed_versions_and_missing_implementations_are_noted(make_run, write_run):
    """Versions are often what one wants to compare: reported, and judged."""
    before = make_run(**SMALL)
    after = copy.deepcopy(before)
    after["samegrad"]["environment"]["versions"]["torch"] = "2.14.0"
    after["benchmarks"] = [b for b in after["benchmarks"] if b["extra_info"]["implementation"] != "keras-xla"]
    after["samegrad"]["skipped"] = [{"implementation": "keras-xla", "reason": "keras is not installed"}]
    code, output = compared(write_run, before, after)
    assert code == IS_MISSING
    assert "Note: torch 2.13.0 before, 2.14.0 after" in output
    assert "MISSING: 4 of 4 cases of keras-xla are gone: keras is not installed" in output
    assert compared(write_run, before, after, allow_missing=True)[0] == PASSED
    assert compared(write_run, before, after, limit=None)[0] == PASSED


def test_cases_that_an_interrupted_run_lacks_are_counted(make_run, write_run):
    """A gate does not pass on what was never measured; but what is slower comes first."""
    before = make_run(**SMALL)
    after = copy.deepcopy(before)
    after["benchmarks"] = [b for b in after["benchmarks"] if b["extra_info"]["batch"] == 4]
    after["samegrad"]["interrupted"] = True
    code, output = compared(write_run, before, after)
    assert code == IS_MISSING and "MISSING: 2 of 4 cases of numpy are gone: the run was interrupted" in output
    assert compared(write_run, before, scaled(after, 1.5, "jax-jit"))[0] == IS_SLOWER


def test_one_launch_gives_no_verdict(make_run, write_run):
    """However far apart, one sample of each shows nothing."""
    before = make_run(**SMALL)
    for benchmark in before["benchmarks"]:
        del benchmark["extra_info"]["launches"][1:]
        del benchmark["stats"]["data"][20:]
    code, output = compared(write_run, before, scaled(before, 9.0, "jax-jit"))
    assert code == IS_MISSING and "20 are not resolved" in output and "NOT JUDGED: 20 of 20 cases" in output
    assert compared(write_run, before, scaled(before, 9.0, "jax-jit"), allow_missing=True)[0] == PASSED


def test_two_launches_that_would_not_show_a_doubling_are_no_pass(make_run, write_run):
    """Two launches that differ by 20 % give an interval over several powers of ten, and no verdict of ten times."""
    before = make_run(**SMALL)
    for benchmark in before["benchmarks"]:
        del benchmark["extra_info"]["launches"][2:]
        del benchmark["stats"]["data"][40:]
        half = benchmark["stats"]["data"][20:]
        benchmark["stats"]["data"][20:] = [1.2 * second for second in half]
        benchmark["extra_info"]["launches"][1]["median_ns"] *= 1.2
    code, output = compared(write_run, before, scaled(before, 10.0, "jax-jit"))
    assert code == IS_MISSING and "NOT JUDGED: 20 of 20 cases" in output


@pytest.mark.parametrize("width", [80, 70, None])
def test_on_a_terminal_no_line_is_wider_and_nothing_is_left_out(width, make_run, write_run):
    """Every case, and its numbers, in either of the two forms."""
    before, text = make_run(**SMALL), []
    after = write_run(scaled(before, 1.5, "jax-jit"), "b.json")
    compare.compare(write_run(before, "a.json"), after, "5%", say=text.append, width=width)
    lines = "\n".join(text).splitlines()
    assert width is None or max(map(len, lines)) <= width
    for change in compare.changes(*(runs.read(path) for path in (write_run(before, "a.json"), after)))[:SHOWN]:
        at = next(
            i for i, line in enumerate(lines) if line.startswith(f"{change.implementation}, {change.group.where}")
        )
        output = " ".join(" ".join(lines[at : at + (1 if width is None else 3)]).split())
        assert f"({units.interval(change.comparison.low, change.comparison.high)})" in output and change.word in output


def test_a_pass_says_what_would_have_shown(make_run, write_run):
    """A case whose interval reaches down by 30 % needs that much more than the limit."""
    before = make_run(**SMALL)
    code, text = compared(write_run, before, before)
    [output] = [line for line in text.splitlines() if line.startswith("No case is shown")]
    changed = compare.changes(*[runs.read(write_run(before, "a.json"))] * 2)
    least = max(1.05 * change.comparison.ratio / change.comparison.low - 1 for change in changed)
    assert code == PASSED and output.endswith(
        f"In the least certain that is judged, {100 * least:.0f} % would have shown."
    )


def test_the_interval_is_welch_s():
    """Against scipy's own (ttest_ind, unequal variances), for three and five launches."""
    from scipy import stats

    a, b = np.log([1.0, 1.1, 1.3]), np.log([2.0, 2.1, 2.05, 2.2, 1.9])
    actual = change_interval(a, b, comparisons=1)
    low, high = stats.ttest_ind(b, a, equal_var=False).confidence_interval(0.95)
    assert np.log([actual.low, actual.high]) == pytest.approx([low, high])
    low, high = stats.ttest_ind(b, a, equal_var=False).confidence_interval(1 - 0.05 / 7)
    actual = change_interval(a, b, comparisons=7)
    assert np.log([actual.low, actual.high]) == pytest.approx([low, high])


def test_runs_without_a_common_case_are_refused(make_run, write_run):
    """One line, as for every other unusable file."""
    with pytest.raises(DocumentError, match="have no case in common"):
        compared(write_run, make_run(**SMALL), make_run(problems=("line",), passes=("forward",), batches=(1,)))


@pytest.mark.parametrize(("text", "value"), [("5%", 0.05), ("5", 0.05), (" 2.5 % ", 0.025), ("0", 0.0)])
def test_a_percentage_is_read(text, value):
    """With or without its sign."""
    assert percentage("--fail-above", text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "five", "-1%", "nan", "inf", "5%%"])
def test_no_percentage_is_refused(text):
    """The message gives an example."""
    with pytest.raises(BadInput, match="must be a percentage of at least 0, such as 5%"):
        percentage("--fail-above", text)


def test_a_bad_file_is_refused_before_anything_is_reported(make_run, write_run):
    """No half of a comparison."""
    lines = []
    with pytest.raises(DocumentError):
        compare.compare(write_run(make_run(**SMALL)), write_run("{", "b.json"), None, lines.append)
    assert not lines


def test_every_case_is_matched_with_itself(make_run, write_run):
    """By problem, pass, batch, dtype, device and implementation, in whatever order the files have them."""
    before = make_run(**SMALL)
    after = copy.deepcopy(before)
    after["benchmarks"].reverse()
    actual = compare.changes(runs.read(write_run(before, "a.json")), runs.read(write_run(after, "b.json")))
    assert len(actual) == len(before["benchmarks"])
    assert all(change.before_ns == change.after_ns for change in actual)
