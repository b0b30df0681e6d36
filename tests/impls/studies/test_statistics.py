"""The statistics of a study: SciPy's on the lists of starts that the counts stand for."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from scipy import stats

from samegrad.impls.studies import specs, statistics
from samegrad.impls.studies.block_task import Counts

SPEC = specs.possible({"starts": 90, "epochs": 40, "optimizers": ["sgd", "adam"], "learning_rates": [0.1, 1.0]})


@pytest.fixture
def outcomes(monkeypatch):
    """{cell: the look at which each start had learned, or −1}, of tasks of 20 starts, and their counts."""
    monkeypatch.setattr(specs, "WORK", 20 * 40 * 17)
    random = np.random.default_rng(4)
    looks = {
        cell: np.where(random.random(90) < failing, -1, random.integers(0, 41, 90))
        for cell, failing in zip(specs.cells(SPEC), (0.6, 0.2, 0.5, 0.7), strict=True)
    }

    def counts_of(block):
        at = looks[block.cell][block.first - SPEC.seed :][: block.count]
        learned = np.bincount(at[at >= 0]).tolist()
        packed = base64.b64encode(np.packbits(at >= 0).tobytes()).decode()
        return Counts(
            learned_at=learned, failures={"dead": int((at < 0).sum())} if (at < 0).any() else {}, learned=packed
        )

    return looks, counts_of


def test_shares_and_halves(outcomes):
    looks, counts_of = outcomes
    for cell, at in looks.items():
        entry = statistics.study_cell(SPEC, cell, counts_of)
        interval = stats.binomtest(int((at >= 0).sum()), 90).proportion_ci(method="wilson")
        assert entry.share == (at >= 0).mean()
        assert (entry.low, entry.high) == pytest.approx(tuple(interval), abs=1e-12)
        for half, these in zip(entry.halves, (at[:45], at[45:]), strict=True):
            assert half.starts == 45 and half.learned == (these >= 0).sum()
            assert sum(half.failures.values()) == (these < 0).sum()
            sample = statistics.times(half, SPEC.looks)
            np.testing.assert_array_equal(np.sort(sample._uncensored), np.sort(these[these >= 0]))
        table = [[half.learned, half.starts - half.learned] for half in entry.halves]
        assert entry.halves_p == pytest.approx(stats.fisher_exact(table).pvalue)


def test_pairs_are_of_the_best_rates_and_of_the_same_starts(outcomes):
    """The rate is chosen on the first half of the starts, the comparison made on the second."""
    looks, counts_of = outcomes
    by_cell = {cell: statistics.study_cell(SPEC, cell, counts_of) for cell in looks}
    (pair,) = statistics.study_pairs(SPEC, by_cell, counts_of)
    cells = list(looks)
    best = [max(cells[place : place + 2], key=lambda cell: (looks[cell][:45] >= 0).sum()) for place in (0, 2)]
    assert best[0] == cells[1] and pair.learning_rates == tuple(cell.learning_rate for cell in best)
    one, other = (looks[cell][45:] for cell in best)
    assert (pair.both, pair.first_only, pair.second_only, pair.starts) == (
        np.sum((one >= 0) & (other >= 0)),
        np.sum((one >= 0) & (other < 0)),
        np.sum((one < 0) & (other >= 0)),
        45,
    )
    table = stats.binomtest(pair.first_only, pair.first_only + pair.second_only)
    samples = [stats.CensoredData.right_censored(np.where(at < 0, 40, at), at < 0) for at in (one, other)]
    assert pair.mcnemar_p == pytest.approx(table.pvalue)
    assert pair.logrank_p == pytest.approx(stats.logrank(*samples).pvalue)


def test_where_nothing_is_learned_nothing_is_ranked():
    def counts_of(block):
        nobody = base64.b64encode(bytes(-(-block.count // 8))).decode()
        return Counts(learned_at=(), failures={"dead": block.count}, learned=nobody)

    by_cell = {cell: statistics.study_cell(SPEC, cell, counts_of) for cell in specs.cells(SPEC)}
    (pair,) = statistics.study_pairs(SPEC, by_cell, counts_of)
    assert pair.logrank_p is None and pair.mcnemar_p == 1 and pair.both == 0
    assert all(cell.low == 0 < cell.high for cell in by_cell.values())
