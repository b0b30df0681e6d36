"""The part of several machines: ratios merged, times never; what is left out stays on the page."""

from __future__ import annotations

import numpy as np
import pytest

from samegrad.impls.documents.base import DocumentError
from samegrad.reports import machines as merged
from samegrad.reports import runs
from samegrad.reports.material import gather
from samegrad.reports.parts import compared, machines
from samegrad.reports.report import contents
from tests.reports.conftest import FIXED_NS_AND_NS_PER_ROW
from tests.reports.drawn import render
from tests.reports.several_machines import machine, without_rounds


@pytest.fixture
def write(write_run):
    return lambda several: [write_run(run, f"{number}.json") for number, run in enumerate(several, start=1)]


def merge(paths):
    return merged.merge(gather(paths).machines)


def test_the_true_ratio_lies_within_what_is_shown(write):
    """Machines whose speeds differ a hundredfold: their ratios are known."""
    groups = merge(write(machine(number) for number in range(8)))
    assert [group.facts.batch for group in groups] == [4, 16384]
    fixed, each = FIXED_NS_AND_NS_PER_ROW["torch-eager"][2:], FIXED_NS_AND_NS_PER_ROW["numpy"][2:]
    for group in groups:
        true = np.dot(fixed, [1, group.facts.batch]) / np.dot(each, [1, group.facts.batch])
        [torch] = [ratio for ratio in group.ratios if ratio.implementation == "torch-eager"]
        assert len(torch.by_machine) == torch.over.machines == 8
        assert torch.over.mean.low < true < torch.over.mean.high
        assert torch.over.next.low < torch.over.mean.low and torch.over.mean.high < torch.over.next.high
        assert 0.01 < torch.over.tau < 0.06


def test_ranks_are_ranges_and_say_who_is_first(write):
    [small, _] = merge(write(machine(number) for number in range(8)))
    ranks = {ratio.implementation: ratio.rank for ratio in small.ratios}
    assert ranks == {name: (n, n) for n, name in enumerate(sorted(ranks, key=lambda name: ranks[name]), start=1)}
    assert ranks["numpy"] == (1, 1) and ranks["keras-xla"] == (5, 5)
    [two, _] = merge(write(machine(number) for number in range(2)))
    assert {ratio.rank for ratio in two.ratios} != set(ranks.values()), "two machines show less than eight"


def test_a_file_without_its_rounds_gives_the_same_numbers(write):
    whole = merge(write(machine(number) for number in range(3)))
    small = merge(write(without_rounds(machine(number)) for number in range(3)))
    assert [[(r.implementation, r.over, r.rank) for r in group.ratios] for group in whole] == [
        [(r.implementation, r.over, r.rank) for r in group.ratios] for group in small
    ]


def test_another_baseline_on_one_machine_changes_no_ratio(write):
    """On one machine the run's own baseline is another implementation."""
    several = [machine(number) for number in range(3)]
    before = merge(write(several))
    for group in {benchmark["group"] for benchmark in several[0]["benchmarks"]}:
        here = {
            b["extra_info"]["implementation"]: b["extra_info"] for b in several[0]["benchmarks"] if b["group"] == group
        }
        base = [launch["log_ratio"] for launch in here["jax-jit"]["launches"]]
        for extra in here.values():
            extra["baseline"] = "jax-jit"
            for launch, by in zip(extra["launches"], base, strict=True):
                launch["log_ratio"] -= by
    for old, new in zip(before, merge(write(several)), strict=True):
        assert old.reference == new.reference == "numpy"
        for a, b in zip(old.ratios, new.ratios, strict=True):
            assert np.log(a.over.mean.ratio) == pytest.approx(np.log(b.over.mean.ratio))


def test_kinds_of_machines_are_kept_apart_and_predict_another_kind(write):
    several = [machine(n, kind=kernel) for n, kernel in enumerate(("5.0", "5.0", "5.0", "6.0", "6.0", "7.0"))]
    [small, _] = merge(write(several))
    ratio = small.compared[0]
    assert [over.machines for over in ratio.by_kind.values()] == [3, 2, 1]
    assert ratio.over is ratio.over_kinds and ratio.over.machines == 3
    assert "on all 6 machines; on the next machine of another kind, " in small.sentences[0]


