"""One comparison of gradients as an object: right ones, planted wrong ones, and those that cannot run."""

from __future__ import annotations

import math

import pytest

from samegrad import BadInput, Comparison, Unavailable, compare_gradients
from samegrad.impls.on_numpy.manual import NumpyManual
from samegrad.impls.parameters import Layer
from samegrad.impls.registry import REGISTRY

TENSORS = ["loss", "W1", "b1", "W2", "b2"]


class ForgottenBias(NumpyManual):
    """As students forget it."""

    def to_numpy(self, result):
        loss, [(W1, b1), last] = super().to_numpy(result)
        return loss, [Layer(W1, 0 * b1), last]


class Nowhere(NumpyManual):
    def prepare(self, task):
        raise Unavailable("needs a machine that nobody has <yet>")


def test_one_by_name_runs_in_a_process_of_its_own_and_finds_what_it_finds_here():
    named = compare_gradients("numpy", dtype="float64", seed=3)
    here = compare_gradients(NumpyManual, dtype="float64", seed=3)
    assert named.agrees and 0 < named.tau("numpy") <= 1
    assert [each.tensor for each in named.tensors["numpy"]] == TENSORS
    assert list(map(str, named.tensors["numpy"])) == list(map(str, here.tensors["NumpyManual"]))


@pytest.mark.parametrize("subject", [ForgottenBias, ForgottenBias()])
def test_a_wrong_gradient_is_shown_with_its_tensor(subject):
    actual = compare_gradients(subject, NumpyManual)
    assert not actual.agrees
    assert {each.tensor for each in actual.tensors["ForgottenBias"] if not each.agrees} == {"b1"}
    title, head, wrong, right, remark = repr(actual).splitlines()
    assert title.startswith("xor, batch 4, float32, cpu") and head.split() == TENSORS
    assert wrong.endswith("DISAGREES") and right.endswith(" agrees")
    assert remark.startswith("ForgottenBias: b1[") and "should be" in remark


def test_the_weights_are_those_that_the_seed_draws():
    """And another draw gives other gradients, so that one number cannot represent all."""
    one, other, same = (compare_gradients(ForgottenBias, seed=seed).tensors["ForgottenBias"][2] for seed in (1, 2, 1))
    assert one == same and one.expected != other.expected


def test_what_cannot_run_is_reported_and_is_no_agreement(monkeypatch):
    monkeypatch.setattr(type(REGISTRY["numpy-fast"]), "absent", lambda entry: ["abacus"])
    actual = compare_gradients(Nowhere, "numpy-fast")
    assert not actual.agrees and not actual.tensors and list(actual.not_compared) == ["Nowhere", "numpy-fast"]
    assert "numpy-fast was not compared: numpy-fast needs abacus" in repr(actual)
    assert "nobody has &lt;yet&gt;" in actual._repr_html_()


def test_a_result_that_cannot_be_compared_has_an_infinite_tau():
    class Nothing(NumpyManual):
        def to_numpy(self, result):
            return None

    actual = compare_gradients(Nothing)
    assert isinstance(actual, Comparison) and math.isinf(actual.tau("Nothing"))
    assert "should be a pair of loss and parameters" in repr(actual)


def test_what_is_not_known_is_refused():
    for wrong in ({"problem": "xnor"}, {"dtype": "float8"}):
        with pytest.raises(BadInput, match=r"xnor|float8"):
            compare_gradients("numpy", **wrong)
    with pytest.raises(BadInput, match="nunpy"):
        compare_gradients("nunpy")