def test_one_host_in_two_settings_is_no_sample_of_kinds(write):
    forced = machine(1)
    forced["samegrad"]["handicaps"] = [{"handicap": "kernels", "sentence": "OPENBLAS_CORETYPE=Haswell"}]
    [small, _] = merge(write([machine(1), forced]))
    ratio = small.compared[0]
    assert len(ratio.by_machine) == len(ratio.by_kind) == 2 and ratio.over is None
    assert ratio.rank == (1, 5)
    assert small.sentences[0].endswith(
        "on 2 settings of 1 machine, which says nothing of the next machine of another kind."
    )


def test_what_is_left_out_is_listed_and_not_in_the_ratios(write, paragraphs):
    several = [machine(number) for number in range(4)]
    several[1]["samegrad"]["launches"][0]["foreign_cpus"] = 0.9
    material = gather(write(several))
    part = machines.part(material)
    assert paragraphs(part)[0] == (
        "3 of 4 runs are merged, of 3 machines of 1 kind; 1 is left out, for the reason in the table."
    )
    page = render(material)
    assert "no: it was not alone: others kept 0.90 CPUs busy during its rounds (limit 0.2)" in page
    assert [one.number for one in merge(write(several))[0].machines] == [1, 3, 4]
    assert "on all 3 machines" in page and "on all 4 machines" not in page


def test_what_one_machine_lacks_is_of_fewer_and_has_no_rank(write):
    several = [machine(number) for number in range(3)]
    several[0]["benchmarks"] = [
        one for one in several[0]["benchmarks"] if one["extra_info"]["implementation"] != "keras-xla"
    ]
    [small, _] = merge(write(several))
    [keras] = [ratio for ratio in small.ratios if ratio.implementation == "keras-xla"]
    assert keras.rank is None and len(keras.by_machine) == 2
    assert any("keras-xla" in line and "on 2 of 3 machines" in line for line in small.sentences)
    assert {ratio.rank[1] for ratio in small.ratios if ratio.rank} <= {1, 2, 3, 4}


def test_runs_of_one_implementation_are_listed_and_have_no_figure(write, paragraphs):
    several = [machine(number) for number in range(2)]
    for run in several:
        run["benchmarks"] = [one for one in run["benchmarks"] if one["extra_info"]["implementation"] == "numpy"]
    part = machines.part(gather(write(several)))
    assert paragraphs(part)[0] == "2 of 2 runs are merged, of 2 machines of 1 kind." and not part.figures
    contents(gather(write(several)))


def test_a_floor_has_no_rank(write):
    several = [machine(number) for number in range(3)]
    for run in several:
        run["samegrad"]["implementations"]["jax-jit"]["is_floor"] = True
    assert {ratio.implementation: ratio.rank for ratio in merge(write(several))[0].ratios}["jax-jit"] is None


def test_two_machines_are_too_few_to_show_an_end(write):
    apart = [machine(0, tau=0.001), machine(1, tau=1.0)]
    page = render(gather(write(apart)))
    assert "on all 2 machines, too few to say anything of the next machine of this kind." in page
    assert "too few machines" in page


def test_runs_of_one_machine_have_no_such_part(write, make_run):
    assert machines.part(gather(write([machine(1), machine(1)]))) is None
    assert machines.part(gather(write([make_run()]))) is None


def test_runs_of_other_machines_are_not_compared_in_time(write):
    """With the runs of its own host a run still is."""
    material = gather(write([machine(1), machine(2), machine(2)]))
    assert [run.path.name for run in material.compared] == ["2.json", "3.json"]
    assert compared.part(material) is not None
    assert compared.part(gather(write([machine(1), machine(2)]))) is None
    assert "Since" not in contents(gather(write([machine(1), machine(2)])))["table.md"].decode()


def test_a_page_of_the_gallery_alone(write):
    """One machine of it tells nothing of the next, and several make the answer on top."""
    one = gather(write([without_rounds(machine(1))]))
    assert not one.runs and "One machine says nothing of the next." in render(one)
    files = contents(gather(write([without_rounds(machine(number)) for number in range(4)])))
    page = files["report.html"].decode()
    assert page.index("on all 4 machines") < page.index("<nav")
    assert "machines-1.png" in files and files["machines-1.csv"].count(b"\n") == 1 + 4 * 4
    assert "table.md" not in files


def test_a_file_without_its_rounds_is_no_run_to_compare(write):
    [path] = write([without_rounds(machine(1))])
    with pytest.raises(DocumentError, match="the rounds were left out"):
        runs.read(path)
